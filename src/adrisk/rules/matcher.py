"""Matches of one language's rules in the sentences of ads, cached by sentence.

In: folded ads. Out: `SentenceMatches`, the sentences with a hit or a disclaimer; `resolve_overlaps`
keeps the hits that count where some overlap. Most sentences repeat, so the matches of recent
sentences are cached. Each sentence is matched alone; `match` applies what reaches further, such as
a disclaimer.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, repeat
from operator import attrgetter, itemgetter
from typing import NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from adrisk.rules.entries import LANGUAGES
from adrisk.rules.patterns import Phrase
from adrisk.rules.plain_text import bare, plain, widened
from adrisk.rules.prefilter import Prefilter, RawTexts, sentences
from adrisk.rules.rulebook import Rule
from adrisk.rules.ruleset import Ruleset
from adrisk.rules.taxonomy import Taxonomy
from adrisk.text.spans import DisjointSpans
from adrisk.types import IntArray, State


class IndicatorSpan(Protocol):
    """An indicator that a span of text states to be present or absent."""

    @property
    def indicator(self) -> str:
        """The indicator's id."""

    @property
    def state(self) -> State:
        """Present or absent."""

    @property
    def start(self) -> int:
        """The first character of the span."""

    @property
    def end(self) -> int:
        """The end of the span, exclusive."""


F = TypeVar("F", bound=IndicatorSpan)


def resolve_overlaps(spans: Iterable[F]) -> list[F]:
    """The spans without overlaps in one indicator: absent wins over present, then the longer."""
    by_indicator: dict[str, list[F]] = defaultdict(list)
    for span in spans:
        by_indicator[span.indicator].append(span)
    return sorted(
        chain.from_iterable(
            same if len(same) == 1 else _without_overlaps(same) for same in by_indicator.values()
        ),
        key=attrgetter("start", "end", "indicator"),
    )


def _without_overlaps(spans: list[F]) -> list[F]:
    taken = DisjointSpans()
    best_first = sorted(spans, key=lambda s: (s.state is State.PRESENT, s.start - s.end, s.start))
    return [span for span in best_first if taken.add(span.start, span.end)]


Span = tuple[int, int]

_DISCLAIMER_REACH = 600
"""Characters before and after a disclaimer in which hits are dropped. An author may evade the rules
by quoting a helpline; but then the ad quotes a helpline."""

HIT_DTYPE = np.dtype([("indicator", "<i2"), ("present", "?"), ("start", "<i4"), ("end", "<i4")])
"""A hit as a packed row; `indicator` is its number in `indicator_numbers`."""

_ROW = struct.Struct("<h?ii")
_NEGATOR_REACH = 48
_ADS_AT_ONCE = 256
_CACHED = 20_000
_LONGEST_CACHED = 400


class Hit(NamedTuple):
    """A match of a rule; a negation may have inverted its state."""

    rule: Rule
    start: int
    end: int
    state: State

    @property
    def indicator(self) -> str:
        """The indicator that the words state."""
        return self.rule.indicator

    def moved(self, by: int) -> Hit:
        """The hit shifted by a number of characters."""
        return Hit(self.rule, self.start + by, self.end + by, self.state)


@dataclass(frozen=True, slots=True, eq=False)
class SentenceMatch:
    """The hits and disclaimers in one sentence.

    Attributes:
        hits: in the order of the rules; in a hedged sentence only those of unconditional rules.
        disclaimers: spans, also outside the sentence, in which only unconditional rules count.
        kept: the hits without overlaps, if there is no disclaimer, as rows of `HIT_DTYPE`.
        contested: whether two hits are of one indicator, so that they may overlap.
    """

    hits: tuple[Hit, ...] = ()
    disclaimers: tuple[Span, ...] = ()
    kept: bytes = b""
    contested: bool = False


NO_MATCH = SentenceMatch()
"""The match of a sentence without hits or disclaimers, as most are."""


@dataclass(frozen=True, slots=True)
class SentenceMatches:
    """The sentences of many ads that have a match.

    Sentence i is of ad `ad[i]`, begins at `start[i]` of its text and has `matches[i]`.
    """

    ad: IntArray
    start: IntArray
    matches: list[SentenceMatch]

    def of_ads(self, ads: NDArray[np.bool_]) -> SentenceMatches:
        """The sentences of the ads in a mask."""
        rows = np.flatnonzero(ads[self.ad])
        matches = [self.matches[row] for row in rows.tolist()]
        return SentenceMatches(self.ad[rows], self.start[rows], matches)

    def by_ad(self) -> Iterator[tuple[int, list[Hit]]]:
        """The hits of each ad with spans in its text, without those near its disclaimers."""
        sentences = zip(self.ad.tolist(), self.start.tolist(), self.matches, strict=True)
        for ad, group in groupby(sentences, itemgetter(0)):
            yield ad, _outside_disclaimers([(begin, match) for _, begin, match in group])


