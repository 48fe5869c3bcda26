"""Baselines beside a model's figures, and the gap to a random split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN, tune
from adrisk.classifiers.linear import char_vectoriser, word_vectoriser
from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.evaluation_results import LeftOut, RandomSplit
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.metrics.estimates import average_precision, estimate
from adrisk.metrics.protocol import Ruler, judge_ranking
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


def random_gap(
    recipe: ModelConfig,
    corpus: Corpus,
    splits: list[Split],
    ruler: Ruler,
    honest: Report,
) -> RandomSplit:
    """Average precision of the same recipe with single ads dealt at random.

    Raises:
        CorpusError: if the average precision of `honest` is undefined.
    """
    rows, scores = [], []
    targets = risk_alone(corpus.targets)
    with track("random split", len(splits), "models") as advance:
        for split in splits:
            classifier = FAMILIES[recipe.family](**{"seed": recipe.seed, **recipe.parameters})
            fit = split["fit"]
            learned = risk_alone(training_labels(corpus, fit, recipe.labels).targets)
            classifier.fit(corpus.batch.take(fit), learned)
            calibrate_on = corpus.batch.take(split["calibrate"])
            to_calibrate = targets.take(split["calibrate"])
            tune(classifier, calibrate_on, to_calibrate)
            margins = classifier.margins(corpus.batch.take(split["report"]))
            if len(splits) > 1:  # scores of several models are pooled: put them on one scale
                shift = fit_calibration(classifier.margins(calibrate_on), to_calibrate, ())
                scores.append(shift.risk(margins)[:, RISKY_COLUMN])
            else:
                scores.append(margins.risk[:, RISKY_COLUMN])
            rows.append(split["report"])
            advance()
    report, score = np.concatenate(rows), np.concatenate(scores)
    known = corpus.targets.risk[report] != UNKNOWN_RISK
    truth = corpus.targets.risk[report] >= RISKY
    figure = estimate(
        average_precision(truth[known], score[known]),
        corpus.campaigns[report][known],
        positives=int(truth[known].sum()),
        resamples=ruler.resamples,
        seed=ruler.seed,
    )
    kept = honest.risk.average_precision.value
    if kept is None:
        raise CorpusError("the report set has no risky ad: there is no gap to a random split")
    return RandomSplit(average_precision=figure.figure(), gap=round(figure.value - kept, 6))


def risk_alone(targets: Targets) -> Targets:
    """Only the risk is compared, so only its head is fitted."""
    none = np.zeros((len(targets), 0))
    return Targets((), none, targets.risk, targets.risk_shares, targets.campaigns)


def baselines(
    corpus: Corpus, fit: IntArray, report: IntArray, ruler: Ruler, seed: int
) -> dict[str, Ranking | LeftOut]:
    """The four baselines on the report set; the one that learns needs the fit set's ads."""
    report = report[corpus.targets.risk[report] != UNKNOWN_RISK]
    with track("baselines", 4, "baselines") as advance:
        ads, folded = corpus.ads.take(report), corpus.batch.folded.take(report)
        scores = plain_baselines(ads, folded, corpus.rules)
        advance(3)
        if len(fit):
            scores[TFIDF] = _tfidf(corpus, fit, report, seed)
        advance()
    truth, campaigns = corpus.targets.risk[report] >= RISKY, corpus.campaigns[report]
    found: dict[str, Ranking | LeftOut] = {
        name: judge_ranking(truth, score, campaigns, ruler) for name, score in scores.items()
    }
    if not len(fit):
        found[TFIDF] = LeftOut(left_out="the ads the model was fitted on are not in this corpus")
    return found


def baselines_by_fold(
    corpus: Corpus, splits: list[Split], ruler: Ruler, seed: int
) -> dict[str, Ranking | LeftOut]:
    """The four baselines on all folds together, the one that learns fitted anew for each."""
    rows = np.concatenate([split["report"] for split in splits])
    found = baselines(corpus, np.zeros(0, dtype=np.int64), rows, ruler, seed)
    with track("TF-IDF baseline", len(splits), "models") as advance:
        scores = []
        for split in splits:
            held = split["calibrate"]
            held = held[corpus.targets.risk[held] != UNKNOWN_RISK]
            together = np.concatenate([held, split["report"]])
            margins = _tfidf(corpus, split["fit"], together, seed)
            before, score = np.split(margins, [len(held)])
            slope, shift = sigmoid(before, corpus.risky[held].astype(np.float64)).numbers
            scores.append(slope * score + shift)  # several models are pooled: one scale for all
            advance()
    known = corpus.targets.risk[rows] != UNKNOWN_RISK
    found[TFIDF] = judge_ranking(
        corpus.targets.risk[rows][known] >= RISKY,
        np.concatenate(scores)[known],
        corpus.campaigns[rows][known],
        ruler,
    )
    return found


def plain_baselines(ads: pa.Table, folded: ArrowArray, rules: Ruleset) -> dict[str, FloatArray]:
    """Scores of the three baselines that learn nothing: keyword count, length, rules.

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
    pipeline = make_pipeline(
        make_union(word_vectoriser(), char_vectoriser()),
        LogisticRegression(C=1.0, solver="liblinear", random_state=seed),
    )
    pipeline.fit(fit_texts, fit_truth)
    return np.asarray(pipeline.decision_function(texts), dtype=np.float64)


def _tfidf(corpus: Corpus, fit: IntArray, report: IntArray, seed: int) -> FloatArray:
    fit = fit[corpus.targets.risk[fit] != UNKNOWN_RISK]
    folded = corpus.batch.folded
    return tfidf_baseline(
        text_list(folded.take(fit)),
        corpus.targets.risk[fit] >= RISKY,
        text_list(folded.take(report)),
        seed,
    )
