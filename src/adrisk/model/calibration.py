"""Calibration: monotone curves from margins to probabilities, chosen by cross-validation.

In: margins and labels of ads that nothing was fitted on. Out: a `Calibration`: for every head, and
for each of the three risk heads, a rising `Curve` (sigmoid; or where enough ads are labelled the
best of sigmoid, beta and isotonic). A language with enough ads gets its own risk curves if they are
better. Curves rise, so calibration keeps the order of the ads of a language; the three risk
probabilities are made non-increasing around risk 2+.

Cross-validation holds out all ads of a campaign together; the sigmoid, the simplest, is kept unless
another curve has a lower loss by more than one standard error over campaigns.

Sources: Platt 1999 (sigmoid, smoothed targets); Kull, Silva Filho and Flach 2017 (beta); Zadrozny
and Elkan 2002 (isotonic). The beta curve is fitted here since betacal takes no soft labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit

from adrisk.classifiers.base import IMPOSSIBLE, RISKY_COLUMN, THRESHOLDS, Margins, enforce_monotone
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.types import FloatArray, IntArray

FOLDS = 5

LEAST_POSITIVES = 5
"""With fewer present (or absent) ads a head stays uncalibrated."""

ENOUGH_TO_CHOOSE = 50
"""With fewer of either the sigmoid is used, since cross-validation would be noisy."""

OWN_LANGUAGE = 100
"""Risky ads, and others, from which on a language may get its own risk curves."""

RISK = "risk"

_MOST_KNOTS = 100_000
_RISE = 0.01  # of the sigmoid in an isotonic curve, so that its steps rise too
_EDGE = 1e-6  # probabilities are taken to lie at least so far inside 0 and 1


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve from a margin to a probability.

    `numbers` are slope and shift (sigmoid); two slopes and a shift (beta); or slope and shift of
    the sigmoid mixed in, then the knots' margins, then their heights (isotonic).
    """

    method: Literal["sigmoid", "beta", "isotonic"]
    numbers: Annotated[tuple[float, ...], Field(max_length=_MOST_KNOTS)]

    def __call__(self, margin: FloatArray) -> FloatArray:
        """Probabilities of these margins."""
        if self.method == "sigmoid":
            slope, shift = self.numbers
            return np.asarray(expit(margin * slope + shift))
        if self.method == "beta":
            return np.asarray(expit(_bent(margin) @ np.array(self.numbers)))
        slope, shift, *knots = self.numbers
        knots_at, heights = np.split(np.array(knots), 2)
        steps = np.interp(margin, knots_at, heights)
        # Below all knots the sigmoid bounds the curve, so that IMPOSSIBLE margins stay near 0.
        lean = expit(margin * slope + shift)
        steps = np.where(margin < knots_at[0], np.minimum(steps, lean), steps)
        return np.asarray((1 - _RISE) * steps + _RISE * lean)


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen method, and the held-out log loss and Brier score of each."""

    method: str
    log_loss: Mapping[str, float]
    brier: Mapping[str, float]
    ads: Annotated[int, Field(ge=0)]
    campaigns: Annotated[int, Field(ge=0)]


def smoothed(truth: FloatArray) -> FloatArray:
    """Platt's smoothed targets, never exactly 0 or 1."""
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
    targets_smoothed = smoothed(truth)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope = np.exp(parameters[0])
        logits = margin * slope + parameters[1]
        value = (np.logaddexp(0, logits) - targets_smoothed * logits).mean()
        residual = expit(logits) - targets_smoothed
        return float(value), np.array([(residual * margin).mean() * slope, residual.mean()])

    bounds = [(-4.0, 3.0), (-60.0, 60.0)]
    best = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
    return Curve("sigmoid", (float(np.exp(best.x[0])), float(best.x[1])))


def beta(margin: FloatArray, truth: FloatArray) -> Curve:
    """Maximum likelihood of the beta curve: a sigmoid with different slopes on both sides."""
    targets_smoothed, bent = smoothed(truth), _bent(margin)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        weights = np.append(np.exp(parameters[:2]), parameters[2])
        logits = bent @ weights
        residual = expit(logits) - targets_smoothed
        gradient = (residual[:, None] * bent).mean(axis=0) * np.append(weights[:2], 1.0)
        return float((np.logaddexp(0, logits) - targets_smoothed * logits).mean()), gradient

    bounds = [(-6.0, 3.0), (-6.0, 3.0), (-60.0, 60.0)]
    best = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=bounds)
    return Curve("beta", (*np.exp(best.x[:2]).tolist(), float(best.x[2])))


