"""Figures of merit, each with n, prevalence and a bootstrap interval over campaigns.

Every metric here takes weights, because a bootstrap resample of campaigns is a weighting of ads:
sort once, then a thousand resamples are cumulative sums. Ads of one campaign are drawn together;
drawing single ads would count copies as evidence (Efron and Tibshirani 1993, ch. 8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.metrics.figures import Figure, ReliabilityBin
from adrisk.types import FloatArray, IntArray

Metric = Callable[[FloatArray], FloatArray]
"""Weights of shape (resamples, n) in, one value a resample out; NaN where undefined."""

CONFIDENCE = 0.95
_CHUNK_CELLS = 8_000_000  # resamples are worked on in chunks of this many weights


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval and its numbers of ads, positives and campaigns.

    `low` and `high` bound the middle 95 % of the resamples (percentile bootstrap); both are NaN
    when fewer than two campaigns or no positives make an interval meaningless.
    """

    value: float
    low: float
    high: float
    n: int
    positives: int
    campaigns: int

    def figure(self) -> Figure:
        """The estimate as results keep it."""
        numbers = (self.value, self.low, self.high)
        value, low, high = (None if math.isnan(x) else round(x, 6) for x in numbers)
        counts = {"n": self.n, "positives": self.positives, "campaigns": self.campaigns}
        return Figure(value=value, low=low, high=high, **counts)


