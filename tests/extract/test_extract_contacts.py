from __future__ import annotations

import time
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.extract.contacts import contacts_column, find_contacts, obscured_ads
from adrisk.extract.number_words import figures
from adrisk.text.normalise import fold_column
from adrisk.types import Contact


def only(text: str, region: str | None = None) -> Contact:
    (contact,) = find_contacts(text, region)
    return contact


def found(text: str, region: str | None = None) -> list[tuple[str, str]]:
    return [(contact.kind, contact.value) for contact in find_contacts(text, region)]


def column(*texts: str) -> pa.Array:
    return pa.array(texts, pa.large_string())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call 202-555-0143", "+12025550143"),
        ("(202) 555-0143", "+12025550143"),
        ("call (202)555.0143 now", "+12025550143"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("00 44 7700 900123", "+447700900123"),
        ("tel. 07700 900123", "+447700900123"),
        ("020 7946 0123", "+442079460123"),
        ("06 39 98 12 34", "+33639981234"),
        ("06.39.98.12.34", "+33639981234"),
        ("24/7 202-555-0143", "+12025550143"),
        ("since 2019, 202 555 0143", "+12025550143"),
        ("£50 020 7946 0123", "+442079460123"),
        ("电话07700900123", "+447700900123"),
        ("wa.me/447700900123", "+447700900123"),
    ],
)
def test_a_phone_in_the_usual_writing_is_found_and_not_obscured(text: str, value: str) -> None:
    contact = only(text)
    assert (contact.kind, contact.value, contact.obscured) == ("phone", value, False)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("two 0 two five five five 0 one 4 three", "+12025550143"),
        ("two zero two fivefivefive zero143", "+12025550143"),
        ("oh seven seven double zero nine double zero one two three", "+447700900123"),
        ("zéro six trente-neuf quatre-vingt-dix-huit douze trente-quatre", "+33639981234"),
        ("cero seis tres nueve, nueve ocho, doce, treinta y cuatro", "+33639981234"),
        ("zero seis três nove nove oito um dois três quatro", "+33639981234"),
        ("2O2-555-OI43", "+12025550143"),
        ("2️⃣0️⃣2️⃣ 5️⃣5️⃣5️⃣ 0️⃣1️⃣4️⃣3️⃣", "+12025550143"),
        ("２０２５５５０１４３", "+12025550143"),
        ("2\u200b02 555\u200d 0143", "+12025550143"),
        ("2 0 2 . 5.5.5 - 0 1 4 3", "+12025550143"),
        ("2*0*2~5_5_5~0143", "+12025550143"),
        ("٢٠٢٥٥٥٠١٤٣", "+12025550143"),
        ("2\u03360\u03362\u0336 5\u03365\u03365\u0336 0\u03361\u03364\u03363", "+12025550143"),
    ],
)
def test_a_disguised_phone_is_found_whole_and_obscured(written: str, value: str) -> None:
    text = f"Call {written} today"
    contact = only(text)
    assert (contact.kind, contact.value, contact.obscured) == ("phone", value, True)
    assert text[contact.start : contact.end] == written


@pytest.mark.parametrize(
    "text",
    [
        "posted 12/05/2025, 05.12.2025 and 2025-05-12 until 20251231",
        "open 24/7, mon-fri 09:00-18:00, sat 9.00 - 13.30, 8:00 - 14:00",
        "$12.50 - $13.75 an hour, 25000-30000 eur, 1 200 000 eur, $1,250.00",
        "31.415,92 ¤ (12 meses)",
        "35000-40000 a year, 35,000 or 40,000, 2024-2025",
        "height 1,75 m, 5'11, 60 kg, 90-60-90",
        "94105-1234, 123-45-6789",
        "case h-300-24123-456789, ref. 3125550143, code 990020015346",
        "iban gb29 2000 0000 0000 0000 00",
        "one two three four five six seven eight nine ten",
        "100 200 300 400 500, 1 2 3 4 5 6 7 8 9 10",
        "two or three people, seven one-way trips",
        "dos o tres personas, once meses, un turno de seis horas",
        "teams of 5, 2011, 2014",
        "48 ÷ 7 = 6.86 48÷7=6.86",
        "6-14, 14-22, 22-6",
    ],
)
def test_dates_prices_hours_and_references_are_not_phones(text: str) -> None:
    assert found(text) == []


