"""False-positive rates by group, with bootstrap intervals, and the movement of exchanged traits.

In: n ads, what became of each, and the groups they belong to. Out: for every group the share of its
lawful ads that are left to people unjudged; of the judged ones the share that is flagged, that of
all other judged lawful ads, and the difference; the share of its risky ads that are flagged; its
calibration error. Each figure carries n and a campaign-bootstrap interval. Groups that are too
small are withheld: a rate of three ads means nothing, and may point at somebody. Also: how far
probabilities move when one trait in an ad is exchanged (`adrisk.evaluation.fairness`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adrisk.evaluation.fairness.results import DimensionRates, GroupRates, GroupSize, Movement
from adrisk.metrics.estimates import CONFIDENCE, Estimate, calibration_error, estimate
from adrisk.metrics.figures import Figure
from adrisk.types import FloatArray, IntArray

LEAST_ADS, LEAST_CAMPAIGNS = 50, 20
"""Of lawful ads: a smaller group is withheld."""

LEAST_RISKY_ADS, LEAST_RISKY_CAMPAIGNS = 20, 10
"""Of risky ads: with fewer, a group has no recall."""

TOLERANCE = 0.05
"""A swapped trait may move a probability by no more than this."""

_NAMED_AT_MOST = 40  # withheld groups by name; of more, how many there are


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to put ads into groups, which may overlap.

    Attributes:
        known: shape (n,), ads of which the dimension is known; the others belong to no side.
        groups: name -> shape (n,), its members.
    """

    known: NDArray[np.bool_]
    groups: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Decided:
    """n ads that are flagged, cleared, or left to people as incomplete.

    Attributes:
        flagged: shape (n,), as the product would: none that is incomplete, all that escalate.
        risk: shape (n,), the probability.
        lawful, risky: shape (n,), labelled risk 0 or 1, labelled 2 or 3; neither where unlabelled.
        campaigns: shape (n,), equal numbers are one campaign.
        incomplete: shape (n,), not judged: neither flagged nor cleared.
    """

    flagged: NDArray[np.bool_]
    risk: FloatArray
    lawful: NDArray[np.bool_]
    risky: NDArray[np.bool_]
    campaigns: IntArray
    incomplete: NDArray[np.bool_]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Shape (n,), the lawful ads that are cleared or flagged."""
        return self.lawful & ~self.incomplete


def by_value(values: Sequence[str | None]) -> Dimension:
    """A group for each value; "" and None are not known.

    >>> sorted(by_value(["en", "fr", None]).groups)
    ['en', 'fr']
    """
    names = np.array([value or "" for value in values], dtype=np.str_)
    return Dimension(names != "", {str(v): names == v for v in np.unique(names[names != ""])})


def false_positive_rate(
    decided: Decided, members: NDArray[np.bool_], *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of the judged lawful ads among `members` that are flagged; NaN without any."""
    rows = members & decided.judged
    return _rate(decided.flagged, rows, decided.campaigns, resamples, seed)


