"""Margins to probabilities, learned on a split of their own.

Every head and every risk question gets a rising curve (`monotone.py`): Platt's sigmoid, or where
enough ads are labelled the best of sigmoid, beta and isotonic by cross-validation over campaigns.
A language with enough ads gets curves of its own for risk where that is better. So calibration
never changes the order of two ads of a language; and the three risk probabilities are kept from
crossing around the one that `risk` reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from adrisk.classifiers.base import IMPOSSIBLE, RISKY_COLUMN, THRESHOLDS, Margins, uncrossed
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.monotone import (
    METHODS,
    Choice,
    Curve,
    choose,
    folds,
    gain,
    held_out,
    is_positive_enough,
    log_losses,
    sigmoid,
    smoothed,
)
from adrisk.types import FloatArray, IntArray

__all__ = [
    "ENOUGH_TO_CHOOSE",
    "LEAST_POSITIVES",
    "OWN_LANGUAGE",
    "Calibration",
    "fit_calibration",
    "levels",
    "smoothed",
]

LEAST_POSITIVES = 5
"""With fewer known present (or absent) ads a head keeps its uncalibrated margin, and says so."""

ENOUGH_TO_CHOOSE = 50
"""With fewer of either the sigmoid is taken: a choice by cross-validation would be noise."""

OWN_LANGUAGE = 100
"""A language with so many risky ads, and so many that are not, may get curves of its own."""

RISK = "risk"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slopes (positive) and intercepts; `calibrated` names what had enough data.

    Attributes:
        slopes, intercepts: shape (k,), one an indicator head.
        risk_slopes, risk_intercepts: shape (3,), one a question.
        calibrated: names of heads that were calibrated, "risk" among them.
        curves: by the column of a head, where another curve than the sigmoid was taken.
        risk_curves: of the three questions, by language, "" for all others; where there is none
            the sigmoids.
        choices: by head, "risk" among them, and "risk:LANGUAGE", how the curve was chosen.
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
            languages: n codes; left out, or null, an ad is read by the curves of all languages.
        """
        result = expit(margins.risk * self.risk_slopes + self.risk_intercepts)
        for language, curves in sorted(self.risk_curves.items()):
            rows = np.ones(len(result), dtype=np.bool_)
            if language:
                rows = np.array([code == language for code in languages or ()], dtype=np.bool_)
                rows = rows if len(rows) else np.zeros(len(result), dtype=np.bool_)
            for column, curve in enumerate(curves):
                result[rows, column] = curve(margins.risk[rows, column])
        return uncrossed(np.asarray(result))


def levels(risk: FloatArray) -> NDArray[np.int8]:
    """The median level of each ad's distribution: how many of the three questions are likelier
    true than not. Shape (n, 3) in, (n,) out, values 0 to 3.
    """
    return np.asarray((risk >= 0.5).sum(axis=1), dtype=np.int8)


def fit_calibration(
    margins: Margins,
    targets: Targets,
    labels: Sequence[str],
    campaigns: IntArray | None = None,
    languages: Sequence[str | None] | None = None,
) -> Calibration:
    """Learn on held-out ads that neither training nor judging has seen.

    Args:
        margins: of n ads, indicator columns as `labels`.
        targets: of the same ads.
        labels: names of the heads.
        campaigns: of the same ads; left out, every curve is a sigmoid.
        languages: of the same ads; left out, none gets curves of its own.
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
    common = _questions(margins.risk[known], truths, "sigmoid")
    risk_curves: dict[str, tuple[Curve, ...]] = {}
    if is_positive_enough(truths[:, RISKY_COLUMN], LEAST_POSITIVES):
        calibrated.append(RISK)
    if campaigns is not None and is_positive_enough(truths[:, RISKY_COLUMN], ENOUGH_TO_CHOOSE):
        risk_curves, chosen = _risk(
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


def _risk(
    margin: FloatArray,
    truths: FloatArray,
    campaigns: IntArray,
    languages: NDArray[np.str_] | None,
) -> tuple[dict[str, tuple[Curve, ...]], dict[str, Choice]]:
    """Curves of the questions for all ads and for languages that are better off with their own."""
    risky = truths[:, RISKY_COLUMN]
    choice = choose(margin[:, RISKY_COLUMN], risky, campaigns)
    choices = {RISK: choice}
    curves: dict[str, tuple[Curve, ...]] = {}
    if choice.method != "sigmoid":
        curves[""] = _questions(margin, truths, choice.method)
    fold = folds(campaigns, risky)
    together = held_out(METHODS[choice.method], margin[:, RISKY_COLUMN], risky, fold)
    for language in [] if languages is None else sorted(set(languages) - {""}):
        rows = languages == language
        if not is_positive_enough(risky[rows], OWN_LANGUAGE):
            continue
        own_choice = choose(margin[rows, RISKY_COLUMN], risky[rows], campaigns[rows])
        method = METHODS[own_choice.method]
        own = held_out(method, margin[rows, RISKY_COLUMN], risky[rows], fold[rows])
        common_loss = log_losses(together[rows], risky[rows])
        more, error = gain(common_loss - log_losses(own, risky[rows]), campaigns[rows])
        if more > error:
            curves[language] = _questions(margin[rows], truths[rows], own_choice.method)
            losses = {**own_choice.log_loss, "common": float(common_loss.mean())}
            choices[f"{RISK}:{language}"] = Choice(
                own_choice.method, losses, own_choice.brier, own_choice.ads, own_choice.campaigns
            )
    return curves, choices


def _questions(margin: FloatArray, truths: FloatArray, method: str) -> tuple[Curve, ...]:
    """A curve for each question; one without enough data takes its nearest neighbour's."""
    found = {
        column: METHODS[method](margin[:, column], truths[:, column])
        for column in range(len(THRESHOLDS))
        if is_positive_enough(truths[:, column], LEAST_POSITIVES)
        and margin[:, column].max() > IMPOSSIBLE / 2
    }
    if not found:
        return (Curve("sigmoid", (1.0, 0.0)),) * len(THRESHOLDS)
    return tuple(
        found[min(found, key=lambda have: (abs(have - column), have))]
        for column in range(len(THRESHOLDS))
    )