def test_a_number_ends_where_the_sentence_does() -> None:
    assert found("+44 161 496 0710; 39 beds") == [("phone", "+441614960710")]
    assert found("tél. 01 99 00 00 60. Quarante lits") == [("phone", "+33199000060")]


def test_a_word_that_begins_like_a_reference_hides_no_phone() -> None:
    assert found("le site refuse, 3*3*1*9*9*0*0*8*0*1*3") == [("phone", "+33199008013")]


def test_several_phones_in_one_line_come_apart() -> None:
    text = "202 555 0143 / 202 555 0144 or 06 39 98 12 34, +44 7700 900123 +44 7700 900124"
    assert [value for _, value in found(text)] == [
        "+12025550143",
        "+12025550144",
        "+33639981234",
        "+447700900123",
        "+447700900124",
    ]


def test_the_region_decides_where_a_number_is_from() -> None:
    assert found("call 020 7946 0123", "GB") == [("phone", "+442079460123")]
    assert found("call 2079 460 123", "GB") == [("phone", "+442079460123")]


def test_a_number_without_its_area_code_needs_a_word_that_announces_it() -> None:
    assert found("call 555-0143") == [("phone", "5550143")]
    assert found("units 555-0143") == []


@pytest.mark.parametrize(
    ("text", "value", "obscured"),
    [
        ("write to j.doe@example.org!", "j.doe@example.org", False),
        ("mail: J.Doe+jobs@Sub.Example.org", "j.doe+jobs@sub.example.org", False),
        ("name (at) example (dot) org", "name@example.org", True),
        ("name[at]example.org", "name@example.org", True),
        ("nombre arroba example punto org", "nombre@example.org", True),
        ("john at example dot org", "john@example.org", True),
        ("pоint @ exаmple.org", "point@example.org", True),
    ],
)
def test_emails_are_found_plain_and_spelled(text: str, value: str, obscured: bool) -> None:
    contact = only(text)
    assert (contact.kind, contact.value, contact.obscured) == ("email", value, obscured)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("telegram: @anna_works", "telegram:anna_works"),
        ("Telegram @anna.w.", "telegram:anna.w"),
        ("line id: anna99", "line:anna99"),
        ("wechat abc123", "wechat:abc123"),
        ("加微信abc123", "wechat:abc123"),
        ("signal: annaworks", "signal:annaworks"),
        ("t.me/annaworks", "telegram:annaworks"),
        ("my insta is @anna.works", "instagram:anna.works"),
    ],
)
def test_handles_are_found_behind_the_name_of_a_messenger(text: str, value: str) -> None:
    assert found(text) == [("handle", value)]


@pytest.mark.parametrize(
    "text",
    [
        "telegram: message me. whatsapp: available",
        "line cook, production line id required, assembly line: packing",
        "see you @ noon",
        "meet us at the office. com el equipo. es necesario",
        "a party/dance.it's paid in cash.me too",
        "el punto de encuentro, a punto de salir",
        "cocinero(a), camarero/a",
    ],
)
def test_ordinary_words_are_neither_handles_nor_addresses(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value", "obscured"),
    [
        ("see https://www.example.org/jobs?id=7.", "example.org/jobs?id=7", False),
        ("see www.example.org", "example.org", False),
        ("apply on jobs.example.org/x, please", "jobs.example.org/x", False),
        ("hxxps://example[.]com/x", "example.com/x", True),
        ("example dot com", "example.com", True),
    ],
)
def test_links_are_found_without_their_dressing(text: str, value: str, obscured: bool) -> None:
    contact = only(text)
    assert (contact.kind, contact.value, contact.obscured) == ("link", value, obscured)


def test_contacts_come_in_order_and_do_not_overlap() -> None:
    text = "mail a@example.org, https://example.org/2025550143 or telegram: @anna, 202-555-0143"
    contacts = find_contacts(text)
    assert [c.kind for c in contacts] == ["email", "link", "handle", "phone"]
    assert all(a.end <= b.start for a, b in pairwise(contacts))