def _outside_disclaimers(sentences: list[tuple[int, SentenceMatch]]) -> list[Hit]:
    hits = [hit.moved(begin) for begin, match in sentences for hit in match.hits]
    disclaimers = [
        (first + begin, last + begin)
        for begin, match in sentences
        for first, last in match.disclaimers
    ]
    if not disclaimers:
        return hits
    return [
        hit
        for hit in hits
        if hit.rule.unconditional
        or not any(first < hit.end and hit.start < last for first, last in disclaimers)
    ]


class LanguageMatcher:
    """The rules of one language with a cache of sentences; threads may share one."""

    def __init__(self, language: str, rules: Ruleset) -> None:
        self.book = rules.book(language)
        # One list holds all phrases; the number of a phrase gives its rule or its purpose.
        self._phrases: list[Phrase] = []
        self._rules: list[Rule] = []
        for rule in self.book.rules:
            self._phrases += rule.phrases
            self._rules += [rule] * len(rule.phrases)
        self._disclaimers = self._add(self.book.disclaimers)
        self._hedges = self._add(self.book.hedges)
        self._negators = self._add(self.book.negators)
        self._exceptions = {
            rule.id: self._add(rule.exceptions) for rule in self.book.rules if rule.exceptions
        }
        examples = (bare(t) for rule in self.book.rules for t in (*rule.finds, *rule.leaves))
        self._prefilter = Prefilter(
            self._phrases, (t.encode("ascii", "replace").decode() for t in examples)
        )
        # Compiled on first use: most phrases are never searched.
        self._patterns: list[re.Pattern[str] | None] = [None] * len(self._phrases)
        self.raw_patterns = [
            (rule, pattern) for rule in self.book.rules for pattern in rule.raw_patterns
        ]
        self._numbers = indicator_numbers(rules.taxonomy)
        # A cache in two generations; the older one is dropped as a whole.
        self._recent: dict[str, SentenceMatch] = {}
        self._older: dict[str, SentenceMatch] = {}

    def match(self, folded: Sequence[str]) -> SentenceMatches:
        """The matches in the sentences of some ads."""
        text = plain(folded)
        letters = text.text
        starts, stops = sentences(letters)
        full = stops > starts
        starts, stops = starts[full], stops[full]
        pieces = [letters[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        matches = self._cached_matches(pieces)
        if text.squeezed:
            spans = _by_sentence(text.squeezed, starts)
            squeezed = self._match_sentences([pieces[n] for n in spans], list(spans.values()))
            for number, match in zip(spans, squeezed, strict=True):
                matches[number] = match
        matched = [number for number, match in enumerate(matches) if match is not NO_MATCH]
        first = starts[matched]
        ad = np.searchsorted(text.starts, first, side="right") - 1
        return SentenceMatches(ad, first - text.starts[ad], [matches[n] for n in matched])

    def _add(self, phrases: Sequence[Phrase]) -> range:
        """Append phrases; returns their numbers."""
        first = len(self._phrases)
        self._phrases += phrases
        return range(first, len(self._phrases))

    def _cached_matches(self, sentences: Sequence[str]) -> list[SentenceMatch]:
        """The matches of sentences, from the cache or found and cached."""
        matches = list(map(self._recent.get, sentences))
        if None not in matches:
            return cast(list[SentenceMatch], matches)
        missing = dict.fromkeys(s for s, hit in zip(sentences, matches, strict=True) if hit is None)
        older = [(sentence, self._older.get(sentence)) for sentence in missing]
        unknown = [sentence for sentence, match in older if match is None]
        new = {sentence: match for sentence, match in older if match is not None}
        new.update(zip(unknown, self._match_sentences(unknown), strict=True))
        for sentence, match in new.items():
            if len(sentence) <= _LONGEST_CACHED:
                if len(self._recent) >= _CACHED:
                    self._recent, self._older = {}, self._recent
                self._recent[sentence] = match
        return [match or new[s] for s, match in zip(sentences, matches, strict=True)]

    def _match_sentences(
        self, sentences: Sequence[str], squeezed: Sequence[Sequence[Span]] | None = None
    ) -> list[SentenceMatch]:
        """The matches of sentences without the cache; spans are widened to squeezed words."""
        candidates = self._prefilter.candidates(sentences)
        widest = squeezed or repeat(())
        return [
            self._match_sentence(sentence, numbers, spans)
            if numbers and numbers[0] < self._hedges.start
            else NO_MATCH
            for sentence, numbers, spans in zip(sentences, candidates, widest)  # noqa: B905
        ]

    def _match_sentence(
        self, sentence: str, numbers: Sequence[int], squeezed: Sequence[Span]
    ) -> SentenceMatch:
        hits: list[Hit] = []
        disclaimers: list[Span] = []
        patterns = self._patterns
        for number in numbers:
            if number >= self._hedges.start:
                break
            pattern = patterns[number] or self._compile(number)
            for match in pattern.finditer(sentence):
                start, end = match.span()
                if number >= self._disclaimers.start:
                    disclaimers.append((start - _DISCLAIMER_REACH, end + _DISCLAIMER_REACH))
                    continue
                rule = self._rules[number]
                if rule.exceptions and self._any_matches(
                    self._exceptions[rule.id], numbers, sentence
                ):
                    break
                negated = rule.negatable and self._negated(sentence, start, end, rule, numbers)
                if not (negated and rule.state is State.ABSENT):
                    state = State.ABSENT if negated else rule.state
                    hits.append(Hit(rule, *widened(start, end, squeezed), state))
        if hits and self._any_matches(self._hedges, numbers, sentence):
            hits = [hit for hit in hits if hit.rule.unconditional]
        return self._sentence_match(hits, disclaimers)

    def _compile(self, number: int) -> re.Pattern[str]:
        pattern = self._patterns[number] = self._phrases[number].pattern
        return pattern

    def _any_matches(self, phrases: range, candidates: Sequence[int], sentence: str) -> bool:
        """Whether one of the phrases that are candidates matches in the sentence."""
        first = bisect_left(candidates, phrases.start)
        last = bisect_left(candidates, phrases.stop, first)
        numbers = candidates[first:last]
        return any(self._phrases[number].pattern.search(sentence) for number in numbers)

    def _negated(
        self, sentence: str, start: int, end: int, rule: Rule, candidates: Sequence[int]
    ) -> bool:
        first = bisect_left(candidates, self._negators.start)
        if first == len(candidates) or candidates[first] >= self._negators.stop:
            return False
        if self.book.negator.search(sentence, max(0, start - _NEGATOR_REACH), start):
            return True
        return not rule.holds_negation and bool(self.book.negation.search(sentence, start, end))

    def _sentence_match(self, hits: list[Hit], disclaimers: list[Span]) -> SentenceMatch:
        if not hits and not disclaimers:
            return NO_MATCH
        kept = [
            _ROW.pack(self._numbers[hit.indicator], hit.state is State.PRESENT, hit.start, hit.end)
            for hit in (resolve_overlaps(hits) if len(hits) > 1 else hits)
        ]
        contested = len({hit.indicator for hit in hits}) < len(hits)
        return SentenceMatch(tuple(hits), tuple(disclaimers), b"".join(kept), contested)


def indicator_numbers(taxonomy: Taxonomy) -> dict[str, int]:
    """The index of each indicator in `Taxonomy.text_ids`."""
    return {name: number for number, name in enumerate(taxonomy.text_ids)}


def _by_sentence(squeezed: Sequence[Span], starts: IntArray) -> dict[int, list[Span]]:
    """Spans by the number of their sentence, with offsets in the sentence."""
    spans: dict[int, list[Span]] = defaultdict(list)
    numbers = np.searchsorted(starts, [first for first, _ in squeezed], side="right") - 1
    for number, (first, last) in zip(numbers.tolist(), squeezed, strict=True):
        begin = int(starts[number])
        spans[number].append((first - begin, last - begin))
    return spans


@dataclass(frozen=True, slots=True)
class LanguageMatches:
    """Matches of the rules of one language in the ads that may be written in it.

    Attributes:
        sentences: the matches in plain text.
        raw_hits: by ad, hits in the raw text, to which hedges and disclaimers do not apply.
    """

    sentences: SentenceMatches
    raw_hits: Mapping[int, list[Hit]]


def match_language(
    raw: Sequence[str], folded: Sequence[str], languages: Sequence[str | None], rules: Ruleset
) -> Iterator[LanguageMatches]:
    """Matches by language; ads of an unknown or another language are matched in all."""
    texts = RawTexts(raw)
    rows: dict[str | None, list[int]] = defaultdict(list)
    for row, language in enumerate(languages):
        rows[language].append(row)
    unknown = [row for language in rows.keys() - set(LANGUAGES) for row in rows[language]]
    for code in LANGUAGES:
        if own := sorted(rows[code] + unknown):
            matcher = _language_matcher(code, rules)
            yield LanguageMatches(_match_ads(matcher, folded, own), _raw_hits(matcher, texts, own))


def _match_ads(matcher: LanguageMatcher, folded: Sequence[str], rows: list[int]) -> SentenceMatches:
    parts = [
        matcher.match([folded[row] for row in rows[first : first + _ADS_AT_ONCE]])
        for first in range(0, len(rows), _ADS_AT_ONCE)
    ]
    return SentenceMatches(
        np.array(rows)[
            np.concatenate([part.ad + _ADS_AT_ONCE * number for number, part in enumerate(parts)])
        ],
        np.concatenate([part.start for part in parts]),
        list(chain.from_iterable(part.matches for part in parts)),
    )


def _raw_hits(
    matcher: LanguageMatcher, texts: RawTexts, rows: Sequence[int]
) -> dict[int, list[Hit]]:
    hits: dict[int, list[Hit]] = defaultdict(list)
    own = set(rows)
    for rule, pattern in matcher.raw_patterns:
        for ad, spans in texts.spans(pattern).items():
            if ad in own:
                hits[ad] += [Hit(rule, *span, rule.state) for span in spans]
    return hits


@lru_cache(maxsize=32)
def _language_matcher(language: str, rules: Ruleset) -> LanguageMatcher:
    return LanguageMatcher(language, rules)


def clear_caches() -> None:
    """Drop the compiled rules of all languages and their cached sentences."""
    _language_matcher.cache_clear()
