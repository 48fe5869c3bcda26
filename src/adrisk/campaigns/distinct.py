"""Signatures that count once: equal ones found by a hash, a few rows of memory at a time.

In: signatures. Out: a row for each different one, in the order of a hash of it, so that nothing
depends on the order they came in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from adrisk.campaigns.minhash import EMPTY, WIDTH
from adrisk.types import IntArray

_ROWS = 1 << 16  # signatures compared or hashed at a time

WEIGHTS = np.cumprod(np.full(WIDTH, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


def distinct_rows(
    signatures: NDArray[np.uint32], place: IntArray | None
) -> tuple[IntArray, IntArray]:
    """A row for each different signature, ordered by a hash of it, and each row's number there.

    Most ads are exact copies; from here on a text counts once however often it was posted.
    """
    keys = np.empty(len(signatures), dtype=np.uint64)
    for part in in_parts(len(signatures)):
        keys[part] = signatures[part].astype(np.uint64) @ WEIGHTS
    keys = mixed(keys)
    order = np.arange(len(keys)) if place is None else np.argsort(place)
    _, first, member_of = np.unique(keys[order], return_index=True, return_inverse=True)
    number = np.empty_like(member_of)
    number[order] = member_of
    return order[first], number


def is_blank(signatures: NDArray[np.uint32], rows: IntArray) -> NDArray[np.bool_]:
    """Whether each row is of an ad without a letter or digit."""
    out = np.empty(len(rows), dtype=np.bool_)
    for part in in_parts(len(rows)):
        out[part] = (signatures[rows[part]] == EMPTY).all(axis=1)
    return out


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the keys: every bit of the result depends on every bit of the key."""
    keys = keys ^ (keys >> np.uint64(32))
    keys *= np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(32))


def in_parts(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows, few at a time, so that memory stays flat."""
    return (slice(at, at + _ROWS) for at in range(0, count, _ROWS))
