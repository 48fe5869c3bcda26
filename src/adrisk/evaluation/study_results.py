"""Results of the studies, as they are kept in JSON files.

In: figures of one study on each corpus, or a file. Out: frozen models that give the same bytes
again. Each study adds its own fields to those that describe the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from adrisk.metrics.figures import Figure, Result
from adrisk.metrics.results import Comparison, Paired, PairedRanking


class StudyCorpus(Result):
    """The ads of a study: `folds` is 0 where they are split once; `n` ads are reported on."""

    name: str
    source: str
    fingerprint: str
    target: str
    split_by: str
    folds: int
    fitted_on: int
    n: int
    positives: int
    campaigns: int


class FitCounts(Result):
    """What was fitted on, on average over splits and orders."""

    ads: int
    campaigns: int
    risky: int


class LearningPoint(Result):
    """Average precision for one share of the fit campaigns; a mean over random orders of them."""

    family: str
    share: float
    orders: int
    fitted_on: FitCounts
    average_precision: Figure
    lowest: float
    highest: float


class LearningCurve(StudyCorpus):
    """Average precision by the share of the fit campaigns."""

    points: tuple[LearningPoint, ...]


class NoiseDraws(Result):
    """How often wrong labels were drawn for the risk, and for the indicators."""

    risk: int
    indicators: int


class CleanPoint(Result):
    """Average precision with right labels; `indicators` is the mean over indicators."""

    called_risky: float
    risk: Figure
    indicators: Figure | None = None


class NoisePoint(Result):
    """Average precision with a share of wrong labels, and its change against right ones."""

    way: str
    wrong: float
    called_risky: float
    risk: Figure
    risk_change: Figure
    indicators: Figure | None = None
    indicators_change: Figure | None = None


class LabelNoise(StudyCorpus):
    """Average precision by the share of wrong labels and the way they are wrong."""

    family: str
    draws: NoiseDraws
    clean: CleanPoint
    points: tuple[NoisePoint, ...]


class TransferCounts(Result):
    """Ads fitted on: of the other languages, of all, and of the language alone."""

    others: int
    all: int
    alone: int


class MeanOfIndicators(Result):
    """Average precision of two models, the mean over so many indicators."""

    macro_average_precision: Paired
    judged: int


class TransferRow(Result):
    """One language: a model fitted without it against one fitted on all, and one on it alone."""

    recipe: str
    language: str
    fitted_on: TransferCounts
    n: int
    positives: int
    campaigns: int
    risk: PairedRanking
    indicators: MeanOfIndicators | None = None
    alone: Figure


class Transfer(StudyCorpus):
    """Each language judged by a model that was fitted without it."""

    recipes: Mapping[str, Mapping[str, object]]
    languages: tuple[TransferRow, ...]


class Findings(StudyCorpus):
    """Each family fitted with the rules' findings as features, against the text alone."""

    families: Mapping[str, Comparison]


OnCorpus = TypeVar("OnCorpus", LearningCurve, LabelNoise, Transfer, Findings)


class StudyResults(Result, Generic[OnCorpus]):
    """A study on each of its corpora: the content of one file."""

    study: str
    protocol: int
    resamples: int
    corpora: tuple[OnCorpus, ...]


AnyStudy = (
    StudyResults[LearningCurve]
    | StudyResults[LabelNoise]
    | StudyResults[Transfer]
    | StudyResults[Findings]
)

STUDY_RESULTS: Mapping[str, type[AnyStudy]] = {
    "learning-curve": StudyResults[LearningCurve],
    "label-noise": StudyResults[LabelNoise],
    "transfer": StudyResults[Transfer],
    "findings": StudyResults[Findings],
}
"""Study -> what its file holds."""
