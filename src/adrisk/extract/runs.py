"""Where an ad may have a phone number at all: runs of figures and number words, in numpy.

A run is made of tokens that are figures, number words or letters standing for figures, with at
most a few separators between and no line break or currency sign. Most runs are dates, hours and
wages; those too short for a phone are left out here, so that Python reads few ads, and little of
each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.extract.numerals import PARTS, WORD
from adrisk.extract.tokens import FIGURE, SEPARATOR, Tokens, classes, tokenise

LEAST_FIGURES = 7
MOST_SEPARATORS = 4
BREAKS = "\n\r$€£¥₹¤%"
"""Characters that end a run: a phone is on one line, and money is not a phone."""

_SHORT = 8  # figures; so few are a phone only where something says so
_PLUS = ord("+")
# Marks as in 5\u03365\u0336: a token is what it is without them. 0x307 is a part of a folded İ.
_MARKS = ((0x300, 0x307), (0x308, 0x370), (0x20D0, 0x2100))
# What a token holds, added up in one number: figures, letters like figures, other letters,
# separators behind it, breaks behind it. A field that overflows makes the next one too large,
# which is right: such a token is not a piece of a phone.
_FIELDS = {"figures": 0, "alike": 12, "letters": 24, "separators": 36, "breaks": 52}
_FIELD = np.uint64(0xFFF)
_LETTER = np.uint64(1 << _FIELDS["letters"])
_JOINED = rf"{WORD}{WORD}|\d{WORD}\d|{WORD}\d+{WORD}"  # seen as one token, or as none of ours
_TABLE = 1 << 16


class Runs(NamedTuple):
    """The runs of one text that may hold a phone: where their first and their last token begin.

    `spelled` tells whether words and letters are to be read as figures; all of the text is then
    one run, as what stands for a figure may be a part of a token.
    """

    spans: list[tuple[int, int]]
    spelled: bool = False


def phone_runs(
    folded: pa.Array | pa.ChunkedArray,
    tokens: Iterable[Tokens] | None = None,
    *,
    short: bool = False,
) -> dict[int, Runs]:
    """The texts that may have a phone, by their place in the column, with the runs to read.

    Args:
        folded: n folded texts, without nulls.
        tokens: `tokenise(folded)`, if the caller has it already.
        short: whether eight figures are enough, as they are in some regions.
    """
    joined = pc.match_substring_regex(folded, _JOINED).to_numpy(zero_copy_only=False)
    spelled = set(np.flatnonzero(joined).tolist())
    spans: dict[int, list[tuple[int, int]]] = {row: [] for row in spelled}
    for block in tokenise(folded) if tokens is None else tokens:
        for text, span, is_spelled in _runs(block, short):
            row = block.first + text
            spans.setdefault(row, []).append(span)
            if is_spelled:
                spelled.add(row)
    return {
        row: Runs([(0, sys.maxsize)], spelled=True) if row in spelled else Runs(found)
        for row, found in spans.items()
    }


def _runs(tokens: Tokens, short: bool) -> Iterator[tuple[int, tuple[int, int], bool]]:
    """The text, the place in it and whether it is spelled, of every run long enough for a phone.

    None of a text in which no run is likely enough.
    """
    if not len(tokens.starts):
        return
    word = _word_figures(tokens.hashes)
    likely = _weights().take(tokens.points[tokens.starts]) != _LETTER
    likely = np.flatnonzero(likely | (word >= 0))
    if not len(likely):
        return
    sums, word = _sums(tokens, likely), word[likely]
    mixed = (sums & (_LETTER * _FIELD)) == 0
    mixed &= ((sums & _FIELD) > 0) | (_part(sums, "alike") == 1)
    kept = np.flatnonzero(mixed | (word >= 0))
    if not len(kept):
        return
    numeric, sums, word = likely[kept], sums[kept], word[kept]
    starts = tokens.starts[numeric]
    figures, alike = (_part(sums, name).astype(np.int64) for name in ("figures", "alike"))
    separators = sums >> np.uint64(_FIELDS["separators"])  # and breaks above them: too large
    text = np.searchsorted(tokens.bounds, starts, side="right") - 1
    joined = (np.diff(numeric) == 1) & (separators[:-1] <= MOST_SEPARATORS)
    joined &= text[1:] == text[:-1]
    first = np.flatnonzero(np.concatenate(([True], ~joined)))

    count = np.where(word >= 0, word, figures + alike)
    total = np.add.reduceat(count, first)
    groups = np.diff(first, append=len(numeric))
    unusual = np.logical_or.reduceat((word >= 0) | (alike > 0), first)
    at = starts[first]
    plus = (at > 0) & (tokens.points[at - 1] == _PLUS)
    local = (total == LEAST_FIGURES) & (count[first] == 3) & (groups == 2)
    enough = (total > _SHORT) | short | unusual | plus | local | (groups == 1) | (groups > 4)
    text, long = text[first], total >= LEAST_FIGURES
    read = np.flatnonzero(long & np.isin(text, text[long & enough]))
    last = starts[first[read] + groups[read] - 1]
    begin = tokens.bounds[text[read]]
    yield from zip(
        text[read].tolist(),
        zip((at[read] - begin).tolist(), (last - begin).tolist(), strict=True),
        unusual[read].tolist(),
        strict=True,
    )


def _sums(tokens: Tokens, some: NDArray[np.intp]) -> NDArray[np.uint64]:
    """What some tokens hold, and what is behind each of them until the next token."""
    lengths = np.diff(tokens.starts, append=len(tokens.points))[some]
    first = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(tokens.starts[some] - first, lengths)
    return np.add.reduceat(_weights().take(tokens.points[places]), first)


def _part(sums: NDArray[np.uint64], name: str) -> NDArray[np.uint64]:
    return (sums >> np.uint64(_FIELDS[name])) & _FIELD


@cache
def _weights() -> NDArray[np.uint64]:
    """What each code point adds to its token."""
    kinds = classes()
    names = np.full(len(kinds), _FIELDS["letters"], dtype=np.uint64)
    names[kinds == FIGURE] = _FIELDS["figures"]
    names[[ord(letter) for letter in "oil"]] = _FIELDS["alike"]
    names[kinds == SEPARATOR] = _FIELDS["separators"]
    names[[ord(mark) for mark in BREAKS]] = _FIELDS["breaks"]
    weights = np.uint64(1) << names
    for start, stop in _MARKS:
        weights[start:stop] = 0
    return weights


@cache
def _words() -> tuple[NDArray[np.bool_], NDArray[np.uint32], NDArray[np.int64]]:
    """Hashes of the number words and of what stands between them, sorted; figures of each.

    Before them a table of the lowest bits of those hashes, which spares most words the search.
    """
    words = pa.array(list(PARTS), pa.large_string())
    hashes = next(tokenise(words)).hashes
    order = np.argsort(hashes)
    table = np.zeros(_TABLE, dtype=np.bool_)
    table[hashes % _TABLE] = True
    return table, hashes[order], np.array(list(PARTS.values()), dtype=np.int64)[order]


def _word_figures(hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many figures each token spells at most; -1 where it is not a number word."""
    table, words, figures = _words()
    likely = np.flatnonzero(table.take(hashes % _TABLE))
    place = np.minimum(np.searchsorted(words, hashes[likely]), len(words) - 1)
    spelled = np.full(len(hashes), -1, dtype=np.int64)
    spelled[likely] = np.where(words[place] == hashes[likely], figures[place], -1)
    return spelled
