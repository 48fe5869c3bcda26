"""MinHash signatures of ads, for any script, in numpy over the Arrow buffer.

In: folded texts (`adrisk.text.normalise`). Out: 64 numbers an ad; the share of columns in which two
ads agree estimates the Jaccard similarity of their sets of shingles.

A shingle is a token (`adrisk.text.tokens`) and the next token, whose figures are blanked: a changed
price, phone number or date changes one shingle. In scripts without spaces a token is one character,
and a shingle three ideographs or four letters, about as specific as two words.

No Python runs per ad, there is no random state, and the arithmetic is modulo 2^32, so a signature
is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from adrisk.text.tokens import ALONE, Tokens, classes, mixed, tokenise
from adrisk.types import ArrowValues

WIDTH = 64
"""Columns of a signature."""

SHORT_WORDS = 12
"""An ad of fewer words is short: bit 0 of column 0 marks it, and `link` needs a higher similarity.
Without spaces two ideographs, or three letters, count as a word."""

EMPTY = np.uint32(0xFFFFFFFF)
"""Every column of an ad without a single letter or digit."""

_BLANK = np.uint32(0x5BD1E995)
_LAST = np.uint32(0x2545F491)
_FACTORS = np.array([0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1], dtype=np.uint32)


def signatures(folded: ArrowValues, tokens: Iterable[Tokens] | None = None) -> NDArray[np.uint32]:
    """The MinHash signature of every ad.

    Args:
        folded: n folded texts, without nulls; a text may be empty.
        tokens: `tokenise(folded)`, if the caller has it already.

    Returns:
        Shape (n, 64). An ad without a letter or digit has `EMPTY` everywhere. Any other ad has
        at least one column below `EMPTY`; bit 0 of column 0 is 1 if it has fewer than
        `SHORT_WORDS` words.
    """
    out = np.full((len(folded), WIDTH), EMPTY, dtype=np.uint32)
    for block in tokenise(folded) if tokens is None else tokens:
        filled = np.flatnonzero(block.per_text)
        if len(filled):
            counts = block.per_text[filled]
            reach = _reach(block)
            minima = _minima(_shingles(block, counts, reach), counts)
            words = np.add.reduceat(1 / reach, np.cumsum(counts) - counts)
            minima[:, 0] = (minima[:, 0] & np.uint32(0xFFFFFFFE)) | (words < SHORT_WORDS)
            out[block.first + filled] = minima
    return out


def agreement(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Share of columns in which signatures agree, row by row: an estimate of their similarity."""
    return np.asarray(np.mean(a == b, axis=-1, dtype=np.float64))


def _shingles(
    block: Tokens, counts: NDArray[np.int64], reach: NDArray[np.uint8]
) -> NDArray[np.uint32]:
    """One hash a token: the token and those after it, which are `_LAST` behind the end of an ad."""
    ends = np.cumsum(counts)
    tokens = np.where(block.figures, _BLANK, block.hashes)
    out = block.hashes.copy()
    for step, factor in enumerate(_FACTORS[: int(reach.max())], start=1):
        after = np.full_like(tokens, _LAST)
        after[:-step] = tokens[step:]
        for back in range(1, step + 1):  # the last tokens of each ad have none so far behind them
            last = ends - back
            after[last[counts >= back]] = _LAST
        out += np.where(reach >= step, after * factor, np.uint32(0)) if step > 1 else after * factor
    return mixed(out)


def _reach(block: Tokens) -> NDArray[np.uint8]:
    """How many tokens after it a shingle holds: one word, or as many characters as make a word."""
    first = block.points[block.starts]
    reach = np.ones(len(first), dtype=np.uint8)
    if first.dtype != np.uint8:
        alone = classes()[first] == ALONE
        ideograph = (first >= 0x2E80) & ~((first >= 0x3041) & (first <= 0x31FF))
        reach[alone] = np.where(ideograph[alone], 2, 3)
    return reach


def _minima(shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The smallest value of each of 64 hash functions over the shingles of each ad."""
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    out = np.empty((WIDTH, len(counts)), dtype=np.uint32)
    values = np.empty_like(shingles)
    for column, (factor, offset) in enumerate(_functions()):
        np.multiply(shingles, factor, out=values)
        np.add(values, offset, out=values)
        np.minimum.reduceat(values, starts, out=out[column])
    return out.T


@cache
def _functions() -> tuple[tuple[np.uint32, np.uint32], ...]:
    """Factor and offset of each hash function x -> factor * x + offset modulo 2^32."""
    seeds = np.arange(1, 2 * WIDTH + 1, dtype=np.uint32) * np.uint32(0x9E3779B9)
    numbers = mixed(seeds)
    return tuple(
        (factor | np.uint32(1), offset)
        for factor, offset in zip(numbers[:WIDTH], numbers[WIDTH:], strict=True)
    )
