"""The size, the balance and the results of the hand-made suites."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import phonenumbers
import pytest

import contacts as judge
from adrisk.extract.numbering import _FICTION

GOOD = 0.95
ENOUGH = 20  # of a kind, for a share of it to mean something
# Beside NANPA's, Ofcom's and Arcep's: what ACMA and the Bundesnetzagentur keep for films.
FICTION = re.compile(
    rf"{_FICTION.pattern}|\+614915701\d\d|\+61491570006|\+493023125\d{{3}}|5550\d{{3}}"
)
CASES = {part: list(judge.cases(part)) for part in ("held_out", "development")}
JUDGED = judge.judge("held_out")


def test_there_are_many_positives_and_look_alikes_in_many_languages_and_scripts() -> None:
    every = [case for cases in CASES.values() for case in cases]
    assert len(every) >= 800
    for cases in CASES.values():
        count = Counter(case.language for case in cases)
        assert all(count[language] >= 30 for language in ("en", "es", "fr", "pt"))
        scripts = {
            unicodedata.name(c).split()[0] for case in cases for c in case.text if c.isalpha()
        }
        assert {"LATIN", "CYRILLIC", "ARABIC", "CJK", "THAI", "DEVANAGARI"} <= scripts
        assert sum(not case.marked for case in cases) >= 40


def test_no_ad_is_in_both_parts_or_twice_in_one() -> None:
    texts = Counter(case.text for cases in CASES.values() for case in cases)
    assert max(texts.values()) == 1


def test_all_phones_are_reserved_for_fiction_and_all_mail_is_at_example() -> None:
    for case in (case for cases in CASES.values() for case in cases):
        for mark in case.marked:
            if mark.kind == "phone":
                assert FICTION.fullmatch(mark.value or ""), case.text
                if len(mark.value or "") > 7:
                    assert phonenumbers.is_possible_number(phonenumbers.parse(mark.value))
            if mark.kind == "email":
                assert re.fullmatch(r"[^@]+@([a-z]+\.)?example\.(org|com|net)", mark.value or "")


def test_marked_figures_are_those_of_the_number_they_are_said_to_be() -> None:
    for case in (case for cases in CASES.values() for case in cases):
        for mark in case.marked:
            written = case.text[mark.start : mark.end]
            if mark.kind != "phone" or any(c.isalpha() for c in written):
                continue
            digits = [unicodedata.digit(c, None) for c in written if c not in "🄌🄋"]
            figures = "".join(str(d) for d in digits if d is not None)
            if "🄌" not in written:
                assert figures.lstrip("0")[-7:] == (mark.value or "")[-7:], case.text


@pytest.mark.parametrize("kinds", [judge.CONTACTS, judge.KINDS[len(judge.CONTACTS) :]])
def test_precision_and_recall_on_the_held_out_part_are_good(kinds: tuple[str, ...]) -> None:
    tally = JUDGED.together(kinds)
    assert tally.right + tally.missed >= 200
    assert tally.recall[0] >= GOOD
    assert tally.precision[0] >= GOOD


@pytest.mark.parametrize("kind", judge.KINDS)
def test_every_kind_of_which_there_are_enough_is_found_well(kind: str) -> None:
    tally = JUDGED.kinds[kind]
    if tally.right + tally.missed >= ENOUGH:
        assert tally.recall[0] >= GOOD
        assert tally.precision[0] >= GOOD


def test_contacts_are_cut_out_exactly_and_rightly_said_to_be_obscured() -> None:
    tally = JUDGED.together(judge.CONTACTS)
    assert tally.exact / tally.right >= GOOD
    assert tally.agreed / tally.right >= GOOD


def test_a_mark_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="is not a mark"):
        judge.read("call {{fax|020 7946 0123}}")
    with pytest.raises(ValueError, match="is not a mark"):
        judge.read("call {{phone|020 7946 0123}}")
