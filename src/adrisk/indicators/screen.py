"""Which rules are worth running where: one pass over all ads for all the words that rules need.

In: phrases with the words they need, and plain text. Out: pairs of a sentence and a phrase that may
match in it. An Aho-Corasick automaton (ahocorasick_rs) finds the words; a phrase is run only in a
sentence that holds a word of each set it needs, so most of them never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import ahocorasick_rs
import numpy as np
from numpy.typing import NDArray

from adrisk.indicators.notation import Phrase
from adrisk.types import IntArray

_ALWAYS, _BEFORE_BLANK, _BETWEEN_BLANKS, _BLANK = 1, 2, 4, 8
_ENDS = np.zeros(128, dtype=np.uint8)
_ENDS[[ord(c) for c in "!?;|\n\x00"]] |= _ALWAYS
_ENDS[ord(".")] |= _BEFORE_BLANK
_ENDS[[ord(c) for c in "-/"]] |= _BETWEEN_BLANKS
_ENDS[[ord(c) for c in " \t\r\n\x00*"]] |= _BLANK
_WORDS_APART = bytes(
    c if c < 128 and (chr(c).isalnum() or c == ord("_")) else ord(" ") for c in range(256)
)


def sentences(text: str) -> tuple[IntArray, IntArray]:
    """Where sentences begin and end. A dot inside a number or a word ends none.

    >>> [a.tolist() for a in sentences("No fee. Pay: 3.000 a month! Yes")]
    [[0, 7, 27], [6, 26, 31]]
    """
    kinds = np.concatenate([[_BLANK], _ENDS[np.frombuffer(text.encode(), np.uint8)], [_BLANK]])
    here, before, after = kinds[1:-1], kinds[:-2] & _BLANK, kinds[2:] & _BLANK
    ends = (here & _ALWAYS) > 0
    ends |= ((here & _BEFORE_BLANK) > 0) & (after > 0)
    ends |= ((here & _BETWEEN_BLANKS) > 0) & (before > 0) & (after > 0)
    stops = np.flatnonzero(ends).astype(np.int64)
    return np.concatenate([[0], stops + 1]), np.concatenate([stops, [len(text)]])


class Screen:
    """The words that phrases need, as one automaton."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        sets = sorted({needed for phrase in phrases for needed in phrase.needs}, key=sorted)
        numbers = {needed: number for number, needed in enumerate(sets)}
        words = sorted({word for needed in sets for word in needed})
        holding: dict[str, list[int]] = {word: [] for word in words}
        for needed, number in numbers.items():
            for word in needed:
                holding[word].append(number)
        self._needs = [[numbers[needed] for needed in phrase.needs] for phrase in phrases]
        self._sets = len(sets)
        self._counts = np.array([len(holding[word]) for word in words], dtype=np.int64)
        self._first = np.cumsum(self._counts) - self._counts
        self._holding = np.array([n for word in words for n in holding[word]], dtype=np.int64)
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            [f" {w[:-1]}".encode() if w.endswith("*") else f" {w} ".encode() for w in words]
        )

    def candidates(self, text: str, starts: IntArray) -> Iterator[tuple[int, IntArray]]:
        """For each phrase that may match somewhere, its number and those of the sentences."""
        apart = b" " + text.encode("ascii").translate(_WORDS_APART) + b" "
        hits = self._automaton.find_matches_as_indexes(apart, overlapping=True)
        if not hits:
            return
        found = np.fromiter(chain.from_iterable(hits), np.int64, 3 * len(hits)).reshape(-1, 3)
        word, sentence = found[:, 0], np.searchsorted(starts, found[:, 1], side="right") - 1
        count = self._counts[word]
        # Every set that holds the word: first, first + 1, ... as often as there are such sets.
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        number = self._holding[np.repeat(self._first[word], count) + within]
        held = np.zeros((self._sets, len(starts)), dtype=np.bool_)
        held[number, np.repeat(sentence, count)] = True
        somewhere: NDArray[np.bool_] = np.asarray(held.any(axis=1))
        for phrase, needed in enumerate(self._needs):
            if somewhere[needed].all():
                sentences = np.flatnonzero(np.logical_and.reduce(held[needed]))
                if len(sentences):
                    yield phrase, sentences
