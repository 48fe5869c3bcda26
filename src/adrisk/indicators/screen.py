"""Which phrases are worth running in a sentence, by the words that they need.

In: phrases with the words they need, and a sentence of plain text. Out: the phrases of which the
sentence holds a word of each set; most sentences hold those of none, so most phrases never run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

import numpy as np

from adrisk.indicators.notation import Phrase, Words
from adrisk.types import IntArray

_ALWAYS, _BEFORE_BLANK, _BETWEEN_BLANKS, _BLANK = 1, 2, 4, 8
_ENDS = np.zeros(256, dtype=np.uint8)
_ENDS[[ord(c) for c in "!?;|\n\x00"]] |= _ALWAYS
_ENDS[ord(".")] |= _BEFORE_BLANK
_ENDS[[ord(c) for c in "-/"]] |= _BETWEEN_BLANKS
_ENDS[[ord(c) for c in " \t\r\n\x00*"]] |= _BLANK
_KINDS = _ENDS.tobytes()
_WORDS_APART = bytes(
    c if c < 128 and (chr(c).isalnum() or c == ord("_")) else ord(" ") for c in range(256)
)
_MANY_WORDS = 200_000


def sentences(text: str) -> tuple[IntArray, IntArray]:
    """Where sentences begin and end. A dot inside a number or a word ends none.

    >>> [a.tolist() for a in sentences("No fee. Pay: 3.000 a month! Yes")]
    [[0, 7, 27], [6, 26, 31]]
    """
    edge = bytes([_BLANK])
    read = edge + text.encode("ascii").translate(_KINDS) + edge
    kinds = np.frombuffer(read, np.uint8)
    here, before, after = kinds[1:-1], kinds[:-2], kinds[2:]
    # A blank is 8, and the two kinds of end that need blanks are 2 and 4: moved to lie on those.
    ends = here & (_ALWAYS | after >> 2 & _BEFORE_BLANK | (before & after) >> 1 & _BETWEEN_BLANKS)
    stops = np.flatnonzero(ends)
    return np.concatenate([[0], stops + 1]), np.concatenate([stops, [len(text)]])


def words_of(text: str) -> list[str]:
    """The words of plain text, in order.

    >>> words_of("pay: 3.000 a_month!")
    ['pay', '3', '000', 'a_month']
    """
    return text.encode("ascii").translate(_WORDS_APART).decode("ascii").split()


class Screen:
    """The words that phrases need; threads may share one."""

    def __init__(self, phrases: Sequence[Phrase], sample: Iterable[str] = ()) -> None:
        """Words of the `sample`, plain texts, are thought common and asked for last."""
        frequency = _Frequency(sample)
        needs = [sorted(phrase.needs, key=frequency.of) for phrase in phrases]
        self._always = [number for number, needed in enumerate(needs) if not needed]
        self._further = [tuple(needed[1:]) for needed in needs]
        self._first: dict[str, list[int]] = {}
        for number, needed in enumerate(needs):
            for word in chain.from_iterable(needed[:1]):
                self._first.setdefault(word, []).append(number)
        self._forms = _Forms({word for needed in needs for words in needed for word in words})

    def candidates(self, sentence: str) -> list[int]:
        """The numbers of the phrases that may match in a sentence, in order.

        >>> from adrisk.indicators.notation import phrases
        >>> screen = Screen(phrases("keep<2>papers?|no visa*", {}))
        >>> [screen.candidates(s) for s in ("we keep your paper", "no visas", "no")]
        [[0], [1], []]
        """
        held = set(chain.from_iterable(map(self._forms.__getitem__, words_of(sentence))))
        first, further, lacks = self._first, self._further, held.isdisjoint
        found = self._always[:]
        for number in {number for word in held if word in first for number in first[word]}:
            for needed in further[number]:
                if lacks(needed):
                    break
            else:
                found.append(number)
        found.sort()
        return found


class _Frequency:
    """How often words are seen in a sample."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._seen = Counter(chain.from_iterable(map(words_of, texts)))
        self._words = sorted(self._seen)

    @cache  # noqa: B019 - as short-lived as the screen's making
    def _count(self, word: str) -> int:
        if not word.endswith("*"):
            return self._seen[word]
        begin = word[:-1]
        first, last = (bisect_left(self._words, edge) for edge in (begin, f"{begin}\x7f"))
        return sum(self._seen[seen] for seen in self._words[first:last])

    def of(self, words: Words) -> int:
        """How often one of the words is seen."""
        return sum(map(self._count, words))


class _Forms(dict[str, tuple[str, ...]]):
    """For each word that was read, what of it phrases ask for: itself, its beginnings or both."""

    def __init__(self, asked: set[str]) -> None:
        super().__init__()
        self._asked = asked
        self._lengths = sorted({len(word) - 1 for word in asked if word.endswith("*")})

    def __missing__(self, word: str) -> tuple[str, ...]:
        begins = (f"{word[:size]}*" for size in self._lengths if size <= len(word))
        forms = tuple(form for form in (word, *begins) if form in self._asked)
        if len(self) >= _MANY_WORDS:
            self.clear()
        self[word] = forms
        return forms
