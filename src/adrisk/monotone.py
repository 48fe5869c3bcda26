"""Rising curves from a margin to a probability: sigmoid, beta and isotonic, and which to take.

In: margins and labels of ads that nothing was fitted on. Out: a `Curve`, a few numbers that go into
JSON. Every curve rises, so none changes the order of two ads. Which one is taken is settled by
cross-validation in which all ads of a campaign are held out together: the sigmoid, the plainest,
unless another loses less by more than one standard error over campaigns.

Sources: Platt 1999 (sigmoid, smoothed targets); Kull, Silva Filho and Flach 2017 (beta); Zadrozny
and Elkan 2002 (isotonic). The beta curve is fitted here since betacal takes no soft labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from adrisk.types import FloatArray, IntArray

FOLDS = 5

_RISE = 0.01  # of the sigmoid in an isotonic curve, so that its steps rise too
_EDGE = 1e-6  # probabilities are taken to lie at least so far inside 0 and 1


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve. `numbers` are slope and shift (sigmoid); two slopes and a shift (beta); or
    slope and shift of the sigmoid it leans on, then the knots' margins, then their heights."""

    method: str
    numbers: tuple[float, ...]

    def __call__(self, margin: FloatArray) -> FloatArray:
        """Probabilities of these margins."""
        if self.method == "sigmoid":
            slope, shift = self.numbers
            return np.asarray(expit(margin * slope + shift))
        if self.method == "beta":
            return np.asarray(expit(_bent(margin) @ np.array(self.numbers)))
        slope, shift, *knots = self.numbers
        places, heights = np.split(np.array(knots), 2)
        steps = np.interp(margin, places, heights)
        # Below all knots the sigmoid alone speaks: what cannot be stays impossible.
        lean = expit(margin * slope + shift)
        steps = np.where(margin < places[0], np.minimum(steps, lean), steps)
        return np.asarray((1 - _RISE) * steps + _RISE * lean)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which method was taken, and the held-out log loss and Brier score of each."""

    method: str
    log_loss: Mapping[str, float]
    brier: Mapping[str, float]
    ads: int
    campaigns: int


def smoothed(truth: FloatArray) -> FloatArray:
    """Platt's targets: a finite sample never proves a probability of 0 or 1."""
    present = float((truth >= 0.5).sum())
    absent = len(truth) - present
    high, low = (present + 1) / (present + 2), 1 / (absent + 2)
    return low + (high - low) * truth


def sigmoid(margin: FloatArray, truth: FloatArray) -> Curve:
    """Maximum likelihood of sigmoid(slope * margin + shift), the slope kept positive.

    Args:
        margin: shape (n,), any monotone score.
        truth: shape (n,), 0 to 1.
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
    return Curve("sigmoid", (float(np.exp(best.x[0])), float(best.x[1])))


def beta(margin: FloatArray, truth: FloatArray) -> Curve:
    """Maximum likelihood of the beta curve: the sigmoid with a slope of its own on either side."""
    wanted, bent = smoothed(truth), _bent(margin)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        weights = np.append(np.exp(parameters[:2]), parameters[2])
        logits = bent @ weights
        residual = expit(logits) - wanted
        gradient = (residual[:, None] * bent).mean(axis=0) * np.append(weights[:2], 1.0)
        return float((np.logaddexp(0, logits) - wanted * logits).mean()), gradient

    bounds = [(-6.0, 3.0), (-6.0, 3.0), (-60.0, 60.0)]
    best = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=bounds)
    return Curve("beta", (*np.exp(best.x[:2]).tolist(), float(best.x[2])))


def isotonic(margin: FloatArray, truth: FloatArray) -> Curve:
    """The rising steps nearest to the labels, joined by straight lines between their middles."""
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=0, y_max=1).fit_transform(margin, smoothed(truth))
    heights, block = np.unique(steps, return_inverse=True)
    places = np.bincount(block, weights=margin) / np.bincount(block)
    return Curve("isotonic", (*sigmoid(margin, truth).numbers, *places.tolist(), *heights.tolist()))


METHODS: Mapping[str, Callable[[FloatArray, FloatArray], Curve]] = {
    "sigmoid": sigmoid,
    "beta": beta,
    "isotonic": isotonic,
}


def choose(margin: FloatArray, truth: FloatArray, campaigns: IntArray) -> Choice:
    """The method that loses least on campaigns it was not fitted on.

    Args:
        margin: shape (n,).
        truth: shape (n,), 0 to 1.
        campaigns: shape (n,), any numbers.
    """
    fold = folds(campaigns, truth)
    held = {name: held_out(fit, margin, truth, fold) for name, fit in METHODS.items()}
    losses = {name: log_losses(p, truth) for name, p in held.items()}
    gains = {
        name: gain(losses["sigmoid"] - loss, campaigns)
        for name, loss in losses.items()
        if name != "sigmoid"
    }
    best = max(gains, key=lambda name: gains[name][0])
    more, error = gains[best]
    return Choice(
        method=best if more > error else "sigmoid",
        log_loss={name: float(loss.mean()) for name, loss in losses.items()},
        brier={name: float(((p - truth) ** 2).mean()) for name, p in held.items()},
        ads=len(truth),
        campaigns=len(np.unique(campaigns)),
    )


def held_out(
    fit: Callable[[FloatArray, FloatArray], Curve],
    margin: FloatArray,
    truth: FloatArray,
    fold: IntArray,
) -> FloatArray:
    """The probability of each ad by a curve fitted on the other folds."""
    result = np.zeros(len(margin))
    for part in np.unique(fold):
        inside = fold == part
        result[inside] = fit(margin[~inside], truth[~inside])(margin[inside])
    return result


def folds(campaigns: IntArray, truth: FloatArray) -> IntArray:
    """A fold for each ad, campaigns whole, those with a positive ad dealt out evenly."""
    groups, member = np.unique(campaigns, return_inverse=True)
    positive = np.bincount(member, weights=truth >= 0.5, minlength=len(groups)) > 0
    order = np.lexsort((np.random.default_rng(0).random(len(groups)), ~positive))
    dealt = np.zeros(len(groups), dtype=np.int64)
    dealt[order] = np.arange(len(groups)) % FOLDS
    return dealt[member]


def log_losses(probability: FloatArray, truth: FloatArray) -> FloatArray:
    """The log loss of each ad."""
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)))


def gain(better_by: FloatArray, campaigns: IntArray) -> tuple[float, float]:
    """The mean of differences by ad, and its standard error over campaigns."""
    _, member = np.unique(campaigns, return_inverse=True)
    sums = np.bincount(member, weights=better_by - better_by.mean())
    return float(better_by.mean()), float(np.sqrt((sums**2).sum()) / len(better_by))


def _bent(margin: FloatArray) -> FloatArray:
    """Shape (n, 3): log s, -log(1 - s) and 1, where s is the sigmoid of the margin."""
    return np.column_stack(
        [-np.logaddexp(0, -margin), np.logaddexp(0, margin), np.ones(len(margin))]
    )


def is_positive_enough(truth: NDArray[np.floating], least: int) -> bool:
    """Whether so many ads are positive, and so many are not."""
    present = int((truth >= 0.5).sum())
    return min(present, len(truth) - present) >= least
