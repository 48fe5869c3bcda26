"""Ads with one trait exchanged: counterfactuals that must not move a score.

In: a raw text and its language. Out: the text with another nationality, the other gender, another
place or another name; None where nothing can be exchanged without breaking the grammar around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from adrisk.evaluation.fairness.lexicon import (
    COUNTRY,
    LANGUAGES,
    PEOPLE,
    Lexicon,
    Mention,
    any_of,
    find_nations,
    load_lexicon,
)

_VOWELS = frozenset("aeiouáàâãéèêëíïóôõöúüœ")
_NEAR = 40
_Edit = tuple[int, int, str]


def swap_nation(text: str, language: str | None, rng: np.random.Generator) -> str | None:
    """Every mention of one nation becomes another nation, the same one, in the same form.

    >>> swap_nation("Only Romanians, as a Romanian foreman runs it", "en", np.random.default_rng(1))
    'Only Moldovans, as a Moldovan foreman runs it'
    """
    if language not in LANGUAGES:
        return None
    lexicon = load_lexicon(language)
    by_nation: dict[str, list[Mention]] = {}
    for mention in find_nations(text, language):
        if mention.sense.part in (COUNTRY, PEOPLE):
            by_nation.setdefault(mention.sense.nation, []).append(mention)
    countries = {nation for names in lexicon.countries.values() for nation in names}
    choices = []
    for nation, mentions in by_nation.items():
        for other in sorted({*lexicon.people, *countries} - by_nation.keys()):
            edits = _edits(lexicon, text, mentions, other)
            if edits is not None:
                choices.append((nation, edits))
    if not choices:
        return None
    # The nation first, then the other: a word with many counterparts is not drawn more often.
    nations = list(dict.fromkeys(nation for nation, _ in choices))
    drawn = nations[rng.integers(len(nations))]
    possible = [edits for nation, edits in choices if nation == drawn]
    return _edited(text, possible[rng.integers(len(possible))])


def swap_gender(text: str, language: str | None) -> str | None:
    """Every word of a pair becomes the other, where nothing beside it has to agree with it.

    >>> swap_gender("Waitress wanted, ladies' choir and ladies on Friday", "en")
    "Waiter wanted, ladies' choir and gentlemen on Friday"
    """
    if language not in LANGUAGES:
        return None
    lexicon = load_lexicon(language)
    edits: list[_Edit] = []
    for match in lexicon.gender_found.finditer(text):
        start, end = match.span()
        left, right = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
        if lexicon.gender_before is not None and not lexicon.gender_before.search(left):
            continue
        if lexicon.gender_behind is not None and not lexicon.gender_behind.match(right):
            continue
        other = lexicon.gender[match.group().lower()]
        if _opening(other, lexicon.language) != _opening(match.group(), lexicon.language):
            continue
        edits.append((start, end, cased(other, match.group())))
    return _edited(text, edits) if edits else None


def swapper(
    names: Iterable[str], language: str
) -> Callable[[str, np.random.Generator], str | None]:
    """A swap of proper names, such as of cities: one that an ad names becomes another.

    Names count as whole words with a capital only.

    >>> swap = swapper(["Leeds", "Hull"], "en")
    >>> swap("Cook wanted in LEEDS, Leeds station", np.random.default_rng(0))
    'Cook wanted in HULL, Hull station'
    """
    known = tuple(sorted(set(names)))
    by_letters = {name.lower(): name for name in known}
    pattern = any_of(known)

    def swap(text: str, rng: np.random.Generator) -> str | None:
        at: dict[str, list[tuple[int, int]]] = {}
        for match in pattern.finditer(text):
            if match.group()[0].isupper():
                at.setdefault(by_letters[match.group().lower()], []).append(match.span())
        if not at:
            return None
        name = list(at)[rng.integers(len(at))]
        others = [other for other in known if other not in at]
        if language == "fr":  # de Nantes, but d'Angers
            others = [o for o in others if _opening(o, "fr") == _opening(name, "fr")]
        if not others:
            return None
        other = others[rng.integers(len(others))]
        return _edited(text, [(s, e, cased(other, text[s:e])) for s, e in at[name]])

    return swap


def cased(word: str, like: str) -> str:
    """The word in capitals, with a capital, or in small letters, as another is written."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    if like[0].isupper():
        return word[0].upper() + word[1:]
    return word.lower() if like.islower() else word


def _edits(
    lexicon: Lexicon, text: str, mentions: Sequence[Mention], other: str
) -> list[_Edit] | None:
    """The mentions of one nation written as another, or None where one has no counterpart."""
    edits: list[_Edit] = []
    for mention in mentions:
        old, sense = text[mention.start : mention.end], mention.sense
        if sense.part == COUNTRY:
            new = lexicon.countries[str(sense.grammar[0])].get(other)
        else:
            forms = lexicon.people.get(other, ())
            # "Polonais" may be one or several; only a word that may be the same replaces it.
            fitting = {forms[int(place)] for place in sense.grammar} if forms else {None}
            new = fitting.pop() if len(fitting) == 1 else None
        if new is None or new.lower() in lexicon.lookalikes:
            return None
        if _opening(new, lexicon.language) != _opening(old, lexicon.language):
            return None
        edits.append((mention.start, mention.end, cased(new, old)))
    return edits


def _opening(word: str, language: str) -> str:
    """What decides between a and an, de and d': vowel, h or any other letter; else nothing does."""
    if language not in ("en", "fr"):
        return ""
    first = word[0].lower()
    if first == "h":
        return "h"
    if language == "en" and first == "u":
        return "consonant"
    return "vowel" if first in _VOWELS else "consonant"


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    for start, end, word in sorted(edits, reverse=True):
        text = text[:start] + word + text[end:]
    return text
