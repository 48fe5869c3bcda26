"""Find the words that show an indicator, in English, Spanish, Portuguese and French.

In: raw ad texts and, where known, their languages. Out: `Evidence` with spans of the raw text,
present or absent. It is not fooled by look-alike letters, digits for letters, invisible characters
or words pulled apart, and passes over notices that warn of the very things it looks for. It does
not read images or understand irony.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from adrisk.indicators.extension import platform_file
from adrisk.indicators.languages import LANGUAGES
from adrisk.indicators.plain import BETWEEN, Plain, plain
from adrisk.indicators.rulebook import Rule, Rulebook, load_rulebook
from adrisk.indicators.screen import Screen, sentences
from adrisk.normalise import Folded, fold, fold_column
from adrisk.types import Evidence, State

_NOTICE_REACH = 600
"""Characters around a warning in which nothing counts. An author may hide behind this by quoting
a helpline; but then the ad quotes a helpline."""

_NEGATOR_REACH = 48
_AT_ONCE = 1024


def match(raw: str, language: str | None = None) -> list[Evidence]:
    """Evidence in one ad, in order of its place.

    Args:
        raw: the ad as it came.
        language: one of `LANGUAGES`; with None, or any other, the rules of all four are tried.

    Returns:
        `raw[e.start:e.end]` are the words meant; `found_by` is the rule's id. Where the ad says
        the opposite, `state` is absent, and no present evidence overlaps it.

    >>> [(e.indicator, str(e.state)) for e in match("We keep your passport. Take your time.")]
    [('document_retention', 'present'), ('urgency_or_secrecy', 'absent')]
    """
    return match_column([raw], [language])[0]


def match_column(raw: Sequence[str], languages: Sequence[str | None]) -> list[list[Evidence]]:
    """`match` of every ad, many at once: a word no rule needs is looked at once only.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    return [settled(found) for found in match_all(raw, languages)]


