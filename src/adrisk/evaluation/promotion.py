"""Promotion of a registered version to champion, after a paired comparison.

In: a candidate. Out: the new champion. Candidate and champion are compared on ads that neither was
trained on: on given ads, or on the predictions that evaluations of both kept. A candidate with
other heads or another target, or one that is worse or not shown to be better, needs a reason, which
is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from adrisk.errors import CorpusError, ModelError, UsageError
from adrisk.evaluation.compare import comparison
from adrisk.metrics.comparison import (
    PREDICTIONS_FILE,
    Predictions,
    compare,
    difference_in_words,
    pair_of,
)
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.results import Comparison
from adrisk.model.manifest import NAME
from adrisk.rules.ruleset import Ruleset
from adrisk.tracking.models import load_registered, registered_manifest, run_artifact
from adrisk.tracking.registry import (
    Registered,
    aliased,
    champion_of,
    differs,
    make_champion,
    too_few,
)
from adrisk.tracking.runs import Store
from adrisk.training.corpus import load_corpus

RESAMPLES = 500
_ALL_THE_SAME = "to promote it all the same, say why: --because REASON"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version that became the champion.

    Attributes:
        version: the new champion.
        replaced: the champion before, None if there was none.
        found: the comparison of both, as `adrisk.evaluation.compare` gives it; None if none was
            made.
    """

    version: Registered
    replaced: Registered | None
    found: Comparison | None = None


def promote_model(
    reference: str,
    workspace: Path,
    *,
    because: str | None = None,
    on: str | None = None,
    name: str = NAME,
    rules: Ruleset | None = None,
) -> Promotion:
    """Make a version the champion.

    Args:
        reference: a version number, the name of a release, or `challenger`.
        because: the reason, where a model is promoted that is not shown to be better.
        on: labelled ads to compare both on; left out, what their evaluations kept.
        rules: with the taxonomy of both; those that adrisk ships if left out.

    Raises:
        UsageError: if the candidate is the champion, has other heads or another target, cannot be
            compared, is worse or not shown to be better, and no reason is given.
    """
    store = Store(workspace)
    candidate = aliased(store, name, reference.removeprefix(f"models:/{name}").strip("@/"))
    champion = champion_of(store, name)
    if champion is not None and champion.version == candidate.version:
        raise UsageError(f"version {candidate.version} is the champion already")
    load_registered(store, candidate, rules)  # what does not load must not become what scores
    found = None
    if champion is not None and because is None:
        reason = differs(*(registered_manifest(store, v) for v in (candidate, champion)))
        if reason:
            raise UsageError(
                f"version {candidate.version} does not replace the champion, version "
                f"{champion.version}: {reason}; {_ALL_THE_SAME}"
            )
        found = _compared(store, candidate, champion, on, rules)
        _refuse_unless_better(found, candidate, champion)
    elif champion is not None and on is not None:
        found = _compared(store, candidate, champion, on, rules)
    make_champion(store, candidate, champion, because)
    return Promotion(candidate, champion, found)


def _compared(
    store: Store, candidate: Registered, champion: Registered, on: str | None, rules: Ruleset | None
) -> Comparison:
    """The candidate less the champion, on ads that neither learned from."""
    if on is None:
        return _kept_comparison(store, candidate, champion)
    models = [load_registered(store, version, rules) for version in (candidate, champion)]
    return comparison(models[0], models[1], load_corpus([on], rules=rules), RESAMPLES)


def _kept_comparison(store: Store, candidate: Registered, champion: Registered) -> Comparison:
    """The comparison on the newest data set that both were judged on."""
    seed = registered_manifest(store, candidate).seed
    why = "they were not evaluated on the same ads"
    for mine, theirs in product(candidate.evaluations, champion.evaluations):  # newest first
        if (mine.fingerprint, mine.target) != (theirs.fingerprint, theirs.target):
            continue
        file = f"evaluation/{PREDICTIONS_FILE}"
        kept = [run_artifact(store, run.run_id, file) for run in (mine, theirs)]
        if None in kept:
            why = "their evaluations were made before scores were kept with them"
            continue
        try:
            pair = pair_of(*(Predictions.from_bytes(content or b"") for content in kept))
            return compare(pair, Bootstrap(RESAMPLES, seed))
        except (CorpusError, ModelError) as error:
            why = str(error)
    versions = f"{candidate.version} and {champion.version}"
    raise UsageError(
        f"versions {versions} cannot be compared in pairs: {why}; evaluate both on the same file "
        f"(adrisk evaluate models:/{candidate.name}/VERSION ADS -o DIR), or name ads that neither "
        f"learned from: --on ADS; {_ALL_THE_SAME}"
    )


def _refuse_unless_better(found: Comparison, candidate: Registered, champion: Registered) -> None:
    """Refuse a candidate whose average precision is not shown to be above the champion's."""
    gap = found.risk.average_precision.difference
    few = too_few(found.n, found.positives)
    if not few and gap.low is not None and gap.low > 0:
        return
    worse = not few and gap.high is not None and gap.high < 0
    head = "is worse than" if worse else "is not shown to be better than"
    reason = few or (
        f"average precision {difference_in_words(found.risk.average_precision)} on {found.n:,} ads "
        f"that neither learned from, {found.positives:,} of them risky"
    )
    raise UsageError(
        f"version {candidate.version} {head} the champion, version {champion.version}, which "
        f"stays: {reason}; {_ALL_THE_SAME}"
    )
