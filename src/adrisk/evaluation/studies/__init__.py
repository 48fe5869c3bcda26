"""Studies: how results change with the ads, labels, languages or features that are learned from.

Each takes a corpus whose split, report ads and report labels stay the same (`ground`), and leaves
one JSON file in which every figure carries n, positives, campaigns and a campaign-bootstrap
interval. `evaluation/study.py` runs them, `evaluation/protocol.md` describes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adrisk.config import ModelConfig
from adrisk.evaluation.results import write_study
from adrisk.evaluation.studies.data import StudyData, open_study_data
from adrisk.evaluation.studies.families import judge_families, judge_saved
from adrisk.evaluation.studies.label_noise import label_noise
from adrisk.evaluation.studies.learning_curve import learning_curve
from adrisk.evaluation.studies.rule_features import findings, with_findings
from adrisk.evaluation.studies.transfer import transfer
from adrisk.evaluation.study_results import (
    STUDY_RESULTS,
    Findings,
    LabelNoise,
    LearningCurve,
    StudyCorpus,
    Transfer,
)
from adrisk.metrics.protocol import Ruler
from adrisk.metrics.results import PROTOCOL

__all__ = [
    "STUDIES",
    "SYNTHETIC",
    "Study",
    "StudyData",
    "StudySettings",
    "findings",
    "judge_families",
    "judge_saved",
    "label_noise",
    "learning_curve",
    "open_study_data",
    "run_study",
    "transfer",
]


SYNTHETIC = "synthetic:20000"


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How a study is run.

    Attributes:
        recipes: one a family; the studies of one family take the first.
        seeds: how often what is drawn at random is drawn; as the study has it if None.
        resamples: draws of campaigns behind each interval.
        folds: how many folds a corpus without a test part of its own is dealt into.
    """

    recipes: tuple[ModelConfig, ...] = (ModelConfig(family="ngram"), ModelConfig(family="linear"))
    seeds: int | None = None
    resamples: int = 500
    folds: int = 5

    @property
    def ruler(self) -> Ruler:
        """How intervals are estimated."""
        return Ruler(self.resamples)


@dataclass(frozen=True, slots=True)
class Study:
    """A study by name.

    Attributes:
        run: from a corpus to what is found on it.
        synthetic: the synthetic ads it is run on unless others are named.
        languages: whether it needs ads of several languages.
        one_family: whether it takes the first recipe alone.
    """

    run: Callable[[StudyData, StudySettings], StudyCorpus]
    synthetic: str = SYNTHETIC
    languages: bool = False
    one_family: bool = False


def _transfer(ground: StudyData, asked: StudySettings) -> Transfer:
    recipe = asked.recipes[0]
    names = (f"{recipe.family}, with findings", f"{recipe.family}, text alone")
    recipes = {
        name: with_findings(recipe, wanted)
        for name, wanted in zip(names, (True, False), strict=True)
    }
    return transfer(ground, recipes, asked.ruler, only_risk=names[1:])


def _learning_curve(ground: StudyData, asked: StudySettings) -> LearningCurve:
    return learning_curve(ground, asked.recipes, asked.ruler, seeds=asked.seeds or 3)


def _label_noise(ground: StudyData, asked: StudySettings) -> LabelNoise:
    return label_noise(ground, asked.recipes[0], asked.ruler, seeds=asked.seeds or 2)


def _findings(ground: StudyData, asked: StudySettings) -> Findings:
    return findings(ground, asked.recipes, asked.ruler)


STUDIES: Mapping[str, Study] = {
    "learning-curve": Study(_learning_curve),
    # Every head is fitted thirteen times, and noise makes that slow.
    "label-noise": Study(_label_noise, synthetic="synthetic:8000", one_family=True),
    "transfer": Study(_transfer, languages=True, one_family=True),
    "findings": Study(_findings),
}


def run_study(name: str, sources: Sequence[str], asked: StudySettings, out: Path) -> Path:
    """Run a study on each source and write its results, and the page of all results.

    Args:
        name: of `STUDIES`.
        sources: SOURCE arguments; one with a test part of its own is split by it, as synthetic
            ads are, any other is dealt into folds.
        asked: how.
        out: usually evaluation/results.
    """
    corpora = []
    for source in sources:
        ground = open_study_data(source, folds=asked.folds)
        corpora.append(STUDIES[name].run(ground, asked))
    content = STUDY_RESULTS[name].model_validate(
        {"study": name, "protocol": PROTOCOL, "resamples": asked.resamples, "corpora": corpora}
    )
    return write_study(out, name, content)
