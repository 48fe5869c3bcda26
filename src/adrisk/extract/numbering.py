"""Which phone numbers exist, by `phonenumbers` and the ranges reserved for fiction.

In: the figures of a number. Out: its E.164 form, or None. Numbers as people of the likeliest
regions write them are looked up at once; `phonenumbers` parses only the others, which takes
several times as long. The last answers are kept, because the same numbers come again and again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from adrisk.extract.assigned import assigned, may_be_assigned, may_be_assigned_abroad

_KEPT = 1 << 14  # answers; a few MB


@dataclass(frozen=True, slots=True)
class _Plan:
    """How numbers are written in a region: figures before the number proper, and the number."""

    code: str
    trunk: str
    number: str
    plain: bool = True  # `phonenumbers` would take away the trunk figures and nothing else


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
# The number proper as written within the region, and behind the country code.
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
    """The E.164 form of figures behind a plus or 00, if there may be such a number."""
    return _from_abroad(number, possible=True)


@lru_cache(_KEPT)
def national(number: str, region: str | None, *, cued: bool) -> str | None:
    """The canonical form of a number without a plus, from the likeliest region that has it."""
    if len(number) == 7:
        # Written without its area code: kept as it is, and only where a word announces it.
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
    """Whether figures are a valid number of a region, with whatever stands before it there."""
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
    """The figures that numbers are never without within a region, such as 0, if there are any."""
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
    """Whether any end of some figures is a number reserved for fiction in a region."""
    code = phonenumbers.country_code_for_region(region)
    lengths = _FICTION_FIGURES.get(code, ())
    return any(_FICTION.fullmatch(f"+{code}{number[-length:]}") for length in lengths)


def _planned(region: str, plan: _Plan, proper: str, *, possible: bool) -> str | None:
    """The E.164 form of the number proper if it is valid, fictional or, if that will do, possible.

    What `_parsed` gives; the tests compare the two.
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
    """The E.164 form of any writing, by the same rule."""
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
