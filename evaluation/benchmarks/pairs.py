"""Agreement of two groupings: pair F1 and the adjusted Rand index, with bootstrap intervals.

In: a true and a found group for each of n ads. Intervals are of a bootstrap over true campaigns; a
campaign that is drawn twice counts as two campaigns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of found groups with the true ones."""

    ads: int
    campaigns: int
    found: int
    precision: Figure
    recall: Figure
    f1: Figure
    rand: Figure


def agree(
    true: Sequence[object], found: Sequence[object], *, resamples: int = 500, seed: int = 0
) -> Agreement:
    """Compare found groups with the true ones.

    >>> got = agree("aabb", "xxxy", resamples=20)
    >>> got.precision.value, got.recall.value, got.f1.value  # 1 of 3 pairs, 1 of 2 pairs
    (0.3333333333333333, 0.5, 0.4)
    """
    a = np.unique(np.asarray(list(true)), return_inverse=True)[1]
    b = np.unique(np.asarray(list(found)), return_inverse=True)[1]
    shape = (int(a.max()) + 1, int(b.max()) + 1)
    table = coo_array((np.ones(len(a)), (a, b)), shape=shape).tocsr()
    values = _figures(table, np.ones(shape[0]))
    rng = np.random.default_rng(seed)
    chances = np.full(shape[0], 1 / shape[0])
    drawn = np.array(
        [_figures(table, rng.multinomial(shape[0], chances)) for _ in range(resamples)]
    )
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    figures = [
        Figure(float(v), float(lo), float(hi)) for v, lo, hi in zip(values, low, high, strict=True)
    ]
    return Agreement(len(a), *shape, *figures)


def _figures(table: coo_array, weights: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Pair precision, recall and F1 and the adjusted Rand index, campaigns weighted."""
    sizes = np.asarray(table.sum(axis=1)).ravel()
    cells = table.tocoo()
    weight = weights[cells.row]
    both = float((weight * cells.data * (cells.data - 1) / 2).sum())
    true = float((weights * sizes * (sizes - 1) / 2).sum())
    columns = table.shape[1]
    sums = np.bincount(cells.col, weights=weight * cells.data, minlength=columns)
    inside = np.bincount(cells.col, weights=weight * cells.data * (cells.data - 1) / 2)
    # Ads of one campaign that was drawn twice are in different campaigns, and no pair at all.
    squares = np.bincount(cells.col, weights=weight**2 * cells.data**2, minlength=columns)
    found = float((inside + (sums**2 - squares) / 2).sum())
    total = float((weights * sizes).sum())
    # All pairs but those between draws of one campaign.
    pairs = true + (total**2 - float((weights**2 * sizes**2).sum())) / 2
    precision = both / found if found else 1.0
    recall = both / true if true else 1.0
    f1 = 2 * both / (found + true) if found + true else 1.0
    expected = found * true / pairs if pairs else 0.0
    middle = (found + true) / 2
    rand = (both - expected) / (middle - expected) if middle > expected else 1.0
    return precision, recall, f1, rand
