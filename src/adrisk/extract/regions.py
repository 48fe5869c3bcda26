"""Where the phones of an ad are likely from: its place, else what its language says.

In: the location and the language of an ad, as they stand in its row. Out: two letters, or None
where nothing is known. English, Portuguese and Chinese are written in too many countries to choose
one by.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import phonenumbers

from adrisk.extract.places import countries_of

_KEPT = 1 << 13
_BY_LANGUAGE = {
    "es": "ES", "fr": "FR", "de": "DE", "it": "IT", "pl": "PL", "ro": "RO", "nl": "NL", "ru": "RU",
    "uk": "UA",
    "tr": "TR", "ja": "JP", "ko": "KR", "th": "TH", "vi": "VN", "hi": "IN", "hu": "HU", "cs": "CZ",
}  # fmt: skip
_SHORT = 8


def guess_region(location: str | None, language: str | None) -> str | None:
    """The country of a place, in the words of an ad's row, else that of its language.

    >>> guess_region("Perth, Australia", "en"), guess_region(None, "fr"), guess_region(None, "en")
    ('AU', 'FR', None)

    A name that places of several countries share says nothing by itself: then the language says
    it, unless its country has no such place.

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
    spoken = _BY_LANGUAGE.get(language)
    return spoken if not countries or spoken in countries else None


@lru_cache(1024)
def short_numbers(region: str | None) -> bool:
    """Whether mobile phones of a region may have as few as eight figures."""
    data = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    lengths = data.mobile.possible_length if data and data.mobile else ()
    return any(length <= _SHORT for length in lengths)
