"""Figures of one set of scores on ads that nothing was fitted on.

In: labels, scores, campaigns and the facts that slices are made from. Out: a `Report`, in which
every figure carries n, positives, campaigns and a campaign-bootstrap interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk
from adrisk.layout import BUDGETS
from adrisk.metrics import estimates as metrics
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.figures import Figure
from adrisk.metrics.results import (
    PROTOCOL,
    CampaignRisk,
    Curves,
    IndicatorFigures,
    Ranking,
    Report,
    RiskFigures,
    SliceFigures,
    Workload,
)
from adrisk.model.calibration import levels
from adrisk.types import RISKY, ArrowColumn, FloatArray, IntArray

LEAST_IN_SLICE = 50
"""Smaller slices are named with their n, without figures."""

SEEN_SHARE = 0.9
"""The share of the risky ads that the review workload is counted for."""

_LENGTHS = ((0, 200, "under 200"), (200, 600, "200-599"), (600, 1500, "600-1499"))

CAMPAIGNS, HIGHEST_AD, EXACT_COPIES = "campaigns", "campaigns by highest ad", "exact copies once"
"""Ways to put ads before a reviewer as items."""


@dataclass(frozen=True, slots=True)
class Items:
    """What a reviewer opens as one.

    Attributes:
        of: shape (n,), equal numbers are one item.
        risk: shape (n,), the risk of each ad's item, the same for all ads of one.
    """

    of: IntArray
    risk: FloatArray


@dataclass(frozen=True, slots=True)
class Judged:
    """n ads with their labels, scores and what slices are made from.

    Attributes:
        risk: shape (n, 3), calibrated cumulative probabilities.
        indicators: shape (n, k), calibrated, columns as `labels`.
        targets: labels of the same ads.
        campaigns: shape (n,), equal numbers are one campaign.
        thresholds: review budget -> shape (n,), the threshold of the model that scored each ad.
        slices: name -> shape (n,) of strings; "" where unknown.
        items: how the ads may be put before a reviewer, by name.
    """

    risk: FloatArray
    indicators: FloatArray
    labels: tuple[str, ...]
    targets: Targets
    campaigns: IntArray
    thresholds: Mapping[float, FloatArray]
    slices: Mapping[str, NDArray[np.str_]]
    items: Mapping[str, Items] = field(default_factory=dict)

    def take(self, rows: NDArray[np.intp]) -> Judged:
        """The same of some rows."""
        return Judged(
            self.risk[rows],
            self.indicators[rows],
            self.labels,
            self.targets.take(rows),
            self.campaigns[rows],
            {budget: values[rows] for budget, values in self.thresholds.items()},
            {name: values[rows] for name, values in self.slices.items()},
            {name: Items(items.of[rows], items.risk[rows]) for name, items in self.items.items()},
        )


_Estimator = Callable[[metrics.Metric], Figure]
"""From a metric to its figure, on given ads and draws."""


def judge(judged: Judged, bootstrap: Bootstrap) -> Report:
    """All figures for one set of scores.

    Raises:
        CorpusError: if no ad has a risk label, or all have the same side of the line.
    """
    known = np.flatnonzero(judged.targets.risk != UNKNOWN_RISK)
    check_risk(judged.targets.risk, "evaluate")
    judged = judged.take(known)
    truth = judged.targets.risk >= RISKY
    score = judged.risk[:, RISKY_COLUMN]
    report = Report(
        protocol=PROTOCOL,
        n=len(known),
        positives=int(truth.sum()),
        prevalence=round(float(truth.mean()), 6),
        campaigns=len(np.unique(judged.campaigns)),
        risk=_risk(judged, truth, score, bootstrap),
        risk_by_campaign=_by_campaign(truth, score, judged.campaigns, bootstrap),
        indicators=_indicators(judged, bootstrap),
        slices=_slices(judged, truth, score, bootstrap),
        curves=Curves(
            precision_recall=_curve(truth, score), reliability=metrics.reliability(truth, score)
        ),
    )
    return report.model_copy(update=_across_ads(judged, truth, score, bootstrap))


def judge_ranking(
    truth: NDArray[np.bool_], score: FloatArray, campaigns: IntArray, bootstrap: Bootstrap
) -> Ranking:
    """The figures of an uncalibrated ranking, as the baselines are."""
    return Ranking.model_validate(_ranking(truth, score, campaigns, bootstrap))


def _ranking(
    truth: NDArray[np.bool_], score: FloatArray, campaigns: IntArray, bootstrap: Bootstrap
) -> dict[str, Figure]:
    estimate = _estimator(truth, campaigns, bootstrap)
    figures = {"average_precision": estimate(metrics.average_precision(truth, score))}
    for budget in BUDGETS:
        at = metrics.at_budget(truth, score, budget)
        figures[f"recall_at_{budget:g}"] = estimate(at.recall)
        figures[f"precision_at_{budget:g}"] = estimate(at.precision)
    return figures


def _risk(
    judged: Judged, truth: NDArray[np.bool_], score: FloatArray, bootstrap: Bootstrap
) -> RiskFigures:
    estimate = _estimator(truth, judged.campaigns, bootstrap)
    level = levels(judged.risk).astype(np.int64)
    return RiskFigures.model_validate(
        {
            **_ranking(truth, score, judged.campaigns, bootstrap),
            "calibration_error": estimate(metrics.calibration_error(truth, score)),
            "ordinal_error": estimate(metrics.ordinal_error(judged.targets.risk, level)),
            **_alerts(score, judged.thresholds, estimate),
        }
    )


def _alerts(
    score: FloatArray, thresholds: Mapping[float, FloatArray], estimate: _Estimator
) -> dict[str, Figure]:
    return {
        f"alerts_per_10000_at_{budget:g}": estimate(metrics.alerts_per_10000(score, threshold))
        for budget, threshold in thresholds.items()
    }


def _by_campaign(
    truth: NDArray[np.bool_], score: FloatArray, campaigns: IntArray, bootstrap: Bootstrap
) -> Ranking:
    """A campaign is as risky as its riskiest ad, by label and by score."""
    groups, member = np.unique(campaigns, return_inverse=True)
    label = np.zeros(len(groups), dtype=np.bool_)
    np.logical_or.at(label, member, truth)
    highest = np.full(len(groups), -np.inf)
    np.maximum.at(highest, member, score)
    return judge_ranking(label, highest, np.arange(len(groups)), bootstrap)


def _across_ads(
    judged: Judged, truth: NDArray[np.bool_], score: FloatArray, bootstrap: Bootstrap
) -> dict[str, object]:
    """The campaign risk beside the risk of the riskiest ad, and the review workload of either."""
    if not judged.items:
        return {}
    opened = {"single ads": _opened(judged, Items(np.arange(len(score)), score), truth)}
    opened |= {name: _opened(judged, items, truth) for name, items in judged.items.items()}
    return {
        "campaign_risk": {
            name: _campaign_risk(opened[name], bootstrap) for name in (CAMPAIGNS, HIGHEST_AD)
        },
        "workload": Workload(
            share_seen=SEEN_SHARE,
            items={
                name: _estimator(item.hits > 0, item.campaigns, bootstrap)(
                    metrics.items_to_see(item.hits, item.risk, SEEN_SHARE)
                )
                for name, item in opened.items()
            },
        ),
    }


def _campaign_risk(item: _Opened, bootstrap: Bootstrap) -> CampaignRisk:
    risky = item.hits > 0
    error = metrics.calibration_error(risky, item.risk)
    return CampaignRisk.model_validate(
        {
            **_ranking(risky, item.risk, item.campaigns, bootstrap),
            "calibration_error": _estimator(risky, item.campaigns, bootstrap)(error),
            "reliability": metrics.reliability(risky, item.risk),
        }
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """m items: how many risky ads each shows, its risk, and the campaign it is drawn with."""

    hits: IntArray
    risk: FloatArray
    campaigns: IntArray


def _opened(judged: Judged, items: Items, truth: NDArray[np.bool_]) -> _Opened:
    _, first, member = np.unique(items.of, return_index=True, return_inverse=True)
    hits = np.bincount(member, weights=truth, minlength=len(first)).astype(np.int64)
    return _Opened(hits, items.risk[first], judged.campaigns[first])


def _indicators(judged: Judged, bootstrap: Bootstrap) -> dict[str, IndicatorFigures]:
    found = {}
    for column, truth in enumerate(judged.targets.columns(judged.labels).T):
        known = np.flatnonzero(~np.isnan(truth))
        present = truth[known] >= 0.5
        n, positives = len(known), int(present.sum())
        figures: dict[str, Figure] = {}
        if 0 < positives < n:
            score = judged.indicators[known, column]
            estimate = _estimator(present, judged.campaigns[known], bootstrap)
            figures = _calibrated(present, score, estimate)
        found[judged.labels[column]] = IndicatorFigures(n=n, positives=positives, **figures)
    return found


def _slices(
    judged: Judged, truth: NDArray[np.bool_], score: FloatArray, bootstrap: Bootstrap
) -> dict[str, dict[str, SliceFigures]]:
    found: dict[str, dict[str, SliceFigures]] = {}
    for name, values in judged.slices.items():
        for value in np.unique(values[values != ""]):
            rows = values == value
            n, positives = int(rows.sum()), int(truth[rows].sum())
            figures: dict[str, Figure] = {}
            if n >= LEAST_IN_SLICE and 0 < positives < n:
                estimate = _estimator(truth[rows], judged.campaigns[rows], bootstrap)
                thresholds = {budget: all_[rows] for budget, all_ in judged.thresholds.items()}
                figures = _calibrated(truth[rows], score[rows], estimate)
                figures |= _alerts(score[rows], thresholds, estimate)
            found.setdefault(name, {})[str(value)] = SliceFigures.model_validate(
                {"n": n, "positives": positives, **figures}
            )
    return found


def _calibrated(
    truth: NDArray[np.bool_], score: FloatArray, estimate: _Estimator
) -> dict[str, Figure]:
    return {
        "average_precision": estimate(metrics.average_precision(truth, score)),
        "calibration_error": estimate(metrics.calibration_error(truth, score)),
    }


def _estimator(truth: NDArray[np.bool_], campaigns: IntArray, bootstrap: Bootstrap) -> _Estimator:
    positives = int(truth.sum())
    return lambda metric: bootstrap.estimate(metric, campaigns, positives).figure()


def _curve(
    truth: NDArray[np.bool_], score: FloatArray, most: int = 200
) -> tuple[tuple[float, float], ...]:
    """Recall and precision as the queue is worked down, thinned to at most so many points."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    recall, precision = hits / max(1, hits[-1]), hits / np.arange(1, len(hits) + 1)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    kept = ends[np.unique(np.linspace(0, len(ends) - 1, min(most, len(ends))).astype(int))]
    return tuple((round(float(recall[i]), 5), round(float(precision[i]), 5)) for i in kept)


def slices_of(ads: pa.Table) -> dict[str, NDArray[np.str_]]:
    """Language, kind, length, source and month of each ad, as far as the table knows them."""
    names = set(ads.column_names)
    found: dict[str, NDArray[np.str_]] = {}
    for name in ("language", "kind", "source"):
        if name in names:
            found[name] = _strings(ads[name])
    characters = pc.utf8_length(ads["text"]).to_numpy()
    length = np.full(len(ads), "1500 and more", dtype=object)
    for low, high, name in _LENGTHS:
        length[(characters >= low) & (characters < high)] = name
    found["length"] = length.astype(np.str_)
    if "posted_at" in names:
        found["month"] = _strings(pc.strftime(ads["posted_at"], format="%Y-%m"))
    return found


def _strings(column: ArrowColumn) -> NDArray[np.str_]:
    return np.array([value or "" for value in column.to_pylist()], dtype=np.str_)
