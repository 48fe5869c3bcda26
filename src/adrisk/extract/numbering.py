"""Validity of phone numbers, by `phonenumbers` and the ranges reserved for fiction.

In: the figures of a number. Out: its E.164 form, or None. `phonenumbers` tries one kind of number
after the other, so the patterns of all kinds are merged here, one for each length, which is ten to
a hundred times as fast. `assigned` gives the result of `phonenumbers`; `may_be_assigned` excludes
only numbers that are invalid however they are parsed, so that few are parsed. Results are cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_KEPT = 1 << 14  # answers; a few MB


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbering plan of a region: figures before the national number, and its pattern."""

    code: str
    trunk: str
    number: str
    plain: bool = True  # whether `phonenumbers` strips the trunk figures and nothing else


# Most likely first.
_PLANS = {
    "US": _Plan("1", "1?", r"[2-9]\d{2}[2-9]\d{6}"),
    "GB": _Plan("44", "0", r"[1-37-9]\d{8,9}"),
    "FR": _Plan("33", "0", r"[1-79]\d{8}"),
    "ES": _Plan("34", "", r"[6-9]\d{8}"),
    "PT": _Plan("351", "", r"[29]\d{8}"),
    "BR": _Plan("55", "0?", r"[1-9]\d(?:9\d{8}|[2-5]\d{7})", plain=False),
    "MX": _Plan("52", "", r"[2-9]\d{9}"),
    "DE": _Plan("49", "0", r"1[5-7]\d{8,9}"),
    "IT": _Plan("39", "", r"3\d{8,9}"),
    "IN": _Plan("91", "", r"[6-9]\d{9}"),
    "AU": _Plan("61", "0", r"[23478]\d{8}"),
    "RU": _Plan("7", "8", r"[3-9]\d{9}", plain=False),
    "CN": _Plan("86", "", r"1[3-9]\d{9}", plain=False),
}
# The national number as written within the region, and after the country code.
_AT_HOME = {region: re.compile(f"{p.trunk}({p.number})") for region, p in _PLANS.items()}
_ABROAD = {region: re.compile(f"{p.code}({p.number})") for region, p in _PLANS.items() if p.plain}
# Reserved by the regulators (NANPA; Ofcom; Arcep), and so refused as "not assigned".
_FICTION = re.compile(
    r"\+1[2-9]\d{2}55501\d{2}"
    r"|\+44(?=\d{10}$)(?:7700900|1632960|2079460|1(?:1[3-8]|[2-6]1)4960|1914980|2890180|"
    r"2920180|3069990|8081570|9098790)\d+"
    r"|\+33(?:19900|26191|35301|46571|53649|63998)\d{4}"
)
_FICTION_FIGURES = {1: (10,), 44: (10,), 33: (9,)}


@lru_cache(_KEPT)
def international(number: str) -> str | None:
    """The E.164 form of figures after a plus or 00, if the number is possible."""
    return _from_abroad(number, possible=True)


@lru_cache(_KEPT)
def national(number: str, region: str | None, *, cued: bool) -> str | None:
    """The canonical form of a number without a plus, from the likeliest region that has it."""
    if len(number) == 7:
        # Written without its area code: unchanged, and only after a word for a phone.
        local = cued and region in (None, "US", "CA") and re.fullmatch(r"[2-9]\d{6}", number)
        return number if local else None
    if region is not None and american(region):
        region = "US"
    propers = {
        name: match[1]
        for name, pattern in _AT_HOME.items()
        if (match := pattern.fullmatch(number)) is not None
    }
    regions = [region] if region else []
    regions += [name for name in propers if name != region]
    for name in regions:
        if value := _of_region(number, name, propers.get(name), possible=False):
            return value
    if len(number) > 10 and (may_be_assigned_abroad(number) or _FICTION.fullmatch("+" + number)):
        value = _from_abroad(number, possible=False)
        if value == "+" + number:
            return value
    if cued and regions:
        return _of_region(number, regions[0], propers.get(regions[0]), possible=True)
    return None


