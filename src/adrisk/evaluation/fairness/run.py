"""Put a model to the fairness figures: false flags by group, recall by group, and the swap test.

In: a model and corpora. Out: JSON values, of which `adrisk.report` makes the page. What is flagged,
and what is left to people as incomplete, is what scoring would do. Groups come from the corpus' own
columns and from the words of the ads; nothing is guessed about a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.errors import CorpusError
from adrisk.evaluation.evaluate import described, seen_parts, without_folder
from adrisk.evaluation.fairness.lexicon import LANGUAGES
from adrisk.evaluation.fairness.mentions import find_nations
from adrisk.evaluation.fairness.rates import (
    LEAST_ADS,
    LEAST_CAMPAIGNS,
    TOLERANCE,
    Decided,
    Dimension,
    by_value,
    compare,
    differing,
    false_positive_rate,
    incomplete_share,
    moved,
    share,
)
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation, swapper
from adrisk.extract.places import guess_regions
from adrisk.labels.targets import UNKNOWN_RISK
from adrisk.layout import REVIEW_SHARE
from adrisk.model.model import Model
from adrisk.policy.abstention import ad_exceptions
from adrisk.progress import track
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.synthetic.phrase_bank import LANGUAGES as BANKS
from adrisk.synthetic.phrase_bank import load_bank
from adrisk.training.corpus import Corpus
from adrisk.types import FloatArray, IntArray

BUDGETS = (REVIEW_SHARE, 0.05)
"""Review shares whose thresholds are judged: the policy's own, and a looser one."""

_MENTIONED, _NOT_MENTIONED = "any nationality", "no nationality"
_NAMED_AT_MOST = 40  # withheld groups by name; of more, how many there are

_Swap = Callable[[str, str | None, np.random.Generator], str | None]


def fairness(
    model: Model,
    corpus: Corpus,
    others: Sequence[Corpus] = (),
    *,
    budgets: Sequence[float] = BUDGETS,
    most: int = 2000,
    draws: int = 2,
    resamples: int = 500,
) -> dict[str, Any]:
    """All fairness figures of a model.

    Args:
        model: any family.
        corpus: with labels; only campaigns that the model never saw are used.
        others: corpora that are held to be lawful, labelled or not.
        budgets: review shares the model has thresholds for; swaps are judged at the first.
        most: ads a kind of swap is tried on.
        draws: swaps of each kind for an ad.
        resamples: of the bootstrap.

    Raises:
        CorpusError: if the model saw every campaign of `corpus`, or none of the others is labelled.
    """
    rows = np.flatnonzero((seen_parts(model, corpus) == -1) & (corpus.targets.risk != UNKNOWN_RISK))
    if not len(rows):
        raise CorpusError(
            "no labelled ad of the corpus is new to the model; bring ads it did not learn from"
        )
    return {
        "model": described(model),
        "least": {"ads": LEAST_ADS, "campaigns": LEAST_CAMPAIGNS},
        "unseen": _groups(model, corpus, rows, budgets, resamples),
        "lawful": {
            _name(other): _groups(model, other, np.arange(len(other)), budgets, resamples, True)
            for other in others
        },
        "swaps": _swaps(
            model,
            corpus,
            rows,
            threshold=model.threshold(budgets[0]).threshold,
            most=most,
            draws=draws,
            resamples=resamples,
        ),
    }


def dimensions(ads: pa.Table) -> dict[str, Dimension]:
    """The groups of n ads: language, region, sector, nationality, and what the corpus knows more.

    Region is the corpus' own column; else the place as written where most ads share theirs with
    enough others, as states and provinces do; else the country of the place. Nationality is known
    where the language has a lexicon.
    """
    names = ads.column_names
    languages = ads["language"].to_pylist()
    found = {"language": by_value(languages)}
    found["region"] = by_value(_regions(ads, languages))
    found["sector"] = by_value([(value or "").lower() for value in ads["category"].to_pylist()])
    if "kind" in names:
        found["kind"] = by_value(ads["kind"].to_pylist())
    if "case" in names:
        found["who is behind"] = by_value(ads["case"].to_pylist())
    found["nationality"] = _nationalities(ads["text"].to_pylist(), languages)
    return {name: dimension for name, dimension in found.items() if dimension.groups}


