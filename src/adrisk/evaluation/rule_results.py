"""Results of the rules on each source of ads, as they are kept in `rules.json`.

In: counts and figures, or the file. Out: frozen models that give the same bytes again. Figures
that need labels, findings or denials are left out where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.metrics.figures import AsGiven, Figure, Result


class GradedRisk(Result):
    """Average precision of the graded risk over the labelled ads, and their prevalence."""

    average_precision: Figure
    prevalence: float


class RuleMeans(AsGiven):
    """Plain means over the indicators that are true of an ad, for one language or all."""

    ads: int
    precision: float | None
    recall: float | None
    indicators: int
    absence_precision: float | None = None
    absence_recall: float | None = None
    absence_indicators: int | None = None


class IndicatorCounts(AsGiven):
    """What the rules find of one indicator; precision and recall where ads are labelled."""

    present: int
    absent: int
    alarms_per_10000: float | None
    true: int | None = None
    precision: Figure | None = None
    recall: Figure | None = None
    absence_true: int | None = None
    absence_precision: Figure | None = None
    absence_recall: Figure | None = None


class RuleCounts(AsGiven):
    """What one rule finds in the ads of its language; only their number where there are none."""

    state: str | None = None
    ads: int | None = None
    read_by_it: int
    coverage: float | None = None
    alarms_per_10000: float | None = None
    overlap: float | None = None
    overlaps_most: Mapping[str, int] | None = None
    conflict: float | None = None
    true: int | None = None
    precision: Figure | None = None
    recall: Figure | None = None


class SourceRules(AsGiven):
    """All figures of one source; `risk` is None where the labels are all on one side."""

    ads: int
    labelled: int
    languages: Mapping[str, int]
    risk: GradedRisk | None = None
    macro: Mapping[str, RuleMeans] = {}
    indicators: Mapping[str, IndicatorCounts]
    rules: Mapping[str, RuleCounts]


class RuleResults(Result):
    """The rules on every source: labelled sources first, each by name."""

    left_out_as_training_split: int
    sources: Mapping[str, SourceRules]
