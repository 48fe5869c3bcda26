"""Which figures may be a number of a region, told in a microsecond from `phonenumbers`' own tables.

`phonenumbers` tries one kind of number after the other and takes ten to a hundred times as long.
Here the patterns of all kinds are one, for each length. `assigned` answers as it does;
`may_be_assigned` refuses only what it would refuse however the figures are parsed, so that only
what is left needs parsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
_LONGEST_CODE = 3
_NO_REGION = "001"  # what stands for a region in codes that belong to no country
# Rules for taking a prefix away that leave an end of the number and put nothing before it.
_LEAVES_AN_END = (None, "", r"\1", r"\2")
_NOTHING = re.compile(r"(?!)")


def assigned(proper: str, region: str) -> bool:
    """Whether the figures behind a region's country code are a valid number of that region.

    >>> assigned("7911123456", "GB"), assigned("0000000000", "GB")
    (True, False)
    """
    metadata = _metadata(region)
    if metadata is None:
        return False
    general = metadata.general_desc
    if general.possible_length and len(proper) not in general.possible_length:
        return False
    return (
        _general(region).fullmatch(proper) is not None
        and _any_kind(region, len(proper)).fullmatch(proper) is not None
    )


def may_be_assigned(number: str, region: str) -> bool:
    """Whether figures, written as within a region, may be valid once prefixes are taken away.

    Args:
        number: figures alone.
        region: two letters, upper case.

    Returns:
        False only where `phonenumbers.parse` for this region gives no number that is valid in any
        region of the same country code.
    """
    known = _beginnings(region)
    if known is None or known[1].match(number) is not None:
        return True
    code = known[0]
    return any(
        length <= len(number) and _anywhere(code, length).fullmatch(number, len(number) - length)
        for length in _lengths(code)
    )


def may_be_assigned_abroad(number: str) -> bool:
    """Whether figures that begin with a country code may be valid just as they stand."""
    for length in range(1, _LONGEST_CODE + 1):
        code = int(number[:length])
        regions = COUNTRY_CODE_TO_REGION_CODE.get(code)
        if number[0] != "0" and regions is not None:
            rest = len(number) - length
            return (
                _NO_REGION in regions or _anywhere(code, rest).fullmatch(number, length) is not None
            )
    return False


def _metadata(region: str) -> Any:
    return PhoneMetadata.metadata_for_region(region, None)


@lru_cache(512)
def _beginnings(region: str) -> tuple[int, re.Pattern[str]] | None:
    """The country code, and what leads out of the region; None where nothing can be told."""
    metadata = _metadata(region)
    if metadata is None or metadata.national_prefix_transform_rule not in _LEAVES_AN_END:
        return None
    abroad = metadata.international_prefix
    return metadata.country_code, re.compile(abroad) if abroad else _NOTHING


@cache
def _general(region: str) -> re.Pattern[str]:
    metadata = _metadata(region)
    return re.compile(metadata.general_desc.national_number_pattern or "(?!)")


def _kinds(metadata: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The pattern and the lengths of every kind of number that a region has."""
    for name in _KINDS:
        kind = getattr(metadata, name)
        if kind is not None and kind.national_number_pattern:
            yield (
                kind.national_number_pattern,
                (kind.possible_length or metadata.general_desc.possible_length),
            )


@cache
def _any_kind(region: str, length: int) -> re.Pattern[str]:
    metadata = _metadata(region)
    return _union(pattern for pattern, lengths in _kinds(metadata) if length in lengths)


@cache
def _anywhere(code: int, length: int) -> re.Pattern[str]:
    """Every kind of number of so many figures, in all regions of a country code."""
    return _union(
        pattern
        for region in COUNTRY_CODE_TO_REGION_CODE[code]
        for pattern, lengths in _kinds(_metadata(region))
        if length in lengths
    )


@cache
def _lengths(code: int) -> tuple[int, ...]:
    found: set[int] = set()
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        for _, lengths in _kinds(_metadata(region)):
            found.update(length for length in lengths if length > 0)
    return tuple(sorted(found))


def _union(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in dict.fromkeys(patterns)) or "(?!)")
