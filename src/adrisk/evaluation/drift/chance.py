"""An effect and what chance alone would do, from counts by group of near-copies.

In: for each side a table of counts, a row a group, and how often each group is drawn. Out:
`Measured`. Chance is the effect in every draw, were both sides draws from what lies halfway between
them; whole groups are drawn, so that a thousand copies count no more than one ad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.evaluation.drift.aspects import Change
from adrisk.evaluation.drift.effects import cohen_h, jensen_shannon, psi
from adrisk.types import FloatArray

CHANCE = 0.99
"""Chance exceeds what is called chance in one batch of a hundred; a report has several aspects."""

INTERVAL = 0.95
_EXPECTED = 20
_ADDED = 5.0  # as many as half an ad in each of ten bins


@dataclass(frozen=True, slots=True)
class Draws:
    """How often each group is drawn, shape (resamples, 32), for training data and batch."""

    training: NDArray[np.int64]
    batch: NDArray[np.int64]

    def of(
        self, counts: Sequence[FloatArray], shares: Callable[[FloatArray], FloatArray]
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        """The shares of both sides as they are, and in every draw of their groups."""
        weights = (self.training, self.batch)
        return (
            [shares(table.sum(axis=0)) for table in counts],
            [shares(drawn @ table) for drawn, table in zip(weights, counts, strict=True)],
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """An effect, what chance would do, and the shares behind it; None if nothing was counted."""

    effect: float | None
    chance: float | None
    changes: tuple[Change, ...] = ()


_NOTHING = Measured(None, None)


def bins_apart(counts: Sequence[FloatArray], names: Sequence[str], draws: Draws) -> Measured:
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

    sides, drawn = draws.of(counts, shares)
    chance = _chance(psi, sides, drawn, added / (counts[1].sum() + _ADDED))
    return Measured(
        float(psi(*sides)), float(np.quantile(chance, CHANCE)), _changes(names, sides, drawn)
    )


def words_apart(counts: Sequence[FloatArray], ads: Sequence[int], draws: Draws) -> Measured:
    """The divergence of how often the known words are used, of all their uses.

    Words too rare to be expected in `_EXPECTED` ads of the smaller side are taken together, as in a
    chi-squared test: their absence may be chance as well as drift.
    """
    rare = counts[0].sum(axis=0) * min(ads) < _EXPECTED * ads[0]
    counts = [np.column_stack([t[:, ~rare], t[:, rare].sum(axis=1)]) for t in counts]
    totals = [table.sum(axis=0) for table in counts]
    if not totals[0].sum():
        return _NOTHING
    if not totals[1].sum():  # not a word in common: as far apart as can be
        return Measured(1.0, 0.0)

    def shares(table: FloatArray) -> FloatArray:
        whole = table.sum(axis=-1, keepdims=True)
        return np.asarray(np.divide(table, whole, out=np.zeros_like(table), where=whole > 0))

    sides, drawn = draws.of(counts, shares)
    chance = _chance(jensen_shannon, sides, drawn, 0.0)
    return Measured(float(jensen_shannon(*sides)), float(np.quantile(chance, CHANCE)))


def rates_apart(
    counts: Sequence[FloatArray],
    names: Sequence[str],
    draws: Draws,
    *,
    singly: NDArray[np.int64] | None = None,
) -> Measured:
    """Cohen's h of shares; the first column counts all, the others some of them.

    The chance is that of the largest of all, so that many indicators raise no more alarms than one.
    `singly` are counts of the batch from draws of single ads, to be used in place of its groups.
    """
    if not len(names) or min(table[:, 0].sum() for table in counts) == 0:
        return _NOTHING

    def shares(table: FloatArray) -> FloatArray:
        whole = table[..., :1]
        parts = table[..., 1:]
        return np.asarray(np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0))

    sides, drawn = draws.of(counts, shares)
    if singly is not None:
        drawn[1] = singly / counts[1][:, 0].sum()
    largest = _chance(cohen_h, sides, drawn, 0.0).max(axis=1)
    return Measured(
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
