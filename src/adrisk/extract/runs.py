"""Which ads may have a phone number at all: runs of figures and number words, in numpy.

A run is made of tokens that are figures, number words or letters standing for figures, with at
most a few separators between and no line break or currency sign. Most runs are dates, hours and
wages; those too short for a phone are left out here, so that Python reads few ads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

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
# What a token holds, added up in one number: figures, letters like figures, other letters,
# separators behind it, breaks behind it. A field that overflows makes the next one too large,
# which is right: such a token is not a piece of a phone.
_FIELDS = {"figures": 0, "alike": 12, "letters": 24, "separators": 36, "breaks": 52}
_JOINED = rf"{WORD}{WORD}|\d{WORD}\d|{WORD}\d+{WORD}"  # seen as one token, or as none of ours


def phone_runs(
    folded: pa.Array | pa.ChunkedArray, *, short: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each text, whether it has a run that may be a phone, and one that is spelled.

    Args:
        folded: n folded texts, without nulls.
        short: whether eight figures are enough, as they are in some regions.
    """
    plain = np.zeros(len(folded), dtype=np.bool_)
    spelled = np.array(pc.match_substring_regex(folded, _JOINED).to_numpy(zero_copy_only=False))
    for tokens in tokenise(folded):
        for text, is_spelled in _runs(tokens, short):
            (spelled if is_spelled else plain)[tokens.first + text] = True
    return plain | spelled, spelled


def _runs(tokens: Tokens, short: bool) -> Iterator[tuple[int, bool]]:
    """The text of every run worth reading, and whether it is spelled."""
    if not len(tokens.starts):
        return
    sums = np.add.reduceat(_weights().take(tokens.points), tokens.starts)
    held = {name: (sums >> np.uint64(at)).astype(np.int64) for name, at in _FIELDS.items()}
    figures, alike, letters = (held[name] & 0xFFF for name in ("figures", "alike", "letters"))
    word = _word_figures(tokens.hashes)
    mixed = (letters == 0) & ((figures > 0) | (alike == 1))
    numeric = np.flatnonzero(mixed | (word >= 0))
    if not len(numeric):
        return
    near = ((held["separators"] & 0xFFFF) <= MOST_SEPARATORS) & (held["breaks"] == 0)
    text = np.searchsorted(tokens.bounds, tokens.starts[numeric], side="right") - 1
    joined = (np.diff(numeric) == 1) & near[numeric[:-1]] & (text[1:] == text[:-1])
    first = np.flatnonzero(np.concatenate(([True], ~joined)))

    is_word = word[numeric] >= 0
    count = np.where(is_word, word[numeric], figures[numeric] + alike[numeric])
    total = np.add.reduceat(count, first)
    groups = np.diff(np.concatenate((first, [len(numeric)])))
    unusual = np.logical_or.reduceat(is_word | (alike[numeric] > 0), first)
    at = tokens.starts[numeric[first]]
    plus = (at > 0) & (tokens.points[at - 1] == _PLUS)
    local = (total == LEAST_FIGURES) & (count[first] == 3) & (groups == 2)
    enough = (total > _SHORT) | short | unusual | plus | local | (groups == 1) | (groups > 4)
    for run in np.flatnonzero((total >= LEAST_FIGURES) & enough).tolist():
        yield int(text[first[run]]), bool(unusual[run])


@cache
def _weights() -> NDArray[np.uint64]:
    """What each code point adds to its token."""
    kinds = classes()
    names = np.full(len(kinds), _FIELDS["letters"], dtype=np.uint64)
    names[kinds == FIGURE] = _FIELDS["figures"]
    names[[ord(letter) for letter in "oil"]] = _FIELDS["alike"]
    names[kinds == SEPARATOR] = _FIELDS["separators"]
    names[[ord(mark) for mark in BREAKS]] = _FIELDS["breaks"]
    return np.uint64(1) << names


@cache
def _words() -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Hashes of the number words and of what stands between them, sorted; figures of each."""
    words = pa.array(list(PARTS), pa.large_string())
    hashes = next(tokenise(words)).hashes
    order = np.argsort(hashes)
    return hashes[order], np.array(list(PARTS.values()), dtype=np.int64)[order]


def _word_figures(hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many figures each token spells at most; -1 where it is not a number word."""
    words, figures = _words()
    place = np.minimum(np.searchsorted(words, hashes), len(words) - 1)
    return np.where(words[place] == hashes, figures[place], -1)
