"""Thresholds with a statistical guarantee on recall, on the flagged share, or on both.

In: scores and labels of campaigns that nothing was fitted on. Out: a threshold with its confidence
and the counts behind it; or that none qualifies, and what would help. MAPIE's risk control is used
(Learn then Test, Angelopoulos et al. 2022, with fixed sequence testing: one pass over a fixed grid
of thresholds, so no correction for multiple tests is needed).

Ads of a campaign are dependent, so one ad a campaign is sampled, a risky one if it has any. A
campaign is reviewed if any of its ads is flagged, so recall is higher than guaranteed in campaigns
of several risky ads. The guarantee holds for campaigns like those of the threshold set only.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from scipy.special import expit

from adrisk.model.training_ids import ThresholdSet
from adrisk.types import FloatArray

GRID = expit(np.linspace(-10, 10, 401))
"""The fixed grid of thresholds."""

_ROUNDING = 1e-9

MOST_LABELS = 100_000
"""Largest number of labelled positives to recommend; beyond it the model must improve."""


@dataclass(frozen=True, slots=True)
class RiskTarget:
    """Target of a team: a least `recall`, a largest `share` flagged, or both, with a confidence."""

    recall: float | None
    share: float | None
    confidence: float = 0.9


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A threshold with its guarantee and the counts behind it.

    Attributes:
        qualified: whether some threshold meets the target.
        threshold: that threshold; else the nearest by the observed figures, without guarantee.
        recall, share, confidence: the target.
        campaigns, positives: campaigns sampled, one ad each, and the risky ones among them.
        recall_seen, share_seen: observed on these campaigns; recall is None without positives.
        more_positives: additional labelled risky campaigns that would help at the observed
            recall; None if labels alone would not.
        words: summary in a sentence.
    """

    qualified: bool
    threshold: float
    recall: float | None
    share: float | None
    confidence: float
    campaigns: int
    positives: int
    recall_seen: float | None
    share_seen: float
    more_positives: int | None
    words: str

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # in release manifests


def guaranteed(threshold_set: ThresholdSet, target: RiskTarget, seed: int = 0) -> Guarantee:
    """The best threshold that meets the target.

    For a recall alone it is the highest, for the least work; with a share the lowest, for the
    highest recall. With both, each is tested at half of the error allowed.
    """
    risk, risky = sample_per_campaign(threshold_set, seed)
    both = target.recall is not None and target.share is not None
    confidence_each = 1 - (1 - target.confidence) / (2 if both else 1)
    valid = np.ones(len(GRID), dtype=np.bool_)
    by_share = np.ones(len(GRID), dtype=np.bool_)
    if target.share is not None:
        by_share = _controlled(
            risk, risky, "predicted_positive_fraction", target.share, confidence_each
        )
        valid &= by_share
    if target.recall is not None:
        valid &= _controlled(risk, risky, "recall", target.recall, confidence_each)
    recall, share = _observed(risk, risky)
    qualified = bool(valid.any())
    fallback = ""
    if qualified:
        at = _lowest(valid) if target.share is not None else _highest(valid)
    elif by_share.any() and target.share is not None:
        at, fallback = _lowest(by_share), "the lowest that keeps the share alone"
    elif target.share is not None:
        at, fallback = _lowest(share <= target.share), "the lowest that flags no more here"
    elif risky.any():
        enough = recall >= (target.recall or 0.0)
        at, fallback = _highest(enough), "the highest that finds as much here"
    else:
        at, fallback = 0, "the lowest of all"
    guarantee = Guarantee(
        qualified=qualified,
        threshold=float(GRID[at]),
        recall=target.recall,
        share=target.share,
        confidence=target.confidence,
        campaigns=len(risk),
        positives=int(risky.sum()),
        recall_seen=float(recall[at]) if risky.any() else None,
        share_seen=float(share[at]),
        more_positives=None,
        words="",
    )
    if not qualified and target.recall is not None:
        guarantee = replace(
            guarantee, more_positives=_more_positives(guarantee, target.recall, 1 - confidence_each)
        )
    return replace(guarantee, words=_sentence(guarantee, confidence_each, fallback))


