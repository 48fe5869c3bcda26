"""Runs of plain figures that may be phones, located in numpy over the bytes of many texts.

In: the UTF-8 bytes of folded texts. Out: start and end of each run. A run is made of groups of
figures with at most a few separators between, and no letter, line break or currency sign. Most runs
are dates, hours and wages, too short for a phone; they are dropped here, so that Python reads few
ads, and little of each.
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

_SHORT = 8  # figures; so few are a phone only in some forms and regions
_MANY_GROUPS = 4
_WIDEST_GAP = 4 * MOST_SEPARATORS  # bytes of UTF-8
_PLUS = ord("+")


class Runs(NamedTuple):
    """The runs of one text that may hold a phone: the starts of their first and last group.

    With `spelled`, words and letters count as figures; the whole text is then one run.
    """

    spans: list[tuple[int, int]]
    spelled: bool = False


def figure_runs(
    data: NDArray[np.uint8], bounds: NDArray[np.int64], short: NDArray[np.bool_] | None
) -> Iterator[tuple[int, int, int, int]]:
    """Text, first byte, first byte of the last group and end, of every run long enough for a phone.

    Texts without a likely run are left out.

    Args:
        data: UTF-8 of n folded texts, end to end.
        bounds: shape (n + 1,), the bounds of each text.
        short: shape (n,), whether eight figures are enough, as in some regions.
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
    """Whether each group of figures except the last is in one run with the next."""
    gaps = starts[1:] - ends[:-1]
    joined: NDArray[np.bool_] = (gaps <= _WIDEST_GAP) & (text[1:] == text[:-1])
    breaks = _run_breaks()
    open_gaps = np.flatnonzero(joined)
    for offset in range(_WIDEST_GAP):
        open_gaps = open_gaps[gaps[open_gaps] > offset]
        if not len(open_gaps):
            break
        broken = breaks[data[ends[:-1][open_gaps] + offset]]
        joined[open_gaps[broken]] = False
        open_gaps = open_gaps[~broken]
    return joined


@cache
def _run_breaks() -> NDArray[np.bool_]:
    """The ASCII bytes that end a run; other breaks are applied when the run is read."""
    table = np.zeros(256, dtype=np.bool_)
    for byte in range(128):
        table[byte] = chr(byte).isalpha() or chr(byte) in BREAKS
    return table
