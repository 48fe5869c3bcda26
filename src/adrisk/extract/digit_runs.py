"""Where plain figures may be a phone: runs of them, in numpy over the bytes of the Arrow buffer.

A run is made of groups of figures with at most a few separators between, and no letter, line break
or currency sign. Most runs are dates, hours and wages; those too short for a phone are left out
here, so that Python reads few ads, and little of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_FIGURES = 7
MOST_SEPARATORS = 4
BREAKS = "\n\r$€£¥₹¤%"
"""Characters that end a run: a phone is on one line, and money is not a phone."""

_SHORT = 8  # figures; so few are a phone only where something says so
_MANY_GROUPS = 4
_WIDEST_GAP = 4 * MOST_SEPARATORS  # bytes of UTF-8
_PLUS = ord("+")


class Runs(NamedTuple):
    """The runs of one text that may hold a phone: where their first and their last group begin.

    `spelled` tells whether words and letters are to be read as figures; all of the text is then
    one run, as what stands for a figure may be a part of a word.
    """

    spans: list[tuple[int, int]]
    spelled: bool = False


def figure_runs(
    data: NDArray[np.uint8], bounds: NDArray[np.int64], short: NDArray[np.bool_] | None
) -> Iterator[tuple[int, int, int, int]]:
    """Text, first byte, first byte of the last group and end, of every run long enough for a phone.

    None of a text in which no run is likely enough.

    Args:
        data: UTF-8 of n folded texts, end to end.
        bounds: shape (n + 1,), where each begins and ends in it.
        short: shape (n,), for which texts eight figures are enough, as they are in some regions.
    """
    figures = np.flatnonzero((data - np.uint8(ord("0"))) < 10)
    if len(figures) < LEAST_FIGURES:
        return
    text = np.searchsorted(bounds, figures, side="right") - 1
    begins = np.empty(len(figures), dtype=np.bool_)
    begins[0] = True
    begins[1:] = (np.diff(figures) != 1) | (text[1:] != text[:-1])
    first = np.flatnonzero(begins)
    starts, text = figures[first], text[first]
    count = np.diff(first, append=len(figures))
    ends = starts + count

    begins = np.concatenate(([True], ~_joined(data, starts, ends, text)))
    run = np.flatnonzero(begins)
    groups = np.diff(run, append=len(starts))
    total = np.add.reduceat(count, run)
    at, text = starts[run], text[run]
    plus = (at > 0) & (data[at - 1] == _PLUS)
    local = (total == LEAST_FIGURES) & (count[run] == 3) & (groups == 2)
    enough = (total > _SHORT) | plus | local | (groups == 1) | (groups > _MANY_GROUPS)
    if short is not None:
        enough |= short[text]
    long = total >= LEAST_FIGURES
    likely = np.zeros(len(bounds), dtype=np.bool_)
    likely[text[long & enough]] = True
    read = np.flatnonzero(long & likely[text])
    last = run[read] + groups[read] - 1
    yield from zip(
        text[read].tolist(),
        at[read].tolist(),
        starts[last].tolist(),
        ends[last].tolist(),
        strict=True,
    )


def _joined(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    text: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether each group of figures but the last belongs to one run with the next."""
    gaps = starts[1:] - ends[:-1]
    joined: NDArray[np.bool_] = (gaps <= _WIDEST_GAP) & (text[1:] == text[:-1])
    apart = _apart()
    open_gaps = np.flatnonzero(joined)
    for offset in range(_WIDEST_GAP):
        open_gaps = open_gaps[gaps[open_gaps] > offset]
        if not len(open_gaps):
            break
        parted = apart[data[ends[:-1][open_gaps] + offset]]
        joined[open_gaps[parted]] = False
        open_gaps = open_gaps[~parted]
    return joined


@cache
def _apart() -> NDArray[np.bool_]:
    """Which bytes end a run; those of other characters than ASCII are left to whoever reads it."""
    table = np.zeros(256, dtype=np.bool_)
    for byte in range(128):
        table[byte] = chr(byte).isalpha() or chr(byte) in BREAKS
    return table
