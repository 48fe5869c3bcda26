"""Which phrases are worth running in a sentence, by the words that they need.

In: phrases with the words they need, and sentences of plain text. Out: the phrases of which a
sentence holds a word of each set; most sentences hold those of none, so most phrases never run.

Search ads as they came, many at once, for the few patterns that need it.

In: raw texts, and compiled patterns. Out: the spans of a pattern by ad. How a contact is written
shows in the raw text only. Arrow (RE2) first tells in one pass which ads may hold a match, by the
pattern without its looks ahead and behind; Python's `re`, several times as slow, reads those.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.rules.pattern_pieces import Words
from adrisk.rules.patterns import Phrase
from adrisk.types import IntArray

_ALWAYS, _BEFORE_BLANK, _BETWEEN_BLANKS, _BLANK = 1, 2, 4, 8
_ENDS = np.zeros(256, dtype=np.uint8)
_ENDS[[ord(c) for c in "!?;|\n\x00"]] |= _ALWAYS
_ENDS[ord(".")] |= _BEFORE_BLANK
_ENDS[[ord(c) for c in "-/"]] |= _BETWEEN_BLANKS
_ENDS[[ord(c) for c in " \t\r\n\x00*"]] |= _BLANK
_KINDS = _ENDS.tobytes()
_NEXT = "\x00"  # between sentences, and never in one
_WORDS_APART = bytes(
    c if c < 128 and (chr(c).isalnum() or chr(c) in ("_", _NEXT)) else ord(" ") for c in range(256)
)
_MANY_WORDS = 200_000
_AT_ONCE = 512
_SETS = 3  # more of a phrase screen out next to nothing


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


class Prefilter:
    """The words that phrases need; threads may share one."""

    def __init__(self, phrases: Sequence[Phrase], sample: Iterable[str] = ()) -> None:
        """Words of the `sample`, plain texts, are thought common and asked for last."""
        frequency = _Frequency(sample).of
        needs = [sorted(phrase.needs, key=frequency)[:_SETS] for phrase in phrases]
        sets = {words: at for at, words in enumerate({w for needed in needs for w in needed[1:]})}
        firsts: dict[str, list[int]] = defaultdict(list)
        for number, needed in enumerate(needs):
            for word in chain.from_iterable(needed[:1]):
                firsts[word].append(number)
        holding: dict[str, list[int]] = defaultdict(list)
        for words, at in sets.items():
            for word in words:
                holding[word].append(at)
        asked = sorted({*firsts, *holding, _NEXT})
        self._next = asked.index(_NEXT)
        self._asked = _Asked(asked)
        self._firsts = _Lists([firsts[word] for word in asked])
        self._holding = _Lists([holding[word] for word in asked])
        self._always = [number for number, needed in enumerate(needs) if not needed]
        self._phrases = len(phrases)
        # Further sets of each phrase, one a column; the last set of all stands for none.
        columns = max((len(needed) for needed in needs), default=1) - 1
        self._none = len(sets)
        self._further = np.full((max(columns, 0), len(needs)), self._none)
        for number, needed in enumerate(needs):
            for column, words in enumerate(needed[1:]):
                self._further[column, number] = sets[words]

    def candidates(self, sentences: Sequence[str]) -> Iterator[list[int]]:
        """For each sentence in turn, the numbers of the phrases that may match in it, in order.

        >>> from adrisk.rules.patterns import phrases
        >>> prefilter = Prefilter(phrases("keep<2>papers?|no visa*", {}))
        >>> list(prefilter.candidates(["we keep your paper", "no visas", "no"]))
        [[0], [1], []]
        """
        for first in range(0, len(sentences), _AT_ONCE):
            some = sentences[first : first + _AT_ONCE]
            sentence, phrase = self._pairs(some)
            numbers = phrase.tolist()
            bounds = np.searchsorted(sentence, np.arange(len(some) + 1)).tolist()
            for start, stop in pairwise(bounds):
                found = numbers[start:stop]
                yield sorted(found + self._always) if self._always else found

    def _pairs(self, sentences: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Sentences and phrases that may match in them, by their numbers, in order."""
        words = words_of(f" {_NEXT} ".join(sentences))
        asked = chain.from_iterable(map(self._asked.__getitem__, words))
        word = np.fromiter(asked, np.int64)
        sentence = np.cumsum(word == self._next)
        held = np.zeros((len(sentences), self._none + 1), dtype=np.bool_)
        held[:, self._none] = True
        at, within = self._holding.of(word)
        held[sentence[at], within] = True
        at, phrase = self._firsts.of(word)
        sentence = sentence[at]
        for further in self._further:
            kept = held[sentence, further[phrase]]
            sentence, phrase = sentence[kept], phrase[kept]
        pairs = np.sort(sentence * self._phrases + phrase)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        sentence, phrase = np.divmod(pairs, max(self._phrases, 1))
        return sentence, phrase


