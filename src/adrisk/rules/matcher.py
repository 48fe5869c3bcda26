"""What the rules of one language say of each sentence, remembered: most sentences come again.

In: folded ads. Out: the sentences that say something, and what. It looks at one sentence at a time:
what reaches over several, such as a warning, is left to `rules` and `findings`.

Which of several findings at one place counts.

In: findings of one ad. Out: those that are kept, in order of their place.
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
from adrisk.types import IntArray, State


class Finding(Protocol):
    """An indicator said to be present or absent by the words between two places."""

    @property
    def indicator(self) -> str:
        """The indicator's id."""

    @property
    def state(self) -> State:
        """Present or absent."""

    @property
    def start(self) -> int:
        """Where the words begin."""

    @property
    def end(self) -> int:
        """The place behind them."""


F = TypeVar("F", bound=Finding)


def resolve_overlaps(found: Iterable[F]) -> list[F]:
    """One finding a place: an absent one wins over a present one, a longer over a shorter."""
    kept: dict[str, list[F]] = defaultdict(list)
    for finding in found:
        kept[finding.indicator].append(finding)
    return sorted(
        chain.from_iterable(
            rivals if len(rivals) == 1 else _best(rivals) for rivals in kept.values()
        ),
        key=attrgetter("start", "end", "indicator"),
    )


def _best(rivals: list[F]) -> list[F]:
    """Those of one indicator that share no place with a better one."""
    best: list[F] = []
    for finding in sorted(
        rivals, key=lambda e: (e.state is State.PRESENT, e.start - e.end, e.start)
    ):
        if not any(r.start < finding.end and finding.start < r.end for r in best):
            best.append(finding)
    return best


Span = tuple[int, int]

_NOTICE_REACH = 600
"""Characters around a warning in which nothing counts. An author may hide behind this by quoting
a helpline; but then the ad quotes a helpline."""

FOUND = np.dtype([("indicator", "<i2"), ("present", "?"), ("start", "<i4"), ("end", "<i4")])
"""A finding in few bytes: the indicator's number among those of a text."""

_ROW = struct.Struct("<h?ii")
_NEGATOR_REACH = 48
_AT_ONCE = 256
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 400


class Hit(NamedTuple):
    """Words that a rule found; a denial may have turned its state."""

    rule: Rule
    start: int
    end: int
    state: State

    @property
    def indicator(self) -> str:
        """The indicator that is shown."""
        return self.rule.indicator

    def moved(self, by: int) -> Hit:
        """The same so many characters further."""
        return Hit(self.rule, self.start + by, self.end + by, self.state)


@dataclass(frozen=True, slots=True, eq=False)
class SentenceMatch:
    """What one sentence says.

    Attributes:
        hits: in the order of the rules; those that a doubt takes the force from are left out.
        notices: where nothing counts, beyond the sentence too, except for unconditional rules.
        kept: the hits that count where there is no notice, as rows of `FOUND`.
        contested: whether two hits of one indicator may lie at one place.
    """

    hits: tuple[Hit, ...] = ()
    disclaimers: tuple[Span, ...] = ()
    kept: bytes = b""
    contested: bool = False


NOTHING = SentenceMatch()
"""What most sentences say."""


@dataclass(frozen=True, slots=True)
class SentenceMatches:
    """The sentences of many ads that say something.

    Sentence i is of ad `ad[i]`, begins at `start[i]` of its text and says `said[i]`.
    """

    ad: IntArray
    start: IntArray
    said: list[SentenceMatch]

    def of(self, ads: NDArray[np.bool_]) -> SentenceMatches:
        """The sentences of those ads alone that are marked."""
        here = np.flatnonzero(ads[self.ad])
        said = [self.said[number] for number in here.tolist()]
        return SentenceMatches(self.ad[here], self.start[here], said)

    def by_ad(self) -> Iterator[tuple[int, list[Hit]]]:
        """The hits of each ad, counted from its beginning; those near its notices left out."""
        sentences = zip(self.ad.tolist(), self.start.tolist(), self.said, strict=True)
        for ad, of_ad in groupby(sentences, itemgetter(0)):
            yield ad, _beyond_notices([(begin, said) for _, begin, said in of_ad])


def _beyond_notices(sentences: list[tuple[int, SentenceMatch]]) -> list[Hit]:
    hits = [hit.moved(begin) for begin, said in sentences for hit in said.hits]
    disclaimers = [
        (first + begin, last + begin)
        for begin, said in sentences
        for first, last in said.disclaimers
    ]
    if not disclaimers:
        return hits
    return [
        hit
        for hit in hits
        if hit.rule.unconditional
        or not any(first < hit.end and hit.start < last for first, last in disclaimers)
    ]


