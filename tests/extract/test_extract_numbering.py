from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.extract import numbering
from adrisk.extract.number_words import any_of
from adrisk.extract.numbering import (
    assigned,
    international,
    may_be_assigned,
    may_be_assigned_abroad,
    national,
)

E164 = phonenumbers.PhoneNumberFormat.E164
PLAIN = [(region, plan) for region, plan in numbering._PLANS.items() if plan.plain]


@pytest.mark.parametrize(("region", "plan"), PLAIN, ids=[region for region, _ in PLAIN])
@given(st.data())
def test_a_plan_answers_as_the_parser_of_phonenumbers_does(
    region: str, plan: numbering._Plan, data: st.DataObject
) -> None:
    proper = data.draw(st.from_regex(re.compile(plan.number, re.ASCII), fullmatch=True))
    possible = data.draw(st.booleans())
    answer = numbering._planned(region, plan, proper, possible=possible)
    trunk = plan.trunk.rstrip("?")
    assert numbering._parsed(trunk + proper, region, possible=possible) == answer
    assert numbering._parsed(f"+{plan.code}{proper}", None, possible=possible) == answer


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = [
    phonenumbers.national_significant_number(example)
    for region in REGIONS
    if (
        example := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    )
]
# Numbers that exist somewhere, with what people put before them and a figure changed.
figures = st.builds(
    lambda before, proper, at, figure: before + proper[:at] + figure + proper[at + len(figure) :],
    st.sampled_from(["", "0", "1", "8", "00", "011", "44", "34", "55", "0055"]),
    st.sampled_from(EXAMPLES),
    st.integers(0, 8),
    st.sampled_from(["", "0", "1", "2", "5", "9"]),
).filter(lambda number: 7 <= len(number) <= 17)


@settings(max_examples=300)
@given(figures, st.sampled_from(REGIONS))
def test_what_is_refused_at_once_phonenumbers_would_refuse(number: str, region: str) -> None:
    if not may_be_assigned(number, region):
        assert not valid(number, region)
    if not may_be_assigned_abroad(number):
        parsed = valid(f"+{number}", None)
        assert parsed is None or phonenumbers.format_number(parsed, E164) != f"+{number}"


@settings(max_examples=300)
@given(figures.filter(lambda number: number[0] != "0"), st.sampled_from(REGIONS))
def test_a_number_is_assigned_where_phonenumbers_says_so(number: str, region: str) -> None:
    whole = phonenumbers.PhoneNumber(phonenumbers.country_code_for_region(region), int(number))
    assert assigned(number, region) == phonenumbers.is_valid_number_for_region(whole, region)


def valid(number: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_valid_number(parsed) else None


def test_numbers_reserved_for_fiction_exist_at_home_and_from_abroad() -> None:
    assert international("12025550143") == national("2025550143", None, cued=False)
    assert international("447700900123") == national("07700900123", None, cued=False)
    assert international("33639981234") == national("0639981234", None, cued=False)


def test_what_cannot_be_a_number_is_none() -> None:
    assert international("999") is None
    assert national("00000000", None, cued=True) is None


def test_patterns_of_words_match_these_words_alone() -> None:
    words = ["seven", "six", "sept", "one", "once", "x"]
    pattern = re.compile(any_of(words))
    assert all(pattern.fullmatch(word) for word in words)
    assert not any(pattern.fullmatch(word) for word in ["s", "se", "o", "on", "xx", ""])
