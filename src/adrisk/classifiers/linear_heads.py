"""Linear heads on a sparse matrix: three for the ordinal risk, and one for each indicator.

Shared by the families that differ only in their features. Each of the questions "is risk at least
1, 2, 3" has weights of its own (Frank and Hall 2001), because what tells level 1 from 0, a weak
indicator, is not what tells level 2 from 1; one vector for all three, as proportional odds would
have it, spends itself on the commonest question. The answers are then kept from crossing around
the middle one, the one that `risk` reports, which so stays what its own head says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adrisk.classifiers.base import IMPOSSIBLE, RISKY_COLUMN, THRESHOLDS, Margins, enforce_monotone
from adrisk.labels.targets import Targets
from adrisk.parallel import in_processes
from adrisk.progress import track
from adrisk.types import FloatArray

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_INTERCEPT_COLUMN = 8.0  # liblinear shrinks the intercept too; a large constant makes it hardly so

_WORTH_PROCESSES = 50_000_000
"""Nonzero features times heads from which the work outlasts the start of processes."""


QUESTIONS = len(THRESHOLDS)


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Learned weights.

    Attributes:
        labels: the indicators, in order.
        weights: shape (d, 3 + k), float32; the three risk questions come first.
        intercepts: shape (3 + k,).
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    intercepts: FloatArray

    def margins(self, products: FloatArray) -> Margins:
        """Log-odds from `features @ weights`, shape (n, 3 + k)."""
        logits = np.asarray(products, dtype=np.float64) + self.intercepts
        return Margins(
            indicators=logits[:, QUESTIONS:], risk=enforce_monotone(logits[:, :QUESTIONS])
        )

    def explained(self, by_place: FloatArray) -> FloatArray:
        """Contributions to all heads, (m, 3 + k), as those to risk and indicators, (1 + k, m)."""
        return np.concatenate(
            [by_place[:, RISKY_COLUMN : RISKY_COLUMN + 1], by_place[:, QUESTIONS:]], axis=1
        ).T


def fit_heads(
    features: sparse.csr_array,
    targets: Targets,
    labels: tuple[str, ...],
    strength: float,
    seed: int,
) -> LinearHeads:
    """Fit the risk questions and one head a label.

    Args:
        features: shape (n, d).
        targets: of the same n ads.
        labels: the indicators to learn, each with both classes among its known rows.
        strength: inverse of the regularisation (scikit-learn's C).
        seed: of the solver's shuffling.
    """
    used = np.unique(features.indices)  # most hashed columns never occur; the solver need not know
    compact = sparse.csr_array(features[:, used])
    weights = np.zeros((features.shape[1], QUESTIONS + len(labels)), dtype=np.float32)
    intercepts = np.full(QUESTIONS + len(labels), IMPOSSIBLE)
    truths = [targets.risk_at_least(threshold) for threshold in THRESHOLDS]
    truths += list(targets.columns(labels).T)
    same = [_same_question(truths[:column], truth) for column, truth in enumerate(truths)]
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
    """The heads in order, in processes where there is much to do, and never on threads.

    liblinear draws from one generator a process: heads side by side on threads would take each
    other's numbers, and equal seeds would give unequal weights.
    """
    if features.nnz * len(truths) < _WORTH_PROCESSES:
        return map(_fitter(features, strength, seed), truths)
    make = partial(_fitter, features, strength, seed)
    return in_processes(make, truths, preload=("sklearn.linear_model",))


def _fitter(
    features: sparse.csr_array, strength: float, seed: int
) -> Callable[[FloatArray], tuple[FloatArray, float]]:
    return partial(_fit_binary, features, strength=strength, seed=seed)


def _same_question(asked: Sequence[FloatArray], truth: FloatArray) -> int | None:
    """A risk question with the very same answers, as "at least 1" and "at least 2" may be."""
    for index, other in enumerate(asked[:QUESTIONS]):
        if np.array_equal(other, truth, equal_nan=True):
            return index
    return None


def _fit_binary(
    features: sparse.csr_array, truth: FloatArray, strength: float, seed: int
) -> tuple[FloatArray, float]:
    """A logistic head; a soft label counts as a present ad and an absent one, by its weight."""
    known = np.flatnonzero(~np.isnan(truth))
    soft = known[(truth[known] > 0) & (truth[known] < 1)]
    rows = np.concatenate([known, soft])
    answers = np.concatenate([truth[known] >= 0.5, truth[soft] < 0.5])
    certainty = np.maximum(truth[known], 1 - truth[known])
    solver = _solver(strength, seed)
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


def _solver(strength: float, seed: int) -> LogisticRegression:
    """Dual coordinate descent: by far the fastest for few rows and many sparse columns.

    Its order of visits is drawn from `seed`.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=True,
        intercept_scaling=_INTERCEPT_COLUMN,
        max_iter=2000,
        # A tighter one takes four times as long and leaves the margins as they are: correlation
        # above 0.9999 with those at 0.05, soft labels among them.
        tol=1.0,
        random_state=seed,
    )
