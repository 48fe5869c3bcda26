"""Margins to probabilities, learned on a split of their own.

Indicators: Platt's sigmoid with his smoothed targets, one a head. Risk: one slope shared by the
three cumulative questions and an intercept each, kept in order, so that calibrated probabilities
cannot cross either. Both are monotone: calibration never changes the order of two ads.

Source: Platt 1999, "Probabilistic outputs for support vector machines"; the shared slope is the
proportional-odds model of McCullagh 1980 with the margin as its only covariate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from adrisk.classifiers.base import IMPOSSIBLE, THRESHOLDS, Margins
from adrisk.labels import UNKNOWN_RISK, Targets
from adrisk.types import FloatArray, IntArray

LEAST_POSITIVES = 5
"""With fewer known present (or absent) ads a head keeps its uncalibrated margin, and says so."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slopes (positive) and intercepts; `calibrated` names what had enough data.

    Attributes:
        slopes, intercepts: shape (k,), one an indicator head.
        risk_slope: shared by the three questions.
        risk_intercepts: shape (3,), added after the slope.
        calibrated: names of heads that were calibrated, "risk" among them.
    """

    slopes: FloatArray
    intercepts: FloatArray
    risk_slope: float
    risk_intercepts: FloatArray
    calibrated: tuple[str, ...]

    def indicators(self, margins: Margins) -> FloatArray:
        """Calibrated probability of each indicator, shape (n, k)."""
        return np.asarray(expit(margins.indicators * self.slopes + self.intercepts))

    def risk(self, margins: Margins) -> FloatArray:
        """Calibrated P(risk >= 1), P(risk >= 2), P(risk >= 3): shape (n, 3), not increasing."""
        logits = margins.risk * self.risk_slope + self.risk_intercepts
        return np.asarray(np.minimum.accumulate(expit(logits), axis=1))


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
            slopes[column], intercepts[column] = _sigmoid(
                margins.indicators[known, column], truth[known]
            )
            calibrated.append(labels[column])
    known = targets.risk != UNKNOWN_RISK
    slope, shifts, done = _ordinal(margins.risk[known], targets.risk[known])
    if done:
        calibrated.append("risk")
    return Calibration(slopes, intercepts, slope, shifts, tuple(calibrated))


def _enough(present: NDArray[np.bool_]) -> bool:
    return min(int(present.sum()), int((~present).sum())) >= LEAST_POSITIVES


def _smoothed(truth: FloatArray) -> FloatArray:
    """Platt's targets: a finite sample never proves a probability of 0 or 1."""
    present = float((truth >= 0.5).sum())
    absent = len(truth) - present
    high, low = (present + 1) / (present + 2), 1 / (absent + 2)
    return low + (high - low) * truth


def _sigmoid(margin: FloatArray, truth: FloatArray) -> tuple[float, float]:
    slope, shifts = _fit_shared_slope(margin[:, None], _smoothed(truth)[:, None])
    return slope, float(shifts[0])


def _ordinal(margin: FloatArray, risk: IntArray) -> tuple[float, FloatArray, bool]:
    """Slope and shifts; a question without enough data on both sides borrows its neighbour's."""
    shifts = np.zeros(len(THRESHOLDS))
    usable = [
        column
        for column, threshold in enumerate(THRESHOLDS)
        if _enough(risk >= threshold) and margin[:, column].max() > IMPOSSIBLE / 2
    ]
    if not usable:
        return 1.0, shifts, False
    truths = np.stack([_smoothed((risk >= THRESHOLDS[c]).astype(float)) for c in usable], axis=1)
    slope, found = _fit_shared_slope(margin[:, usable], truths)
    for column in range(len(THRESHOLDS)):
        nearest = int(np.argmin([abs(column - c) for c in usable]))
        shifts[column] = found[nearest]
    return slope, shifts, True


def _fit_shared_slope(margins: FloatArray, truths: FloatArray) -> tuple[float, FloatArray]:
    """Maximum likelihood of sigmoid(slope * margin + shift_j), the slope kept positive."""

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope = np.exp(parameters[0])
        logits = margins * slope + parameters[1:]
        value = (np.logaddexp(0, logits) - truths * logits).sum()
        residual = expit(logits) - truths
        gradient = np.concatenate([[(residual * margins).sum() * slope], residual.sum(axis=0)])
        return value / len(margins), gradient / len(margins)

    start = np.zeros(1 + margins.shape[1])
    bounds = [(-4.0, 3.0)] + [(-60.0, 60.0)] * margins.shape[1]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(best.x[0])), np.asarray(best.x[1:])
