"""Swap test: probabilities of ads with one trait exchanged, beside those of the same ads unchanged.

In: a model and ads that it never saw. Out: a `SwapTest`, by trait and by language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.evaluation.fairness.rates import TOLERANCE, moved, share
from adrisk.evaluation.fairness.results import (
    LanguageMovement,
    LogOddsMovement,
    NoSwaps,
    Swapped,
    SwapTest,
    TraitMovement,
)
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation, swapper
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.synthetic.phrase_bank import LANGUAGES as BANKS
from adrisk.synthetic.phrase_bank import load_bank
from adrisk.text.arrow import text_list
from adrisk.training.corpus import Corpus
from adrisk.types import FloatArray, IntArray

_Swap = Callable[[str, str | None, np.random.Generator], str | None]


def swap_test(
    model: Model,
    corpus: Corpus,
    rows: IntArray,
    *,
    threshold: float,
    most: int,
    draws: int,
    resamples: int,
) -> SwapTest:
    """Exchange each trait in turn, rescore, and see how far the probability moved."""
    seed = model.manifest.seed
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    texts = text_list(corpus.batch.raw.take(order))
    languages = [corpus.batch.languages[row] for row in order]
    regions = [corpus.batch.regions[row] for row in order]
    campaigns = corpus.campaigns[order]

    def trait(name: str, swap: _Swap) -> Swapped:
        swapped = list(_swapped(swap, texts, languages, most, draws, rng))
        if not swapped:
            return NoSwaps(swaps=0)
        at = np.array([place for place, _ in swapped])
        codes = [languages[place] for place in at]
        near = [regions[place] for place in at]
        with track(f"swap {name}", len(at)) as advance:
            before = _rescored(model, [texts[place] for place in at], codes, near)
            after = _rescored(model, [text for _, text in swapped], codes, near)
            advance(len(at))
        return _movement(before, after, at, campaigns, codes, threshold, resamples, seed)

    # The traits share one stream of draws, in this order.
    return SwapTest(
        tolerance=TOLERANCE,
        threshold=round(threshold, 6),
        nationality=trait("nationality", swap_nation),
        gender=trait("gender", lambda text, language, _: swap_gender(text, language)),
        city=trait("city", _proper("place")),
        name=trait("name", _proper("name")),
    )


def _movement(
    before: _Rescored,
    after: _Rescored,
    at: IntArray,
    campaigns: IntArray,
    codes: Sequence[str | None],
    threshold: float,
    resamples: int,
    seed: int,
) -> TraitMovement:
    """The swaps of one trait, all together and by language; `at` numbers the ads."""
    groups = campaigns[at]
    found = moved(
        before.probability, after.probability, groups, threshold, resamples=resamples, seed=seed
    )
    distance = np.abs(after.probability - before.probability)
    shift = np.abs(after.margin - before.margin)
    differs = (before.present != after.present).any(axis=1)
    names = np.array([code or "" for code in codes])
    members = {str(name): names == name for name in np.unique(names)}
    return TraitMovement(
        **dict(found),
        findings_changed=share(differs, groups, resamples=resamples, seed=seed).figure(),
        log_odds=LogOddsMovement(
            mean=round(float(shift.mean()), 4), largest=round(float(shift.max()), 4)
        ),
        ads=len(np.unique(at)),
        languages={
            name: LanguageMovement(
                swaps=int(rows.sum()),
                over=int((distance[rows] > TOLERANCE).sum()),
                largest=round(float(distance[rows].max()), 6),
            )
            for name, rows in members.items()
        },
    )


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


def _rescored(
    model: Model,
    texts: Sequence[str],
    languages: Sequence[str | None],
    regions: Sequence[str | None],
) -> _Rescored:
    batch = make_batch(texts, languages, regions, rules=model.rules)
    margins = model.classifier.margins(batch)
    return _Rescored(
        probability=model.calibration.risk(margins, languages)[:, RISKY_COLUMN],
        margin=margins.risk[:, RISKY_COLUMN],
        present=batch.rule_hits.states(len(model.rules.taxonomy.text_ids))[0],
    )
