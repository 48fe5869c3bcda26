"""Fairness results: rates by group and threshold for each corpus, and the swap test.

In: figures from `adrisk.evaluation.fairness.rates`. Out: the content of `fairness.json`, as
frozen values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from adrisk.metrics.figures import Figure, JudgedModel, Result


class GroupSize(Result):
    """Lawful ads of a group and their campaigns."""

    n: int
    campaigns: int


class GroupRates(GroupSize):
    """Rates of a group that is large enough.

    Attributes:
        judged: lawful ads that are flagged or cleared.
        incomplete: share of the lawful ads that are left to people.
        false_positive_rate: flagged share of the judged lawful ads; absent where too few are
            judged, as are the figures behind it.
        others: the same of all other ads of which the dimension is known.
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


class ThresholdRates(Result):
    """What a threshold flags: ads in all, judged lawful ads, and each dimension by group."""

    threshold: float
    flagged: int
    false_positive_rate: Figure
    groups: Mapping[str, DimensionRates]


class CorpusRates(Result):
    """A corpus at each threshold; `at` is keyed by the review budget."""

    sources: tuple[str, ...]
    fingerprint: str
    target: str
    ads: int
    lawful: int
    judged: int | None = None  # absent from results of earlier versions, as is `incomplete`
    risky: int
    campaigns: int
    at: Mapping[str, ThresholdRates]
    incomplete: Figure | None = None

    @property
    def loosest(self) -> str:
        """The key of the largest budget."""
        return max(self.at, key=float)


class Movement(Result):
    """How far probabilities move when a trait is exchanged.

    Attributes:
        over: share that moves by more than the tolerance.
        over_of_could: the same of those of which one side exceeds the tolerance at all: two
            probabilities below it are within it whatever the model thinks of the swap.
        decision_changed: share that crosses the threshold of review.
        mean_change, mean_distance: with the sign, and without.
        quantiles: of the distance, by quantile.
        largest: distance.
    """

    swaps: int
    campaigns: int
    over: Figure
    over_of_could: Figure
    decision_changed: Figure
    mean_change: Figure
    mean_distance: Figure
    quantiles: Mapping[str, float]
    largest: float


class LogOddsMovement(Result):
    """Distance of the log-odds before calibration."""

    mean: float
    largest: float


class LanguageMovement(Result):
    """Swaps in one language, and how many move further than the tolerance."""

    swaps: int
    over: int
    largest: float


class TraitMovement(Movement):
    """Swaps of one trait; `findings_changed` is the share in which the rules find otherwise."""

    findings_changed: Figure
    log_odds: LogOddsMovement
    ads: int
    languages: Mapping[str, LanguageMovement]


class NoSwaps(Result):
    """A trait that could be exchanged in no ad."""

    swaps: Literal[0]


Swapped = TraitMovement | NoSwaps


class SwapTest(Result):
    """Each trait exchanged; a probability may move by no more than `tolerance`."""

    tolerance: float
    threshold: float
    nationality: Swapped
    gender: Swapped
    city: Swapped
    name: Swapped

    @property
    def traits(self) -> dict[str, Swapped]:
        """The traits by name, in order."""
        return {
            "nationality": self.nationality,
            "gender": self.gender,
            "city": self.city,
            "name": self.name,
        }


class Least(Result):
    """A group of fewer lawful ads or campaigns is withheld."""

    ads: int
    campaigns: int


class FairnessResult(Result):
    """The content of `fairness.json`.

    Attributes:
        least: lawful ads and campaigns below which a group is withheld.
        unseen: the corpus, of which only campaigns that the model never saw are used.
        lawful: corpora that are held to be lawful, by name.
    """

    model: JudgedModel
    least: Least
    unseen: CorpusRates
    lawful: Mapping[str, CorpusRates]
    swaps: SwapTest
