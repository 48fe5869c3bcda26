"""Splits into four disjoint sets of ads: fit, calibrate, threshold, report.

In: campaigns, times, stated parts and labels. Out: a `Split`. A near-copy of a training ad is not a
test ad, so campaigns stay whole; and training knows no future ads, so where ads have a time the
latest campaigns are the report set. `random_split` splits single ads, only to measure how much that
overstates the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adrisk.errors import CorpusError
from adrisk.types import IntArray

Part = Literal["fit", "calibrate", "threshold", "report"]
PARTS: tuple[Part, ...] = ("fit", "calibrate", "threshold", "report")
SHARES: Mapping[Part, float] = {"fit": 0.55, "calibrate": 0.15, "threshold": 0.1, "report": 0.2}
_NO_REPORT: Mapping[Part, float] = {"fit": 0.7, "calibrate": 0.18, "threshold": 0.12, "report": 0.0}


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of each part, ascending; every row is in exactly one part.

    `by` names what the split keeps whole.
    """

    rows: Mapping[Part, NDArray[np.intp]]
    by: str

    def __getitem__(self, part: Part) -> NDArray[np.intp]:
        return self.rows[part]


def campaign_split(
    campaigns: IntArray,
    *,
    seed: int,
    posted: NDArray[np.datetime64] | None = None,
    stated: NDArray[np.str_] | None = None,
    positive: NDArray[np.bool_] | None = None,
    shares: Mapping[Part, float] = SHARES,
) -> Split:
    """Split of whole campaigns into the four parts.

    The report set is what the corpus marks as "test", else the latest campaigns (by their first
    ad) where at least nine ads in ten carry a time, else a random draw. The other parts are random
    draws of campaigns. Draws are stratified: risky campaigns are drawn separately from the others.

    Args:
        campaigns: shape (n,), equal numbers are one campaign.
        seed: of the draws.
        posted: shape (n,), NaT where unknown.
        stated: shape (n,), the corpus's own "train" or "test"; empty where it has none.
        positive: shape (n,), rows that are risky.
        shares: of the ads, for each part; they add up to 1.

    Raises:
        CorpusError: if there are fewer than four campaigns.
    """
    groups, member = np.unique(campaigns, return_inverse=True)
    if len(groups) < len(PARTS):
        raise CorpusError(
            f"{len(groups)} campaigns cannot be split four ways (fit, calibrate, threshold, "
            "report); bring more ads, or check the column campaign_id"
        )
    sizes = np.bincount(member)
    risky = np.zeros(len(groups), dtype=np.bool_)
    if positive is not None:
        risky[member[positive]] = True
    rng = np.random.default_rng(seed)
    part = np.full(len(groups), -1)
    report, by = _report_groups(member, len(groups), sizes, risky, posted, stated, shares, rng)
    part[report] = PARTS.index("report")
    rest = np.flatnonzero(part == -1)
    remaining = PARTS[:-1]
    weight = sum(shares[name] for name in remaining)
    _deal(rest, sizes, risky, [shares[name] / weight for name in remaining], part, rng)
    return _collect(part[member], by)


def random_split(
    count: int,
    *,
    seed: int,
    positive: NDArray[np.bool_] | None = None,
    sizes: Mapping[Part, int] | None = None,
) -> Split:
    """Split of single ads at random, to measure how much that overstates the figures.

    Args:
        count: number of ads.
        seed: of the draw.
        positive: rows that are risky, drawn separately.
        sizes: ads of each part, to compare with a campaign split of equal sizes.
    """
    total = sum(sizes.values()) if sizes else 0
    shares = {p: sizes[p] / total for p in PARTS} if sizes else dict(SHARES)
    part = np.full(count, -1)
    rows = np.arange(count)
    risky = positive if positive is not None else np.zeros(count, dtype=np.bool_)
    ones = np.ones(count, dtype=np.int64)
    _deal(rows, ones, risky, [shares[p] for p in PARTS], part, np.random.default_rng(seed))
    return _collect(part, "single ads at random")


def folds(
    groups: IntArray, count: int, *, seed: int, positive: NDArray[np.bool_] | None = None
) -> IntArray:
    """A fold number, 0 to count - 1, for every row; rows of one group share a fold.

    Raises:
        CorpusError: if there are fewer groups than folds.
    """
    names, member = np.unique(groups, return_inverse=True)
    if len(names) < count:
        raise CorpusError(f"{len(names)} campaigns cannot make {count} folds; ask for fewer folds")
    risky = np.zeros(len(names), dtype=np.bool_)
    if positive is not None:
        risky[member[positive]] = True
    part = np.full(len(names), -1)
    rng = np.random.default_rng(seed)
    _deal(np.arange(len(names)), np.bincount(member), risky, [1 / count] * count, part, rng)
    return np.asarray(part[member], dtype=np.int64)


def fold_splits(
    campaigns: IntArray, count: int, *, seed: int, positive: NDArray[np.bool_]
) -> list[Split]:
    """One split a fold: its campaigns are the report set, the others the three other parts.

    Raises:
        CorpusError: if there are too few campaigns.
    """
    fold = folds(campaigns, count, seed=seed, positive=positive)
    splits = []
    for number in range(count):
        rest = np.flatnonzero(fold != number)
        inner = campaign_split(
            campaigns[rest], seed=seed, positive=positive[rest], shares=_NO_REPORT
        )
        rows = {part: rest[inner[part]] for part in PARTS[:3]}
        splits.append(Split({**rows, "report": np.flatnonzero(fold == number)}, "folds"))
    return splits


def _report_groups(
    member: IntArray,
    count: int,
    sizes: IntArray,
    risky: NDArray[np.bool_],
    posted: NDArray[np.datetime64] | None,
    stated: NDArray[np.str_] | None,
    shares: Mapping[Part, float],
    rng: np.random.Generator,
) -> tuple[IntArray, str]:
    if stated is not None and np.isin(["train", "test"], stated).all():
        # A campaign with one stated test ad is a test campaign.
        return np.unique(member[stated == "test"]), "campaign, and the corpus's own test part"
    if posted is not None and (~np.isnat(posted)).mean() >= 0.9:
        first = np.full(count, np.datetime64("9999-12-31", "us"))
        dated = ~np.isnat(posted)
        np.minimum.at(first, member[dated], posted[dated].astype("datetime64[us]"))
        latest_first = np.argsort(first, kind="stable")[::-1]
        taken = np.cumsum(sizes[latest_first]) <= shares["report"] * sizes.sum()
        taken[0] = True
        return latest_first[taken], "campaign and time"
    part = np.full(count, -1)
    _deal(np.arange(count), sizes, risky, [1 - shares["report"], shares["report"]], part, rng)
    return np.flatnonzero(part == 1), "campaign"


def _deal(
    groups: IntArray,
    sizes: IntArray,
    risky: NDArray[np.bool_],
    shares: Sequence[float],
    part: IntArray,
    rng: np.random.Generator,
) -> None:
    """Give each group a part, drawn by how much each part still lacks; fills `part`."""
    for side in (True, False):
        mine = rng.permutation(groups[risky[groups] == side])
        lacking = np.array(shares) * sizes[mine].sum()
        for group, draw in zip(mine, rng.random(len(mine)), strict=True):
            edges = np.cumsum(np.maximum(lacking, 0))
            chosen = int(np.searchsorted(edges, draw * edges[-1], side="right"))
            part[group] = chosen = min(chosen, len(shares) - 1)
            lacking[chosen] -= sizes[group]


def _collect(part: IntArray, by: str) -> Split:
    return Split({name: np.flatnonzero(part == i) for i, name in enumerate(PARTS)}, by)
