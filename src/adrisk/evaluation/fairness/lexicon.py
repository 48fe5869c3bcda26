"""Lexicon of the words of nationality and gender in a language, and mentions of nationality.

In: `words/{language}.yaml`, whose keys the head of `words/en.yaml` explains; a raw text and its
language. Out: a frozen `Lexicon`; mentions as spans. A mention is a word of nationality, whether of
a person or of a thing: a Polish restaurant is one as much as a Polish cook. Words in disguise,
misspelled words and languages without a lexicon are not found. The lexicon is for measuring
fairness: no rule and no feature may use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import regex
import yaml
from pydantic import BaseModel, ConfigDict

LANGUAGES = ("en", "es", "pt", "fr")

COUNTRY, PEOPLE, ORIGIN = "country", "people", "origin"

_NEAR = 40  # characters beside a word that are examined


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Beside(_Part):
    before: str | None = None
    behind: str | None = None


class _LanguageWords(_Part):
    before: str
    behind: str


class _LookalikeRule(_Beside):
    capital: bool = False


class _GenderWords(_Beside):
    pairs: Mapping[str, str]


class _WordsFile(_Part):
    countries: Mapping[str, Mapping[str, str | list[str]]]
    people: Mapping[str, list[str | None]]
    origins: list[str]
    languages: _LanguageWords
    lookalikes: Mapping[str, _LookalikeRule]
    gender: _GenderWords


@dataclass(frozen=True, slots=True)
class Sense:
    """A meaning of a word.

    Attributes:
        part: `COUNTRY`, `PEOPLE`, or `ORIGIN` for a larger part of the world.
        nation: ISO 3166 in two letters; "" for an origin.
        grammar: what a replacement must share: the article of a country, or the numbers of the
            forms that a word for people may be.
    """

    part: str
    nation: str
    grammar: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Where a word means something else; patterns of the text right before or behind it."""

    capital: bool
    before: regex.Pattern[str] | None
    behind: regex.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of one language.

    Attributes:
        senses: small letters -> what the word may mean.
        countries: article -> nation -> its name.
        people: nation -> its forms, None where a form means something else.
        found: the pattern of every word.
        language_before, language_behind: a word for people is a language beside these.
        lookalikes: small letters -> where the word means something else.
        gender: small letters -> the other of the pair, both ways.
        gender_found: the pattern of every word of `gender`.
        gender_before, gender_behind: required text beside it; None where none is required.
    """

    language: str
    senses: Mapping[str, tuple[Sense, ...]]
    countries: Mapping[str, Mapping[str, str]]
    people: Mapping[str, tuple[str | None, ...]]
    found: regex.Pattern[str]
    language_before: regex.Pattern[str]
    language_behind: regex.Pattern[str]
    lookalikes: Mapping[str, Lookalike]
    gender: Mapping[str, str]
    gender_found: regex.Pattern[str]
    gender_before: regex.Pattern[str] | None
    gender_behind: regex.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of nationality: `raw_text[start:end]`, and what it means."""

    start: int
    end: int
    sense: Sense


@cache
def load_lexicon(language: str) -> Lexicon:
    """The words of one of `LANGUAGES`; read once a process."""
    path = files("adrisk.evaluation.fairness") / "words" / f"{language}.yaml"
    content = _WordsFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    senses: dict[str, list[Sense]] = {}
    for word, sense in _senses(content):
        of_word = senses.setdefault(word.lower(), [])
        if sense not in of_word:
            of_word.append(sense)
    languages, gender = content.languages, content.gender
    pairs = {one.lower(): other for one, other in gender.pairs.items()}
    pairs |= {other.lower(): one for one, other in gender.pairs.items()}
    return Lexicon(
        language=language,
        senses={word: tuple(of_word) for word, of_word in senses.items()},
        countries={
            article: {nation: _forms(names)[0] for nation, names in by_nation.items()}
            for article, by_nation in content.countries.items()
        },
        people={nation: tuple(forms) for nation, forms in content.people.items()},
        found=any_of(senses),
        language_before=_before_word(languages.before),
        language_behind=_behind(languages.behind),
        lookalikes={
            word.lower(): Lookalike(
                capital=rule.capital,
                before=None if rule.before is None else _before_word(rule.before),
                behind=None if rule.behind is None else _behind(rule.behind),
            )
            for word, rule in content.lookalikes.items()
        },
        gender=pairs,
        gender_found=any_of(pairs),
        gender_before=None if gender.before is None else _before(gender.before),
        gender_behind=None if gender.behind is None else _behind(gender.behind),
    )


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
        languages = (lexicon.language_before, lexicon.language_behind)
        is_language = sense.part != COUNTRY and _is_beside(text, start, end, *languages)
        if not is_language and not _is_lookalike(lexicon, text, start, end):
            found.append(Mention(start, end, sense))
    return found


def _sense(lexicon: Lexicon, word: str) -> Sense:
    """The country if the word has a capital and may be a person too, else the person."""
    senses = lexicon.senses[word.lower()]
    if len(senses) == 1:
        return senses[0]
    part = COUNTRY if word[0].isupper() and not word.isupper() else PEOPLE
    return next((sense for sense in senses if sense.part == part), senses[0])


def _is_lookalike(lexicon: Lexicon, text: str, start: int, end: int) -> bool:
    rule = lexicon.lookalikes.get(text[start:end].lower())
    if rule is None:
        return False
    return (rule.capital and not text[start].isupper()) or _is_beside(
        text, start, end, rule.before, rule.behind
    )


def _is_beside(
    text: str,
    start: int,
    end: int,
    before: regex.Pattern[str] | None,
    behind: regex.Pattern[str] | None,
) -> bool:
    """Whether either pattern is right beside a span."""
    left, right = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    return (before is not None and before.search(left) is not None) or (
        behind is not None and behind.match(right) is not None
    )


def any_of(words: Mapping[str, object] | tuple[str, ...]) -> regex.Pattern[str]:
    """One of the words as a whole, in small letters or capitals; not within a handle or a link."""
    longest = sorted(words, key=len, reverse=True)
    inner = "|".join(regex.escape(word) for word in longest)
    return regex.compile(rf"(?<![\w@/#_])(?<!\w\.)(?:{inner})(?![\w@_])(?!\.\w)", regex.IGNORECASE)


def _senses(content: _WordsFile) -> Iterator[tuple[str, Sense]]:
    for article, by_nation in content.countries.items():
        for nation, names in by_nation.items():
            for name in _forms(names):
                yield name, Sense(COUNTRY, nation, (article,))
    for nation, forms in content.people.items():
        for form in dict.fromkeys(form for form in forms if form):
            places = tuple(place for place, other in enumerate(forms) if other == form)
            yield form, Sense(PEOPLE, nation, places)
    for word in content.origins:
        yield word, Sense(ORIGIN, "", ())


def _forms(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _before_word(pattern: str) -> regex.Pattern[str]:
    return _before(rf"(?<!\w)(?:{pattern})")


def _before(pattern: str) -> regex.Pattern[str]:
    return regex.compile(rf"(?:{pattern})[\s-]*$", regex.IGNORECASE)


def _behind(pattern: str) -> regex.Pattern[str]:
    return regex.compile(rf"[\s-]*(?:{pattern})", regex.IGNORECASE)
