"""Paired comparison of two models on the same ads.

In: scores of both, labels and campaigns. Out: the figures of each and their difference on the same
draws of campaigns, so that variation which both share widens no interval. An interval that holds 0
shows no difference; it is no proof that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk
from adrisk.layout import BUDGETS
from adrisk.metrics import estimates as metrics
from adrisk.metrics.estimates import Drawn
from adrisk.metrics.protocol import Ruler
from adrisk.metrics.results import Comparison, Paired, PairedIndicators, PairedRanking
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


def compare(pair: Pair, ruler: Ruler) -> Comparison:
    """Both models' figures, and the first less the second.

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
    found = Comparison(
        n=len(known),
        positives=int(truth.sum()),
        campaigns=len(np.unique(pair.campaigns[known])),
        risk=PairedRanking.model_validate(
            {name: paired(first[name], second[name]) for name in first}
        ),
    )
    sides = [
        by_indicator(pair.targets, pair.labels, scores, pair.campaigns, ruler)
        for scores in pair.indicators
    ]
    if not sides[0]:
        return found
    indicators = PairedIndicators(
        macro_average_precision=paired(*(macro(side, pair.targets) for side in sides)),
        by_indicator={name: paired(sides[0][name], sides[1][name]) for name in sides[0]},
    )
    return found.model_copy(update={"indicators": indicators})


def paired(first: Drawn, second: Drawn) -> Paired:
    """Both figures and their difference."""
    return Paired(
        first=first.estimate().figure(),
        second=second.estimate().figure(),
        difference=(first - second).estimate().figure(),
    )


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


def in_words(found: Comparison) -> list[str]:
    """The differences that `compare` found, a line each; none is claimed that is not shown."""
    risk = found.risk
    rows = [
        ("average precision", risk.average_precision),
        ("recall at 0.5 %", risk.recall_at_0_005),
        ("recall at 1 %", risk.recall_at_0_01),
        ("recall at 2 %", risk.recall_at_0_02),
        ("recall at 5 %", risk.recall_at_0_05),
    ]
    if found.indicators is not None:
        count = len(found.indicators.by_indicator)
        mean = found.indicators.macro_average_precision
        rows.append((f"average precision, mean of {count} indicators", mean))
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {difference_in_words(figures)}" for name, figures in rows]


def difference_in_words(figures: Paired) -> str:
    """One figure of both and what can be said of the difference."""
    first, second, gap = figures.first.value, figures.second.value, figures.difference
    if first is None or second is None or gap.value is None:
        return "undefined"
    both = f"{first:.3f} against {second:.3f}"
    if gap.low is None or gap.high is None:
        return f"{both}: differs by {gap.value:+.3f}, too few campaigns for an interval"
    interval = f"[{gap.low:+.3f}, {gap.high:+.3f}]"
    if gap.low <= 0 <= gap.high:
        return f"{both}: no difference shown ({gap.value:+.3f} {interval})"
    return f"{both}: {'better' if gap.low > 0 else 'worse'} by {gap.value:+.3f} {interval}"


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
