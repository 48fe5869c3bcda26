"""Prefilters that select the phrases, and the raw patterns, that may match in a text.

In: phrases with the words they need, and sentences of plain text. Out, from `Prefilter`: the
phrases of which a sentence has a word of every set; most sentences have none, so most phrases are
never searched. `RawTexts` searches raw texts, in which the form of a contact is still visible: one
pass of Arrow (RE2) with a pattern stripped of lookarounds selects the ads that Python's `re`,
several times as slow, then searches.
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
_SENTENCE_END = "\x00"  # between sentences, and never in one
_WORD_BYTES = bytes(
    c if c < 128 and (chr(c).isalnum() or chr(c) in ("_", _SENTENCE_END)) else ord(" ")
    for c in range(256)
)
_MANY_WORDS = 200_000
_SENTENCES_AT_ONCE = 512
_MOST_SETS = 3  # further sets of a phrase exclude next to nothing


def sentences(text: str) -> tuple[IntArray, IntArray]:
    """Starts and ends of sentences; a dot inside a number or a word ends none.

    >>> [a.tolist() for a in sentences("No fee. Pay: 3.000 a month! Yes")]
    [[0, 7, 27], [6, 26, 31]]
    """
    edge = bytes([_BLANK])
    read = edge + text.encode("ascii").translate(_KINDS) + edge
    kinds = np.frombuffer(read, np.uint8)
    here, before, after = kinds[1:-1], kinds[:-2], kinds[2:]
    # A blank is 8, the two kinds of end that need blanks are 2 and 4; shifts align the bits.
    ends = here & (_ALWAYS | after >> 2 & _BEFORE_BLANK | (before & after) >> 1 & _BETWEEN_BLANKS)
    stops = np.flatnonzero(ends)
    return np.concatenate([[0], stops + 1]), np.concatenate([stops, [len(text)]])


def words_of(text: str) -> list[str]:
    """The words of plain text, in order.

    >>> words_of("pay: 3.000 a_month!")
    ['pay', '3', '000', 'a_month']
    """
    return text.encode("ascii").translate(_WORD_BYTES).decode("ascii").split()


class Prefilter:
    """An index of phrases by the words they need; threads may share one."""

    def __init__(self, phrases: Sequence[Phrase], sample: Iterable[str] = ()) -> None:
        """Index phrases; the sets with the most frequent words in `sample` are checked last."""
        frequency = _Frequency(sample).of
        needs = [sorted(phrase.needs, key=frequency)[:_MOST_SETS] for phrase in phrases]
        sets = {words: at for at, words in enumerate({w for needed in needs for w in needed[1:]})}
        firsts: dict[str, list[int]] = defaultdict(list)
        for number, needed in enumerate(needs):
            for word in chain.from_iterable(needed[:1]):
                firsts[word].append(number)
        holding: dict[str, list[int]] = defaultdict(list)
        for words, at in sets.items():
            for word in words:
                holding[word].append(at)
        words_needed = sorted({*firsts, *holding, _SENTENCE_END})
        self._end_number = words_needed.index(_SENTENCE_END)
        self._words = _WordIndex(words_needed)
        self._firsts = _RaggedLists([firsts[word] for word in words_needed])
        self._holding = _RaggedLists([holding[word] for word in words_needed])
        self._always = [number for number, needed in enumerate(needs) if not needed]
        self._phrases = len(phrases)
        # Further sets of each phrase, one a column; the last number means no set.
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
        for first in range(0, len(sentences), _SENTENCES_AT_ONCE):
            some = sentences[first : first + _SENTENCES_AT_ONCE]
            sentence, phrase = self._pairs(some)
            numbers = phrase.tolist()
            bounds = np.searchsorted(sentence, np.arange(len(some) + 1)).tolist()
            for start, stop in pairwise(bounds):
                phrases = numbers[start:stop]
                yield sorted(phrases + self._always) if self._always else phrases

    def _pairs(self, sentences: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Pairs of a sentence and a phrase that may match in it, by their numbers, in order."""
        words = words_of(f" {_SENTENCE_END} ".join(sentences))
        word = np.fromiter(chain.from_iterable(map(self._words.__getitem__, words)), np.int64)
        sentence = np.cumsum(word == self._end_number)
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