@lru_cache(_KEPT)
def at_home(number: str, region: str) -> bool:
    """Whether figures are a valid number of a region, including its national prefix."""
    if (prefix := _always_before(region)) and not number.startswith(prefix):
        return False
    if not may_be_assigned(number, region):
        return False
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return (
        bool(phonenumbers.is_valid_number_for_region(parsed, region))
        and phonenumbers.normalize_digits_only(written) == number
    )


@lru_cache(512)
def _always_before(region: str) -> str | None:
    """The national prefix that a region always writes, such as 0, if it has one."""
    data = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    rules = (
        [form.national_prefix_formatting_rule or "" for form in data.number_format] if data else []
    )
    prefix = data.national_prefix if data else None
    return prefix if prefix and rules and all(prefix in rule for rule in rules) else None


@lru_cache(512)
def american(region: str) -> bool:
    """Whether numbers of a region begin with +1, so that its plan is that of the United States."""
    return bool(phonenumbers.country_code_for_region(region) == 1)


def _from_abroad(number: str, *, possible: bool) -> str | None:
    """The E.164 form of figures that begin with a country code."""
    for region, pattern in _ABROAD.items():
        if proper := pattern.fullmatch(number):
            return _planned(region, _PLANS[region], proper[1], possible=possible)
    return _parsed("+" + number, None, possible=possible)


def _of_region(number: str, region: str, proper: str | None, *, possible: bool) -> str | None:
    if proper is not None and (plan := _PLANS[region]).plain:
        return _planned(region, plan, proper, possible=possible)
    if possible or may_be_assigned(number, region) or _may_be_fiction(number, region):
        return _parsed(number, region, possible=possible)
    return None


def _may_be_fiction(number: str, region: str) -> bool:
    """Whether a suffix of the figures is a number reserved for fiction in a region."""
    code = phonenumbers.country_code_for_region(region)
    lengths = _FICTION_FIGURES.get(code, ())
    return any(_FICTION.fullmatch(f"+{code}{number[-length:]}") for length in lengths)


def _planned(region: str, plan: _Plan, proper: str, *, possible: bool) -> str | None:
    """The E.164 form of a national number if it is valid, fictional or, with `possible`, possible.

    Gives the result of `_parsed`; the tests compare the two.
    """
    value = f"+{plan.code}{proper}"
    if _FICTION.fullmatch(value):
        return value
    if assigned(proper, region):
        return value
    if not possible and not may_be_assigned_abroad(plan.code + proper):
        return None
    number = phonenumbers.PhoneNumber(int(plan.code), int(proper))
    good = phonenumbers.is_valid_number(number) or (  # of a region with the same code
        possible and phonenumbers.is_possible_number(number)
    )
    return value if good else None


def _parsed(number: str, region: str | None, *, possible: bool) -> str | None:
    """The E.164 form of a number, parsed by `phonenumbers`, by the same rule."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    value = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    good = (
        phonenumbers.is_valid_number(parsed)
        or _FICTION.fullmatch(value)
        or (possible and phonenumbers.is_possible_number(parsed))
    )
    return value if good else None


_KINDS = (
    "premium_rate toll_free shared_cost voip personal_number pager uan voicemail fixed_line mobile"
).split()
_LONGEST_CODE = 3
_NO_REGION = "001"  # region of codes that belong to no country
# Prefix transformations that leave a suffix of the number unchanged.
_LEAVES_AN_END = (None, "", r"\1", r"\2")
_NOTHING = re.compile(r"(?!)")


def assigned(proper: str, region: str) -> bool:
    """Whether the figures after a region's country code are a valid number of that region.

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
    """Whether figures, written as within a region, may be valid after prefixes are stripped.

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
    """Whether figures that begin with a country code may be valid without changes."""
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
    """Country code and pattern of the international prefix; None if prefixes are transformed."""
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
    """A pattern of all kinds of number of a length, in all regions of a country code."""
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
