"""Linear heads on a sparse matrix: three for the ordinal risk, and one for each indicator.

In: features (n, d), targets and labels. Out: `LinearHeads`, weights (d, 3 + k) and intercepts.
Families with different features share them. Each cumulative risk head ("risk is at least 1, 2, 3")
has its own weights (Frank and Hall 2001): the features that separate level 1 from 0, weak
indicators, differ from those that separate 2 from 1, and a single vector, as in proportional
odds, would fit mainly the commonest level. Risk margins are then made non-increasing around the
middle head, which is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adrisk.classifiers.base import (
    IMPOSSIBLE,
    RISK_HEADS,
    RISKY_COLUMN,
    THRESHOLDS,
    Margins,
    enforce_monotone,
)
from adrisk.labels.targets import Targets
from adrisk.parallel import in_processes
from adrisk.progress import track
from adrisk.types import FloatArray

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_INTERCEPT_COLUMN = 8.0  # liblinear regularises the intercept; a large constant limits that

_WORTH_PROCESSES = 50_000_000
"""Nonzero features times heads above which processes pay for their start."""


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Weights and intercepts of the heads.

    Attributes:
        labels: the indicators, in order.
        weights: shape (d, 3 + k), float32; the three risk heads come first.
        intercepts: shape (3 + k,).
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    intercepts: FloatArray

    def margins(self, products: FloatArray) -> Margins:
        """Log-odds from `features @ weights`, shape (n, 3 + k)."""
        logits = np.asarray(products, dtype=np.float64) + self.intercepts
        return Margins(
            indicators=logits[:, RISK_HEADS:], risk=enforce_monotone(logits[:, :RISK_HEADS])
        )

    def contributions(self, by_character: FloatArray) -> FloatArray:
        """Contributions to risk 2+ and the indicators, (1 + k, m), from those to all heads."""
        return np.concatenate(
            [by_character[:, RISKY_COLUMN : RISKY_COLUMN + 1], by_character[:, RISK_HEADS:]], axis=1
        ).T


def fit_heads(
    features: sparse.csr_array,
    targets: Targets,
    labels: tuple[str, ...],
    strength: float,
    seed: int,
) -> LinearHeads:
    """Fit the risk heads and one head a label.

    Args:
        features: shape (n, d).
        targets: of the same n ads.
        labels: the indicators to learn, each with both classes among its known rows.
        strength: inverse of the regularisation (scikit-learn's C).
        seed: of the solver's shuffling.
    """
    used = np.unique(features.indices)  # most hashed columns never occur
    compact = sparse.csr_array(features[:, used])
    weights = np.zeros((features.shape[1], RISK_HEADS + len(labels)), dtype=np.float32)
    intercepts = np.full(RISK_HEADS + len(labels), IMPOSSIBLE)
    truths = [targets.risk_at_least(threshold) for threshold in THRESHOLDS]
    truths += list(targets.columns(labels).T)
    same = [_identical_target(truths[:column], truth) for column, truth in enumerate(truths)]
    to_fit = [
        column
        for column, truth in enumerate(truths)
        if same[column] is None and np.unique(truth[~np.isnan(truth)]).size >= 2
    ]
    with track("fit heads", len(to_fit), "heads") as advance:
        fitted = _fit_all(compact, [truths[column] for column in to_fit], strength, seed)
        for column, (coefficients, intercept) in zip(to_fit, fitted, strict=True):
            weights[used, column], intercepts[column] = coefficients, intercept
            advance()
    for column, other in enumerate(same):
        if other is not None:
            weights[:, column], intercepts[column] = weights[:, other], intercepts[other]
    return LinearHeads(labels, weights, intercepts)


def _fit_all(
    features: sparse.csr_array, truths: Sequence[FloatArray], strength: float, seed: int
) -> Iterator[tuple[FloatArray, float]]:
    """Fitted heads in order, in processes for large work, never on threads.

    liblinear has one random generator a process: heads fitted on threads would share its numbers,
    and equal seeds would give unequal weights.
    """
    if features.nnz * len(truths) < _WORTH_PROCESSES:
        return map(_fitter(features, strength, seed), truths)
    make = partial(_fitter, features, strength, seed)
    return in_processes(make, truths, preload=("sklearn.linear_model",))


def _fitter(
    features: sparse.csr_array, strength: float, seed: int
) -> Callable[[FloatArray], tuple[FloatArray, float]]:
    return partial(_fit_binary, features, strength=strength, seed=seed)


def _identical_target(earlier: Sequence[FloatArray], truth: FloatArray) -> int | None:
    """The index of an earlier risk head with identical targets, or None."""
    for index, other in enumerate(earlier[:RISK_HEADS]):
        if np.array_equal(other, truth, equal_nan=True):
            return index
    return None


def _fit_binary(
    features: sparse.csr_array, truth: FloatArray, strength: float, seed: int
) -> tuple[FloatArray, float]:
    """Logistic regression; a soft label is a present and an absent ad, weighted accordingly."""
    known = np.flatnonzero(~np.isnan(truth))
    soft = known[(truth[known] > 0) & (truth[known] < 1)]
    rows = np.concatenate([known, soft])
    present = np.concatenate([truth[known] >= 0.5, truth[soft] < 0.5])
    certainty = np.maximum(truth[known], 1 - truth[known])
    solver = _solver(strength, seed)
    solver.fit(
        _with_int32_indices(features[rows]),
        present.astype(np.int64),
        sample_weight=np.concatenate([certainty, np.minimum(truth[soft], 1 - truth[soft])]),
    )
    return solver.coef_[0], float(solver.intercept_[0])


def _with_int32_indices(matrix: sparse.csr_array) -> sparse.csr_matrix:
    """The matrix with 32-bit indices, as liblinear requires."""
    return sparse.csr_matrix(
        (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)),
        shape=matrix.shape,
    )


def _solver(strength: float, seed: int) -> LogisticRegression:
    """liblinear's dual coordinate descent, fastest for few rows and many sparse columns.

    Its coordinate order is drawn from `seed`.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=True,
        intercept_scaling=_INTERCEPT_COLUMN,
        max_iter=2000,
        # 0.05 takes four times as long; margins correlate above 0.9999, soft labels included.
        tol=1.0,
        random_state=seed,
    )