class Reader:
    """The rules of one language. Threads may share one; what they learn at once is the same."""

    def __init__(self, language: str, rules: Ruleset) -> None:
        self.book = rules.book(language)
        # All phrases stand in one list, in this order; what one means is told by its number.
        self._phrases: list[Phrase] = []
        self._rules: list[Rule] = []
        for rule in self.book.rules:
            self._phrases += rule.phrases
            self._rules += [rule] * len(rule.phrases)
        self._notices = self._add(self.book.disclaimers)
        self._doubts = self._add(self.book.hedges)
        self._negators = self._add(self.book.negators)
        self._unless = {rule.id: self._add(rule.unless) for rule in self.book.rules if rule.unless}
        examples = (bare(t) for rule in self.book.rules for t in (*rule.finds, *rule.leaves))
        self._screen = Prefilter(
            self._phrases, (t.encode("ascii", "replace").decode() for t in examples)
        )
        # Most phrases are never run, and compiling one takes longer than many searches.
        self._patterns: list[re.Pattern[str] | None] = [None] * len(self._phrases)
        self.on_raw = [(rule, pattern) for rule in self.book.rules for pattern in rule.on_raw]
        self._numbers = indicator_numbers(rules.taxonomy)
        # The sentences of late, and those before them: the older half is forgotten at once.
        self._known: dict[str, SentenceMatch] = {}
        self._before: dict[str, SentenceMatch] = {}

    def read(self, folded: Sequence[str]) -> SentenceMatches:
        """What the sentences of these ads say."""
        text = plain(folded)
        letters = text.text
        starts, stops = sentences(letters)
        full = stops > starts
        starts, stops = starts[full], stops[full]
        pieces = [letters[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        said = self._recalled(pieces)
        if text.squeezed:
            spans = _by_sentence(text.squeezed, starts)
            anew = self._learn([pieces[number] for number in spans], list(spans.values()))
            for number, what in zip(spans, anew, strict=True):
                said[number] = what
        telling = [number for number, what in enumerate(said) if what is not NOTHING]
        first = starts[telling]
        ad = np.searchsorted(text.starts, first, side="right") - 1
        return SentenceMatches(ad, first - text.starts[ad], [said[number] for number in telling])

    def _add(self, phrases: Sequence[Phrase]) -> range:
        """Put phrases behind the others; returns their numbers."""
        first = len(self._phrases)
        self._phrases += phrases
        return range(first, len(self._phrases))

    def _recalled(self, sentences: Sequence[str]) -> list[SentenceMatch]:
        """What sentences say, remembered or found and kept."""
        said = list(map(self._known.get, sentences))
        if None not in said:
            return cast(list[SentenceMatch], said)
        asked = dict.fromkeys(s for s, known in zip(sentences, said, strict=True) if known is None)
        before = [(sentence, self._before.get(sentence)) for sentence in asked]
        unknown = [sentence for sentence, known in before if known is None]
        new = {sentence: known for sentence, known in before if known is not None}
        new.update(zip(unknown, self._learn(unknown), strict=True))
        for sentence, what in new.items():
            if len(sentence) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known, self._before = {}, self._known
                self._known[sentence] = what
        return [known or new[s] for s, known in zip(sentences, said, strict=True)]

    def _learn(
        self, sentences: Sequence[str], squeezed: Sequence[Sequence[Span]] | None = None
    ) -> list[SentenceMatch]:
        """What sentences say, found anew; spans are widened to those of words pulled apart."""
        candidates = self._screen.candidates(sentences)
        widest = squeezed or repeat(())
        return [
            self._found(sentence, numbers, spans)
            if numbers and numbers[0] < self._doubts.start
            else NOTHING
            for sentence, numbers, spans in zip(sentences, candidates, widest)  # noqa: B905
        ]

    def _found(
        self, sentence: str, numbers: Sequence[int], squeezed: Sequence[Span]
    ) -> SentenceMatch:
        hits: list[Hit] = []
        disclaimers: list[Span] = []
        patterns = self._patterns
        for number in numbers:
            if number >= self._doubts.start:
                break
            pattern = patterns[number] or self._compile(number)
            for match in pattern.finditer(sentence):
                start, end = match.span()
                if number >= self._notices.start:
                    disclaimers.append((start - _NOTICE_REACH, end + _NOTICE_REACH))
                    continue
                rule = self._rules[number]
                if rule.unless and self._any(self._unless[rule.id], numbers, sentence):
                    break
                turned = rule.negatable and self._negated(sentence, start, end, rule, numbers)
                if not (turned and rule.state is State.ABSENT):
                    state = State.ABSENT if turned else rule.state
                    hits.append(Hit(rule, *widened(start, end, squeezed), state))
        if hits and self._any(self._doubts, numbers, sentence):
            hits = [hit for hit in hits if hit.rule.unconditional]
        return self._said(hits, disclaimers)

    def _compile(self, number: int) -> re.Pattern[str]:
        pattern = self._patterns[number] = self._phrases[number].pattern
        return pattern

    def _any(self, wanted: range, candidates: Sequence[int], sentence: str) -> bool:
        """Whether one of these phrases, if it is a candidate, is in the sentence."""
        first = bisect_left(candidates, wanted.start)
        last = bisect_left(candidates, wanted.stop, first)
        numbers = candidates[first:last]
        return any(self._phrases[number].pattern.search(sentence) for number in numbers)

    def _negated(
        self, sentence: str, start: int, end: int, rule: Rule, candidates: Sequence[int]
    ) -> bool:
        place = bisect_left(candidates, self._negators.start)
        if place == len(candidates) or candidates[place] >= self._negators.stop:
            return False
        if self.book.negator.search(sentence, max(0, start - _NEGATOR_REACH), start):
            return True
        return not rule.holds_negation and bool(self.book.negation.search(sentence, start, end))

    def _said(self, hits: list[Hit], disclaimers: list[Span]) -> SentenceMatch:
        if not hits and not disclaimers:
            return NOTHING
        kept = [
            _ROW.pack(self._numbers[hit.indicator], hit.state is State.PRESENT, hit.start, hit.end)
            for hit in (resolve_overlaps(hits) if len(hits) > 1 else hits)
        ]
        contested = len({hit.indicator for hit in hits}) < len(hits)
        return SentenceMatch(tuple(hits), tuple(disclaimers), b"".join(kept), contested)


def indicator_numbers(taxonomy: Taxonomy) -> dict[str, int]:
    """The number of each indicator that a text can show, as `FOUND` has it."""
    return {name: number for number, name in enumerate(taxonomy.text_ids)}


def _by_sentence(squeezed: Sequence[Span], starts: IntArray) -> dict[int, list[Span]]:
    """By the number of its sentence, the spans in it, counted from its beginning."""
    spans: dict[int, list[Span]] = defaultdict(list)
    numbers = np.searchsorted(starts, [first for first, _ in squeezed], side="right") - 1
    for number, (first, last) in zip(numbers.tolist(), squeezed, strict=True):
        begin = int(starts[number])
        spans[number].append((first - begin, last - begin))
    return spans


@dataclass(frozen=True, slots=True)
class LanguageMatches:
    """What the rules of one language find in the ads that may be written in it.

    Attributes:
        spoken: what their sentences say.
        on_raw: by ad, findings in the ad as it came, which nothing takes the force from.
    """

    spoken: SentenceMatches
    on_raw: Mapping[int, list[Hit]]


def match_language(
    raw: Sequence[str], folded: Sequence[str], languages: Sequence[str | None], rules: Ruleset
) -> Iterator[LanguageMatches]:
    """What is found in each language; an ad of no language, or another, is read in all."""
    texts = RawTexts(raw)
    rows: dict[str | None, list[int]] = defaultdict(list)
    for row, language in enumerate(languages):
        rows[language].append(row)
    unknown = [row for language in rows.keys() - set(LANGUAGES) for row in rows[language]]
    for code in LANGUAGES:
        if mine := sorted(rows[code] + unknown):
            reader = _reader(code, rules)
            yield LanguageMatches(_read(reader, folded, mine), _on_raw(reader, texts, mine))


def _read(reader: Reader, folded: Sequence[str], rows: list[int]) -> SentenceMatches:
    parts = [
        reader.read([folded[row] for row in rows[first : first + _AT_ONCE]])
        for first in range(0, len(rows), _AT_ONCE)
    ]
    return SentenceMatches(
        np.array(rows)[
            np.concatenate([part.ad + _AT_ONCE * number for number, part in enumerate(parts)])
        ],
        np.concatenate([part.start for part in parts]),
        list(chain.from_iterable(part.said for part in parts)),
    )


def _on_raw(reader: Reader, texts: RawTexts, rows: Sequence[int]) -> dict[int, list[Hit]]:
    found: dict[int, list[Hit]] = defaultdict(list)
    mine = set(rows)
    for rule, pattern in reader.on_raw:
        for ad, spans in texts.spans(pattern).items():
            if ad in mine:
                found[ad] += [Hit(rule, *span, rule.state) for span in spans]
    return found


@lru_cache(maxsize=32)
def _reader(language: str, rules: Ruleset) -> Reader:
    return Reader(language, rules)


def forget() -> None:
    """Read rules anew when they are asked for next, and remember no sentence."""
    _reader.cache_clear()
