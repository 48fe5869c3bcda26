"""Corpus of a study, its split, and scores of its report ads by a fitted family.

A large corpus is split once, by campaign; a small one is dealt into folds, and every campaign is
reported on once, by a model fitted without it. What a study changes is what is taught: fewer ads,
other labels, three languages of four. The ads reported on, and their labels, stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN, tune
from adrisk.config import LabelsConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.baselines import risk_alone
from adrisk.evaluation.evaluate import fold_splits, without_folder
from adrisk.evaluation.study_results import StudyCorpus
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.metrics import estimates as metrics
from adrisk.metrics.comparison import Pair
from adrisk.metrics.estimates import Drawn
from adrisk.metrics.protocol import Ruler
from adrisk.metrics.splits import Split
from adrisk.model.calibration import fit_calibration
from adrisk.rules.ruleset import Ruleset
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.labels import training_labels
from adrisk.training.train import split_corpus
from adrisk.types import RISKY, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class StudyData:
    """A corpus and how it is split.

    Attributes:
        name: what it is called in results, such as synthetic.
        source: as given, without folders.
        corpus: its ads.
        splits: one; or one a fold, whose report sets together are the corpus.
    """

    name: str
    source: str
    corpus: Corpus
    splits: tuple[Split, ...]

    @property
    def report(self) -> IntArray:
        """The rows reported on, split after split."""
        return np.concatenate([split["report"] for split in self.splits])

    @property
    def targets(self) -> Targets:
        """The labels of the report rows."""
        return self.corpus.targets.take(self.report)

    @property
    def campaigns(self) -> IntArray:
        """The campaigns of the report rows."""
        return self.corpus.campaigns[self.report]

    def summary(self) -> StudyCorpus:
        """The ads, as results name them."""
        risk = self.targets.risk
        return StudyCorpus(
            name=self.name,
            source=self.source,
            fingerprint=self.corpus.fingerprint,
            target=self.corpus.target,
            split_by=self.splits[0].by if len(self.splits) == 1 else "campaign, in folds",
            folds=len(self.splits) if len(self.splits) > 1 else 0,
            fitted_on=round(float(np.mean([len(split["fit"]) for split in self.splits]))),
            n=int((risk != UNKNOWN_RISK).sum()),
            positives=int((risk >= RISKY).sum()),
            campaigns=len(np.unique(self.campaigns)),
        )


@dataclass(frozen=True, slots=True)
class TrainSet:
    """Rows of a corpus to fit on, and their labels."""

    rows: IntArray
    targets: Targets


@dataclass(frozen=True, slots=True)
class StudyPredictions:
    """Scores of the report rows.

    Attributes:
        risk: shape (n,), only its order counts.
        indicators: shape (n, k), columns as `labels`; empty where only risk was learned.
    """

    risk: FloatArray
    indicators: FloatArray
    labels: tuple[str, ...]

    def columns(self, labels: Sequence[str]) -> FloatArray:
        """The columns of these indicators; one that was not learned ranks no ad above another."""
        result = np.zeros((len(self.risk), len(labels)))
        for column, name in enumerate(labels):
            if name in self.labels:
                result[:, column] = self.indicators[:, self.labels.index(name)]
        return result


def open_study_data(
    source: str, *, folds: int = 5, seed: int = 0, rules: Ruleset | None = None
) -> StudyData:
    """Read a source and split it: by its own test part if it has one, else into folds.

    With `folds` 0 any source is split once, as training splits it.
    """
    corpus = load_corpus([source], rules=rules)
    named = corpus.ads["split"].to_pylist() if "split" in corpus.ads.column_names else []
    if folds and not {"train", "test"} <= set(named):
        splits = fold_splits(corpus, folds, seed)
    else:
        splits = [split_corpus(corpus, seed)]
    scheme, colon, _ = source.partition(":")
    return StudyData(
        scheme if colon else Path(source).stem, without_folder(source), corpus, tuple(splits)
    )


def labelled(ground: StudyData, config: LabelsConfig | None = None) -> list[TrainSet]:
    """The fit ads of each split with the labels that training would learn from.

    Votes are joined over the whole fit set; taking some of its ads afterwards leaves their labels
    as they are, so that a study of numbers is not one of labels.
    """
    config = config or LabelsConfig()
    return [
        TrainSet(split["fit"], training_labels(ground.corpus, split["fit"], config).targets)
        for split in ground.splits
    ]


def some(taught: TrainSet, chosen: NDArray[np.bool_]) -> TrainSet:
    """Some of the ads, with their labels."""
    at = np.flatnonzero(chosen)
    return TrainSet(taught.rows[at], taught.targets.take(at))


def thinned(taught: Sequence[TrainSet], every: int) -> list[TrainSet]:
    """The same ads with every so-many-th indicator of the taxonomy; heads are slow to fit."""
    found = []
    for one in taught:
        labels = one.targets.labels[::every]
        targets = replace(one.targets, labels=labels, indicators=one.targets.columns(labels))
        found.append(TrainSet(one.rows, targets))
    return found


def fit_predict(
    ground: StudyData, recipe: ModelConfig, taught: Sequence[TrainSet], *, only_risk: bool
) -> StudyPredictions:
    """Scores of the report rows by the recipe's classifier, fitted once a split on these ads.

    Scores of several models are pooled, so each is calibrated on its own calibrate set, whose
    labels are left as they are; one model's margins are taken as they come.

    Raises:
        CorpusError: if what is taught has risk on one side of the line only.
    """
    corpus, said = ground.corpus, []
    for split, teaching in zip(ground.splits, taught, strict=True):
        targets = risk_alone(teaching.targets) if only_risk else teaching.targets
        classifier = FAMILIES[recipe.family](**{"seed": recipe.seed, **recipe.parameters})
        classifier.fit(corpus.batch.take(teaching.rows), targets)
        calibrate_on = corpus.batch.take(split["calibrate"])
        known = corpus.targets.take(split["calibrate"])
        tune(classifier, calibrate_on, known)
        margins = classifier.margins(corpus.batch.take(split["report"]))
        labels = classifier.labels_
        if len(ground.splits) == 1:
            return StudyPredictions(margins.risk[:, RISKY_COLUMN], margins.indicators, labels)
        calibration = fit_calibration(classifier.margins(calibrate_on), known, labels)
        risk = calibration.risk(margins)[:, RISKY_COLUMN]
        said.append(StudyPredictions(risk, calibration.indicators(margins), labels))
    labels = tuple(name for name in said[0].labels if all(name in one.labels for one in said))
    columns = [[one.labels.index(name) for name in labels] for one in said]
    return StudyPredictions(
        np.concatenate([one.risk for one in said]),
        np.concatenate([one.indicators[:, at] for one, at in zip(said, columns, strict=True)]),
        labels,
    )


def average_precision(
    ground: StudyData, said: StudyPredictions, ruler: Ruler, among: NDArray[np.bool_] | None = None
) -> Drawn:
    """Average precision of risk over the report rows whose risk is known, or over some of them."""
    targets = ground.targets
    chosen = targets.risk != UNKNOWN_RISK
    if among is not None:
        chosen = chosen & among
    rows = np.flatnonzero(chosen)
    truth = targets.risk[rows] >= RISKY
    if not truth.any():
        raise CorpusError(f"{ground.source}: no risky ad among the {len(rows):,} reported on")
    return metrics.draw(
        metrics.average_precision(truth, said.risk[rows]),
        ground.campaigns[rows],
        positives=int(truth.sum()),
        resamples=ruler.resamples,
        seed=ruler.seed,
    )


def pair(
    ground: StudyData,
    first: StudyPredictions,
    second: StudyPredictions,
    among: NDArray[np.bool_] | None = None,
) -> Pair:
    """Scores of two models on the report rows, or on some, over the indicators either learned."""
    labels = (*first.labels, *(name for name in second.labels if name not in first.labels))
    rows = np.arange(len(ground.report)) if among is None else np.flatnonzero(among)
    return Pair(
        risk=(first.risk[rows], second.risk[rows]),
        indicators=(first.columns(labels)[rows], second.columns(labels)[rows]),
        labels=labels,
        targets=ground.targets.take(rows),
        campaigns=ground.campaigns[rows],
    )
