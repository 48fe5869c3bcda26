"""Place names in text, in any script, with their countries, and the likely country of an ad.

In: a raw text, or the location and language columns of an ad. Out: `Place`s, or two-letter country
codes. The names are in `places.tsv` (GeoNames and Unicode CLDR), those of places in several
countries in `places_shared.tsv`. Names that are also common words count only after a cue: "in
Reading", "Cork, full time". A language gives a country only if it is mostly written in one, so
English, Portuguese and Chinese give none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import phonenumbers

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:['’.-][^\W\d_]+)*(?!\w)")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u2e80-\u9fff]+")
_MOST_WORDS = 4
_LONGEST_UNSPACED = 16
_CUE = re.compile(
    r"(?:\b(?:in|near|around|at|to|from|for|of|en|a|de|à|au|aux|près de|vers|pour|em|no|na|"
    r"para|do|da|в|во|из|для|под|у|в г\.|г\.)"
    r"\s|(?:^|[\n:•|/(–—-]|, )\s*|(?:location|place|city|lugar|ciudad|lieu|ville|local|cidade|"
    r"город)\s?:?\s)$",
    re.IGNORECASE,
)
_SET_APART = re.compile(r"\s*(?:$|[,.;!|/)\n–—-])")
_SENTENCE = re.compile(r"(?:^|[.!?\n•|]\s*|[-–—]\s)$")
# Endings of Russian and Ukrainian cases.
_CASE_ENDING = re.compile(r"(?:ами|ями|ой|ей|ом|ем|ам|ях|ах|ию|ии|ия|[аяуюыиеойьі])$")
_LEAST_STEM = 4
_ARABIC_PREFIX = re.compile(r"^[بلوف](?=..)")


class Place(NamedTuple):
    """A place name at `text[start:end]` and its country."""

    start: int
    end: int
    country: str


class _Names(NamedTuple):
    sure: dict[str, str]
    doubtful: dict[str, str]
    stems: dict[str, tuple[str | None, bool]]  # and whether the name has no ending


def find_places(text: str) -> list[Place]:
    """The places in a raw text, in order; of overlapping names the longest."""
    names = _names()
    found: list[Place] = []
    words = [(m.start(), m.end()) for m in _WORD.finditer(text)]
    skip = 0
    for i, (start, _) in enumerate(words):
        if i < skip or not _may_begin(text[start]):
            continue
        for more in range(min(_MOST_WORDS, len(words) - i), 0, -1):
            end = words[i + more - 1][1]
            country = _country(names, text, start, end)
            if country:
                found.append(Place(start, end, country))
                skip = i + more
                break
    for run in _UNSPACED.finditer(text):
        found += _unspaced(names, text, *run.span())
    return sorted(found)


def country_of(location: str) -> str | None:
    """The country of a location, by its last known part, as in "Perth, Australia".

    None if no part is known, or if several countries have a place of that name.

    >>> country_of("Leeds"), country_of("Paris, TX, US"), country_of("somewhere")
    ('GB', 'US', None)
    >>> country_of("Valencia"), country_of("Valencia, Venezuela"), country_of("Atlanta, Georgia")
    (None, 'VE', 'US')
    """
    countries = countries_of(location)
    return countries[0] if len(countries) == 1 else None


def countries_of(location: str) -> tuple[str, ...]:
    """The possible countries of a location, the likeliest first; empty if no part is known.

    The last known part decides; if several countries have a place of that name, the parts before
    it narrow them down.

    >>> countries_of("Valencia"), countries_of("Tbilisi, Georgia")
    (('VE', 'ES'), ('GE',))
    """
    parts: list[str] = [part.strip() for part in re.split(r"[,;/()|]|\s-\s", location)]
    known = [countries for part in parts if (countries := _of_part(part, len(parts)))]
    if not known:
        known = [
            _shared().get(_titled(location[place.start : place.end]), (place.country,))
            for place in find_places(location)
        ]
    possible: tuple[str, ...] = ()
    for countries in reversed(known):
        both = tuple(country for country in possible if country in countries)
        possible = both or possible or countries
        if len(possible) == 1:
            break
    return possible


def _of_part(part: str, parts: int) -> tuple[str, ...]:
    """The possible countries of one part of a location."""
    names = _names()
    if len(part) == 2 and part.isupper() and part in _codes() and (part != "CA" or parts != 2):
        return (part,)
    if part in _STATES and parts > 1:
        return ("US",)
    for form in (part, part.title()):
        if countries := _shared().get(form):
            return countries
        if country := names.sure.get(form) or names.doubtful.get(form):
            return (country,)
    return ()


def _titled(name: str) -> str:
    return name.title() if name.isupper() else name


def _may_begin(character: str) -> bool:
    return character.isupper() or not (character.islower() or _UNSPACED.match(character))


def _country(names: _Names, text: str, start: int, end: int) -> str | None:
    name = text[start:end]
    if len(name) < 2:
        return None
    if name.isupper() and len(name) > 3:
        name = name.title()
    if name in names.sure:
        return names.sure[name]
    if name in names.doubtful:
        before = text[max(0, start - 24) : start]
        cued = _CUE.search(before) is not None
        separate = _SET_APART.match(text, end) is not None
        begins = _SENTENCE.search(before) is not None
        return names.doubtful[name] if cued and (separate or not begins) else None
    first = name[0]
    if "\u0400" <= first <= "\u04ff":
        stem = _CASE_ENDING.sub("", name)
        country, bare = names.stems.get(stem, (None, False))
        return country if bare or stem != name else None
    if "\u0620" <= first <= "\u06ff":
        return names.sure.get(_ARABIC_PREFIX.sub("", name))
    return None


def _unspaced(names: _Names, text: str, start: int, end: int) -> Iterator[Place]:
    at = start
    while at < end:
        for length in range(min(_LONGEST_UNSPACED, end - at), 1, -1):
            country = names.sure.get(text[at : at + length])
            if country:
                yield Place(at, at + length, country)
                at += length
                break
        else:
            at += 1


@cache
def _names() -> _Names:
    """The names of places.tsv, and the stems of those in Cyrillic letters."""
    sure: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    content = files("adrisk.extract").joinpath("places.tsv").read_text(encoding="utf-8")
    for line in content.splitlines():
        if not line.startswith("#"):
            country, certain, others = line.split("\t")
            sure.update(dict.fromkeys(filter(None, certain.split("|")), country))
            doubtful.update(dict.fromkeys(filter(None, others.split("|")), country))
    stems: dict[str, tuple[str | None, bool]] = {}
    for name, country in sure.items():
        stem = _CASE_ENDING.sub("", name)
        if "\u0400" <= name[0] <= "\u04ff" and len(stem) >= _LEAST_STEM:
            stems[stem] = (country, stem == name)
    return _Names(sure, doubtful, stems)


@cache
def _shared() -> dict[str, tuple[str, ...]]:
    """The names of places_shared.tsv with their possible countries."""
    content = files("adrisk.extract").joinpath("places_shared.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in content.splitlines() if not line.startswith("#")]
    return {name: tuple(countries.split(" ")) for name, countries in lines}


@cache
def _codes() -> frozenset[str]:
    return frozenset(_names().sure.values())


_STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH"
    " NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC".split()
)

_KEPT = 1 << 13
_BY_LANGUAGE = {code: code.upper() for code in "es fr de it pl ro nl ru tr th hu".split()} | {
    "uk": "UA", "ja": "JP", "ko": "KR", "vi": "VN", "hi": "IN", "cs": "CZ",
}  # fmt: skip
_SHORT = 8


def guess_region(location: str | None, language: str | None) -> str | None:
    """The likely country of an ad: that of its location, else that of its language.

    >>> guess_region("Perth, Australia", "en"), guess_region(None, "fr"), guess_region(None, "en")
    ('AU', 'FR', None)

    If several countries have a place of that name, the language decides among them.

    >>> guess_region("Valencia", "es"), guess_region("Valencia", "en")
    ('ES', None)
    """
    return _guess(location or "", (language or "")[:2].lower())


def guess_regions(
    locations: Sequence[str | None], languages: Sequence[str | None]
) -> list[str | None]:
    """`guess_region` of many ads."""
    return [
        _guess(location or "", (language or "")[:2].lower())
        for location, language in zip(locations, languages, strict=True)
    ]


@lru_cache(_KEPT)
def _guess(location: str, language: str) -> str | None:
    countries = countries_of(location) if location.strip() else ()
    if len(countries) == 1:
        return countries[0]
    country = _BY_LANGUAGE.get(language)
    return country if not countries or country in countries else None


@lru_cache(1024)
def short_numbers(region: str | None) -> bool:
    """Whether mobile phones of a region may have as few as eight figures."""
    data = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    lengths = data.mobile.possible_length if data and data.mobile else ()
    return any(length <= _SHORT for length in lengths)