class _Lists:
    """Lists of numbers, one behind the other."""

    def __init__(self, lists: Sequence[Sequence[int]]) -> None:
        self._count = np.array([len(one) for one in lists], dtype=np.int64)
        self._first = np.cumsum(self._count) - self._count
        self._numbers = np.array(list(chain.from_iterable(lists)), dtype=np.int64)

    def of(self, lists: IntArray) -> tuple[IntArray, IntArray]:
        """All numbers of these lists in turn; with each, the place in `lists` of its list."""
        count = self._count[lists]
        before = np.cumsum(count) - count
        place = np.repeat(np.arange(len(lists)), count)
        return place, self._numbers[np.arange(len(place)) + (self._first[lists] - before)[place]]


class _Frequency:
    """How often words are seen in a sample."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._seen = Counter(chain.from_iterable(map(words_of, texts)))
        self._words = sorted(self._seen)
        self._of: dict[Words, int] = {}

    def _count(self, word: str) -> int:
        if not word.endswith("*"):
            return self._seen[word]
        begin = word[:-1]
        first, last = (bisect_left(self._words, edge) for edge in (begin, f"{begin}\x7f"))
        return sum(self._seen[seen] for seen in self._words[first:last])

    def of(self, words: Words) -> int:
        """How often one of the words is seen."""
        if words not in self._of:
            self._of[words] = sum(map(self._count, words))
        return self._of[words]


class _Asked(dict[str, tuple[int, ...]]):
    """For each word, the places in a list of itself and of its beginnings (`deduct*`)."""

    def __init__(self, listed: Sequence[str]) -> None:
        super().__init__()
        self._places = {word: place for place, word in enumerate(listed)}
        self._begins: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for word, place in self._places.items():
            if word.endswith("*"):
                self._begins[word[:1]].append((word[:-1], place))

    def __missing__(self, word: str) -> tuple[int, ...]:
        # A beginning of no letters, * alone, is listed under itself.
        begins = self._begins.get(word[:1], []) + self._begins.get("*", [])
        found = [place for begin, place in begins if word.startswith(begin)]
        if word in self._places:
            found.append(self._places[word])
        if len(self) >= _MANY_WORDS:
            self.clear()
        self[word] = places = tuple(found)
        return places


Span = tuple[int, int]

# What both engines read alike: characters, classes, groups, repetitions, and a look to either side.
_ESCAPED = r"\\[!-/:-@\[-`{-~]"
_ITEM = re.compile(
    rf"(?P<look>\(\?<?[=!])|(?P<open>\(\?:|\((?!\?))|(?P<close>\))|\[\^?(?:[^\]\\\[]|{_ESCAPED})+\]"
    rf"|{_ESCAPED}|(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})(?!\+)|[^\\^$()\[\]{{*+?]"
)
_REPEATS = "*+?{"


class RawTexts:
    """Ads as they came. What was found by one pattern is kept, as languages share most."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._column = pa.array(texts, pa.large_string())
        self._found: dict[re.Pattern[str], dict[int, list[Span]]] = {}

    def spans(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        """Where the pattern matches: of each ad in which it does, by its number, the spans."""
        if pattern not in self._found:
            self._found[pattern] = self._search(pattern)
        return self._found[pattern]

    def _search(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        asked: Sequence[int] = range(len(self._texts))
        if (wider := without_looks(pattern)) is not None:
            may_match = pc.match_substring_regex(self._column, wider)
            asked = np.flatnonzero(may_match.to_numpy(zero_copy_only=False)).tolist()
        found = ((ad, [m.span() for m in pattern.finditer(self._texts[ad])]) for ad in asked)
        return {ad: spans for ad, spans in found if spans}


@lru_cache(maxsize=1024)
def without_looks(pattern: re.Pattern[str]) -> str | None:
    """A pattern for RE2 that matches wherever this one does, and perhaps elsewhere.

    >>> without_looks(re.compile("[0-9](?<![.][0-9])(?:a|b)(?![0-9])"))
    '[0-9](?:a|b)'

    None where the two engines might not agree: on flags, classes such as \\\\w, and edges.
    """
    if pattern.flags != re.UNICODE:
        return None
    written = pattern.pattern
    kept: list[str] = []
    within: list[bool] = []  # of each open group, whether it is a look
    at = 0
    while at < len(written):
        item = _ITEM.match(written, at)
        if item is None:
            return None
        at = item.end()
        if item["look"] or item["open"]:
            within.append(bool(item["look"]))
        if not any(within):
            kept.append(item.group())
        if item["close"] and within.pop() and written[at : at + 1] in set(_REPEATS):
            return None
    return _accepted("".join(kept))


def _accepted(pattern: str) -> str | None:
    """The pattern if RE2 takes it; it has bounds of its own."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return None
    return pattern
