"""Results of judging scores: one set, and two sets on the same ads.

In: figures, or part of a result file. Out: frozen values. Keys that are names of labels, slices or
items are mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from adrisk.layout import BUDGETS
from adrisk.metrics.figures import Figure, ReliabilityBin, Result

PROTOCOL = 1
"""Raised whenever figures made before and after a change must not be compared."""


class Ranking(Result):
    """How well scores rank: average precision, and recall and precision by share reviewed."""

    average_precision: Figure
    recall_at_0_005: Figure
    precision_at_0_005: Figure
    recall_at_0_01: Figure
    precision_at_0_01: Figure
    recall_at_0_02: Figure
    precision_at_0_02: Figure
    recall_at_0_05: Figure
    precision_at_0_05: Figure

    def by_budget(
        self, what: Literal["recall", "precision", "alerts_per_10000"]
    ) -> dict[float, Figure]:
        """The figures that there is one of for each review budget."""
        named = {at: getattr(self, f"{what}_at_{at:g}".replace(".", "_"), None) for at in BUDGETS}
        return {at: found for at, found in named.items() if found is not None}


class RiskFigures(Ranking):
    """All figures of the risk of single ads; alerts at the model's threshold for each budget."""

    calibration_error: Figure
    ordinal_error: Figure
    alerts_per_10000_at_0_005: Figure | None = None
    alerts_per_10000_at_0_01: Figure | None = None
    alerts_per_10000_at_0_02: Figure | None = None
    alerts_per_10000_at_0_05: Figure | None = None


class CampaignRisk(Ranking):
    """Figures of the risk of campaigns, as linking alone finds them."""

    calibration_error: Figure
    reliability: tuple[ReliabilityBin, ...]


class IndicatorFigures(Result):
    """Figures of one indicator; only counts where all ads are on one side."""

    n: int
    positives: int
    average_precision: Figure | None = None
    calibration_error: Figure | None = None


class SliceFigures(IndicatorFigures):
    """Figures of one slice of the ads; only counts where it is too small."""

    alerts_per_10000_at_0_005: Figure | None = None
    alerts_per_10000_at_0_01: Figure | None = None
    alerts_per_10000_at_0_02: Figure | None = None
    alerts_per_10000_at_0_05: Figure | None = None


class Workload(Result):
    """Items that a reviewer opens to see this share of the risky ads, by what an item is."""

    share_seen: float
    items: Mapping[str, Figure]


class Curves(Result):
    """Points of the plots; `precision_recall` holds recall and precision down the queue."""

    precision_recall: tuple[tuple[float, float], ...] = ()
    reliability: tuple[ReliabilityBin, ...]


class Report(Result):
    """All figures for one set of scores; `curves` are left out of the files in git."""

    protocol: int
    n: int
    positives: int
    prevalence: float
    campaigns: int
    risk: RiskFigures
    risk_by_campaign: Ranking
    campaign_risk: Mapping[str, CampaignRisk] = {}
    workload: Workload | None = None
    indicators: Mapping[str, IndicatorFigures]
    slices: Mapping[str, Mapping[str, SliceFigures]]
    curves: Curves | None = None


class Paired(Result):
    """A figure of two models and the first less the second, on the same draws of campaigns."""

    first: Figure
    second: Figure
    difference: Figure


class PairedRanking(Result):
    """Average precision, and recall by share reviewed, of two models."""

    average_precision: Paired
    recall_at_0_005: Paired
    recall_at_0_01: Paired
    recall_at_0_02: Paired
    recall_at_0_05: Paired


class PairedIndicators(Result):
    """Average precision of two models: the mean over indicators, and each."""

    macro_average_precision: Paired
    by_indicator: Mapping[str, Paired]


class Comparison(Result):
    """Two sets of scores on the same ads; `indicators` where enough ads are labelled."""

    n: int
    positives: int
    campaigns: int
    risk: PairedRanking
    indicators: PairedIndicators | None = None
