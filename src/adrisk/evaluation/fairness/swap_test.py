"""Swap test: how far probabilities move when one trait in an ad is exchanged.

In: a model and ads that it was not trained on. Out: a `SwapTest`, by trait and by language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.evaluation.fairness.rates import rate
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation, swapper
from adrisk.metrics.estimates import Bootstrap, mean_over
from adrisk.metrics.figures import Figure, Result
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.synthetic.phrase_bank import LANGUAGES as BANKS
from adrisk.synthetic.phrase_bank import load_bank
from adrisk.text.arrow import text_list
from adrisk.training.corpus import Corpus
from adrisk.types import FloatArray, IntArray

TOLERANCE = 0.05
"""A swapped trait may move a probability by no more than this."""

_Swap = Callable[[str, str | None, np.random.Generator], str | None]


class Movement(Result):
    """How far probabilities move when a trait is exchanged.

    Attributes:
        over: share that moves by more than the tolerance.
        over_of_could: the same of the swaps with one probability above the tolerance; two that are
            below it cannot differ by more.
        decision_changed: share that crosses the threshold of review.
        mean_change, mean_distance: with the sign, and without.
        quantiles: of the distance, by quantile.
        largest: distance.
    """

    swaps: int
    campaigns: int
    over: Figure
    over_of_could: Figure
    decision_changed: Figure
    mean_change: Figure
    mean_distance: Figure
    quantiles: Mapping[str, float]
    largest: float


class LogOddsMovement(Result):
    """Distance of the log-odds before calibration."""

    mean: float
    largest: float


class LanguageMovement(Result):
    """Swaps in one language, and how many move further than the tolerance."""

    swaps: int
    over: int
    largest: float


class TraitMovement(Movement):
    """Swaps of one trait; `findings_changed` is the share with other findings of the rules."""

    findings_changed: Figure
    log_odds: LogOddsMovement
    ads: int
    languages: Mapping[str, LanguageMovement]


class NoSwaps(Result):
    """A trait that could be exchanged in no ad."""

    swaps: Literal[0]


Swapped = TraitMovement | NoSwaps


class SwapTest(Result):
    """Each trait exchanged; a probability may move by no more than `tolerance`."""

    tolerance: float
    threshold: float
    nationality: Swapped
    gender: Swapped
    city: Swapped
    name: Swapped

    @property
    def traits(self) -> dict[str, Swapped]:
        """The traits by name, in order."""
        names = ("nationality", "gender", "city", "name")
        return {name: getattr(self, name) for name in names}


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
    """Exchange each trait in turn, score again, and measure how far the probability moved.

    The `rows` of the corpus were not trained on. Of each trait at most `most` ads are swapped,
    `draws` times each.
    """
    bootstrap = Bootstrap(resamples, model.manifest.seed)
    rng = np.random.default_rng(model.manifest.seed)
    order = rng.permutation(rows)
    texts = text_list(corpus.batch.raw.take(order))
    languages = [corpus.batch.languages[row] for row in order]
    regions = [corpus.batch.regions[row] for row in order]

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
        return _movement(before, after, order[at], corpus.campaigns, codes, threshold, bootstrap)

    # The traits share one stream of draws, in this order.
    return SwapTest(
        tolerance=TOLERANCE,
        threshold=round(threshold, 6),
        nationality=trait("nationality", swap_nation),
        gender=trait("gender", lambda text, language, _: swap_gender(text, language)),
        city=trait("city", _proper("place")),
        name=trait("name", _proper("name")),
    )


def movement(
    before: FloatArray,
    after: FloatArray,
    campaigns: IntArray,
    threshold: float,
    bootstrap: Bootstrap | None = None,
) -> Movement:
    """How far probabilities move when a trait is exchanged.

    All of shape (m,): probabilities before and after, and campaigns; an ad may have several swaps.
    """
    bootstrap = bootstrap or Bootstrap()
    change = after - before
    distance = np.abs(change)
    far = distance > TOLERANCE
    could = np.maximum(before, after) > TOLERANCE
    changed = (before >= threshold) != (after >= threshold)

    def mean(values: FloatArray) -> Figure:
        return bootstrap.estimate(mean_over(values), campaigns, len(values)).figure()

    return Movement(
        swaps=len(change),
        campaigns=len(np.unique(campaigns)),
        over=rate(far, campaigns, bootstrap).figure(),
        over_of_could=rate(far, campaigns, bootstrap, could).figure(),
        decision_changed=rate(changed, campaigns, bootstrap).figure(),
        mean_change=mean(change),
        mean_distance=mean(distance),
        quantiles={f"{q:g}": round(float(np.quantile(distance, q)), 6) for q in (0.5, 0.9, 0.99)},
        largest=round(float(distance.max()), 6),
    )


def _movement(
    before: _Rescored,
    after: _Rescored,
    rows: IntArray,
    campaigns: IntArray,
    codes: Sequence[str | None],
    threshold: float,
    bootstrap: Bootstrap,
) -> TraitMovement:
    """The swaps of one trait, in all and by language; `rows` are those of the ads."""
    groups = campaigns[rows]
    distance = np.abs(after.probability - before.probability)
    shift = np.abs(after.margin - before.margin)
    differs = (before.present != after.present).any(axis=1)
    names = np.array([code or "" for code in codes])
    members = {str(name): names == name for name in np.unique(names)}
    return TraitMovement(
        **dict(movement(before.probability, after.probability, groups, threshold, bootstrap)),
        findings_changed=rate(differs, groups, bootstrap).figure(),
        log_odds=LogOddsMovement(
            mean=round(float(shift.mean()), 4), largest=round(float(shift.max()), 4)
        ),
        ads=len(np.unique(rows)),
        languages={
            name: LanguageMovement(
                swaps=int(of.sum()),
                over=int((distance[of] > TOLERANCE).sum()),
                largest=round(float(distance[of].max()), 6),
            )
            for name, of in members.items()
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
    """Place of the ad and text of different swaps, for at most `most` ads."""
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
    """Probability, log-odds before calibration, and indicators found present of n texts."""

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