def isotonic(margin: FloatArray, truth: FloatArray) -> Curve:
    """Isotonic regression, interpolated linearly between the centres of its steps."""
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=0, y_max=1).fit_transform(margin, smoothed(truth))
    heights, block = np.unique(steps, return_inverse=True)
    knots_at = np.bincount(block, weights=margin) / np.bincount(block)
    return Curve(
        "isotonic", (*sigmoid(margin, truth).numbers, *knots_at.tolist(), *heights.tolist())
    )


METHODS: Mapping[str, Callable[[FloatArray, FloatArray], Curve]] = {
    "sigmoid": sigmoid,
    "beta": beta,
    "isotonic": isotonic,
}


def choose(margin: FloatArray, truth: FloatArray, campaigns: IntArray) -> Choice:
    """The method with the lowest loss on held-out campaigns.

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
    """A fold for each ad; campaigns stay whole, those with a positive ad are spread evenly."""
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
    """Whether at least `least` ads are positive and at least as many are not."""
    present = int((truth >= 0.5).sum())
    return min(present, len(truth) - present) >= least


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of every head: positive slopes and intercepts, or other curves.

    Attributes:
        slopes, intercepts: shape (k,), one an indicator head.
        risk_slopes, risk_intercepts: shape (3,), one a risk head.
        calibrated: names of heads with enough data, "risk" among them.
        curves: by the column of a head, where another curve than the sigmoid was chosen.
        risk_curves: of the three risk heads, by language, "" for all others; the sigmoids where
            there is none.
        choices: how the curve was chosen, by head, "risk" among them, and "risk:LANGUAGE".
    """

    slopes: FloatArray
    intercepts: FloatArray
    risk_slopes: FloatArray
    risk_intercepts: FloatArray
    calibrated: tuple[str, ...]
    curves: Mapping[int, Curve] = field(default_factory=dict)
    risk_curves: Mapping[str, tuple[Curve, ...]] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def indicators(self, margins: Margins) -> FloatArray:
        """Calibrated probability of each indicator, shape (n, k)."""
        result = np.asarray(expit(margins.indicators * self.slopes + self.intercepts))
        for column, curve in self.curves.items():
            result[:, column] = curve(margins.indicators[:, column])
        return result

    def risk(self, margins: Margins, languages: Sequence[str | None] | None = None) -> FloatArray:
        """Calibrated P(risk >= 1), P(risk >= 2), P(risk >= 3): shape (n, 3), not increasing.

        Args:
            margins: of n ads.
            languages: n codes; ads without one use the curves of all languages.
        """
        result = expit(margins.risk * self.risk_slopes + self.risk_intercepts)
        for language, curves in sorted(self.risk_curves.items()):
            rows = np.ones(len(result), dtype=np.bool_)
            if language:
                rows = np.array([code == language for code in languages or ()], dtype=np.bool_)
                rows = rows if len(rows) else np.zeros(len(result), dtype=np.bool_)
            for column, curve in enumerate(curves):
                result[rows, column] = curve(margins.risk[rows, column])
        return enforce_monotone(np.asarray(result))


def levels(risk: FloatArray) -> NDArray[np.int8]:
    """The median level of each ad, 0 to 3, from cumulative probabilities of shape (n, 3)."""
    return np.asarray((risk >= 0.5).sum(axis=1), dtype=np.int8)