def incomplete_share(
    decided: Decided, members: NDArray[np.bool_], *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of the lawful ads among `members` that are left to people unjudged."""
    rows = members & decided.lawful
    return _rate(decided.incomplete, rows, decided.campaigns, resamples, seed)


def compare(
    decided: Decided, dimension: Dimension, *, resamples: int = 500, seed: int = 0
) -> DimensionRates:
    """Every group of a dimension beside all other ads of which the dimension is known.

    A difference has no interval where the group or the others have no false flag at all. A group of
    which too few ads are judged has the share that is not, and neither a rate nor a difference.
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
            groups[name] = _group(decided, members, others, size, resamples, seed)
    return DimensionRates(
        groups=groups,
        withheld=withheld if len(withheld) <= _NAMED_AT_MOST else {},
        withheld_groups=len(withheld),
        withheld_ads=sum(size.n for size in withheld.values()),
        differ=tuple(name for name, rates in groups.items() if rates.differs),
        compared=sum(rates.comparable for rates in groups.values()),
    )


def _group(
    decided: Decided,
    members: NDArray[np.bool_],
    others: NDArray[np.bool_],
    size: GroupSize,
    resamples: int,
    seed: int,
) -> GroupRates:
    """The figures of one group, those that rest on enough ads."""

    def rate(flags: NDArray[np.bool_], rows: NDArray[np.bool_]) -> Figure:
        return _rate(flags, rows, decided.campaigns, resamples, seed).figure()

    inside, outside = members & decided.judged, others & decided.judged
    rated = inside.sum() >= LEAST_ADS and _count(decided.campaigns[inside]) >= LEAST_CAMPAIGNS
    compared = rated and _count(decided.campaigns[outside]) >= LEAST_CAMPAIGNS
    gap = _difference(decided, inside, outside, resamples, seed) if compared else None
    risky = members & decided.risky
    recalled = (
        risky.sum() >= LEAST_RISKY_ADS and _count(decided.campaigns[risky]) >= LEAST_RISKY_CAMPAIGNS
    )
    error = _calibration_error(decided, inside, risky & ~decided.incomplete, resamples, seed)
    return GroupRates(
        n=size.n,
        campaigns=size.campaigns,
        judged=int(inside.sum()),
        incomplete=rate(decided.incomplete, members & decided.lawful),
        false_positive_rate=rate(decided.flagged, inside) if rated else None,
        others=rate(decided.flagged, outside) if compared else None,
        difference=None if gap is None else gap.figure(),
        recall=rate(decided.flagged, risky) if recalled else None,
        calibration_error=None if error is None else error.figure(),
    )


def share(
    flags: NDArray[np.bool_], campaigns: IntArray, *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of m items with a flag."""
    return _rate(flags, np.ones(len(flags), dtype=np.bool_), campaigns, resamples, seed)


def moved(
    before: FloatArray,
    after: FloatArray,
    campaigns: IntArray,
    threshold: float,
    *,
    resamples: int = 500,
    seed: int = 0,
) -> Movement:
    """How far probabilities move when a trait is exchanged.

    Args:
        before: shape (m,), of the ads as they are.
        after: shape (m,), of the same with the trait exchanged.
        campaigns: shape (m,); an ad may come several times, with different swaps.
        threshold: of review.
    """
    change = after - before
    distance = np.abs(change)
    far = distance > TOLERANCE
    could = np.maximum(before, after) > TOLERANCE
    changed = (before >= threshold) != (after >= threshold)

    def part(flags: NDArray[np.bool_]) -> Figure:
        return share(flags, campaigns, resamples=resamples, seed=seed).figure()

    def mean(values: FloatArray) -> Figure:
        found = estimate(
            lambda weights: weights @ values / weights.sum(axis=1),
            campaigns,
            positives=len(values),
            resamples=resamples,
            seed=seed,
        )
        return found.figure()

    return Movement(
        swaps=len(change),
        campaigns=_count(campaigns),
        over=part(far),
        over_of_could=_rate(far, could, campaigns, resamples, seed).figure(),
        decision_changed=part(changed),
        mean_change=mean(change),
        mean_distance=mean(distance),
        quantiles={f"{q:g}": round(float(np.quantile(distance, q)), 6) for q in (0.5, 0.9, 0.99)},
        largest=round(float(distance.max()), 6),
    )


def _count(campaigns: IntArray) -> int:
    return len(np.unique(campaigns))


def _calibration_error(
    decided: Decided,
    lawful: NDArray[np.bool_],
    risky: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> Estimate | None:
    """Of the judged ads of a group; None where too few of them are risky."""
    if risky.sum() < LEAST_RISKY_ADS:
        return None
    rows = np.flatnonzero(lawful | risky)
    return estimate(
        calibration_error(decided.risky[rows], decided.risk[rows]),
        decided.campaigns[rows],
        positives=int(decided.risky[rows].sum()),
        resamples=resamples,
        seed=seed,
    )


def _rate(
    flags: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    campaigns: IntArray,
    resamples: int,
    seed: int,
) -> Estimate:
    """The share of `rows` with a flag; sums over campaigns are drawn, which is drawing campaigns.

    Where none has it, or all, resampling gives an interval of no width; the end that matters is
    then the exact binomial one, with each campaign as one trial.
    """
    if not rows.any():
        nothing = float("nan")
        return Estimate(nothing, nothing, nothing, n=0, positives=0, campaigns=0)
    groups, of = np.unique(campaigns[rows], return_inverse=True)
    hits = np.bincount(of, weights=flags[rows], minlength=len(groups))
    size = np.bincount(of, minlength=len(groups)).astype(np.float64)
    figure = estimate(
        lambda weights: (weights @ hits) / (weights @ size),
        np.arange(len(groups)),
        positives=int(hits.sum()),
        resamples=resamples,
        seed=seed,
    )
    figure = replace(figure, n=int(rows.sum()))
    if len(groups) and figure.value in (0.0, 1.0):
        bound = float(1 - ((1 - CONFIDENCE) / 2) ** (1 / len(groups)))
        low, high = (0.0, bound) if figure.value == 0.0 else (1 - bound, 1.0)
        figure = replace(figure, low=low, high=high)
    return figure


def _difference(
    decided: Decided,
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> Estimate:
    groups, of = np.unique(decided.campaigns, return_inverse=True)
    sums = [
        np.bincount(of, weights=values, minlength=len(groups))
        for rows in (inside, outside)
        for values in (rows & decided.flagged, rows)
    ]

    def metric(weights: FloatArray) -> FloatArray:
        mine, size, theirs, rest = (weights @ total for total in sums)
        undefined = np.full_like(mine, np.nan)
        return np.asarray(
            np.divide(mine, size, out=undefined.copy(), where=size > 0)
            - np.divide(theirs, rest, out=undefined.copy(), where=rest > 0)
        )

    figure = estimate(
        metric,
        np.arange(len(groups)),
        positives=int(sums[0].sum() + sums[2].sum()),
        resamples=resamples,
        seed=seed,
    )
    figure = replace(
        figure,
        n=int((inside | outside).sum()),
        campaigns=_count(decided.campaigns[inside | outside]),
    )
    if sums[0].sum() == 0 or sums[2].sum() == 0:
        figure = replace(figure, low=float("nan"), high=float("nan"))
    return figure
