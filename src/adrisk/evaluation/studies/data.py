"""Corpus of a study, its split, and scores of its report set by a classifier.

A large corpus is split once, by campaign; a small one into folds, so that every campaign is scored
once by a model fitted without it. Studies change the fit set: fewer ads, other labels, three
languages of four. The report set and its labels stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.config import LabelsConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.baselines import ReportScores, TrainSet, fit_split, risk_alone
from adrisk.evaluation.evaluate import without_folder
from adrisk.evaluation.results import StudyCorpus
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.metrics import estimates as metrics
from adrisk.metrics.comparison import Pair
from adrisk.metrics.estimates import Bootstrap, Drawn
from adrisk.metrics.splits import Split, fold_splits
from adrisk.rules.ruleset import Ruleset
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.labels import training_labels
from adrisk.training.train import split_corpus
from adrisk.types import RISKY, IntArray


@dataclass(frozen=True, slots=True)
class StudyData:
    """A corpus and how it is split.

    Attributes:
        name: in results, such as synthetic.
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
        """The report rows, split after split."""
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
        """The corpus, as results describe it."""
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


def open_study_data(source: str, *, folds: int, rules: Ruleset | None = None) -> StudyData:
    """Read a source and split it: by its own test part if it has one, else into folds.

    With `folds` 0 any source is split once, as in training.
    """
    corpus = load_corpus([source], rules=rules)
    parts = corpus.ads["split"].to_pylist() if "split" in corpus.ads.column_names else []
    if folds and not {"train", "test"} <= set(parts):
        splits = fold_splits(corpus.campaigns, folds, seed=0, positive=corpus.risky)
    else:
        splits = [split_corpus(corpus, 0)]
    scheme, colon, _ = source.partition(":")
    name = scheme if colon else Path(source).stem
    return StudyData(name, without_folder(source), corpus, tuple(splits))


def labelled(data: StudyData) -> list[TrainSet]:
    """The fit set of each split with the labels of training.

    Votes are joined over the whole fit set, so that a smaller part of it has the same labels.
    """
    return [
        TrainSet(split["fit"], training_labels(data.corpus, split["fit"], LabelsConfig()).targets)
        for split in data.splits
    ]


def some(train_set: TrainSet, chosen: NDArray[np.bool_]) -> TrainSet:
    """Some of the ads, with their labels."""
    at = np.flatnonzero(chosen)
    return TrainSet(train_set.rows[at], train_set.targets.take(at))


def thinned(train_sets: Sequence[TrainSet], every: int) -> list[TrainSet]:
    """The same ads with each `every`-th indicator only, because heads are slow to fit."""
    found = []
    for one in train_sets:
        labels = one.targets.labels[::every]
        targets = replace(one.targets, labels=labels, indicators=one.targets.columns(labels))
        found.append(TrainSet(one.rows, targets))
    return found


def fit_predict(
    data: StudyData, recipe: ModelConfig, train_sets: Sequence[TrainSet], *, only_risk: bool
) -> ReportScores:
    """Scores of the report rows by the recipe's classifier, fitted on one train set a split.

    To be pooled, the scores of several splits are calibrated, each on its own calibrate set with
    its unchanged labels; those of one split are margins.

    Raises:
        CorpusError: if a train set has no risky ad, or none that is not.
    """
    corpus, several = data.corpus, len(data.splits) > 1
    parts = []
    for split, one in zip(data.splits, train_sets, strict=True):
        train_set = TrainSet(one.rows, risk_alone(one.targets)) if only_risk else one
        known = corpus.targets.take(split["calibrate"])
        parts.append(fit_split(recipe, corpus, split, train_set, known, calibrated=several))
    labels = tuple(n for n in parts[0].labels if all(n in part.labels for part in parts))
    return ReportScores(
        np.concatenate([part.risk for part in parts]),
        np.concatenate([part.columns(labels) for part in parts]),
        labels,
    )


def average_precision(
    data: StudyData,
    scores: ReportScores,
    bootstrap: Bootstrap,
    among: NDArray[np.bool_] | None = None,
) -> Drawn:
    """Average precision of risk over the report rows whose risk is known, or over some of them."""
    targets = data.targets
    chosen = targets.risk != UNKNOWN_RISK
    if among is not None:
        chosen = chosen & among
    rows = np.flatnonzero(chosen)
    truth = targets.risk[rows] >= RISKY
    if not truth.any():
        raise CorpusError(f"{data.source}: no risky ad among the {len(rows):,} reported on")
    metric = metrics.average_precision(truth, scores.risk[rows])
    return bootstrap.draw(metric, data.campaigns[rows], int(truth.sum()))


def pair(
    data: StudyData,
    first: ReportScores,
    second: ReportScores,
    among: NDArray[np.bool_] | None = None,
) -> Pair:
    """Scores of two models on the report rows, or on some, for all indicators of either."""
    labels = (*first.labels, *(name for name in second.labels if name not in first.labels))
    rows = np.arange(len(data.report)) if among is None else np.flatnonzero(among)
    return Pair(
        risk=(first.risk[rows], second.risk[rows]),
        indicators=(first.columns(labels)[rows], second.columns(labels)[rows]),
        labels=labels,
        targets=data.targets.take(rows),
        campaigns=data.campaigns[rows],
    )