def test_spans_are_raw_offsets_behind_characters_that_fold_to_more_or_fewer() -> None:
    text = "ﬁne… \u200b½ İstanbul ② call ２０２ 555\u200b 0143\u200b now"
    contact = only(text)
    assert text[contact.start : contact.end].startswith("２０２ 555\u200b 0143")
    assert contact.obscured


def test_a_column_gives_what_single_ads_give() -> None:
    texts = ["", "call 202-555-0143", "nothing", "ａ\u200b (at) example.org", "2O2 555 OI43"]
    folded = fold_column(column(*texts))
    assert contacts_column(column(*texts), folded) == [find_contacts(text) for text in texts]
    assert obscured_ads(contacts_column(column(*texts), folded)).tolist() == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_column_takes_a_region_for_each_ad() -> None:
    texts = column("call 20 7946 0123", "call 20 7946 0123")
    first, second = contacts_column(texts, fold_column(texts), ["GB", "FR"])
    assert [contact.value for contact in first] == ["+442079460123"]
    assert first != second


def test_an_empty_column_and_a_sliced_one_work() -> None:
    assert contacts_column(column(), column()) == []
    texts = column("x", "call 202-555-0143", "y").slice(1, 1)
    assert len(contacts_column(texts, fold_column(texts))[0]) == 1


def test_runs_far_apart_in_one_ad_are_all_read() -> None:
    filler = "warm welcome, clean rooms. " * 20
    text = f"{filler}202-555-0143\n{filler}(202) 555-0144 / 020 7946 0123. {filler}"
    contacts = find_contacts(text)
    written = [text[contact.start : contact.end] for contact in contacts]
    assert written == ["202-555-0143", "(202) 555-0144", "020 7946 0123"]


def test_the_same_number_in_other_surroundings_is_judged_again() -> None:
    assert found("call 555-0143") == [("phone", "5550143")]
    assert found("ref. 555-0143") == []
    assert found("call 555-0143") == [("phone", "5550143")]


def test_a_name_on_a_line_of_its_own_is_not_taken_for_the_mail_of_the_line_before() -> None:
    assert found("follow us\n@example.org") == []


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1, 2"):
        contacts_column(column("a"), column("a", "b"))


@pytest.mark.parametrize(
    "unit", ["1", "1 ", "o1 ", "a.", "@", " ", "six", "(at)", "a@b.", "1-", "+", "$1."]
)
def test_hostile_repetition_is_read_in_linear_time(unit: str) -> None:
    started = time.perf_counter()
    find_contacts(unit * (60_000 // len(unit)))
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("zero", "0"),
        ("soixante-dix-sept", "77"),
        ("quatre-vingts", "80"),
        ("quatre-vingt-onze", "91"),
        ("quatre", "4"),
        ("treinta y nueve", "39"),
        ("vinte e um", "21"),
        ("twenty-one", "21"),
        ("eight hundred", "800"),
        ("triple 5", "555"),
        ("dix-sept", "17"),
    ],
)
def test_number_words_are_read_in_four_languages(spoken: str, expected: str) -> None:
    assert figures(spoken) == expected


PIECES = st.sampled_from(
    ["202", "555", "0143", "five", "six", "o", "+44", "7700", "900123", "call", "(at)", "example",
     ".org", "@", "telegram:", "2️⃣", "０", "\u200b", "é", "ﬁ", "İ", " dot ", "www.", "/", "trente",
     "İ1"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(PIECES, st.sampled_from([" ", "-", ".", "\n", ""])), max_size=30))
def test_every_span_lies_in_the_text_and_folds_back_to_a_contact(parts: list[str]) -> None:
    text = "".join(parts)
    last = 0
    for contact in find_contacts(text):
        assert last <= contact.start < contact.end <= len(text)
        assert contact.value
        last = contact.end


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_at_all_is_read(text: str) -> None:
    for contact in find_contacts(text):
        assert 0 <= contact.start < contact.end <= len(text)


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from(["", " ", "-", ".", " - "]))
def test_a_fictional_number_is_found_whatever_separates_it(line: int, gap: str) -> None:
    text = f"call {gap.join(['202', '555', f'01{line:02d}'])} now"
    assert found(text) == [("phone", f"+120255501{line:02d}")]