class _RaggedLists:
    """Lists of numbers in one array."""

    def __init__(self, lists: Sequence[Sequence[int]]) -> None:
        self._count = np.array([len(one) for one in lists], dtype=np.int64)
        self._first = np.cumsum(self._count) - self._count
        self._numbers = np.array(list(chain.from_iterable(lists)), dtype=np.int64)

    def of(self, lists: IntArray) -> tuple[IntArray, IntArray]:
        """The numbers of some lists, end to end; before them, the index in `lists` of each."""
        count = self._count[lists]
        before = np.cumsum(count) - count
        index = np.repeat(np.arange(len(lists)), count)
        return index, self._numbers[np.arange(len(index)) + (self._first[lists] - before)[index]]


class _Frequency:
    """Frequencies of words in a sample."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._counts = Counter(chain.from_iterable(map(words_of, texts)))
        self._words = sorted(self._counts)
        self._of: dict[Words, int] = {}

    def _count(self, word: str) -> int:
        if not word.endswith("*"):
            return self._counts[word]
        begin = word[:-1]
        first, last = (bisect_left(self._words, edge) for edge in (begin, f"{begin}\x7f"))
        return sum(self._counts[seen] for seen in self._words[first:last])

    def of(self, words: Words) -> int:
        """The total count of a set of words."""
        if words not in self._of:
            self._of[words] = sum(map(self._count, words))
        return self._of[words]


class _WordIndex(dict[str, tuple[int, ...]]):
    """Word -> the indices in a list of itself and of its prefixes (`deduct*`); filled on use."""

    def __init__(self, listed: Sequence[str]) -> None:
        super().__init__()
        self._indices = {word: index for index, word in enumerate(listed)}
        self._prefixes: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for word, index in self._indices.items():
            if word.endswith("*"):
                self._prefixes[word[:1]].append((word[:-1], index))

    def __missing__(self, word: str) -> tuple[int, ...]:
        # The empty prefix, * alone, is listed under itself.
        prefixes = self._prefixes.get(word[:1], []) + self._prefixes.get("*", [])
        indices = [index for prefix, index in prefixes if word.startswith(prefix)]
        if word in self._indices:
            indices.append(self._indices[word])
        if len(self) >= _MANY_WORDS:
            self.clear()
        self[word] = result = tuple(indices)
        return result


Span = tuple[int, int]

# Syntax that both engines share: characters, classes, groups, repetitions; and lookarounds.
_ESCAPED = r"\\[!-/:-@\[-`{-~]"
_ITEM = re.compile(
    rf"(?P<look>\(\?<?[=!])|(?P<open>\(\?:|\((?!\?))|(?P<close>\))|\[\^?(?:[^\]\\\[]|{_ESCAPED})+\]"
    rf"|{_ESCAPED}|(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})(?!\+)|[^\\^$()\[\]{{*+?]"
)
_REPEATS = "*+?{"


class RawTexts:
    """Raw texts of ads with a cache of matches by pattern, as languages share most patterns."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._column = pa.array(texts, pa.large_string())
        self._spans: dict[re.Pattern[str], dict[int, list[Span]]] = {}

    def spans(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        """The spans of a pattern by ad; ads without a match are left out."""
        if pattern not in self._spans:
            self._spans[pattern] = self._search(pattern)
        return self._spans[pattern]

    def _search(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        ads: Sequence[int] = range(len(self._texts))
        if (wider := without_lookarounds(pattern)) is not None:
            may_match = pc.match_substring_regex(self._column, wider)
            ads = np.flatnonzero(may_match.to_numpy(zero_copy_only=False)).tolist()
        matches = ((ad, [m.span() for m in pattern.finditer(self._texts[ad])]) for ad in ads)
        return {ad: spans for ad, spans in matches if spans}


@lru_cache(maxsize=1024)
def without_lookarounds(pattern: re.Pattern[str]) -> str | None:
    """A pattern for RE2 that matches wherever this one does, and possibly elsewhere.

    >>> without_lookarounds(re.compile("[0-9](?<![.][0-9])(?:a|b)(?![0-9])"))
    '[0-9](?:a|b)'

    None where the two engines may differ: flags, classes such as \\\\w, and anchors.
    """
    if pattern.flags != re.UNICODE:
        return None
    written = pattern.pattern
    kept: list[str] = []
    within: list[bool] = []  # for each open group, whether it is a lookaround
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
    """The pattern if RE2 compiles it, else None."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return None
    return pattern
