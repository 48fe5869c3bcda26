"""Mentions of nationality in ads, as spans.

In: a raw text and its language. Out: mentions as spans, so that ads with and without them can be
compared. A mention is a word, whosever nationality it is: a Polish restaurant is one as much as a
Polish cook. Words in disguise, misspelled words and languages without a lexicon are not found.
"""

from __future__ import annotations

from dataclasses import dataclass

from adrisk.evaluation.fairness.lexicon import (
    COUNTRY,
    LANGUAGES,
    PEOPLE,
    Lexicon,
    Sense,
    load_lexicon,
)

_NEAR = 40  # characters beside a word that are looked at


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of nationality: `raw_text[start:end]`, and what it means."""

    start: int
    end: int
    sense: Sense


def find_nations(text: str, language: str | None) -> list[Mention]:
    """Every mention, in order; none for a language that is not among `LANGUAGES`.

    >>> [m.sense.nation for m in find_nations("Polish the floors with our Polish team", "en")]
    ['PL']
    """
    if language not in LANGUAGES:
        return []
    lexicon = load_lexicon(language)
    found = []
    for match in lexicon.found.finditer(text):
        start, end = match.span()
        sense = _sense(lexicon, match.group())
        if not _is_lookalike(lexicon, text, start, end) and not (
            sense.part != COUNTRY and _is_language(lexicon, text, start, end)
        ):
            found.append(Mention(start, end, sense))
    return found


def _sense(lexicon: Lexicon, word: str) -> Sense:
    """A country has a capital where the same letters may be a person."""
    senses = lexicon.senses[word.lower()]
    if len(senses) == 1:
        return senses[0]
    part = COUNTRY if word[0].isupper() and not word.isupper() else PEOPLE
    return next((sense for sense in senses if sense.part == part), senses[0])


def _is_lookalike(lexicon: Lexicon, text: str, start: int, end: int) -> bool:
    rule = lexicon.lookalikes.get(text[start:end].lower())
    if rule is None:
        return False
    return (
        (rule.capital and not text[start].isupper())
        or (rule.before is not None and rule.before.search(_left(text, start)) is not None)
        or (rule.behind is not None and rule.behind.match(text[end : end + _NEAR]) is not None)
    )


def _is_language(lexicon: Lexicon, text: str, start: int, end: int) -> bool:
    return (
        lexicon.language_before.search(_left(text, start)) is not None
        or lexicon.language_behind.match(text[end : end + _NEAR]) is not None
    )


def _left(text: str, start: int) -> str:
    return text[max(0, start - _NEAR) : start]