def average_precision(truth: NDArray[np.bool_], score: FloatArray) -> Metric:
    """Area under the precision-recall steps, tied scores taken together, as in scikit-learn.

    >>> metric = average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    >>> round(float(metric(np.ones((1, 3)))[0]), 4)  # (1/1 + 2/3) / 2
    0.8333
    """
    order = np.argsort(-score, kind="stable")
    positive = truth[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def metric(weights: FloatArray) -> FloatArray:
        weights = weights[:, order]
        hits = np.cumsum(weights * positive, axis=1)[:, ends]
        seen = np.cumsum(weights, axis=1)[:, ends]
        gained = np.diff(hits, axis=1, prepend=0.0)
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        total = hits[:, -1]
        area = (gained * precision).sum(axis=1)
        return ratio(area, total)

    return metric


@dataclass(frozen=True, slots=True)
class AtBudget:
    """Recall and precision when the share `budget` with the highest scores is reviewed."""

    recall: Metric
    precision: Metric


def at_budget(truth: NDArray[np.bool_], score: FloatArray, budget: float) -> AtBudget:
    """Review exactly that share; an item cut by the budget's edge counts in part.

    Tied scores are reviewed in random order, which in expectation is their mean: ties share what
    is left of the budget.
    """
    order = np.argsort(-score, kind="stable")
    positive = truth[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    starts = np.concatenate([[0], ends[:-1] + 1])

    def found(weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        weights = weights[:, order]
        blocks = np.add.reduceat(weights, starts, axis=1)
        hits = np.add.reduceat(weights * positive, starts, axis=1)
        capacity = budget * weights.sum(axis=1, keepdims=True)
        before = np.cumsum(blocks, axis=1) - blocks
        room = np.clip(capacity - before, 0, blocks)
        share = np.divide(room, blocks, out=np.zeros_like(room), where=blocks > 0)
        return (hits * share).sum(axis=1), hits.sum(axis=1), capacity[:, 0]

    def recall(weights: FloatArray) -> FloatArray:
        caught, total, _ = found(weights)
        return ratio(caught, total)

    def precision(weights: FloatArray) -> FloatArray:
        caught, _, capacity = found(weights)
        return ratio(caught, capacity)

    return AtBudget(recall, precision)


def items_to_see(hits: IntArray, score: FloatArray, share: float = 0.9) -> Metric:
    """How many items a reviewer opens, the highest score first, to see that share of all hits.

    Tied items are opened in random order, so between the ends of a tie the count is in proportion.

    Args:
        hits: shape (n,), what is to be seen in each item, such as its risky ads.
        score: shape (n,), what the items are ordered by.
        share: above 0 and at most 1.

    >>> metric = items_to_see(np.array([9, 0, 1]), np.array([0.9, 0.8, 0.7]))
    >>> float(metric(np.ones((1, 3)))[0])
    1.0
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def metric(weights: FloatArray) -> FloatArray:
        weights = weights[:, order]
        opened = np.cumsum(weights, axis=1)[:, ends]
        seen = np.cumsum(weights * hits[order], axis=1)[:, ends]
        wanted = share * seen[:, -1:]
        rows = np.arange(len(weights))
        at = (seen < wanted - 1e-9).sum(axis=1)
        before = np.maximum(at - 1, 0)
        start = np.where(at > 0, opened[rows, before], 0.0)
        found = np.where(at > 0, seen[rows, before], 0.0)
        inside = ratio(wanted[:, 0] - found, seen[rows, at] - found)
        total = np.where(seen[:, -1] > 0, start + inside * (opened[rows, at] - start), np.nan)
        return np.asarray(total)

    return metric


def alerts_per_10000(score: FloatArray, threshold: float | FloatArray) -> Metric:
    """How many of 10,000 ads would be flagged at this threshold, or at one for each ad."""
    flagged = (score >= threshold).astype(np.float64)
    return lambda weights: 10_000 * (weights @ flagged) / weights.sum(axis=1)


def calibration_error(truth: NDArray[np.bool_], probability: FloatArray, bins: int = 10) -> Metric:
    """Expected calibration error over bins of equal numbers of ads.

    The mean gap between stated and observed frequency (Naeini et al. 2015, with equal-mass bins,
    which small probabilities need: equal-width bins would put nearly every ad in the first).
    """
    owner = _equal_mass(probability, bins)
    one_hot = np.zeros((len(probability), int(owner.max(initial=0)) + 1))
    one_hot[np.arange(len(probability)), owner] = 1.0
    gaps = (truth - probability)[:, None] * one_hot

    def metric(weights: FloatArray) -> FloatArray:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return metric


def reliability(
    truth: NDArray[np.bool_], probability: FloatArray, bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """Points of the reliability plot, from low to high."""
    owner = _equal_mass(probability, bins)
    return tuple(
        ReliabilityBin(
            stated=float(probability[owner == b].mean()),
            observed=float(truth[owner == b].mean()),
            n=int((owner == b).sum()),
        )
        for b in np.unique(owner)
    )


def ordinal_error(risk: IntArray, level: IntArray) -> Metric:
    """Mean absolute difference between the labelled and the scored level, 0 to 3."""
    return mean_over(np.abs(risk - level).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric on n ads, and on every resample of their campaigns.

    Equal seeds draw equal campaigns, so the difference of two metrics on the same ads is paired:
    variation that both share cancels out.

    Attributes:
        values: shape (1 + resamples,); on all ads, then on each draw; NaN where undefined.
        n: ads.
        positives: how many of them are positive.
        campaigns: how many they belong to.
    """

    values: FloatArray
    n: int
    positives: int
    campaigns: int

    def __sub__(self, other: Drawn) -> Drawn:
        """The difference of the two, draw by draw.

        Raises:
            ValueError: if the two are not of the same draws.
        """
        if (len(self.values), self.campaigns) != (len(other.values), other.campaigns):
            raise ValueError("only metrics of the same draws of the same ads can be paired")
        return Drawn(self.values - other.values, self.n, self.positives, self.campaigns)

    def estimate(self) -> Estimate:
        """The value with the middle 95 % of the draws."""
        value, draws = float(self.values[0]), self.values[1:]
        low = high = float("nan")
        known = draws[~np.isnan(draws)]
        if self.campaigns >= 2 and value == value and len(known) >= len(draws) / 2:
            edge = (1 - CONFIDENCE) / 2
            low, high = (float(q) for q in np.quantile(known, [edge, 1 - edge]))
        return Estimate(value, low, high, self.n, self.positives, self.campaigns)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Campaign bootstrap: so many resamples of campaigns with replacement.

    Equal seeds draw equal campaigns, so that two models can be compared in pairs.
    """

    resamples: int = 500
    seed: int = 0

    def draw(self, metric: Metric, campaigns: IntArray, positives: int) -> Drawn:
        """The metric on all ads and on every resample; arguments as of `estimate`."""
        count = len(campaigns)
        if count == 0:
            return Drawn(np.full(1 + self.resamples, np.nan), 0, 0, 0)
        groups, member = np.unique(campaigns, return_inverse=True)
        parts = [metric(np.ones((1, count)))]
        if len(groups) >= 2 and not np.isnan(parts[0][0]):
            parts += [metric(weights) for weights in self._weights(member, len(groups))]
        else:
            parts.append(np.full(self.resamples, np.nan))
        return Drawn(np.concatenate(parts), count, positives, len(groups))

    def estimate(self, metric: Metric, campaigns: IntArray, positives: int) -> Estimate:
        """The metric on all ads, with its interval.

        Args:
            metric: bound to n ads.
            campaigns: shape (n,), equal numbers are one campaign.
            positives: how many of the ads are positive; kept with the estimate.
        """
        return self.draw(metric, campaigns, positives).estimate()

    def _weights(self, member: IntArray, groups: int) -> Iterator[FloatArray]:
        """Weights of the ads under each draw of campaigns, in chunks of resamples."""
        rng = np.random.default_rng(self.seed)
        step = max(1, _CHUNK_CELLS // max(len(member), groups))
        for first in range(0, self.resamples, step):
            many = min(step, self.resamples - first)
            drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=many)
            yield drawn[:, member].astype(np.float64)


def mean_of(parts: Sequence[Drawn], positives: int | None = None) -> Drawn:
    """The mean of several on the same draws; where some are undefined, that of the others.

    Args:
        parts: at least one.
        positives: of the result; those of the first part if left out.
    """
    values = np.stack([part.values for part in parts])
    known = ~np.isnan(values)
    mean = ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
    first = parts[0]
    return Drawn(
        mean, first.n, first.positives if positives is None else positives, first.campaigns
    )


def among(metric: Metric, rows: NDArray[np.intp]) -> Metric:
    """A metric of these rows, as one of all rows."""
    return lambda weights: metric(weights[:, rows])


def mean_over(values: FloatArray) -> Metric:
    """The mean of one value for each ad."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Part over whole; NaN where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0))


def _equal_mass(probability: FloatArray, bins: int) -> IntArray:
    """A bin number for each ad; bins hold equal numbers, equal probabilities share a bin."""
    if len(probability) == 0:
        return np.zeros(0, dtype=np.int64)
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, probability, side="right")
