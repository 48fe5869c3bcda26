"""What is learned from: the questions each ad answers, who is held back, who is read in an epoch.

In: targets, campaigns. Out: `Examples`, answers and how much each counts (what is not known counts
nothing, soft labels as they are), and rows: those held back, and one of every campaign.

Folded texts to token numbers, and token numbers to batches of nearly equal length.

What is padded is wasted, so ads of one length go together; and the width of a batch is a step of
16 that follows from each ad's own length, so that no ad's answer depends on its neighbours'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers.base import THRESHOLDS
from adrisk.labels.targets import UNKNOWN_RISK, Targets
from adrisk.types import RISKY, FloatArray, IntArray

STEP = 16
_HEAD_SHARE = 0.75  # of a long ad's tokens, the rest is its end (Sun et al. 2019, head and tail)
_WINDOW = 32  # batches among which training ads are sorted by length


def tokenise(tokeniser: Any, texts: Sequence[str], longest: int) -> list[IntArray]:
    """Token numbers of each text with the special tokens, long ones cut in the middle.

    Args:
        tokeniser: a `tokenizers.Tokenizer` that neither pads nor cuts.
        texts: folded.
        longest: tokens kept of an ad.
    """
    return [
        shortened(np.array(found.ids, dtype=np.int64), longest)
        for found in tokeniser.encode_batch_fast(list(texts))
    ]


def shortened(row: IntArray, longest: int) -> IntArray:
    """The first three quarters and the last quarter of what may be kept, along the first axis.

    >>> shortened(np.arange(10), 4).tolist()
    [0, 1, 2, 9]
    """
    if len(row) <= longest:
        return row
    head = int(longest * _HEAD_SHARE)
    return np.concatenate([row[:head], row[len(row) - (longest - head) :]])


def width_of(length: int, longest: int) -> int:
    """The padded width of an ad of so many tokens."""
    return min(-(-length // STEP) * STEP, max(longest, length))


def by_width(
    lengths: Sequence[int], longest: int, tokens_at_once: int
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Batches of rows of one width, the widest first: a width and its rows.

    Args:
        lengths: tokens of each ad.
        longest: tokens kept of an ad.
        tokens_at_once: of a batch, padding included.
    """
    widths = np.array([width_of(length, longest) for length in lengths], dtype=np.int64)
    for width in np.unique(widths)[::-1].tolist():
        rows = np.flatnonzero(widths == width)
        size = max(1, tokens_at_once // max(width, 1))
        for first in range(0, len(rows), size):
            yield width, rows[first : first + size]


def shuffled(lengths: IntArray, size: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Batches for one epoch: random, but with ads of like length together.

    Args:
        lengths: tokens of each ad.
        size: ads of a batch.
        rng: of the order.
    """
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.intp]] = []
    for first in range(0, len(order), size * _WINDOW):
        window = order[first : first + size * _WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[at : at + size] for at in range(0, len(window), size)]
    return [batches[at] for at in rng.permutation(len(batches))]


def padded(rows: Sequence[IntArray], width: int, filler: int) -> tuple[IntArray, NDArray[np.bool_]]:
    """Token numbers and where they are real, both of shape (n, width)."""
    ids = np.full((len(rows), width), filler, dtype=np.int64)
    real = np.zeros((len(rows), width), dtype=np.bool_)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        real[at, : len(row)] = True
    return ids, real


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
