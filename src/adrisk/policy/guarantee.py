"""A threshold with a guarantee: recall at least so high, flagged share at most so high, or both.

In: scores and labels of campaigns that nothing was learned from. Out: a threshold with the
confidence and the numbers it rests on; or that none qualifies, and what would help. MAPIE's risk
control does it (Learn then Test, Angelopoulos et al. 2022, with fixed sequence testing: one pass
over thresholds set beforehand, so nothing is paid for trying many of them).

Ads of one campaign are copies of one another, not witnesses of their own. So each campaign speaks
once, by one ad drawn at random, of its risky ads if it has any. A campaign is looked at if any of
its ads is flagged; so in campaigns of several risky ads recall is higher than what is guaranteed.
The guarantee is for campaigns like those of the threshold set; no figure covers another feed.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from scipy.special import expit

from adrisk.model.training_ids import ThresholdSet
from adrisk.types import FloatArray

GRID = expit(np.linspace(-10, 10, 401))
"""The thresholds that are tried, set before any ad is seen."""

_ROUNDING = 1e-9

MOST_LABELS = 100_000
"""More labelled positives than this are not asked for; the model is what must get better then."""


@dataclass(frozen=True, slots=True)
class RiskTarget:
    """What a team needs: a `recall` at least, a `share` at most, or both, and how surely."""

    recall: float | None
    share: float | None
    confidence: float = 0.9


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What holds for a threshold, and what it rests on.

    Attributes:
        qualified: whether some threshold keeps what was wanted.
        threshold: that one; where none qualifies the nearest by the figures seen, without promise.
        recall, share, confidence: what was wanted.
        campaigns, positives: that spoke, one ad each, and those of them that are risky.
        recall_seen, share_seen: of the threshold on these campaigns; None without positives.
        more_positives: labelled risky campaigns that would help, at the recall seen; None if
            labels alone would not.
        words: all of this in a sentence.
    """

    qualified: bool
    threshold: float
    recall: float | None
    share: float | None
    confidence: float
    campaigns: int
    positives: int
    recall_seen: float | None
    share_seen: float
    more_positives: int | None
    words: str

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # in release manifests


def guaranteed(held: ThresholdSet, wanted: RiskTarget, seed: int = 0) -> Guarantee:
    """The best threshold that keeps what is wanted.

    With a recall alone it is the highest, for the least work; where a share is stated the lowest,
    for the most found. Where both are stated each is held with half of the error allowed.
    """
    risk, risky = sample_per_campaign(held, seed)
    both = wanted.recall is not None and wanted.share is not None
    sure = 1 - (1 - wanted.confidence) / (2 if both else 1)
    fits = np.ones(len(GRID), dtype=np.bool_)
    by_share = np.ones(len(GRID), dtype=np.bool_)
    if wanted.share is not None:
        by_share = _controlled(risk, risky, "predicted_positive_fraction", wanted.share, sure)
        fits &= by_share
    if wanted.recall is not None:
        fits &= _controlled(risk, risky, "recall", wanted.recall, sure)
    recall, share = _seen(risk, risky)
    qualified = bool(fits.any())
    taken = ""
    if qualified:
        at = _lowest(fits) if wanted.share is not None else _highest(fits)
    elif by_share.any() and wanted.share is not None:
        at, taken = _lowest(by_share), "the lowest that keeps the share alone"
    elif wanted.share is not None:
        at, taken = _lowest(share <= wanted.share), "the lowest that flags no more here"
    elif risky.any():
        enough = recall >= (wanted.recall or 0.0)
        at, taken = _highest(enough), "the highest that finds as much here"
    else:
        at, taken = 0, "the lowest of all"
    found = Guarantee(
        qualified=qualified,
        threshold=float(GRID[at]),
        recall=wanted.recall,
        share=wanted.share,
        confidence=wanted.confidence,
        campaigns=len(risk),
        positives=int(risky.sum()),
        recall_seen=float(recall[at]) if risky.any() else None,
        share_seen=float(share[at]),
        more_positives=None,
        words="",
    )
    if not qualified and wanted.recall is not None:
        found = replace(found, more_positives=_more(found, wanted.recall, 1 - sure))
    return replace(found, words=_in_words(found, sure, taken))


def sample_per_campaign(held: ThresholdSet, seed: int = 0) -> tuple[FloatArray, NDArray[np.bool_]]:
    """One ad a campaign: risk and whether the campaign is risky, shape (m,) each.

    Ads without a label are left out. A risky campaign speaks by one of its risky ads.
    """
    known = np.flatnonzero(held.risky >= 0)
    order = known[np.random.default_rng((seed, 2)).permutation(len(known))]
    order = order[np.argsort(-held.risky[order], kind="stable")]
    _, first = np.unique(held.campaigns[order], return_index=True)
    drawn = order[first]
    return held.risk[drawn].astype(np.float64), held.risky[drawn] > 0


