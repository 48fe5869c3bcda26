"""Scores that need no model, or only a plain one: what every figure of a model stands beside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from adrisk.classifiers.linear import char_vectoriser, word_vectoriser
from adrisk.rules.keywords import keyword_counts
from adrisk.rules.match import match_column
from adrisk.rules.taxonomy import Taxonomy, graded_risk
from adrisk.types import FloatArray, State


def plain_baselines(ads: pa.Table, folded: pa.Array, taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """Scores of the three baselines that learn nothing: keyword count, length, rules.

    The rules score is the graded risk of the indicators they find, with the number of findings
    as the tie-breaker.
    """
    languages: Sequence[str | None] = (
        ads["language"].to_pylist() if "language" in ads.column_names else [None] * len(ads)
    )
    rules = np.zeros(len(ads))
    for row, evidence in enumerate(match_column(ads["text"].to_pylist(), languages)):
        present = {e.indicator for e in evidence if e.state is State.PRESENT}
        rules[row] = graded_risk(present, taxonomy) + 0.01 * len(present)
    return {
        "keyword count": keyword_counts(folded).astype(np.float64),
        "length only": pc.utf8_length(ads["text"]).to_numpy().astype(np.float64),
        "rules": rules,
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
