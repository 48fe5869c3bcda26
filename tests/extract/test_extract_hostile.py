"""Texts written to make extraction slow, wrong or fail."""

from __future__ import annotations

import time
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.extract.contacts import contacts_column, find_contacts
from adrisk.extract.mentions import find_mentions
from adrisk.text.normalise import fold_column

FLOODS = [
    "1",
    "1 ",
    "12 ",
    "o1 ",
    "l",
    "a.",
    "@",
    " ",
    "\n",
    "six",
    "six ",
    "one 2 ",
    "two 2 2\n",
    "(at)",
    "a@b.",
    "@a ",
    "1-",
    "+",
    "+1",
    "$1.",
    "5 ",
    "€5 ",
    "12:00-",
    "9-5 ",
    "from ",
    "a b. ",
    "telegram ",
    "tg @",
    "www.",
    "dot ",
    " dot com",
    "x.com",
    "5\ufe0f\u20e3",
    "😀",
    "\u200f",
    "\u202e1",
    "\u200b",
    "١",
    "一",
    "零",
    "北京",
    "О",
    "ß",
    "İ",
    "é1",
    "In Reading ",
    "New York, ",
]


@pytest.mark.slow
@pytest.mark.parametrize("unit", FLOODS)
def test_twice_the_flood_takes_about_twice_the_time(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        begun = time.process_time()
        find_mentions(text, find_contacts(text))
        return time.process_time() - begun

    seconds(2_000)
    few, many = seconds(20_000), seconds(160_000)
    assert many < 0.3 + 24 * few  # eight times the text; a square would take 64 times as long


@pytest.mark.slow
def test_a_million_figures_are_read_and_are_no_phone() -> None:
    for text in (
        "7" * 1_000_000,
        "12 " * 333_333,
        "1" * 500_000 + " 202 555 0143 " + "1" * 500_000,
    ):
        begun = time.process_time()
        contacts = find_contacts(text)
        assert time.process_time() - begun < 20
        assert len(contacts) <= 1


def test_a_hundred_phones_are_all_found_each_at_its_place() -> None:
    phones = [f"202-555-01{line:02d}" for line in range(100)]
    text = " / ".join(phones)
    found = find_contacts(text)
    assert [text[c.start : c.end] for c in found] == phones
    assert [c.value for c in found] == [f"+120255501{line:02d}" for line in range(100)]


def test_a_hundred_spelled_phones_are_all_found() -> None:
    phones = [f"two oh two 555 01{line:02d}" for line in range(100)]
    text = ". call me, ".join(phones)
    assert [c.value for c in find_contacts(text)] == [
        f"+120255501{line:02d}" for line in range(100)
    ]


def test_lone_surrogates_and_nothing_at_all_are_texts_too() -> None:
    assert find_contacts("") == find_mentions("") == []
    text = "\ud83d call 202-555-0143 \udc00"
    (phone,) = find_contacts(text)
    assert text[phone.start : phone.end] == "202-555-0143"


def test_direction_marks_around_and_within_a_number_change_nothing() -> None:
    text = "\u202bهاتف \u200e+44 7700\u200f 900123\u202c"
    (phone,) = find_contacts(text)
    assert phone.value == "+447700900123"


def test_a_block_of_the_same_ad_many_times_gives_the_same_each_time() -> None:
    texts = pa.array(["Call 2O2 555 OI43 or a@example.org"] * 5000, pa.large_string())
    found = contacts_column(texts, fold_column(texts))
    assert len(found) == 5000
    assert all(contacts == found[0] for contacts in found)
    assert [c.value for c in found[0]] == ["+12025550143", "a@example.org"]


PIECES = st.sampled_from(
    [
        "two ",
        "0",
        "2 ",
        "five five five",
        "0143",
        "é",
        "٢٠٢",
        "五",
        "@",
        "a@example.org",
        ". ",
        "\n",
        "tg @name_1",
        "oil ",
        "ß",
        "www.example.org",
        "7️⃣",
        "\u200b",
        "О1",
        "+44 7700 900123",
        " €12/h ",
        "9-5",
        " in Leeds, ",
        "İ",
        "𝟐",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=6))
def test_an_ad_is_read_alike_alone_and_among_others(texts: list[str]) -> None:
    column = pa.array(texts, pa.large_string())
    assert contacts_column(column, fold_column(column)) == [find_contacts(text) for text in texts]


@given(st.lists(PIECES, max_size=30).map("".join))
def test_findings_lie_in_the_text_in_order_and_apart_from_contacts(text: str) -> None:
    contacts = find_contacts(text)
    mentions = find_mentions(text, contacts)
    spans = sorted([(c.start, c.end) for c in contacts] + [(m.start, m.end) for m in mentions])
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
