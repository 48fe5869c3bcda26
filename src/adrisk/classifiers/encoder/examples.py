"""What is learned from: the questions each ad answers, who is held back, who is read in an epoch.

In: targets, campaigns. Out: `Examples`, answers and how much each counts (what is not known counts
nothing, soft labels as they are), and rows: those held back, and one of every campaign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers.base import THRESHOLDS
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.types import RISKY, FloatArray, IntArray

HELD_SHARE = 0.1
"""Of the ads given to `fit`, in whole campaigns, to tell when to stop."""

_LEAST_TO_HOLD = 4  # held-back ads of either class; with fewer, stopping would be a coin toss


@dataclass(frozen=True, slots=True)
class Examples:
    """n ads to learn from.

    Attributes:
        tokens: of each.
        found: shape (n, columns), what the rules found.
        campaigns: shape (n,), equal numbers are one campaign.
        answers, counts: what `answers_of` gives; NaN where not asked.
    """

    tokens: Sequence[IntArray]
    found: NDArray[np.float32]
    campaigns: IntArray
    answers: FloatArray
    counts: FloatArray

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.intp]) -> Examples:
        """Some of them, in that order."""
        tokens = [self.tokens[row] for row in rows]
        return Examples(
            tokens, self.found[rows], self.campaigns[rows], self.answers[rows], self.counts[rows]
        )


def answers_of(targets: Targets, labels: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """What the heads are asked and how much each question counts, both of shape (n, 3 + k).

    A risk question is asked only where the one before it is answered yes: risk 1 answers
    "at least 1?" with yes, "at least 2?" with no, and is not asked about 3. With soft labels it
    counts as far as the one before it is likely.
    """
    reached = np.stack([targets.risk_at_least(level) for level in THRESHOLDS], axis=1)
    before = np.concatenate([np.ones((len(targets), 1)), reached[:, :-1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(before > 0, reached / before, np.nan)
    answers = np.concatenate([risk, targets.columns(labels)], axis=1)
    counts = np.concatenate([before, np.ones((len(targets), len(labels)))], axis=1)
    return answers, np.where(np.isnan(answers), 0.0, counts)


def campaigns_of(targets: Targets) -> IntArray:
    """The number of each ad's campaign; every ad is its own where that is not known."""
    return np.arange(len(targets)) if targets.campaigns is None else targets.campaigns


def held_back(targets: Targets, seed: int) -> NDArray[np.bool_]:
    """Which ads are kept from learning to tell when to stop: whole campaigns, a tenth of the ads.

    None where a tenth would have too few ads of either class.
    """
    campaigns = campaigns_of(targets)
    risky = targets.risk >= RISKY
    held = np.zeros(len(targets), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    with_risk = np.isin(campaigns, campaigns[risky])
    for side in (with_risk, ~with_risk):
        room = HELD_SHARE * side.sum()
        names, sizes = np.unique(campaigns[side], return_counts=True)
        order = rng.permutation(len(names))
        chosen = names[order[np.cumsum(sizes[order]) <= room]]
        held |= side & np.isin(campaigns, chosen)
    known = targets.risk != UNKNOWN_RISK
    fewest = min(int((held & risky).sum()), int((held & known & ~risky).sum()))
    return held if fewest >= _LEAST_TO_HOLD else np.zeros_like(held)


def one_of_each(campaigns: IntArray, rng: np.random.Generator) -> NDArray[np.intp]:
    """One ad of every campaign, drawn anew for every epoch: near-copies teach little more.

    >>> one_of_each(np.array([7, 7, 3]), np.random.default_rng(0)).tolist()
    [2, 0]
    """
    order = rng.permutation(len(campaigns))
    _, first = np.unique(campaigns[order], return_index=True)
    return np.asarray(order[first])


def shares_of(campaigns: IntArray) -> FloatArray:
    """How often each ad is read in an epoch on average, shape (n, 1)."""
    _, member, sizes = np.unique(campaigns, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[member][:, None])