def _regions(ads: pa.Table, languages: Sequence[str | None]) -> Sequence[str | None]:
    if "region" in ads.column_names:
        regions: list[str | None] = ads["region"].to_pylist()
        return regions
    places: list[str | None] = ads["location"].to_pylist()
    named = Counter(place for place in places if place)
    shared = sum(count for count in named.values() if count >= LEAST_ADS)
    return places if 2 * shared > sum(named.values()) else guess_regions(places, languages)


def _nationalities(texts: Sequence[str], languages: Sequence[str | None]) -> Dimension:
    known = np.array([language in LANGUAGES for language in languages], dtype=np.bool_)
    mentioned = np.zeros(len(texts), dtype=np.bool_)
    nations: dict[str, np.ndarray] = {}
    for row, (text, language) in enumerate(zip(texts, languages, strict=True)):
        for mention in find_nations(text, language):
            mentioned[row] = True
            if nation := mention.sense.nation:
                nations.setdefault(nation, np.zeros(len(texts), dtype=np.bool_))[row] = True
    groups = {_MENTIONED: known & mentioned, _NOT_MENTIONED: known & ~mentioned}
    return Dimension(known, {**groups, **dict(sorted(nations.items()))})


def _groups(
    model: Model,
    corpus: Corpus,
    rows: IntArray,
    budgets: Sequence[float],
    resamples: int,
    all_lawful: bool = False,
) -> dict[str, Any]:
    seed = model.manifest.seed
    with track("groups", len(rows)) as advance:
        batch = corpus.batch.take(rows)
        answers = model.predict(batch)
        beside = ad_exceptions(model, batch, answers)
        by_dimension = dimensions(corpus.ads.take(pa.array(rows)))
        risky = np.asarray(corpus.risky[rows])
        everyone = np.ones(len(rows), dtype=np.bool_)
        lawful = everyone if all_lawful else ~risky
        result: dict[str, Any] = {
            "sources": [without_folder(source) for source in corpus.sources],
            "fingerprint": corpus.fingerprint,
            "target": "held to be lawful" if all_lawful else corpus.target,
            "ads": len(rows),
            "lawful": int(lawful.sum()),
            "judged": int((lawful & ~beside.unjudged).sum()),
            "risky": 0 if all_lawful else int(risky.sum()),
            "campaigns": len(np.unique(corpus.campaigns[rows])),
            "at": {},
        }
        for budget in budgets:
            threshold = model.threshold(budget).threshold
            decided = Decided(
                flagged=beside.flagged(answers.risk, threshold),
                risk=answers.risk.astype(np.float64),
                lawful=lawful,
                risky=risky & ~lawful,
                campaigns=corpus.campaigns[rows],
                incomplete=beside.unjudged,
            )
            left = incomplete_share(decided, everyone, resamples=resamples, seed=seed)
            result["incomplete"] = left.to_json()
            overall = false_positive_rate(decided, everyone, resamples=resamples, seed=seed)
            result["at"][f"{budget:g}"] = {
                "threshold": round(threshold, 6),
                "flagged": int(decided.flagged.sum()),
                "false_positive_rate": overall.to_json(),
                "groups": {
                    name: _shortened(compare(decided, dimension, resamples=resamples, seed=seed))
                    for name, dimension in by_dimension.items()
                },
            }
        advance(len(rows))
    return result


def _shortened(compared: dict[str, Any]) -> dict[str, Any]:
    """The groups with figures, and those withheld by name, or their number where they are many."""
    shown = {name: entry for name, entry in compared.items() if "withheld" not in entry}
    withheld = {
        name: {"n": entry["n"], "campaigns": entry["campaigns"]}
        for name, entry in compared.items()
        if "withheld" in entry
    }
    differ, judged = differing(compared)
    return {
        "groups": shown,
        "withheld": withheld if len(withheld) <= _NAMED_AT_MOST else {},
        "withheld_groups": len(withheld),
        "withheld_ads": sum(entry["n"] for entry in withheld.values()),
        "differ": differ,
        "compared": judged,
    }


