"""Two models on the same ads: how much better the first is, with an interval on the difference.

In: scores of both, labels and campaigns. Out: a JSON value with the figure of each and their
difference, by the same draws of campaigns, so that what both find hard widens no interval. It does
not say which model to use: an interval that holds 0 shows no difference, and is no proof that there
is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk
from adrisk.layout import BUDGETS
from adrisk.metrics import estimates as metrics
from adrisk.metrics.estimates import Drawn
from adrisk.metrics.protocol import Ruler
from adrisk.types import RISKY, FloatArray, IntArray

LEAST_POSITIVES = 10
"""Indicators with fewer ads present, or absent, are left out of the mean over indicators."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Scores of two models on the same n ads; the first is judged against the second.

    Attributes:
        risk: two of shape (n,), higher is riskier; only their order counts.
        indicators: two of shape (n, k), columns as `labels`.
        labels: the indicators that both models score; may be empty.
        targets: labels of the same ads.
        campaigns: shape (n,), equal numbers are one campaign.
    """

    risk: tuple[FloatArray, FloatArray]
    indicators: tuple[FloatArray, FloatArray]
    labels: tuple[str, ...]
    targets: Targets
    campaigns: IntArray


def compare(pair: Pair, ruler: Ruler) -> dict[str, Any]:
    """Both models' figures and the first less the second, as JSON values.

    Average precision and recall at every review budget of risk, over the ads whose risk is known;
    and, where labels are given, the mean over indicators of their average precision.

    Raises:
        CorpusError: if no ad has a risk label, or all have the same side of the line.
    """
    check_risk(pair.targets.risk, "compare")
    known = np.flatnonzero(pair.targets.risk != UNKNOWN_RISK)
    truth = pair.targets.risk[known] >= RISKY
    first, second = (
        _ranking(truth, score[known], pair.campaigns[known], ruler) for score in pair.risk
    )
    found: dict[str, Any] = {
        "n": len(known),
        "positives": int(truth.sum()),
        "campaigns": len(np.unique(pair.campaigns[known])),
        "risk": {name: paired(first[name], second[name]) for name in first},
    }
    sides = [
        by_indicator(pair.targets, pair.labels, scores, pair.campaigns, ruler)
        for scores in pair.indicators
    ]
    if sides[0]:
        found["indicators"] = {
            "macro_average_precision": paired(*(macro(side, pair.targets) for side in sides)),
            "by_indicator": {name: paired(sides[0][name], sides[1][name]) for name in sides[0]},
        }
    return found


def paired(first: Drawn, second: Drawn) -> dict[str, Any]:
    """Both figures and their difference, as JSON values."""
    return {
        "first": first.estimate().to_json(),
        "second": second.estimate().to_json(),
        "difference": (first - second).estimate().to_json(),
    }


def by_indicator(
    targets: Targets,
    labels: tuple[str, ...],
    scores: FloatArray,
    campaigns: IntArray,
    ruler: Ruler,
) -> dict[str, Drawn]:
    """Average precision of every indicator with `LEAST_POSITIVES` ads present and absent.

    Args:
        targets: of n ads; where an indicator is not known, the ad does not count for it.
        labels: columns of `scores`.
        scores: shape (n, k).
        campaigns: shape (n,).
        ruler: of the draws, the same for all indicators.
    """
    found = {}
    for column, truth in enumerate(targets.columns(labels).T):
        known = np.flatnonzero(~np.isnan(truth))
        present = truth[known] >= 0.5
        if min(present.sum(), (~present).sum()) >= LEAST_POSITIVES:
            metric = metrics.average_precision(present, scores[known, column])
            found[labels[column]] = _drawn(
                metrics.among(metric, known), int(present.sum()), campaigns, ruler
            )
    return found


def macro(indicators: Mapping[str, Drawn], targets: Targets) -> Drawn:
    """The mean over indicators, of a draw without a case of one that of the others.

    Its positives are the ads with any of the indicators.
    """
    present = targets.columns(tuple(indicators)) >= 0.5
    return metrics.mean_of(list(indicators.values()), int(present.any(axis=1).sum()))


def in_words(found: Mapping[str, Any]) -> list[str]:
    """The differences that `compare` found, a line each; none is claimed that is not shown."""
    rows = [
        (name.replace("_at_", " at ").replace("_", " "), figures)
        for name, figures in found["risk"].items()
    ]
    if "indicators" in found:
        count = len(found["indicators"]["by_indicator"])
        figures = found["indicators"]["macro_average_precision"]
        rows.append((f"average precision, mean of {count} indicators", figures))
    width = max(len(name) for name, _ in rows)
    return [f"{_share(name):{width}}  {difference_in_words(figures)}" for name, figures in rows]


def difference_in_words(figures: Mapping[str, Any]) -> str:
    """One figure of both and what can be said of the difference."""
    first, second, gap = (figures[side] for side in ("first", "second", "difference"))
    if gap["value"] is None:
        return "undefined"
    both = f"{first['value']:.3f} against {second['value']:.3f}"
    if gap["low"] is None:
        return f"{both}: differs by {gap['value']:+.3f}, too few campaigns for an interval"
    interval = f"[{gap['low']:+.3f}, {gap['high']:+.3f}]"
    if gap["low"] <= 0 <= gap["high"]:
        return f"{both}: no difference shown ({gap['value']:+.3f} {interval})"
    return f"{both}: {'better' if gap['low'] > 0 else 'worse'} by {gap['value']:+.3f} {interval}"


def _share(name: str) -> str:
    """`recall at 0.005` as `recall at 0.5 %`."""
    what, at, share = name.rpartition(" at ")
    return f"{what} at {100 * float(share):g} %" if at else name


def _ranking(
    truth: NDArray[np.bool_], score: FloatArray, campaigns: IntArray, ruler: Ruler
) -> dict[str, Drawn]:
    wanted = {"average_precision": metrics.average_precision(truth, score)}
    wanted |= {
        f"recall_at_{budget:g}": metrics.at_budget(truth, score, budget).recall
        for budget in BUDGETS
    }
    positives = int(truth.sum())
    return {name: _drawn(metric, positives, campaigns, ruler) for name, metric in wanted.items()}


def _drawn(metric: metrics.Metric, positives: int, campaigns: IntArray, ruler: Ruler) -> Drawn:
    return metrics.draw(
        metric, campaigns, positives=positives, resamples=ruler.resamples, seed=ruler.seed
    )
