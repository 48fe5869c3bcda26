"""How far a batch of ads is from the ads a model was trained on, and which of it matters.

In: the model's `Summary` and the `Tally` of a batch in the same bins. Out: `Drift`, one `Aspect`
each for language, length, vocabulary, scores and indicators, with an effect size, what chance alone
would do, a verdict, and what to do. It never says that a model is right or wrong on the batch: that
takes labels.

An effect counts where it is large enough to care (`LIMITS`) and larger than chance. Chance is a
bootstrap over groups that keep near-copies together, on both sides: the effect that would be seen
if training data and batch were draws from one and the same source, halfway between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adrisk.summary import ENOUGH_ADS, GROUPS, OTHER, UNKNOWN, Summary, Tally
from adrisk.types import FloatArray

Measure = Literal["psi", "jsd", "h"]


@dataclass(frozen=True, slots=True)
class Limit:
    """From where on an effect is some or much, and who says so."""

    name: str
    some: float
    much: float
    reason: str


LIMITS: Mapping[Measure, Limit] = {
    "psi": Limit(
        "population stability index",
        0.1,
        0.25,
        "the convention of credit scoring: below 0.1 no change, above 0.25 a large one (Siddiqi "
        "2006, Credit Risk Scorecards)",
    ),
    "jsd": Limit(
        "Jensen-Shannon divergence in bits",
        0.018,
        0.045,
        "the limits of the stability index, carried over: for small changes the index is 8 ln 2 "
        "times the divergence (both are chi-squared to second order; Lin 1991)",
    ),
    "h": Limit(
        "Cohen's h of two shares",
        0.2,
        0.5,
        "small and medium in Cohen 1988, Statistical Power Analysis, ch. 6: from 2 % to 6 %, or "
        "to 15 %; it weighs a change of a rare share as it should",
    ),
}
"""The only place where it is said how much is much."""

LEAST_ADS = 100
"""Fewer leave fewer than ten ads to each of ten bins, and nothing is said of them."""

LEAST_GROUPS = 5
"""Fewer groups of near-copies, counted by their weight, are too few to draw from: then two ads in
five or more are one template, and the batch tells of that template (Cameron, Gelbach and Miller
2008 on what few clusters do to a bootstrap)."""

CHANCE = 0.99
"""Chance exceeds what is called chance in one batch of a hundred; a report has several aspects."""

INTERVAL = 0.95
_RESAMPLES = 500
_EXPECTED = 20
_ADDED = 5.0  # as many as half an ad in each of ten bins


class Verdict(StrEnum):
    """What an effect amounts to."""

    SAME = "same"
    SOME = "some drift"
    MUCH = "much drift"
    TOO_FEW = "too few ads to tell"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared, by which measure, and what a difference asks for.

    `bears` says whether a difference bears on the model by itself; if not, it is merely different.
    `copies_count` says that it is of these very ads: a thousand copies that the model cannot read
    are a thousand ads that it cannot read.
    """

    title: str
    measure: Measure
    bears: bool
    advice: str
    copies_count: bool = False