def _swaps(
    model: Model,
    corpus: Corpus,
    rows: IntArray,
    *,
    threshold: float,
    most: int,
    draws: int,
    resamples: int,
) -> dict[str, Any]:
    """Exchange, rescore, and see how far the probability moved; by kind, and by language."""
    seed = model.manifest.seed
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    texts = corpus.batch.raw.take(pa.array(order)).to_pylist()
    languages = [corpus.batch.languages[row] for row in order]
    result: dict[str, Any] = {"tolerance": TOLERANCE, "threshold": round(threshold, 6)}
    for kind, swap in _kinds().items():
        swapped = list(_swapped(swap, texts, languages, most, draws, rng))
        if not swapped:
            result[kind] = {"swaps": 0}
            continue
        at = np.array([place for place, _ in swapped])
        spoken = [languages[place] for place in at]
        with track(f"swap {kind}", len(at)) as advance:
            one = _rescored(model, [texts[place] for place in at], spoken)
            other = _rescored(model, [text for _, text in swapped], spoken)
            advance(len(at))
        groups = corpus.campaigns[order[at]]
        before, after = one.probability, other.probability
        figures = moved(before, after, groups, threshold, resamples=resamples, seed=seed)
        differs = (one.present != other.present).any(axis=1)
        figures["findings_changed"] = share(
            differs, groups, resamples=resamples, seed=seed
        ).to_json()
        shift = np.abs(other.margin - one.margin)
        figures["log_odds"] = {
            "mean": round(float(shift.mean()), 4),
            "largest": round(float(shift.max()), 4),
        }
        tongues = np.array([language or "" for language in spoken])
        figures["ads"] = len(np.unique(at))
        figures["languages"] = {
            str(tongue): {
                "swaps": int((tongues == tongue).sum()),
                "over": int((np.abs(after - before)[tongues == tongue] > TOLERANCE).sum()),
                "largest": round(float(np.abs(after - before)[tongues == tongue].max()), 6),
            }
            for tongue in np.unique(tongues)
        }
        result[kind] = figures
    return result


def _kinds() -> dict[str, _Swap]:
    def gender(text: str, language: str | None, rng: np.random.Generator) -> str | None:
        return swap_gender(text, language)

    return {
        "nationality": swap_nation,
        "gender": gender,
        "city": _proper("place"),
        "name": _proper("name"),
    }


def _proper(slot: str) -> _Swap:
    """Swaps of the places or first names of the synthetic corpus, within a region."""
    by_language = {
        language: [swapper(region.slots[slot], language) for region in load_bank(language).regions]
        for language in BANKS
    }

    def swap(text: str, language: str | None, rng: np.random.Generator) -> str | None:
        for of_region in by_language.get(language or "", ()):
            swapped = of_region(text, rng)
            if swapped is not None:
                return swapped
        return None

    return swap


def _swapped(
    swap: _Swap,
    texts: Sequence[str],
    languages: Sequence[str | None],
    most: int,
    draws: int,
    rng: np.random.Generator,
) -> Iterator[tuple[int, str]]:
    """Place and text of different swaps, for at most so many ads."""
    ads = 0
    for place, (text, language) in enumerate(zip(texts, languages, strict=True)):
        found = {swap(text, language, rng) for _ in range(draws)} - {None, text}
        for other in sorted(found, key=str):
            yield place, str(other)
        ads += bool(found)
        if ads == most:
            return


@dataclass(frozen=True, slots=True)
class _Rescored:
    """Of n texts: the probability, the log-odds before calibration, what the rules find present."""

    probability: FloatArray
    margin: FloatArray
    present: NDArray[np.bool_]


def _rescored(model: Model, texts: Sequence[str], languages: Sequence[str | None]) -> _Rescored:
    batch = make_batch(texts, languages)
    margins = model.classifier.margins(batch)
    return _Rescored(
        probability=model.calibration.risk(margins, languages)[:, RISKY_COLUMN],
        margin=margins.risk[:, RISKY_COLUMN],
        present=batch.rule_hits.states(len(load_taxonomy().text_ids))[0],
    )


def _name(corpus: Corpus) -> str:
    return corpus.sources[0].partition(":")[0]