def fit_calibration(
    margins: Margins,
    targets: Targets,
    labels: Sequence[str],
    campaigns: IntArray | None = None,
    languages: Sequence[str | None] | None = None,
) -> Calibration:
    """Fit the calibration on ads used neither for fitting nor for evaluation.

    Args:
        margins: of n ads, indicator columns as `labels`.
        targets: of the same ads.
        labels: names of the heads.
        campaigns: of the same ads; without them every curve is a sigmoid.
        languages: of the same ads; without them no language gets its own curves.
    """
    slopes, intercepts = np.ones(len(labels)), np.zeros(len(labels))
    calibrated = []
    curves: dict[int, Curve] = {}
    choices: dict[str, Choice] = {}
    for column, truth in enumerate(targets.columns(labels).T):
        known = ~np.isnan(truth)
        margin, truth = margins.indicators[known, column], truth[known]
        if not is_positive_enough(truth, LEAST_POSITIVES):
            continue
        slopes[column], intercepts[column] = sigmoid(margin, truth).numbers
        calibrated.append(labels[column])
        if campaigns is not None and is_positive_enough(truth, ENOUGH_TO_CHOOSE):
            choice = choices[labels[column]] = choose(margin, truth, campaigns[known])
            if choice.method != "sigmoid":
                curves[column] = METHODS[choice.method](margin, truth)
    known = targets.risk != UNKNOWN_RISK
    truths = np.column_stack([targets.risk_at_least(level)[known] for level in THRESHOLDS])
    common = _risk_curves(margins.risk[known], truths, "sigmoid")
    risk_curves: dict[str, tuple[Curve, ...]] = {}
    if is_positive_enough(truths[:, RISKY_COLUMN], LEAST_POSITIVES):
        calibrated.append(RISK)
    if campaigns is not None and is_positive_enough(truths[:, RISKY_COLUMN], ENOUGH_TO_CHOOSE):
        risk_curves, chosen = _fit_risk(
            margins.risk[known],
            truths,
            campaigns[known],
            np.array([code or "" for code in languages])[known] if languages else None,
        )
        choices |= chosen
    numbers = np.array([curve.numbers for curve in common])
    return Calibration(
        slopes,
        intercepts,
        numbers[:, 0],
        numbers[:, 1],
        tuple(calibrated),
        curves,
        risk_curves,
        choices,
    )


def _fit_risk(
    margin: FloatArray,
    truths: FloatArray,
    campaigns: IntArray,
    languages: NDArray[np.str_] | None,
) -> tuple[dict[str, tuple[Curve, ...]], dict[str, Choice]]:
    """Risk curves for all ads, and for languages where their own are better."""
    risky = truths[:, RISKY_COLUMN]
    choice = choose(margin[:, RISKY_COLUMN], risky, campaigns)
    choices = {RISK: choice}
    curves: dict[str, tuple[Curve, ...]] = {}
    if choice.method != "sigmoid":
        curves[""] = _risk_curves(margin, truths, choice.method)
    fold = folds(campaigns, risky)
    common_probability = held_out(METHODS[choice.method], margin[:, RISKY_COLUMN], risky, fold)
    for language in [] if languages is None else sorted(set(languages) - {""}):
        rows = languages == language
        if not is_positive_enough(risky[rows], OWN_LANGUAGE):
            continue
        own_choice = choose(margin[rows, RISKY_COLUMN], risky[rows], campaigns[rows])
        method = METHODS[own_choice.method]
        own = held_out(method, margin[rows, RISKY_COLUMN], risky[rows], fold[rows])
        common_loss = log_losses(common_probability[rows], risky[rows])
        more, error = gain(common_loss - log_losses(own, risky[rows]), campaigns[rows])
        if more > error:
            curves[language] = _risk_curves(margin[rows], truths[rows], own_choice.method)
            losses = {**own_choice.log_loss, "common": float(common_loss.mean())}
            choices[f"{RISK}:{language}"] = Choice(
                own_choice.method, losses, own_choice.brier, own_choice.ads, own_choice.campaigns
            )
    return curves, choices


def _risk_curves(margin: FloatArray, truths: FloatArray, method: str) -> tuple[Curve, ...]:
    """A curve for each risk head; a head without enough data uses its nearest neighbour's."""
    fitted = {
        column: METHODS[method](margin[:, column], truths[:, column])
        for column in range(len(THRESHOLDS))
        if is_positive_enough(truths[:, column], LEAST_POSITIVES)
        and margin[:, column].max() > IMPOSSIBLE / 2
    }
    if not fitted:
        return (Curve("sigmoid", (1.0, 0.0)),) * len(THRESHOLDS)
    return tuple(
        fitted[min(fitted, key=lambda have: (abs(have - column), have))]
        for column in range(len(THRESHOLDS))
    )
