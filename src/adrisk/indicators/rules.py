"""Find the words that show an indicator, in English, Spanish, Portuguese and French.

In: raw ad texts and, where known, their languages. Out: `Evidence` with spans of the raw text,
present or absent. It is not fooled by look-alike letters or invisible characters, and passes over
notices that warn of the very things it looks for. It does not read images or understand irony.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.indicators.rulebook import Rule, Rulebook, load_rulebook
from adrisk.indicators.taxonomy import LANGUAGES
from adrisk.normalise import Folded, fold, fold_column, fold_text
from adrisk.types import Evidence, State

_NOTICE_REACH = 160
"""Characters around a warning in which nothing counts. An author may hide behind this by quoting
a helpline; but then the ad quotes a helpline."""

_NEGATOR_REACH = 48


def match(raw: str, language: str | None = None) -> list[Evidence]:
    """Evidence in one ad, in order of its place.

    Args:
        raw: the ad as it came.
        language: one of `LANGUAGES`; with None, or any other, the rules of all four are tried.

    Returns:
        `raw[e.start:e.end]` are the words meant; `found_by` is the rule's id. Where the ad says
        the opposite, `state` is absent, and no present evidence overlaps it.

    >>> [(e.indicator, str(e.state)) for e in match("We keep your passport. No fee at any point.")]
    [('document_retention', 'present'), ('recruitment_fee', 'absent')]
    """
    text = fold_text(raw)
    found: list[Evidence] = []
    for code in _codes(language):
        book = load_rulebook(code)
        found += _apply(book, book.rules, raw, text)
    return _settle(found)


def match_column(raw: Sequence[str], languages: Sequence[str | None]) -> list[list[Evidence]]:
    """`match` of every ad, screened in Arrow first, so that most rules never run.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    if len(raw) != len(languages):
        raise ValueError(f"{len(raw)} texts need as many languages, got {len(languages)}")
    column = pa.array(raw, pa.large_string())
    folded = fold_column(column)
    found: list[list[Evidence]] = [[] for _ in raw]
    for code in LANGUAGES:
        rows = np.flatnonzero([code in _codes(language) for language in languages])
        if not len(rows):
            continue
        book = load_rulebook(code)
        of_code = pa.array(rows)
        may = _screened(book, folded.take(of_code), column.take(of_code))
        for at in np.flatnonzero(may.any(axis=1)):
            row = int(rows[at])
            chosen = [book.rules[number] for number in np.flatnonzero(may[at])]
            found[row] += _apply(book, chosen, raw[row], folded[row].as_py())
    return [_settle(evidence) for evidence in found]


def _codes(language: str | None) -> tuple[str, ...]:
    return (language,) if language in LANGUAGES else LANGUAGES


def _screened(book: Rulebook, folded: pa.Array, raw: pa.Array) -> NDArray[np.bool_]:
    """Shape (texts, rules): may the rule match?"""
    may = np.zeros((len(raw), len(book.rules)), dtype=np.bool_)
    for number, rule in enumerate(book.rules):
        hits = pc.match_substring_regex(raw if rule.on_raw else folded, pattern=rule.screen)
        may[:, number] = hits.to_numpy(zero_copy_only=False)
    return may


def _apply(book: Rulebook, rules: Iterable[Rule], raw: str, text: str) -> Iterator[Evidence]:
    """Every match of these rules, but for those beside a warning."""
    spans = _Spans(raw, text)
    notices: list[tuple[int, int]] | None = None
    for rule in rules:
        for hit in rule.pattern.finditer(raw if rule.on_raw else text):
            start, end = hit.span() if rule.on_raw else spans.raw(*hit.span())
            if notices is None:
                notices = [spans.raw(*m.span()) for p in book.awareness for m in p.finditer(text)]
            if any(a - _NOTICE_REACH < end and start < b + _NOTICE_REACH for a, b in notices):
                continue
            turned = _negated(book, rule, text, hit.start())
            yield Evidence(
                rule.indicator, start, end, rule.id, State.ABSENT if turned else rule.state
            )


def _negated(book: Rulebook, rule: Rule, text: str, start: int) -> bool:
    before = text[max(0, start - _NEGATOR_REACH) : start]
    return rule.negatable and not rule.on_raw and book.negator.search(before) is not None


def _settle(found: Iterable[Evidence]) -> list[Evidence]:
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
