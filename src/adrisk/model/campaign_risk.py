"""Campaign risk: calibrated maximum over a campaign's ads; duplicates do not count.

In: the calibrated risk, campaign and near-duplicate group of every ad. Out: one calibrated risk a
campaign, the probability that one of its ads is of risk 2 or 3: the log-odds of the riskiest ad,
scaled and shifted to the base rate of campaigns, less a term in the logarithm of the number of
distinct texts, since the maximum of many scores is higher by chance. A thousand copies change
nothing, and a riskier ad never lowers its campaign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from adrisk.linking.grouped import distinct
from adrisk.model.calibration import LEAST_POSITIVES, smoothed
from adrisk.types import FloatArray, IntArray

MOST_TEXTS = 32
"""Distinct texts of a campaign beyond this number are not counted."""

MOST_SHRINK = 0.3
"""Upper bound of `shrink`: 32 texts lower the log-odds by at most 1.04."""

_EDGE = 1e-6  # probabilities are taken to lie at least so far inside 0 and 1


@dataclass(frozen=True, slots=True)
class Pooling:
    """Parameters of the campaign risk, and the number of campaigns they were fitted on.

    The default, with `campaigns` 0, is the risk of the riskiest ad.
    """

    slope: float = 1.0
    shrink: float = 0.0
    shift: float = 0.0
    campaigns: int = 0


def campaign_risk(
    risk: NDArray[np.floating], campaigns: IntArray, texts: IntArray, pooling: Pooling
) -> FloatArray:
    """The risk of every campaign.

    Args:
        risk: shape (n,), calibrated probabilities of ads.
        campaigns: shape (n,), 0 to m - 1.
        texts: shape (n,), a number for each near-duplicate group.
        pooling: fitted with the model.

    Returns:
        Shape (m,); 0 for a campaign number without ads.

    >>> copies = np.zeros(1000, dtype=np.int64)
    >>> campaign_risk(np.full(1000, 0.4), copies, copies, Pooling()).round(2).tolist()
    [0.4]
    """
    top, count_of_texts = _pooled(risk, campaigns, texts)
    odds = (
        pooling.slope * top - pooling.shrink * np.log(np.maximum(count_of_texts, 1)) + pooling.shift
    )
    return np.where(count_of_texts > 0, expit(odds), 0.0)


def fit_pooling(
    risk: FloatArray, campaigns: IntArray, texts: IntArray, risky: NDArray[np.bool_]
) -> Pooling:
    """Fit the parameters on ads the model was not fitted on; one risky ad makes a campaign risky.

    Args:
        risk: shape (n,), calibrated, of ads whose label is known.
        campaigns: shape (n,), any numbers.
        texts: shape (n,), a number for each near-duplicate group.
        risky: shape (n,), whether the risk is labelled 2 or 3.

    Returns:
        The default where fewer than `LEAST_POSITIVES` campaigns are risky, or are not.
    """
    groups, member = np.unique(campaigns, return_inverse=True)
    truth = np.bincount(member, weights=risky, minlength=len(groups)) > 0
    if min(int(truth.sum()), int((~truth).sum())) < LEAST_POSITIVES:
        return Pooling()
    top, count_of_texts = _pooled(risk, member, texts)
    target, size = smoothed(truth.astype(np.float64)), np.log(count_of_texts)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope, shrink = np.exp(parameters[0]), parameters[1]
        odds = slope * top - shrink * size + parameters[2]
        residual = expit(odds) - target
        slopes = np.array([slope * (residual * top).mean(), -(residual * size).mean()])
        value = (np.logaddexp(0, odds) - target * odds).mean()
        return float(value), np.append(slopes, residual.mean())

    bounds = [(-3.0, 3.0), (0.0, MOST_SHRINK), (-60.0, 60.0)]
    best = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Pooling(float(np.exp(best[0])), float(best[1]), float(best[2]), len(groups))


def _pooled(
    risk: NDArray[np.floating], campaigns: IntArray, texts: IntArray
) -> tuple[FloatArray, IntArray]:
    """The highest log-odds of each campaign, and how many texts it has, at most `MOST_TEXTS`."""
    count = int(campaigns.max(initial=-1)) + 1
    top = np.full(count, logit(_EDGE))
    np.maximum.at(top, campaigns, logit(np.clip(risk.astype(np.float64), _EDGE, 1 - _EDGE)))
    return top, np.minimum(distinct(campaigns.astype(np.int64), texts, count), MOST_TEXTS)
