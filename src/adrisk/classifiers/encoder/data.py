"""Training examples and batches of the encoder: tokens, head targets, splits and padding.

In: folded texts, targets, campaigns. Out: token ids; `Examples` with a target and a weight for
each head (0 where not known, soft labels as they are); rows held out for early stopping, or drawn
for an epoch; batches of rows.

Batches hold ads of nearly equal length, to limit padding. For inference the padded width is a
multiple of 16 that depends on the ad's own length, so no score depends on its neighbours.
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
_WINDOW = 32  # batches within which training ads are sorted by length


def tokenise(tokeniser: Any, texts: Sequence[str], longest: int) -> list[IntArray]:
    """Token ids of each text with special tokens, long ones cut in the middle.

    Args:
        tokeniser: a `tokenizers.Tokenizer` without padding or truncation.
        texts: folded.
        longest: tokens kept of an ad.
    """
    return [
        head_and_tail(np.array(encoding.ids, dtype=np.int64), longest)
        for encoding in tokeniser.encode_batch_fast(list(texts))
    ]


def head_and_tail(row: IntArray, longest: int) -> IntArray:
    """A row cut to `longest`: three quarters from its start, one quarter from its end.

    >>> shortened(np.arange(10), 4).tolist()
    [0, 1, 2, 9]
    """
    if len(row) <= longest:
        return row
    head = int(longest * _HEAD_SHARE)
    return np.concatenate([row[:head], row[len(row) - (longest - head) :]])


def padded_width(length: int, longest: int) -> int:
    """Padded width of an ad of this many tokens."""
    return min(-(-length // STEP) * STEP, max(longest, length))


def batches_by_width(
    lengths: Sequence[int], longest: int, tokens_at_once: int
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Pairs of a width and a batch of rows of that width, the widest first.

    Args:
        lengths: tokens of each ad.
        longest: tokens kept of an ad.
        tokens_at_once: most tokens of a batch, padding included.
    """
    widths = np.array([padded_width(length, longest) for length in lengths], dtype=np.int64)
    for width in np.unique(widths)[::-1].tolist():
        rows = np.flatnonzero(widths == width)
        size = max(1, tokens_at_once // max(width, 1))
        for first in range(0, len(rows), size):
            yield width, rows[first : first + size]


def shuffled_batches(
    lengths: IntArray, size: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Random batches for one epoch, each of ads of similar length.

    Args:
        lengths: tokens of each ad.
        size: ads of a batch.
        rng: random generator of the order.
    """
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.intp]] = []
    for first in range(0, len(order), size * _WINDOW):
        window = order[first : first + size * _WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[at : at + size] for at in range(0, len(window), size)]
    return [batches[at] for at in rng.permutation(len(batches))]


def pad(rows: Sequence[IntArray], width: int, filler: int) -> tuple[IntArray, NDArray[np.bool_]]:
    """Token ids and mask of real tokens, both of shape (n, width)."""
    ids = np.full((len(rows), width), filler, dtype=np.int64)
    real = np.zeros((len(rows), width), dtype=np.bool_)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        real[at, : len(row)] = True
    return ids, real


HELD_OUT_SHARE = 0.1
"""Share of the ads held out for early stopping, in whole campaigns."""

_LEAST_HELD_OUT = 4  # held-out ads of either class; fewer would make stopping random


@dataclass(frozen=True, slots=True)
class Examples:
    """n training ads.

    Attributes:
        tokens: token ids of each ad.
        rule_features: shape (n, columns).
        campaigns: shape (n,), equal numbers are one campaign.
        truths, weights: as from `head_targets`; NaN where not known.
    """

    tokens: Sequence[IntArray]
    rule_features: NDArray[np.float32]
    campaigns: IntArray
    truths: FloatArray
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.intp]) -> Examples:
        """The examples of these rows, in that order."""
        tokens = [self.tokens[row] for row in rows]
        return Examples(
            tokens,
            self.rule_features[rows],
            self.campaigns[rows],
            self.truths[rows],
            self.weights[rows],
        )


def head_targets(targets: Targets, labels: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Targets of the heads and their weights, both of shape (n, 3 + k).

    A conditional risk head applies only where the one before it is true: an ad of risk 1 has
    target 1 for "at least 1", 0 for "at least 2" and none for "at least 3". With soft labels its
    weight is the probability of the one before it.
    """
    reached = np.stack([targets.risk_at_least(level) for level in THRESHOLDS], axis=1)
    before = np.concatenate([np.ones((len(targets), 1)), reached[:, :-1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(before > 0, reached / before, np.nan)
    truths = np.concatenate([risk, targets.columns(labels)], axis=1)
    weights = np.concatenate([before, np.ones((len(targets), len(labels)))], axis=1)
    return truths, np.where(np.isnan(truths), 0.0, weights)


def campaigns_of(targets: Targets) -> IntArray:
    """Campaign number of each ad; without campaigns every ad is its own."""
    return np.arange(len(targets)) if targets.campaigns is None else targets.campaigns


def held_out_rows(targets: Targets, seed: int) -> NDArray[np.bool_]:
    """Mask of the ads held out for early stopping: whole campaigns, about a tenth of the ads.

    All False where a tenth has too few ads of either class.
    """
    campaigns = campaigns_of(targets)
    risky = targets.risk >= RISKY
    held_out = np.zeros(len(targets), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    with_risk = np.isin(campaigns, campaigns[risky])
    for side in (with_risk, ~with_risk):
        most = HELD_OUT_SHARE * side.sum()
        names, sizes = np.unique(campaigns[side], return_counts=True)
        order = rng.permutation(len(names))
        chosen = names[order[np.cumsum(sizes[order]) <= most]]
        held_out |= side & np.isin(campaigns, chosen)
    known = targets.risk != UNKNOWN_RISK
    fewest = min(int((held_out & risky).sum()), int((held_out & known & ~risky).sum()))
    return held_out if fewest >= _LEAST_HELD_OUT else np.zeros_like(held_out)


def sample_per_campaign(campaigns: IntArray, rng: np.random.Generator) -> NDArray[np.intp]:
    """One random ad of every campaign: its near-duplicates add little information.

    >>> one_of_each(np.array([7, 7, 3]), np.random.default_rng(0)).tolist()
    [2, 0]
    """
    order = rng.permutation(len(campaigns))
    _, first = np.unique(campaigns[order], return_index=True)
    return np.asarray(order[first])


def campaign_weights(campaigns: IntArray) -> FloatArray:
    """One over the size of each ad's campaign, shape (n, 1)."""
    _, member, sizes = np.unique(campaigns, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[member][:, None])
