from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.extract import numbering
from adrisk.extract.numbering import international, national
from adrisk.extract.patterns import any_of

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
