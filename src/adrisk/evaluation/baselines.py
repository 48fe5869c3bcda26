"""Baselines beside a model's figures, and the gap to a random split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN, tune
from adrisk.classifiers.linear import char_vectoriser, word_vectoriser
from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.results import LeftOut, RandomSplit
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.metrics.estimates import Bootstrap, average_precision
from adrisk.metrics.protocol import judge_ranking
from adrisk.metrics.results import Ranking, Report
from adrisk.metrics.splits import Split
from adrisk.model.calibration import fit_calibration, sigmoid
from adrisk.progress import track
from adrisk.rules.keywords import keyword_counts
from adrisk.rules.match import match_column
from adrisk.rules.ruleset import Ruleset
from adrisk.rules.taxonomy import graded_risk
from adrisk.text.arrow import text_list
from adrisk.training.corpus import Corpus
from adrisk.training.labels import training_labels
from adrisk.types import RISKY, ArrowArray, FloatArray, IntArray, State

TFIDF = "TF-IDF + logistic regression"


@dataclass(frozen=True, slots=True)
class TrainSet:
    """Rows of a corpus to fit on, and their labels."""

    rows: IntArray
    targets: Targets


@dataclass(frozen=True, slots=True)
class ReportScores:
    """Scores of n report rows.

    Attributes:
        risk: shape (n,); only its order counts.
        indicators: shape (n, k), columns as `labels`; none if only the risk was fitted.
    """

    risk: FloatArray
    indicators: FloatArray
    labels: tuple[str, ...]

    def columns(self, labels: Sequence[str]) -> FloatArray:
        """The columns of these indicators; 0 for all ads where one was not fitted."""
        result = np.zeros((len(self.risk), len(labels)))
        for column, name in enumerate(labels):
            if name in self.labels:
                result[:, column] = self.indicators[:, self.labels.index(name)]
        return result


def fit_split(
    recipe: ModelConfig,
    corpus: Corpus,
    split: Split,
    train_set: TrainSet,
    known: Targets,
    *,
    calibrated: bool,
) -> ReportScores:
    """Scores of the report set of a split by the classifier of a recipe.

    Args:
        split: with the calibrate and the report set.
        train_set: to fit on.
        known: labels of the calibrate set.
        calibrated: whether probabilities are wanted, to pool those of several splits, not margins.
    """
    classifier = FAMILIES[recipe.family](**{"seed": recipe.seed, **recipe.parameters})
    classifier.fit(corpus.batch.take(train_set.rows), train_set.targets)
    calibrate_on = corpus.batch.take(split["calibrate"])
    tune(classifier, calibrate_on, known)
    margins, labels = classifier.margins(corpus.batch.take(split["report"])), classifier.labels_
    if not calibrated:
        return ReportScores(margins.risk[:, RISKY_COLUMN], margins.indicators, labels)
    calibration = fit_calibration(classifier.margins(calibrate_on), known, labels)
    risk = calibration.risk(margins)[:, RISKY_COLUMN]
    return ReportScores(risk, calibration.indicators(margins), labels)


def random_gap(
    recipe: ModelConfig, corpus: Corpus, splits: list[Split], bootstrap: Bootstrap, honest: Report
) -> RandomSplit:
    """Average precision of the same recipe with single ads split at random.

    Raises:
        CorpusError: if the average precision of `honest` is undefined.
    """
    scores = []
    targets = risk_alone(corpus.targets)
    with track("random split", len(splits), "models") as advance:
        for split in splits:
            learned = risk_alone(training_labels(corpus, split["fit"], recipe.labels).targets)
            train_set, known = TrainSet(split["fit"], learned), targets.take(split["calibrate"])
            scores.append(
                fit_split(recipe, corpus, split, train_set, known, calibrated=len(splits) > 1).risk
            )
            advance()
    report, score = np.concatenate([split["report"] for split in splits]), np.concatenate(scores)
    known_risk = corpus.targets.risk[report] != UNKNOWN_RISK
    truth = (corpus.targets.risk[report] >= RISKY)[known_risk]
    metric = average_precision(truth, score[known_risk])
    campaigns = corpus.campaigns[report][known_risk]
    figure = bootstrap.estimate(metric, campaigns, int(truth.sum()))
    kept = honest.risk.average_precision.value
    if kept is None:
        raise CorpusError("the report set has no risky ad: there is no gap to a random split")
    return RandomSplit(average_precision=figure.figure(), gap=round(figure.value - kept, 6))


def risk_alone(targets: Targets) -> Targets:
    """The targets without indicators, so that only the risk is fitted."""
    none = np.zeros((len(targets), 0))
    return Targets((), none, targets.risk, targets.risk_shares, targets.campaigns)


def baselines(
    corpus: Corpus, fit: IntArray, report: IntArray, bootstrap: Bootstrap, seed: int
) -> dict[str, Ranking | LeftOut]:
    """The four baselines on the report set; TF-IDF is fitted on the ads of the fit set."""
    report = _known(corpus, report)
    with track("baselines", 4, "baselines") as advance:
        ads, folded = corpus.ads.take(report), corpus.batch.folded.take(report)
        scores = plain_baselines(ads, folded, corpus.rules)
        advance(3)
        if len(fit):
            scores[TFIDF] = _tfidf(corpus, fit, report, seed)
        advance()
    truth, campaigns = corpus.targets.risk[report] >= RISKY, corpus.campaigns[report]
    found: dict[str, Ranking | LeftOut] = {
        name: judge_ranking(truth, score, campaigns, bootstrap) for name, score in scores.items()
    }
    if not len(fit):
        found[TFIDF] = LeftOut(left_out="the ads the model was fitted on are not in this corpus")
    return found


def baselines_by_fold(
    corpus: Corpus, splits: list[Split], bootstrap: Bootstrap, seed: int
) -> dict[str, Ranking | LeftOut]:
    """The four baselines on all folds together; TF-IDF is fitted for each fold."""
    rows = np.concatenate([split["report"] for split in splits])
    found = baselines(corpus, np.zeros(0, dtype=np.int64), rows, bootstrap, seed)
    with track("TF-IDF baseline", len(splits), "models") as advance:
        scores = []
        for split in splits:
            calibrate = _known(corpus, split["calibrate"])
            rows_of = np.concatenate([calibrate, split["report"]])
            margins = _tfidf(corpus, split["fit"], rows_of, seed)
            before, score = np.split(margins, [len(calibrate)])
            slope, shift = sigmoid(before, corpus.risky[calibrate].astype(np.float64)).numbers
            scores.append(slope * score + shift)  # several models are pooled: one scale for all
            advance()
    known = corpus.targets.risk[rows] != UNKNOWN_RISK
    found[TFIDF] = judge_ranking(
        corpus.targets.risk[rows][known] >= RISKY,
        np.concatenate(scores)[known],
        corpus.campaigns[rows][known],
        bootstrap,
    )
    return found


def plain_baselines(ads: pa.Table, folded: ArrowArray, rules: Ruleset) -> dict[str, FloatArray]:
    """Scores of the three baselines without training: keyword count, length, rules.

    The rules score is the graded risk of the indicators they find, with the number of findings
    as the tie-breaker.
    """
    languages: Sequence[str | None] = (
        ads["language"].to_pylist() if "language" in ads.column_names else [None] * len(ads)
    )
    graded = np.zeros(len(ads))
    for row, evidence in enumerate(match_column(text_list(ads["text"]), languages, rules)):
        present = {e.indicator for e in evidence if e.state is State.PRESENT}
        graded[row] = graded_risk(present, rules.taxonomy) + 0.01 * len(present)
    return {
        "keyword count": keyword_counts(folded).astype(np.float64),
        "length only": pc.utf8_length(ads["text"]).to_numpy().astype(np.float64),
        "rules": graded,
    }


def tfidf_baseline(
    fit_texts: Sequence[str], fit_truth: NDArray[np.bool_], texts: Sequence[str], seed: int
) -> FloatArray:
    """The fourth baseline: TF-IDF of words and characters with logistic regression, as is."""
    # 0.3 s at the start of every command otherwise.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    pipeline = make_pipeline(
        make_union(word_vectoriser(), char_vectoriser()),
        LogisticRegression(C=1.0, solver="liblinear", random_state=seed),
    )
    pipeline.fit(fit_texts, fit_truth)
    return np.asarray(pipeline.decision_function(texts), dtype=np.float64)


def _tfidf(corpus: Corpus, fit: IntArray, report: IntArray, seed: int) -> FloatArray:
    fit = _known(corpus, fit)
    folded = corpus.batch.folded
    return tfidf_baseline(
        text_list(folded.take(fit)),
        corpus.targets.risk[fit] >= RISKY,
        text_list(folded.take(report)),
        seed,
    )


def _known(corpus: Corpus, rows: IntArray) -> IntArray:
    """Those of the rows with a risk label."""
    return np.asarray(rows[corpus.targets.risk[rows] != UNKNOWN_RISK])