KINDS: Mapping[str, Kind] = {
    "scores": Kind(
        "distribution of the risk score",
        "psi",
        True,
        "Label a random sample of this batch, run `adrisk evaluate` on it, and set the thresholds "
        "anew before trusting the queue's length or its probabilities.",
    ),
    "flagged": Kind(
        "share of ads at or above the threshold of 2 % under review",
        "h",
        True,
        "The queue is of another length than planned: review the flagged ads of a sample to see "
        "whether there is more to find or more false alarm, and set the threshold anew.",
    ),
    "unsupported_language": Kind(
        "share of ads in languages the model was not trained on",
        "h",
        True,
        "Do not rely on the scores of these ads: send them to people who read the language, and "
        "train on labelled ads in it.",
        copies_count=True,
    ),
    "unknown_words": Kind(
        "share of words outside the vocabulary of training",
        "h",
        True,
        "The model reads past much of these texts: check the column mapping and the encoding "
        "first, then label ads of this batch and train again.",
        copies_count=True,
    ),
    "indicators": Kind(
        "mean probability of each indicator",
        "h",
        True,
        "Read a sample of ads with the named indicators: if they are truly rarer or commoner, "
        "calibrate again; if not, the model misreads something new and wants labels.",
    ),
    "language": Kind(
        "languages",
        "psi",
        False,
        "Different, and by itself no reason to distrust the model: judge it by language with "
        "`adrisk evaluate`.",
    ),
    "length": Kind(
        "characters of the text",
        "psi",
        False,
        "Different, and by itself no reason to distrust the model: check that texts are not cut "
        "or run together on the way in.",
    ),
    "vocabulary": Kind(
        "how often the known words are used",
        "jsd",
        False,
        "Different topics or templates made of words the model knows: by itself no reason to "
        "distrust it; worth a look at the campaigns behind it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A share in the training data and in the batch, and Cohen's h of the two.

    `low` and `high` bound the middle 95 % of the drawn differences, batch minus training.
    """

    name: str
    training: float
    batch: float
    low: float
    high: float
    effect: float


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing compared.

    Attributes:
        name: key of `KINDS`.
        effect: by the measure of its kind; for indicators of the one that changed most.
        chance: what the effect would be below in 99 of 100 batches without drift.
        verdict: what it amounts to.
        matters: whether it is drift, and bears on the model.
        changes: the shares behind it: of every bin, or the one, or of every indicator.
        ads: of the batch, that it rests on.
    """

    name: str
    effect: float | None
    chance: float | None
    verdict: Verdict
    matters: bool
    changes: tuple[Change, ...]
    ads: int

    @property
    def kind(self) -> Kind:
        """What is compared, and how."""
        return KINDS[self.name]

    @property
    def advice(self) -> str:
        """What to do; empty where there is nothing to do."""
        if self.verdict is Verdict.TOO_FEW:
            return "Too few ads, or too few that are no copies of each other: bring a larger batch."
        return self.kind.advice if self.verdict in (Verdict.SOME, Verdict.MUCH) else ""

    @property
    def moved(self) -> tuple[Change, ...]:
        """The shares that drifted each by itself, the furthest first."""
        if self.kind.measure != "h" or self.verdict not in (Verdict.SOME, Verdict.MUCH):
            return ()
        least = max(LIMITS["h"].some, self.chance or 0.0)
        far = [change for change in self.changes if change.effect >= least]
        return tuple(sorted(far, key=lambda change: -change.effect))


@dataclass(frozen=True, slots=True)
class Drift:
    """What a comparison found; aspects in the order of `KINDS`."""

    aspects: tuple[Aspect, ...]
    training_ads: int
    batch_ads: int

    @property
    def matters(self) -> tuple[Aspect, ...]:
        """The aspects that bear on the model and drifted."""
        return tuple(aspect for aspect in self.aspects if aspect.matters)


def compare(summary: Summary, batch: Tally, labels: Sequence[str], *, seed: int = 0) -> Drift:
    """Compare a batch with the training data.

    Args:
        summary: of the model.
        batch: counted in the summary's bins, all of it with answers.
        labels: names of the indicators, in the model's order.
        seed: of the draws; equal seeds give equal reports.
    """
    frame, training = summary.frame, summary.tally
    rng = np.random.default_rng(seed)
    draws = _Draws(*(rng.multinomial(GROUPS, [1 / GROUPS] * GROUPS, _RESAMPLES) for _ in range(2)))
    trained = training.languages.sum(axis=0)
    foreign = np.append(trained[:-1] < ENOUGH_ADS, False)  # the last are of no known language
    unsupported = [
        np.stack([tally.languages.sum(axis=1), tally.languages[:, foreign].sum(axis=1)], axis=1)
        for tally in (training, batch)
    ]
    unread = unsupported[1].sum(axis=0)
    singly = rng.binomial(int(unread[0]), unread[1] / max(unread[0], 1), _RESAMPLES)
    tallies = (training, batch)
    measured = {
        "scores": _bins([t.risks for t in tallies], _ranges(frame.risk_edges, "{:.3f}"), draws),
        "flagged": _rates(
            [np.stack([t.judged, t.flagged], axis=1) for t in tallies], ["flagged"], draws
        ),
        "unsupported_language": _rates(
            unsupported, ["in languages not trained on"], draws, singly=singly[:, None]
        ),
        "unknown_words": _rates([t.tokens for t in tallies], ["unknown words"], draws),
        "indicators": _rates(
            [np.column_stack([t.judged, t.indicators]) for t in tallies], labels, draws
        ),
        "language": _bins(
            [t.languages for t in tallies], (*frame.languages, OTHER, UNKNOWN), draws
        ),
        "length": _bins([t.lengths for t in tallies], _ranges(frame.length_edges, "{:.0f}"), draws),
        "vocabulary": _words([t.words for t in tallies], [t.ads for t in tallies], draws),
    }
    few = batch.ads < LEAST_ADS
    copied = min(map(_effective_groups, tallies)) < LEAST_GROUPS
    return Drift(
        aspects=tuple(
            _aspect(name, measured[name], few or (copied and not kind.copies_count), batch.ads)
            for name, kind in KINDS.items()
        ),
        training_ads=training.ads,
        batch_ads=batch.ads,
    )


def psi(a: FloatArray, b: FloatArray) -> FloatArray:
    """Population stability index of shares, which must be above 0; bins on the last axis.

    >>> round(float(psi(np.array([0.5, 0.5]), np.array([0.6, 0.4]))), 4)
    0.0405
    """
    return np.asarray(((a - b) * np.log(a / b)).sum(axis=-1))


def jensen_shannon(a: FloatArray, b: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence of shares in bits, 0 to 1; bins on the last axis.

    >>> float(jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    1.0
    """
    middle = (a + b) / 2

    def against(side: FloatArray) -> FloatArray:
        ratio = np.divide(side, middle, out=np.ones_like(middle), where=side > 0)
        return np.asarray((side * np.log2(ratio)).sum(axis=-1))

    return (against(a) + against(b)) / 2


def cohen_h(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cohen's h of shares, each by itself, without its sign.

    >>> float(cohen_h(np.array([0.0]), np.array([1.0]))[0]) == np.pi
    True
    """
    angle = 2 * np.arcsin(np.sqrt(np.clip([a, b], 0, 1)))
    return np.asarray(np.abs(angle[0] - angle[1]))


@dataclass(frozen=True, slots=True)
class _Draws:
    """How often each group is drawn, shape (resamples, 32), for training data and batch."""

    training: NDArray[np.int64]
    batch: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Measured:
    """An effect, what chance would do, and the shares behind it; None if nothing was counted."""

    effect: float | None
    chance: float | None
    changes: tuple[Change, ...] = ()


_NOTHING = _Measured(None, None)


def _bins(counts: Sequence[FloatArray], names: Sequence[str], draws: _Draws) -> _Measured:
    """The stability index; a few ads, spread as both sides are, keep every bin from being empty."""
    if min(table.sum() for table in counts) == 0:
        return _NOTHING
    plain = [table.sum(axis=0) / table.sum() for table in counts]
    there = (plain[0] + plain[1]) > 0
    counts = [table[:, there] for table in counts]
    names = [name for name, some in zip(names, there, strict=True) if some]
    added = _ADDED * (plain[0] + plain[1])[there] / 2

    def shares(table: FloatArray) -> FloatArray:
        return np.asarray((table + added) / (table.sum(axis=-1, keepdims=True) + _ADDED))

    sides = [shares(table.sum(axis=0)) for table in counts]
    drawn = [
        shares(weights @ table)
        for weights, table in zip((draws.training, draws.batch), counts, strict=True)
    ]
    chance = _chance(psi, sides, drawn, added / (counts[1].sum() + _ADDED))
    return _Measured(
        float(psi(*sides)), float(np.quantile(chance, CHANCE)), _changes(names, sides, drawn)
    )


def _words(counts: Sequence[FloatArray], ads: Sequence[int], draws: _Draws) -> _Measured:
    """The divergence of how often the known words are used, of all their uses.

    Words too rare to be expected in `_EXPECTED` ads of the smaller side are taken together, as in a
    chi-squared test: of their absence, chance could not be told from drift.
    """
    rare = counts[0].sum(axis=0) * min(ads) < _EXPECTED * ads[0]
    counts = [np.column_stack([t[:, ~rare], t[:, rare].sum(axis=1)]) for t in counts]
    totals = [table.sum(axis=0) for table in counts]
    if not totals[0].sum():
        return _NOTHING
    if not totals[1].sum():  # not a word in common: as far apart as can be
        return _Measured(1.0, 0.0)

    def shares(table: FloatArray) -> FloatArray:
        whole = table.sum(axis=-1, keepdims=True)
        return np.asarray(np.divide(table, whole, out=np.zeros_like(table), where=whole > 0))

    sides = [shares(total) for total in totals]
    drawn = [
        shares(weights @ table)
        for weights, table in zip((draws.training, draws.batch), counts, strict=True)
    ]
    chance = _chance(jensen_shannon, sides, drawn, 0.0)
    return _Measured(float(jensen_shannon(*sides)), float(np.quantile(chance, CHANCE)))


def _rates(
    counts: Sequence[FloatArray],
    names: Sequence[str],
    draws: _Draws,
    *,
    singly: NDArray[np.int64] | None = None,
) -> _Measured:
    """Cohen's h of shares; the first column is of how many, the others how many of them.

    The chance is that of the largest of all, so that many indicators raise no more alarms than one.
    `singly` are counts of the batch from draws of single ads, to be used in place of its groups.
    """
    if not len(names) or min(table[:, 0].sum() for table in counts) == 0:
        return _NOTHING

    def shares(table: FloatArray) -> FloatArray:
        whole = table[..., :1]
        parts = table[..., 1:]
        return np.asarray(np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0))

    sides = [shares(table.sum(axis=0)) for table in counts]
    drawn = [
        shares(weights @ table)
        for weights, table in zip((draws.training, draws.batch), counts, strict=True)
    ]
    if singly is not None:
        drawn[1] = singly / counts[1][:, 0].sum()
    largest = _chance(cohen_h, sides, drawn, 0.0).max(axis=1)
    return _Measured(
        float(cohen_h(*sides).max()),
        float(np.quantile(largest, CHANCE)),
        _changes(names, sides, drawn),
    )


def _chance(
    measure: Callable[[FloatArray, FloatArray], FloatArray],
    sides: Sequence[FloatArray],
    drawn: Sequence[FloatArray],
    floor: float | FloatArray,
) -> FloatArray:
    """The effect in every draw, were both sides draws from what lies halfway between them."""
    middle = (sides[0] + sides[1]) / 2
    apart = (drawn[1] - sides[1]) - (drawn[0] - sides[0])
    return measure(np.maximum(middle - apart / 2, floor), np.maximum(middle + apart / 2, floor))


def _changes(
    names: Sequence[str], sides: Sequence[FloatArray], drawn: Sequence[FloatArray]
) -> tuple[Change, ...]:
    edge = (1 - INTERVAL) / 2
    low, high = np.quantile(drawn[1] - drawn[0], [edge, 1 - edge], axis=0)
    effects = cohen_h(sides[0], sides[1])
    return tuple(
        Change(name, *(float(column[i]) for column in (*sides, low, high, effects)))
        for i, name in enumerate(names)
    )


def _aspect(name: str, found: _Measured, few: bool, ads: int) -> Aspect:
    kind = KINDS[name]
    verdict = _verdict(kind.measure, found.effect, found.chance, few)
    return Aspect(
        name=name,
        effect=found.effect,
        chance=found.chance,
        verdict=verdict,
        matters=kind.bears and verdict in (Verdict.SOME, Verdict.MUCH),
        changes=found.changes,
        ads=ads,
    )


def _effective_groups(tally: Tally) -> float:
    """How many equal groups would weigh as much as these unequal ones (Kish)."""
    sizes = tally.languages.sum(axis=1)
    return float(sizes.sum() ** 2 / max(np.square(sizes).sum(), 1.0))


def _verdict(measure: Measure, effect: float | None, chance: float | None, few: bool) -> Verdict:
    """Small is the same; large but within chance cannot be told."""
    limit = LIMITS[measure]
    if few or effect is None or chance is None:
        return Verdict.TOO_FEW
    if effect < limit.some:
        return Verdict.SAME
    if effect <= chance:
        return Verdict.TOO_FEW
    return Verdict.MUCH if effect >= limit.much else Verdict.SOME


def _ranges(edges: FloatArray, form: str) -> tuple[str, ...]:
    """Names of the bins between edges."""
    if not len(edges):
        return ("all",)
    told = [form.format(edge) for edge in edges]
    between = [f"{a} to {b}" for a, b in pairwise(told)]
    return (f"below {told[0]}", *between, f"{told[-1]} and above")


def supported(summary: Summary) -> frozenset[str]:
    """The languages with `ENOUGH_ADS` ads or more in the training data."""
    counts = summary.tally.languages.sum(axis=0)
    return frozenset(
        name
        for name, ads in zip(summary.frame.languages, counts, strict=False)
        if ads >= ENOUGH_ADS
    )
