"""False-positive rates by group, with bootstrap intervals.

In: n ads, the decision on each, and their groups. Out: for each group the share of its lawful ads
left to people unjudged; the flagged share of its judged lawful ads, of all other judged lawful ads,
and the difference; the flagged share of its risky ads; its calibration error. Each figure has n and
a campaign-bootstrap interval. Small groups are withheld: a rate of three ads means nothing and may
identify a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adrisk.metrics.estimates import CONFIDENCE, Bootstrap, Estimate, calibration_error, ratio
from adrisk.metrics.figures import Figure, Result
from adrisk.types import FloatArray, IntArray

Mask = NDArray[np.bool_]

LEAST_ADS, LEAST_CAMPAIGNS = 50, 20
"""Of lawful ads: a smaller group is withheld."""

LEAST_RISKY_ADS, LEAST_RISKY_CAMPAIGNS = 20, 10
"""Of risky ads: with fewer, a group has no recall."""

_NAMED_AT_MOST = 40  # withheld groups by name; of more, only their number


class GroupSize(Result):
    """Lawful ads of a group and their campaigns."""

    n: int
    campaigns: int


class GroupRates(GroupSize):
    """Rates of a group that is large enough.

    Attributes:
        judged: lawful ads that are flagged or cleared.
        incomplete: share of the lawful ads that are left to people.
        false_positive_rate: flagged share of the judged lawful ads; like the figures below, absent
            where too few are judged.
        others: the same of all other ads whose group is known.
        difference: false-positive rate of the group less that of the others.
        recall: flagged share of the risky ads.
        calibration_error: of the labelled ads that are judged.
    """

    judged: int | None = None  # absent from results of earlier versions, as is the next
    incomplete: Figure | None = None
    false_positive_rate: Figure | None = None
    others: Figure | None = None
    difference: Figure | None = None
    recall: Figure | None = None
    calibration_error: Figure | None = None

    @property
    def comparable(self) -> bool:
        """Whether the difference has an interval."""
        return self.difference is not None and self.difference.low is not None

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        gap = self.difference
        if gap is None or gap.low is None or gap.high is None:
            return False
        return gap.low > 0 or gap.high < 0


class DimensionRates(Result):
    """The groups of a dimension.

    Attributes:
        groups: those that are large enough.
        withheld: sizes of those that are not; empty where they are too many to name.
        withheld_groups, withheld_ads: how many they are, and of how many lawful ads.
        differ: groups whose difference has an interval without 0.
        compared: how many groups have a difference with an interval.
    """

    groups: Mapping[str, GroupRates]
    withheld: Mapping[str, GroupSize]
    withheld_groups: int
    withheld_ads: int
    differ: tuple[str, ...]
    compared: int


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to group ads; groups may overlap.

    Attributes:
        known: shape (n,), ads whose group is known; the others belong to no side.
        groups: name -> shape (n,), its members.
    """

    known: Mask
    groups: Mapping[str, Mask]


@dataclass(frozen=True, slots=True)
class Decided:
    """n ads that are flagged, cleared, or left to people as incomplete.

    Attributes:
        flagged: shape (n,), as scoring would: no incomplete ad, every escalated one.
        risk: shape (n,), the probability.
        lawful, risky: shape (n,), labelled risk 0 or 1, labelled 2 or 3; neither where unlabelled.
        campaigns: shape (n,), equal numbers are one campaign.
        incomplete: shape (n,), not judged: neither flagged nor cleared.
    """

    flagged: Mask
    risk: FloatArray
    lawful: Mask
    risky: Mask
    campaigns: IntArray
    incomplete: Mask

    @property
    def judged(self) -> Mask:
        """Shape (n,), the lawful ads that are cleared or flagged."""
        return self.lawful & ~self.incomplete


def by_value(values: Sequence[str | None]) -> Dimension:
    """A group for each value; "" and None are not known.

    >>> sorted(by_value(["en", "fr", None]).groups)
    ['en', 'fr']
    """
    names = np.array([value or "" for value in values], dtype=np.str_)
    return Dimension(names != "", {str(v): names == v for v in np.unique(names[names != ""])})


def compare(
    decided: Decided, dimension: Dimension, bootstrap: Bootstrap | None = None
) -> DimensionRates:
    """Rates of every group of a dimension and of all other ads whose group is known.

    A difference has no interval where group or others have no false flag. A group of which too few
    ads are judged has the share that is not judged, but neither a rate nor a difference.
    """
    groups: dict[str, GroupRates] = {}
    withheld: dict[str, GroupSize] = {}
    for name, members in dimension.groups.items():
        lawful = members & decided.lawful
        size = GroupSize(n=int(lawful.sum()), campaigns=_count(decided.campaigns[lawful]))
        if size.n < LEAST_ADS or size.campaigns < LEAST_CAMPAIGNS:
            withheld[name] = size
        else:
            others = dimension.known & ~members
            groups[name] = _group(decided, members, others, size, bootstrap or Bootstrap())
    return DimensionRates(
        groups=groups,
        withheld=withheld if len(withheld) <= _NAMED_AT_MOST else {},
        withheld_groups=len(withheld),
        withheld_ads=sum(size.n for size in withheld.values()),
        differ=tuple(name for name, rates in groups.items() if rates.differs),
        compared=sum(rates.comparable for rates in groups.values()),
    )


