"""Results of an evaluation and of a comparison of two models, as they are kept in JSON files.

In: figures, or a file. Out: frozen values that give the same bytes again. Keys that are names of
baselines or sources are mappings.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.metrics.figures import Figure, JudgedModel, Result
from adrisk.metrics.results import Comparison, Ranking, Report


class DataSummary(Result):
    """The corpus that was judged on; `split_by` says what the split respects."""

    sources: tuple[str, ...]
    fingerprint: str
    ads: int
    campaigns: int
    quarantined: int
    target: str
    split_by: str


class LeftOut(Result):
    """A baseline that could not be measured, and why."""

    left_out: str


class RandomSplit(Result):
    """The same recipe with single ads dealt at random; `gap` is how much higher that scores."""

    average_precision: Figure
    gap: float


class SourceAlerts(Figure):
    """Alerts per 10,000 ads of a source without labels, at the policy's threshold."""

    judged: Figure
    incomplete: Figure
    threshold: float
    guaranteed: bool
    words: str
    fingerprint: str


class Evaluation(Result):
    """A model on one corpus: what was judged, its figures, and what they are compared with."""

    model: JudgedModel
    data: DataSummary
    report: Report
    baselines: Mapping[str, Ranking | LeftOut] = {}
    random_split: RandomSplit | None = None
    alerts: Mapping[str, SourceAlerts] = {}

    def rankings(self) -> dict[str, Ranking]:
        """The baselines that were measured, by name."""
        return {n: found for n, found in self.baselines.items() if isinstance(found, Ranking)}


class ComparedData(Result):
    """The corpus that two models were compared on; `left_out` ads were known to one of them."""

    fingerprint: str
    target: str
    ads: int
    left_out: int


class _TwoModels(Result):
    """What was compared, and on what."""

    protocol: int
    resamples: int
    first: JudgedModel
    second: JudgedModel
    data: ComparedData


class ModelComparison(Comparison, _TwoModels):
    """Two trained models on the ads that neither saw: the content of `comparison.json`."""