def sample_per_campaign(
    threshold_set: ThresholdSet, seed: int = 0
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Risk and label of one random ad a campaign, shape (m,) each.

    Ads without a label are left out; for a risky campaign a risky ad is drawn.
    """
    known = np.flatnonzero(threshold_set.risky >= 0)
    order = known[np.random.default_rng((seed, 2)).permutation(len(known))]
    order = order[np.argsort(-threshold_set.risky[order], kind="stable")]
    _, first = np.unique(threshold_set.campaigns[order], return_index=True)
    drawn = order[first]
    return threshold_set.risk[drawn].astype(np.float64), threshold_set.risky[drawn] > 0


def _controlled(
    risk: FloatArray, risky: NDArray[np.bool_], name: str, level: float, confidence: float
) -> NDArray[np.bool_]:
    """Mask of the thresholds of the grid that pass MAPIE's risk control."""
    from mapie.risk_control import BinaryClassificationController

    valid = np.zeros(len(GRID), dtype=np.bool_)
    if len(risk) == 0 or (name == "recall" and not risky.any()):
        return valid
    controller = BinaryClassificationController(
        predict_function=lambda scores: np.column_stack([1 - scores[:, 0], scores[:, 0]]),
        risk=name,
        target_level=float(level),
        confidence_level=confidence,
        best_predict_param_choice="recall",
        list_predict_params=GRID,
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no valid threshold is a normal result
        controller.calibrate(risk[:, None], risky.astype(int))
    valid[np.isin(GRID, controller.valid_predict_params)] = True
    return valid


def _observed(risk: FloatArray, risky: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Recall and flagged share at every threshold of the grid; recall 0 without positives."""

    def at_least(scores: FloatArray) -> FloatArray:
        below = np.searchsorted(np.sort(scores), GRID)
        return np.asarray((len(scores) - below) / max(len(scores), 1))

    return at_least(risk[risky]), at_least(risk)


def _lowest(valid: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(valid)[0]) if valid.any() else len(valid) - 1


def _highest(valid: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(valid)[-1]) if valid.any() else 0


def _more_positives(guarantee: Guarantee, recall: float, error: float) -> int | None:
    """Additional labelled positives that would prove the observed recall; None if none would."""
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

    missed = 0.0 if guarantee.recall_seen is None else 1 - guarantee.recall_seen
    if missed >= 1 - recall - _ROUNDING:
        if guarantee.share is not None:
            return None
        missed = 0.0  # without a limit on the work, a lower threshold finds all

    def proves(count: int) -> bool:
        seen = np.array([math.floor(missed * count) / count])
        level = np.array([1 - recall])
        return bool(compute_hoeffding_bentkus_p_value(seen, count, level, True)[0, 0] <= error)

    if guarantee.positives and proves(guarantee.positives):
        return 0
    low, high = guarantee.positives, max(2 * guarantee.positives, 8)
    while not proves(high):
        low, high = high, 2 * high
        if high > MOST_LABELS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proves(middle) else (middle, high)
    return high - guarantee.positives


def _sentence(guarantee: Guarantee, confidence_each: float, fallback: str) -> str:
    """Sentence on the guarantee; or on the fallback and what would help."""
    goals = []
    if guarantee.recall is not None:
        goals.append(f"recall at least {guarantee.recall:g}")
    if guarantee.share is not None:
        goals.append(f"at most {guarantee.share:.3g} of the campaigns flagged")
    goal = " and ".join(goals)
    base = (
        f"{guarantee.positives:,} risky of {guarantee.campaigns:,} campaigns of the threshold set, "
        "one ad each"
    )
    seen = f"{guarantee.share_seen:.1%} of these campaigns flagged"
    if guarantee.recall_seen is not None:
        seen = f"recall {guarantee.recall_seen:.2f} and {seen}"
    if guarantee.qualified:
        return f"{goal} with {guarantee.confidence:.0%} confidence, on {base} (there: {seen})"
    sentence = (
        f"no threshold has {goal} with {guarantee.confidence:.0%} confidence, on {base}; the one "
        f"taken, {fallback}, promises nothing (there: {seen})"
    )
    return f"{sentence}. {_what_helps(guarantee, confidence_each)}"


def _what_helps(guarantee: Guarantee, confidence_each: float) -> str:
    helps = []
    if guarantee.share is not None:
        # This many campaigns without a flagged one prove the share.
        least = _draws_to_prove(1 - guarantee.share, confidence_each)
        if guarantee.campaigns < least:
            helps.append(f"at least {least:,} labelled campaigns in the threshold set")
    unproved = guarantee.recall is not None and guarantee.more_positives is None
    if unproved and guarantee.positives < (
        least := _draws_to_prove(guarantee.recall or 0.0, confidence_each)
    ):
        # This many risky campaigns without a missed one prove the recall.
        helps.append(
            f"at least {least:,} labelled risky campaigns there, {guarantee.positives:,} now"
        )
    elif guarantee.more_positives:
        above = guarantee.recall_seen is not None and guarantee.recall_seen > (
            guarantee.recall or 0.0
        )
        provided = (
            "if recall stays as it is" if above else "for a threshold that misses none of them"
        )
        helps.append(
            f"about {guarantee.more_positives:,} more labelled risky campaigns in the threshold "
            f"set, {provided}"
        )
    wider = "" if guarantee.share is None else "a larger share to review, "
    other = f"{wider}a lower recall or a better model"
    if guarantee.recall is None:
        other = f"{wider.removesuffix(', ')} or a better model"
    if not helps:
        return f"More labels alone do not help: {other} does"
    sentence = f"What helps: {' and '.join(helps)}"
    return f"{sentence}; and where recall stays as it is, {other}" if unproved else sentence


def _draws_to_prove(share: float, confidence_each: float) -> int:
    """Draws without a miss that prove a hit rate of at least `share`."""
    return math.ceil(math.log(1 - confidence_each) / math.log(share))