def _group(
    decided: Decided, members: Mask, others: Mask, size: GroupSize, bootstrap: Bootstrap
) -> GroupRates:
    """The figures of one group that have enough ads."""

    def figure(flags: Mask, rows: Mask) -> Figure:
        return rate(flags, decided.campaigns, bootstrap, rows).figure()

    def enough(rows: Mask, ads: int, campaigns: int) -> bool:
        return rows.sum() >= ads and _count(decided.campaigns[rows]) >= campaigns

    inside, outside = members & decided.judged, others & decided.judged
    risky = members & decided.risky
    rated = enough(inside, LEAST_ADS, LEAST_CAMPAIGNS)
    compared = rated and enough(outside, 0, LEAST_CAMPAIGNS)
    recalled = enough(risky, LEAST_RISKY_ADS, LEAST_RISKY_CAMPAIGNS)
    return GroupRates(
        n=size.n,
        campaigns=size.campaigns,
        judged=int(inside.sum()),
        incomplete=figure(decided.incomplete, members & decided.lawful),
        false_positive_rate=figure(decided.flagged, inside) if rated else None,
        others=figure(decided.flagged, outside) if compared else None,
        difference=_difference(decided, inside, outside, bootstrap) if compared else None,
        recall=figure(decided.flagged, risky) if recalled else None,
        calibration_error=_calibration_error(decided, inside, risky, bootstrap),
    )


def rate(
    flags: Mask, campaigns: IntArray, bootstrap: Bootstrap, rows: Mask | None = None
) -> Estimate:
    """The share with a flag, of all or of `rows`; the bootstrap is over sums by campaign.

    Where no row or every row has a flag, the bootstrap interval has no width: its other end is then
    the exact binomial one, with each campaign as one trial. NaN without a row.
    """
    if rows is not None:
        flags, campaigns = flags[rows], campaigns[rows]
    if not len(flags):
        nan = float("nan")
        return Estimate(nan, nan, nan, n=0, positives=0, campaigns=0)
    groups, of = np.unique(campaigns, return_inverse=True)
    hits = np.bincount(of, weights=flags, minlength=len(groups))
    size = np.bincount(of, minlength=len(groups)).astype(np.float64)
    found = bootstrap.estimate(
        lambda weights: (weights @ hits) / (weights @ size), np.arange(len(groups)), int(hits.sum())
    )
    found = replace(found, n=len(flags))
    if found.value in (0.0, 1.0):
        bound = float(1 - ((1 - CONFIDENCE) / 2) ** (1 / len(groups)))
        low, high = (0.0, bound) if found.value == 0.0 else (1 - bound, 1.0)
        found = replace(found, low=low, high=high)
    return found


def _count(campaigns: IntArray) -> int:
    return len(np.unique(campaigns))


def _calibration_error(
    decided: Decided, inside: Mask, risky: Mask, bootstrap: Bootstrap
) -> Figure | None:
    """Of the judged ads of a group; None where too few of them are risky."""
    risky = risky & ~decided.incomplete
    if risky.sum() < LEAST_RISKY_ADS:
        return None
    rows = np.flatnonzero(inside | risky)
    error = calibration_error(decided.risky[rows], decided.risk[rows])
    positives = int(decided.risky[rows].sum())
    return bootstrap.estimate(error, decided.campaigns[rows], positives).figure()


def _difference(decided: Decided, inside: Mask, outside: Mask, bootstrap: Bootstrap) -> Figure:
    """The rate inside less that outside, on the same draws of campaigns."""
    groups, of = np.unique(decided.campaigns, return_inverse=True)
    sums = [
        np.bincount(of, weights=values, minlength=len(groups))
        for rows in (inside, outside)
        for values in (rows & decided.flagged, rows)
    ]

    def metric(weights: FloatArray) -> FloatArray:
        hits, size, other_hits, other_size = (weights @ total for total in sums)
        return ratio(hits, size) - ratio(other_hits, other_size)

    flagged, other_flagged = sums[0].sum(), sums[2].sum()
    found = bootstrap.estimate(metric, np.arange(len(groups)), int(flagged + other_flagged))
    both = inside | outside
    found = replace(found, n=int(both.sum()), campaigns=_count(decided.campaigns[both]))
    if flagged == 0 or other_flagged == 0:
        found = replace(found, low=float("nan"), high=float("nan"))
    return found.figure()
