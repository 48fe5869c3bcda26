"""Effect sizes of drift, and the effect that chance alone would have.

In: for training data and batch a table of counts, one row per group of near-copies, and how often
each group is drawn. Out: `Measured`. Chance is the effect in resamples of both sides if both were
draws from the distribution halfway between them; groups are resampled, so that a thousand copies
count no more than one ad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adrisk.evaluation.drift.results import Change
from adrisk.types import FloatArray

CHANCE = 0.99
"""In one batch of a hundred, chance alone exceeds this quantile."""

INTERVAL = 0.95
_EXPECTED = 20
_ADDED = 5.0  # as many as half an ad in each of ten bins


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
class Draws:
    """How often each group is drawn, shape (resamples, 32), for training data and batch."""

    training: NDArray[np.int64]
    batch: NDArray[np.int64]

    def shares(
        self, counts: Sequence[FloatArray], share: Callable[[FloatArray], FloatArray]
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        """The shares of both sides as they are, and in every draw of their groups."""
        weights = (self.training, self.batch)
        return (
            [share(table.sum(axis=0)) for table in counts],
            [share(drawn @ table) for drawn, table in zip(weights, counts, strict=True)],
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """An effect and that of chance, None if nothing was counted; and Cohen's h of every share."""

    effect: float | None = None
    chance: float | None = None
    changes: tuple[Change, ...] = ()
    distances: tuple[float, ...] = ()


def compare_bins(counts: Sequence[FloatArray], names: Sequence[str], draws: Draws) -> Measured:
    """Stability index; a few ads, spread as on both sides, are added so that no bin is empty."""
    if min(table.sum() for table in counts) == 0:
        return Measured()
    plain = [table.sum(axis=0) / table.sum() for table in counts]
    used = (plain[0] + plain[1]) > 0
    counts = [table[:, used] for table in counts]
    names = [name for name, some in zip(names, used, strict=True) if some]
    added = _ADDED * (plain[0] + plain[1])[used] / 2

    def share(table: FloatArray) -> FloatArray:
        return np.asarray((table + added) / (table.sum(axis=-1, keepdims=True) + _ADDED))

    sides, drawn = draws.shares(counts, share)
    by_chance = _chance(psi, sides, drawn, added / (counts[1].sum() + _ADDED))
    return _measured(psi(*sides), by_chance, names, sides, drawn)


def compare_words(counts: Sequence[FloatArray], ads: Sequence[int], draws: Draws) -> Measured:
    """Jensen-Shannon divergence of the frequencies of the known words.

    Words expected in fewer than `_EXPECTED` ads of the smaller side are pooled, as in a chi-squared
    test.
    """
    rare = counts[0].sum(axis=0) * min(ads) < _EXPECTED * ads[0]
    counts = [np.column_stack([t[:, ~rare], t[:, rare].sum(axis=1)]) for t in counts]
    totals = [table.sum(axis=0) for table in counts]
    if not totals[0].sum():
        return Measured()
    if not totals[1].sum():  # no word in common: the largest divergence
        return Measured(1.0, 0.0)

    def share(table: FloatArray) -> FloatArray:
        return _share(table, table.sum(axis=-1, keepdims=True))

    sides, drawn = draws.shares(counts, share)
    return _measured(jensen_shannon(*sides), _chance(jensen_shannon, sides, drawn, 0.0))


def compare_rates(
    counts: Sequence[FloatArray],
    names: Sequence[str],
    draws: Draws,
    *,
    single_ads: NDArray[np.int64] | None = None,
) -> Measured:
    """Cohen's h of shares; the first column counts all ads, the others some of them.

    Effect and chance are those of the largest share, so that many indicators raise no more alarms
    than one. `single_ads` are counts of the batch from draws of single ads, used instead of draws
    of its groups.
    """
    if not len(names) or min(table[:, 0].sum() for table in counts) == 0:
        return Measured()

    def share(table: FloatArray) -> FloatArray:
        return _share(table[..., 1:], table[..., :1])

    sides, drawn = draws.shares(counts, share)
    if single_ads is not None:
        drawn[1] = single_ads / counts[1][:, 0].sum()
    largest = _chance(cohen_h, sides, drawn, 0.0).max(axis=1)
    return _measured(cohen_h(*sides).max(), largest, names, sides, drawn)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))


def _chance(
    measure: Callable[[FloatArray, FloatArray], FloatArray],
    sides: Sequence[FloatArray],
    drawn: Sequence[FloatArray],
    floor: float | FloatArray,
) -> FloatArray:
    """The effect in every draw if both sides were draws from their common middle."""
    middle = (sides[0] + sides[1]) / 2
    gap = (drawn[1] - sides[1]) - (drawn[0] - sides[0])
    return measure(np.maximum(middle - gap / 2, floor), np.maximum(middle + gap / 2, floor))


def _measured(
    effect: FloatArray,
    by_chance: FloatArray,
    names: Sequence[str] = (),
    sides: Sequence[FloatArray] = (),
    drawn: Sequence[FloatArray] = (),
) -> Measured:
    """Effect, quantile of chance, and the shares by name with intervals of their differences."""
    found = Measured(float(effect), float(np.quantile(by_chance, CHANCE)))
    if not names:
        return found
    edge = (1 - INTERVAL) / 2
    low, high = np.quantile(drawn[1] - drawn[0], [edge, 1 - edge], axis=0)
    distances = cohen_h(sides[0], sides[1])
    columns = np.stack([*sides, low, high, distances], axis=1).tolist()
    changes = tuple(Change.of(name, *row) for name, row in zip(names, columns, strict=True))
    return replace(found, changes=changes, distances=tuple(distances.tolist()))
