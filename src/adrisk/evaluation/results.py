"""Result files in `evaluation/results`, one a model and corpus or a study, and the page of all.

In: figures, or a file. Out: frozen values that give the same bytes again; `results.md`. Keys that
are names of baselines, sources or families are mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from adrisk.evaluation.markdown import render
from adrisk.files import replacing, writable, write_json
from adrisk.metrics.figures import Figure, JudgedModel, Result, as_result, read_content
from adrisk.metrics.results import Comparison, Paired, PairedRanking, Ranking, Report


class DataSummary(Result):
    """The corpus; `split_by` names what the split keeps whole."""

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
    """Average precision of the same recipe with single ads split at random; `gap` is its excess."""

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
    """A model on one corpus: its figures, baselines, random split, and alerts on other sources."""

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
    """The corpus of a comparison; `left_out` ads were in the training data of a model."""

    fingerprint: str
    target: str
    ads: int
    left_out: int


class _TwoModels(Result):
    """The two models of a comparison and their data."""

    protocol: int
    resamples: int
    first: JudgedModel
    second: JudgedModel
    data: ComparedData


class ModelComparison(Comparison, _TwoModels):
    """Two trained models on ads that neither was trained on: the content of `comparison.json`."""


class StudyCorpus(Result):
    """The ads of a study: `folds` is 0 where they are split once; `n` are in the report set."""

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


class SetCounts(Result):
    """Size of a set of ads, such as the fit set; in studies averaged over splits and orders."""

    ads: int
    campaigns: int
    risky: int


class LearningPoint(Result):
    """Average precision for one share of the fit campaigns; a mean over random orders of them."""

    family: str
    share: float
    orders: int
    fitted_on: SetCounts
    average_precision: Figure
    lowest: float
    highest: float


class LearningCurve(StudyCorpus):
    """Average precision by the share of the fit campaigns."""

    points: tuple[LearningPoint, ...]


class NoiseDraws(Result):
    """Number of draws of wrong labels, for the risk and for the indicators."""

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
    """One language: a model fitted without it, one fitted on all, and one fitted on it alone."""

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
    """Transfer to each language by a model that was fitted without it."""

    recipes: Mapping[str, Mapping[str, object]]
    languages: tuple[TransferRow, ...]


class Findings(StudyCorpus):
    """Each family fitted with the rules' findings as features and without."""

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
"""Study -> the form of its file."""


def write_results(
    folder: Path, name: str, results: Evaluation, alerts: Mapping[str, SourceAlerts] | None = None
) -> Path:
    """Write the results of one model without curves, with any `alerts`, and `results.md` anew."""
    report = results.report.model_copy(update={"curves": None})
    kept = results.model_copy(update={"report": report, "alerts": alerts or results.alerts})
    return write_study(folder, name, kept)


def write_study(folder: Path, name: str, content: Result) -> Path:
    """Write the results of a study or of a model as `name`.json, and `results.md` anew."""
    writable(folder)
    path = folder / f"{name}.json"
    write_json(path, content.to_json())
    write_page(folder)
    return path


def write_page(folder: Path) -> Path:
    """Write `results.md` anew from the result files beside it."""
    path = folder / "results.md"
    with replacing(path) as draft:
        draft.write_text(results_page(folder), encoding="utf-8")
    return path


def results_page(folder: Path) -> str:
    """The page for all result files in a folder: models first, then studies, each by name.

    Other JSON files are left out.

    Raises:
        UsageError: if a result file is not what this version writes.
    """
    evaluations, studies = {}, {}
    for path in sorted(folder.glob("*.json")):
        content = read_content(path)
        if not isinstance(content, dict):
            continue
        if "report" in content:
            evaluations[path.stem] = as_result(content, Evaluation, path)
        elif study := STUDY_RESULTS.get(str(content.get("study"))):
            studies[path.stem] = as_result(content, study, path)
    return render("results.md.j2", evaluations=evaluations, studies=studies)