def match_all(
    raw: Sequence[str],
    languages: Sequence[str | None],
    indicators: frozenset[str] | None = None,
) -> list[list[Evidence]]:
    """Every finding of every rule, those that `match` drops because they overlap included.

    With `indicators`, the findings of theirs alone.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    if len(raw) != len(languages):
        raise ValueError(f"{len(raw)} texts need as many languages, got {len(languages)}")
    found: list[list[Evidence]] = [[] for _ in raw]
    for code in LANGUAGES:
        rows = [row for row, language in enumerate(languages) if code in _codes(language)]
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            texts = [raw[row] for row in some]
            for row, evidence in zip(some, _Matcher(code, indicators).find(texts), strict=True):
                found[row] += evidence
    return found


def match_escalating(
    raw: Sequence[str], languages: Sequence[str | None], indicators: frozenset[str]
) -> list[frozenset[str]]:
    """Which of these indicators `match` finds present in each ad; other rules are not run.

    Made for few indicators of rare words, asked of every ad: only where one of their rules finds
    something, warnings, negations and overlaps are looked at too, and count as ever.

    >>> ads = ["16 and over welcome, no papers checked", "At least 18. We keep your passport."]
    >>> [sorted(found) for found in match_escalating(ads, ["en", "en"], {"minor_recruitment"})]
    [['minor_recruitment'], []]
    """
    wanted = frozenset(indicators)
    suspected: set[int] = set()
    for code in LANGUAGES:
        rows = [row for row, language in enumerate(languages) if code in _codes(language)]
        matcher = _Matcher(code, wanted, screening=True)
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            found = matcher.find([raw[row] for row in some])
            suspected.update(row for row, evidence in zip(some, found, strict=True) if evidence)
    asked = sorted(suspected)
    found_all = match_all([raw[row] for row in asked], [languages[row] for row in asked], wanted)
    matched = [settled(found) for found in found_all]
    present = {
        row: frozenset(e.indicator for e in evidence if e.state is State.PRESENT) & wanted
        for row, evidence in zip(asked, matched, strict=True)
    }
    return [present.get(row, frozenset()) for row in range(len(raw))]


def _codes(language: str | None) -> tuple[str, ...]:
    return (language,) if language in LANGUAGES else LANGUAGES


class _Matcher:
    """The rules of one language at work on a batch; of some indicators alone, if given.

    For `screening`, what would take the force from a match is left out.
    """

    def __init__(
        self, language: str, only: frozenset[str] | None = None, *, screening: bool = False
    ) -> None:
        self.book, self.screen = _rules(language, platform_file(), only, screening)

    def find(self, raw: Sequence[str]) -> list[list[Evidence]]:
        """All evidence in each ad."""
        folded = fold_column(pa.array(raw, pa.large_string())).to_pylist()
        text = plain(folded)
        found: list[list[Evidence]] = [[] for _ in raw]
        spans: dict[int, _Spans] = {}
        hits, notices = self._hits(text)
        for ad, rule, start, end, turned in hits:
            if not rule.unconditional and _beside(start, end, notices[ad]):
                continue
            if ad not in spans:
                spans[ad] = _Spans(raw[ad], folded[ad])
            first = int(text.starts[ad])
            raw_start, raw_end = spans[ad].raw(*(at - first for at in text.snap(start, end)))
            state = State.ABSENT if turned else rule.state
            found[ad].append(Evidence(rule.indicator, raw_start, raw_end, rule.id, state))
        for ad, evidence in self._on_raw(raw):
            found[ad].append(evidence)
        return found

    def _hits(
        self, text: Plain
    ) -> tuple[list[tuple[int, Rule, int, int, bool]], dict[int, list[tuple[int, int]]]]:
        """Matches (ad, rule, start, end, turned round), and where nothing counts in each ad."""
        starts, stops = sentences(text.text)
        begins = text.starts.tolist()
        hits: list[tuple[int, Rule, int, int, bool]] = []
        notices: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, found in self.screen.candidates(text.text, starts):
            rule, phrase, reach = self.screen.phrases[number]
            matches = phrase.pattern.finditer
            for start, stop in zip(starts[found].tolist(), stops[found].tolist(), strict=True):
                for hit in matches(text.text, start, stop):
                    ad = bisect_right(begins, hit.start()) - 1
                    if rule is None:
                        notices[ad].append(
                            (hit.start() - reach, hit.end() + reach) if reach else (start, stop)
                        )
                        continue
                    if rule.unless and rule.unless.search(text.text, start, stop):
                        break
                    turned = rule.negatable and self._negated(text.text, start, *hit.span(), rule)
                    if not (turned and rule.state is State.ABSENT):
                        hits.append((ad, rule, *hit.span(), turned))
        return hits, notices

    def _negated(self, text: str, sentence: int, start: int, end: int, rule: Rule) -> bool:
        before = text[max(sentence, start - _NEGATOR_REACH) : start]
        if self.book.negator.search(before):
            return True
        return not rule.holds_negation and self.book.negation.search(text, start, end) is not None

    def _on_raw(self, raw: Sequence[str]) -> Iterator[tuple[int, Evidence]]:
        """Findings in the text as it came: how a contact is written shows nowhere else."""
        joined = BETWEEN.join(raw)
        begins = [0]
        for text in raw:
            begins.append(begins[-1] + len(text) + 1)
        for rule in self.book.rules:
            for pattern in rule.on_raw:
                for hit in pattern.finditer(joined):
                    ad = bisect_right(begins, hit.start()) - 1
                    start, end = (at - begins[ad] for at in hit.span())
                    yield ad, Evidence(rule.indicator, start, end, rule.id, rule.state)


class _RuleScreen(Screen):
    """A screen that knows whose its phrases are: a rule's, or a notice's with its reach."""

    def __init__(self, book: Rulebook) -> None:
        self.phrases = [
            *((rule, phrase, 0) for rule in book.rules for phrase in rule.phrases),
            *((None, phrase, _NOTICE_REACH) for phrase in book.notices),
            *((None, phrase, 0) for phrase in book.doubts),
        ]
        super().__init__([phrase for _, phrase, _ in self.phrases])


@lru_cache(maxsize=32)
def _rules(
    language: str,
    platform: Path | None,
    only: frozenset[str] | None = None,
    screening: bool = False,
) -> tuple[Rulebook, _RuleScreen]:
    book = load_rulebook(language, platform, only)
    if screening:
        rules = (rule for rule in book.rules if rule.state is State.PRESENT)
        book = replace(book, rules=tuple(rules), notices=(), doubts=())
    return book, _RuleScreen(book)


def _beside(start: int, end: int, notices: Sequence[tuple[int, int]]) -> bool:
    return any(first < end and start < last for first, last in notices)


def settled(found: Iterable[Evidence]) -> list[Evidence]:
    """One finding a place: an absent one wins over a present one, a longer over a shorter."""
    kept: list[Evidence] = []
    order = sorted(found, key=lambda e: (e.state is State.PRESENT, e.start - e.end, e.start))
    for evidence in order:
        if not any(
            other.indicator == evidence.indicator
            and other.start < evidence.end
            and evidence.start < other.end
            for other in kept
        ):
            kept.append(evidence)
    return sorted(kept, key=lambda e: (e.start, e.end, e.indicator))


class _Spans:
    """The way from folded to raw offsets; the slow form is built only where one is needed."""

    def __init__(self, raw: str, text: str) -> None:
        self._source = raw
        self._same = raw.isascii() or (raw.lower() == text and len(raw) == len(text))
        self._folded: Folded | None = None

    def raw(self, start: int, end: int) -> tuple[int, int]:
        if self._same:
            return start, end
        if self._folded is None:
            self._folded = fold(self._source)
        return self._folded.span(start, end)
