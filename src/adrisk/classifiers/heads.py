"""Linear heads on a sparse matrix: one for each indicator, and one ordinal head for risk.

Shared by the families that differ only in their features. The ordinal head has one weight vector
and three intercepts, so its cumulative probabilities cannot cross: it is fitted as a single
logistic regression on three copies of every ad, one for each question "is risk at least 1, 2, 3"
(all-threshold loss, Rennie and Srebro 2005; rank consistency as in CORAL, Cao et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from adrisk.classifiers.base import IMPOSSIBLE, THRESHOLDS, Margins
from adrisk.labels import Targets
from adrisk.progress import track
from adrisk.types import FloatArray, IntArray

_INTERCEPT_COLUMN = 8.0  # a large constant makes the regulariser leave the intercepts nearly alone


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Learned weights.

    Attributes:
        labels: the indicators, in order.
        weights: shape (d, 1 + k), float32; column 0 is risk.
        risk_intercepts: shape (3,), not increasing.
        intercepts: shape (k,).
    """

    labels: tuple[str, ...]
    weights: FloatArray
    risk_intercepts: FloatArray
    intercepts: FloatArray

    def margins(self, products: FloatArray) -> Margins:
        """Log-odds from `features @ weights`, shape (n, 1 + k)."""
        products = np.asarray(products, dtype=np.float64)
        return Margins(
            indicators=products[:, 1:] + self.intercepts,
            risk=products[:, :1] + self.risk_intercepts,
        )


def fit_heads(
    features: sparse.csr_array, targets: Targets, labels: tuple[str, ...], strength: float, seed: int
) -> LinearHeads:
    """Fit the risk head and one head a label.

    Args:
        features: shape (n, d).
        targets: of the same n ads.
        labels: the indicators to learn, each with both classes among its known rows.
        strength: inverse of the regularisation (scikit-learn's C).
        seed: of the solver's shuffling.
    """
    used = np.unique(features.indices)  # most hashed columns never occur; the solver need not know
    compact = sparse.csr_array(features[:, used])
    weights = np.zeros((features.shape[1], 1 + len(labels)), dtype=np.float32)
    intercepts = np.zeros(len(labels))
    with track("fit heads", 1 + len(labels), "heads") as advance:
        coefficients, risk_intercepts = _fit_risk(compact, targets.risk, strength, seed)
        weights[used, 0] = coefficients
        advance()
        for column, label in enumerate(labels):
            truth = targets.indicators[:, targets.labels.index(label)]
            coefficients, intercepts[column] = _fit_binary(compact, truth, strength, seed)
            weights[used, 1 + column] = coefficients
            advance()
    return LinearHeads(labels, weights, risk_intercepts, intercepts)


def _fit_risk(
    features: sparse.csr_array, risk: IntArray, strength: float, seed: int
) -> tuple[FloatArray, FloatArray]:
    known = risk >= 0
    features, risk = features[known], risk[known]
    questions = [t for t in THRESHOLDS if np.unique(risk >= t).size == 2]
    # Levels that no ad tells apart share a question: with risks 0 and 2 alone, "at least 1" and
    # "at least 2" are one. It is asked once and answers for both.
    distinct = [t for t in questions if t + 1 not in questions or np.any(risk == t)]
    blocks, answers = [], []
    for i, threshold in enumerate(distinct):
        which = sparse.csr_array(
            (
                np.full(len(risk), _INTERCEPT_COLUMN, dtype=np.float32),
                (np.arange(len(risk)), np.full(len(risk), i)),
            ),
            shape=(len(risk), len(distinct)),
        )
        blocks.append(sparse.hstack([features, which], format="csr"))
        answers.append((risk >= threshold).astype(np.int64))
    solver = _solver(strength, seed, intercept=False)
    solver.fit(_narrow(sparse.vstack(blocks, format="csr")), np.concatenate(answers))
    coefficients = solver.coef_[0]
    found = coefficients[features.shape[1] :] * _INTERCEPT_COLUMN
    intercepts = np.full(len(THRESHOLDS), IMPOSSIBLE)
    for column, threshold in enumerate(THRESHOLDS):
        answering = [i for i, t in enumerate(distinct) if t >= threshold]
        if answering:
            intercepts[column] = found[answering[0]]
    return coefficients[: features.shape[1]], np.minimum.accumulate(intercepts)


def _fit_binary(
    features: sparse.csr_array, truth: FloatArray, strength: float, seed: int
) -> tuple[FloatArray, float]:
    """A logistic head; a soft label counts as a present ad and an absent one, by its weight."""
    known = np.flatnonzero(~np.isnan(truth))
    soft = known[(truth[known] > 0) & (truth[known] < 1)]
    rows = np.concatenate([known, soft])
    answers = np.concatenate([truth[known] >= 0.5, truth[soft] < 0.5])
    certainty = np.maximum(truth[known], 1 - truth[known])
    solver = _solver(strength, seed, intercept=True)
    solver.fit(
        _narrow(features[rows]),
        answers.astype(np.int64),
        sample_weight=np.concatenate([certainty, np.minimum(truth[soft], 1 - truth[soft])]),
    )
    return solver.coef_[0], float(solver.intercept_[0])


def _narrow(matrix: sparse.csr_array) -> sparse.csr_matrix:
    """The same matrix with the 32-bit indices that liblinear asks for."""
    return sparse.csr_matrix(
        (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)),
        shape=matrix.shape,
    )


def _solver(strength: float, seed: int, *, intercept: bool) -> LogisticRegression:
    """Dual coordinate descent: by far the fastest for few rows and many sparse columns."""
    return LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=True,
        fit_intercept=intercept,
        intercept_scaling=_INTERCEPT_COLUMN,
        max_iter=2000,
        tol=1e-3,
        random_state=seed,
    )
