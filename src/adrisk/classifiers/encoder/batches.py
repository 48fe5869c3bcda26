"""Folded texts to token numbers, and token numbers to batches of nearly equal length.

What is padded is wasted, so ads of one length go together; and the width of a batch is a step of
16 that follows from each ad's own length, so that no ad's answer depends on its neighbours'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.types import IntArray

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
