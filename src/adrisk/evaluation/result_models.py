"""Results of an evaluation and of a comparison of two models, as they are kept in JSON files.

In: figures, or a file. Out: frozen models that give the same bytes again. A key that is not known
is an error; one that is left out stays left out. Keys that are names of labels, slices, baselines
or sources are mappings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from adrisk.errors import UsageError
from adrisk.metrics.estimates import BUDGETS, Figure, ReliabilityBin

PROTOCOL = 1
"""Raised whenever figures made before and after a change must not be compared."""


class Result(BaseModel):
    """Base of all results: frozen, no unknown keys, keys in the order of the fields.

    A field `recall_at_0_01` has the key `recall_at_0.01`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        alias_generator=lambda name: re.sub("_at_0_", "_at_0.", name),
    )

    def to_json(self) -> dict[str, Any]:
        """The keys that were given, as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def given(self) -> dict[str, Any]:
        """The fields that were given, by name; to make another result of them."""
        return {name: value for name, value in self if name in self.model_fields_set}

    @classmethod
    def of(cls, content: object, path: Path) -> Self:
        """The results in the content of a file.

        Raises:
            UsageError: with the first key that is wrong.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
            raise UsageError(
                f"{path}: {'.'.join(map(str, problem['loc'])) or 'content'}: {problem['msg']}; "
                "this is not what this version of adrisk writes: make the file anew, or take the "
                "adrisk that wrote it"
            ) from error


def read_content(path: Path) -> dict[str, object]:
    """The keys and values of a JSON file; none of a file that holds anything else.

    Raises:
        UsageError: if it cannot be read as JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON ({error}); make it anew") from error
    return content if isinstance(content, dict) else {}


class ModelSummary(Result):
    """The model that was judged; version and fingerprint are empty for folds."""

    version: str
    family: str
    parameters: Mapping[str, object]
    fingerprint: str


class DataSummary(Result):
    """The corpus that was judged on; `split_by` says what the split respects."""

    sources: tuple[str, ...]
    fingerprint: str
    ads: int
    campaigns: int
    quarantined: int
    target: str
    split_by: str


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

    model: ModelSummary
    data: DataSummary
    report: Report
    baselines: Mapping[str, Ranking | LeftOut] = {}
    random_split: RandomSplit | None = None
    alerts: Mapping[str, SourceAlerts] = {}

    def rankings(self) -> dict[str, Ranking]:
        """The baselines that were measured, by name."""
        return {n: found for n, found in self.baselines.items() if isinstance(found, Ranking)}


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


class ComparedData(Result):
    """The corpus that two models were compared on; `left_out` ads were known to one of them."""

    fingerprint: str
    target: str
    ads: int
    left_out: int


class ModelComparison(Result):
    """Two trained models on the ads that neither saw: the content of `comparison.json`."""

    protocol: int
    resamples: int
    first: ModelSummary
    second: ModelSummary
    data: ComparedData
    n: int
    positives: int
    campaigns: int
    risk: PairedRanking
    indicators: PairedIndicators | None = None
