"""Tokens of many texts with their hashes, for any script, computed in numpy.

In: folded texts (`adrisk.text.normalise`). Out: for a batch of texts, where each token begins and a
32-bit hash of it. Tokens are runs of letters and digits; in scripts written without spaces
(Chinese, Japanese kana, Thai, ...) every character is a token. No Python runs per text, and the
arithmetic is modulo 2^32, so a hash is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.text.arrow import as_large_strings, code_points, joined_bytes, row_groups
from adrisk.types import ArrowArray, ArrowValues

_BATCH_CHARACTERS = 1 << 19  # a batch and its few working arrays stay in the cache
SEPARATOR, LETTER, ALONE, FIGURE = range(4)
"""Classes of code points (`classes`)."""

# Inclusive ranges of code points, fixed here because unicodedata depends on the version of Python.
# Any other code point is a letter or a mark on one.
_SEPARATORS = (
    (0x00, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0xA9), (0xAB, 0xB4), (0xB6, 0xB9),
    (0xBB, 0xBF), (0xD7, 0xD7), (0xF7, 0xF7), (0x55A, 0x55F), (0x589, 0x58A), (0x5BE, 0x5BE),
    (0x5F3, 0x5F4), (0x60C, 0x60D), (0x61B, 0x61F), (0x66A, 0x66D), (0x6D4, 0x6D4),
    (0x964, 0x965), (0xE3F, 0xE3F), (0xE5A, 0xE5B), (0x104A, 0x104F), (0x1360, 0x1368),
    (0x17D4, 0x17DB), (0x2000, 0x2BFF), (0x2E00, 0x2E7F), (0x3000, 0x3004), (0x3008, 0x3020),
    (0x3030, 0x3030), (0x303D, 0x303F), (0x30FB, 0x30FB), (0xE000, 0xF8FF), (0xFD3E, 0xFD3F),
    (0xFE10, 0xFE6F), (0xFF00, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65),
    (0xFFF0, 0xFFFF), (0x1F000, 0x1FAFF), (0xE0000, 0x10FFFF),
)  # fmt: skip
_UNSPACED = (
    (0x0E01, 0x0E3E), (0x0E40, 0x0E4E), (0x0E80, 0x0ECF), (0x0F00, 0x0FFF), (0x1000, 0x103F),
    (0x1050, 0x109F), (0x1780, 0x17D3), (0x1A20, 0x1AAF), (0x2E80, 0x2FDF), (0x3005, 0x3007),
    (0x3021, 0x302F), (0x3031, 0x303C), (0x3041, 0x30FA), (0x30FC, 0x30FF), (0x3105, 0x312F),
    (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xF900, 0xFAFF),
    (0x1B000, 0x1B2FF), (0x20000, 0x3FFFF),
)  # fmt: skip
ZEROS = (
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0xFF10,
)  # fmt: skip
"""The zero of every script that has digits of its own."""

_BASE = 0x9E3779B1  # odd, so that it has an inverse modulo 2^32
_INVERSE = pow(_BASE, -1, 1 << 32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of the texts `first` to `first + len(per_text) - 1`, end to end.

    `points` are the code points of those texts, `bounds` where each text begins and ends in them,
    and `starts` where each token begins. `figures` marks tokens that begin with a digit.
    """

    first: int
    points: NDArray[np.integer]
    bounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    per_text: NDArray[np.int64]
    figures: NDArray[np.bool_]
    hashes: NDArray[np.uint32]


def tokenise(folded: ArrowValues) -> Iterator[Tokens]:
    """The tokens of n texts, batch by batch; nulls are not allowed."""
    texts = as_large_strings(folded)
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    for first, end in row_groups(bounds, _BATCH_CHARACTERS):
        own = bounds[first : end + 1] - bounds[first]
        yield _tokens(first, _points(texts.slice(first, end - first), int(own[-1])), own)


def _points(texts: ArrowArray, characters: int) -> NDArray[np.integer]:
    """The code points of the texts end to end; bytes where they are all ASCII."""
    content, _ = joined_bytes(texts)
    return content if len(content) == characters else code_points(str(content.data, "utf-8"))


@cache
def classes() -> NDArray[np.uint8]:
    """The class of every code point: SEPARATOR, LETTER, ALONE or FIGURE."""
    table = np.full(0x110000, LETTER, dtype=np.uint8)
    for kind, ranges in ((SEPARATOR, _SEPARATORS), (ALONE, _UNSPACED)):
        for first, last in ranges:
            table[first : last + 1] = kind
    for zero in ZEROS:
        table[zero : zero + 10] = FIGURE
    return table


def _tokens(first: int, points: NDArray[np.integer], bounds: NDArray[np.int64]) -> Tokens:
    kinds = classes().take(points)
    inside = kinds != SEPARATOR
    # A token begins after a separator, at and after a character that is a token by itself, and
    # at the beginning of a text.
    alone = kinds == ALONE
    begins = inside.copy()
    begins[1:] &= ~inside[:-1] | alone[1:] | alone[:-1]
    heads = bounds[:-1][bounds[:-1] < bounds[1:]]
    begins[heads] = inside[heads]
    starts = np.flatnonzero(begins)
    # Rolling hash: sum of characters times rising powers, divided by the power at the start.
    weighted = points.astype(np.uint32)
    weighted += np.uint32(1)
    weighted *= inside
    weighted *= _powers(_BASE, len(points))
    hashes = (
        np.add.reduceat(weighted, starts, dtype=np.uint32)
        if len(starts)
        else np.zeros(0, dtype=np.uint32)
    )
    hashes *= _powers(_INVERSE, len(points))[starts]
    return Tokens(
        first=first,
        points=points,
        bounds=bounds,
        starts=starts,
        per_text=np.diff(np.searchsorted(starts, bounds)),
        figures=kinds[starts] == FIGURE,
        hashes=mixed(hashes),
    )


def _powers(base: int, count: int) -> NDArray[np.uint32]:
    """The first `count` powers of a number modulo 2^32."""
    if count <= _BATCH_CHARACTERS:
        return _batch_powers(base)[:count]
    factors = np.full(count, base, dtype=np.uint32)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint32)


@cache
def _batch_powers(base: int) -> NDArray[np.uint32]:
    factors = np.full(_BATCH_CHARACTERS, base, dtype=np.uint32)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint32)


def mixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Values with their bits mixed by xor-shifts and multiplications."""
    values = values ^ (values >> np.uint32(16))
    values *= np.uint32(0x7FEB352D)
    values ^= values >> np.uint32(15)
    values *= np.uint32(0x846CA68B)
    return values ^ (values >> np.uint32(16))
