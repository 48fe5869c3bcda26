"""Margins to probabilities, learned on a split of their own.

Every head and every risk question gets Platt's sigmoid with his smoothed targets: a slope, kept
positive, and an intercept. So calibration never changes the order of two ads; and the three risk
probabilities are kept from crossing around the one that `risk` reports.

Source: Platt 1999, "Probabilistic outputs for support vector machines".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from adrisk.classifiers.base import IMPOSSIBLE, THRESHOLDS, Margins, uncrossed
from adrisk.labels import UNKNOWN_RISK, Targets
from adrisk.types import RISKY, FloatArray

LEAST_POSITIVES = 5
"""With fewer known present (or absent) ads a head keeps its uncalibrated margin, and says so."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slopes (positive) and intercepts; `calibrated` names what had enough data.

    Attributes:
        slopes, intercepts: shape (k,), one an indicator head.
        risk_slopes, risk_intercepts: shape (3,), one a question.
        calibrated: names of heads that were calibrated, "risk" among them.
    """

    slopes: FloatArray
    intercepts: FloatArray
    risk_slopes: FloatArray
    risk_intercepts: FloatArray
    calibrated: tuple[str, ...]

    def indicators(self, margins: Margins) -> FloatArray:
        """Calibrated probability of each indicator, shape (n, k)."""
        return np.asarray(expit(margins.indicators * self.slopes + self.intercepts))

    def risk(self, margins: Margins) -> FloatArray:
        """Calibrated P(risk >= 1), P(risk >= 2), P(risk >= 3): shape (n, 3), not increasing."""
        return uncrossed(expit(margins.risk * self.risk_slopes + self.risk_intercepts))


def levels(risk: FloatArray) -> NDArray[np.int8]:
    """The median level of each ad's distribution: how many of the three questions are likelier
    true than not. Shape (n, 3) in, (n,) out, values 0 to 3.
    """
    return np.asarray((risk >= 0.5).sum(axis=1), dtype=np.int8)


def fit_calibration(margins: Margins, targets: Targets, labels: Sequence[str]) -> Calibration:
    """Learn on held-out ads that neither training nor judging has seen.

    Args:
        margins: of n ads, indicator columns as `labels`.
        targets: of the same ads.
        labels: names of the heads.
    """
    slopes, intercepts = np.ones(len(labels)), np.zeros(len(labels))
    calibrated = []
    for column, truth in enumerate(targets.columns(labels).T):
        known = ~np.isnan(truth)
        if _enough(truth[known] >= 0.5):
            slopes[column], intercepts[column] = platt(
                margins.indicators[known, column], truth[known]
            )
            calibrated.append(labels[column])
    known = targets.risk != UNKNOWN_RISK
    risk_slopes, risk_intercepts = _questions(
        margins.risk[known], [targets.risk_at_least(level)[known] for level in THRESHOLDS]
    )
    if _enough(targets.risk[known] >= RISKY):
        calibrated.append("risk")
    return Calibration(slopes, intercepts, risk_slopes, risk_intercepts, tuple(calibrated))


def _enough(present: NDArray[np.bool_]) -> bool:
    return min(int(present.sum()), int((~present).sum())) >= LEAST_POSITIVES


def smoothed(truth: FloatArray) -> FloatArray:
    """Platt's targets: a finite sample never proves a probability of 0 or 1."""
    present = float((truth >= 0.5).sum())
    absent = len(truth) - present
    high, low = (present + 1) / (present + 2), 1 / (absent + 2)
    return low + (high - low) * truth


def _questions(margin: FloatArray, truths: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Slope and shift of each question; one without enough data takes its nearest neighbour's."""
    found = {
        column: platt(margin[:, column], truth)
        for column, truth in enumerate(truths)
        if _enough(truth >= 0.5) and margin[:, column].max() > IMPOSSIBLE / 2
    }
    if not found:
        return np.ones(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    taken = [
        found[min(found, key=lambda have: (abs(have - column), have))]
        for column in range(len(THRESHOLDS))
    ]
    return np.array([slope for slope, _ in taken]), np.array([shift for _, shift in taken])


def platt(margin: FloatArray, truth: FloatArray) -> tuple[float, float]:
    """Maximum likelihood of sigmoid(slope * margin + shift), the slope kept positive.

    Args:
        margin: shape (n,), any monotone score.
        truth: shape (n,), 0 to 1.

    Returns:
        Slope and shift.
    """
    wanted = smoothed(truth)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope = np.exp(parameters[0])
        logits = margin * slope + parameters[1]
        value = (np.logaddexp(0, logits) - wanted * logits).mean()
        residual = expit(logits) - wanted
        return float(value), np.array([(residual * margin).mean() * slope, residual.mean()])

    bounds = [(-4.0, 3.0), (-60.0, 60.0)]
    best = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(best.x[0])), float(best.x[1])
