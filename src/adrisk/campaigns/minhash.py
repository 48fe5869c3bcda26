"""MinHash signatures of ads, for any script, in numpy over the Arrow buffer.

In: folded texts (`adrisk.normalise`). Out: 64 numbers an ad; the share of columns in which two
ads agree estimates the Jaccard similarity of their sets of shingles.

A shingle is a token (`adrisk.extract.tokens`) and the token after it, which is read with its
figures blanked: so a changed price, phone number or date costs exactly one shingle. Numbers count,
and do not dominate. No Python runs per ad, there is no random state, and the arithmetic is modulo
2^32, so a signature is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.extract.tokens import Tokens, mixed, tokenise

WIDTH = 64
"""Columns of a signature."""

SHORT_TOKENS = 12
"""An ad of fewer tokens is short: bit 0 of column 0 says so, and `link` asks more of it."""

EMPTY = np.uint32(0xFFFFFFFF)
"""Every column of an ad without a single letter or digit."""

_BLANK = np.uint32(0x5BD1E995)
_LAST = np.uint32(0x2545F491)


def signatures(
    folded: pa.Array | pa.ChunkedArray, tokens: Iterable[Tokens] | None = None
) -> NDArray[np.uint32]:
    """The MinHash signature of every ad.

    Args:
        folded: n folded texts, without nulls; a text may be empty.
        tokens: `tokenise(folded)`, if the caller has it already.

    Returns:
        Shape (n, 64). An ad without a letter or digit has `EMPTY` everywhere. Any other ad has
        at least one column below `EMPTY`; bit 0 of column 0 is 1 if it has fewer than
        `SHORT_TOKENS` tokens.
    """
    out = np.full((len(folded), WIDTH), EMPTY, dtype=np.uint32)
    for block in tokenise(folded) if tokens is None else tokens:
        filled = np.flatnonzero(block.per_text)
        if len(filled):
            counts = block.per_text[filled]
            shingles = _shingles(block.hashes, block.figures, counts)
            out[block.first + filled] = _minima(shingles, counts)
    return out


def agreement(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Share of columns in which signatures agree, row by row: an estimate of their similarity."""
    return np.asarray(np.mean(a == b, axis=-1, dtype=np.float64))


def _shingles(
    tokens: NDArray[np.uint32], figures: NDArray[np.bool_], counts: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """One hash a token: the token and the one after it, which is `_LAST` at the end of an ad."""
    after = np.empty_like(tokens)
    after[:-1] = np.where(figures, _BLANK, tokens)[1:]
    after[np.cumsum(counts) - 1] = _LAST
    return mixed(tokens + after * np.uint32(0x85EBCA6B))


def _minima(shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The smallest value of each of 64 hash functions over the shingles of each ad."""
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    out = np.empty((WIDTH, len(counts)), dtype=np.uint32)
    values = np.empty_like(shingles)
    for column, (factor, offset) in enumerate(_functions()):
        np.multiply(shingles, factor, out=values)
        np.add(values, offset, out=values)
        np.minimum.reduceat(values, starts, out=out[column])
    out[0] = (out[0] & np.uint32(0xFFFFFFFE)) | (counts < SHORT_TOKENS)
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