def _controlled(
    risk: FloatArray, risky: NDArray[np.bool_], name: str, level: float, confidence: float
) -> NDArray[np.bool_]:
    """Which thresholds of the grid MAPIE holds to keep this."""
    from mapie.risk_control import BinaryClassificationController

    valid = np.zeros(len(GRID), dtype=np.bool_)
    if len(risk) == 0 or (name == "recall" and not risky.any()):
        return valid
    controller = BinaryClassificationController(
        predict_function=lambda scores: np.column_stack([1 - scores[:, 0], scores[:, 0]]),
        risk=name,
        target_level=float(level),
        confidence_level=confidence,
        best_predict_param_choice="recall",
        list_predict_params=GRID,
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that none qualifies is an answer here
        controller.calibrate(risk[:, None], risky.astype(int))
    valid[np.isin(GRID, controller.valid_predict_params)] = True
    return valid


def _seen(risk: FloatArray, risky: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Recall and flagged share at every threshold of the grid; recall 0 without positives."""

    def at_least(scores: FloatArray) -> FloatArray:
        below = np.searchsorted(np.sort(scores), GRID)
        return np.asarray((len(scores) - below) / max(len(scores), 1))

    return at_least(risk[risky]), at_least(risk)


def _lowest(fits: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(fits)[0]) if fits.any() else len(fits) - 1


def _highest(fits: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(fits)[-1]) if fits.any() else 0


def _more(found: Guarantee, recall: float, error: float) -> int | None:
    """Labelled positives to add until the recall seen would be proved, if any number would do."""
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

    missed = 0.0 if found.recall_seen is None else 1 - found.recall_seen
    if missed >= 1 - recall - _ROUNDING:
        if found.share is not None:
            return None
        missed = 0.0  # without a limit on the work, a lower threshold finds all

    def proves(count: int) -> bool:
        seen = np.array([math.floor(missed * count) / count])
        level = np.array([1 - recall])
        return bool(compute_hoeffding_bentkus_p_value(seen, count, level, True)[0, 0] <= error)

    if found.positives and proves(found.positives):
        return 0
    low, high = found.positives, max(2 * found.positives, 8)
    while not proves(high):
        low, high = high, 2 * high
        if high > MOST_LABELS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proves(middle) else (middle, high)
    return high - found.positives


def _in_words(found: Guarantee, sure: float, taken: str) -> str:
    """The guarantee, or that there is none, what is taken then and what would help."""
    kept = []
    if found.recall is not None:
        kept.append(f"recall at least {found.recall:g}")
    if found.share is not None:
        kept.append(f"at most {found.share:.3g} of the campaigns flagged")
    wish = " and ".join(kept)
    base = (
        f"{found.positives:,} risky of {found.campaigns:,} campaigns of the threshold set, "
        "one ad each"
    )
    seen = f"{found.share_seen:.1%} of these campaigns flagged"
    if found.recall_seen is not None:
        seen = f"recall {found.recall_seen:.2f} and {seen}"
    if found.qualified:
        return f"{wish} with {found.confidence:.0%} confidence, on {base} (there: {seen})"
    told = (
        f"no threshold has {wish} with {found.confidence:.0%} confidence, on {base}; the one "
        f"taken, {taken}, promises nothing (there: {seen})"
    )
    return f"{told}. {_what_helps(found, sure)}"


def _what_helps(found: Guarantee, sure: float) -> str:
    helps = []
    if found.share is not None:
        # So many campaigns of which none is flagged prove the share.
        least = _proving(1 - found.share, sure)
        if found.campaigns < least:
            helps.append(f"at least {least:,} labelled campaigns in the threshold set")
    lacking = found.recall is not None and found.more_positives is None
    if lacking and found.positives < (least := _proving(found.recall or 0.0, sure)):
        # So many risky campaigns of which none is missed prove the recall.
        helps.append(f"at least {least:,} labelled risky campaigns there, {found.positives:,} now")
    elif found.more_positives:
        above = found.recall_seen is not None and found.recall_seen > (found.recall or 0.0)
        provided = (
            "if recall stays as it is" if above else "for a threshold that misses none of them"
        )
        helps.append(
            f"about {found.more_positives:,} more labelled risky campaigns in the threshold set, "
            f"{provided}"
        )
    wider = "" if found.share is None else "a larger share to review, "
    other = f"{wider}a lower recall or a better model"
    if found.recall is None:
        other = f"{wider.removesuffix(', ')} or a better model"
    if not helps:
        return f"More labels alone do not help: {other} does"
    told = f"What helps: {' and '.join(helps)}"
    return f"{told}; and where recall stays as it is, {other}" if lacking else told


def _proving(share: float, sure: float) -> int:
    """Draws without a single miss from which a share of hits at least this is sure."""
    return math.ceil(math.log(1 - sure) / math.log(share))
