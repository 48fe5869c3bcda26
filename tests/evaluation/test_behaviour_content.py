"""What may never stand in a suite, as in every ad of this project."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from adrisk.evaluation.behaviour.suites import load_suites
from adrisk.extract.contacts import find_contacts

SUITES = Path(__file__).parents[2] / "evaluation" / "behaviour"

FICTION = regex.compile(
    r"\+?1?\d{3}55501\d\d|\+?(?:44|0)(?:2079460|(?:113|114|121|131|161)4960)\d{3}"
    r"|\+?(?:33|0)(?:19900|26191|35301|46571|53649)\d{4}"
)
SEXUAL = regex.compile(
    r"\b(?:sexual\p{L}*|sexy|sexuel\p{L}*|er[oó]tic\p{L}*|érotique\p{L}*|nudes?|naked|desnud[ao]s?"
    r"|escorts?|horny|lingerie|fetish\p{L}*|intimate|porn\p{L}*)\b",
    regex.IGNORECASE,
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    cases = load_suites(SUITES)
    return [text for case in cases for text in (case.text, case.pair) if text]


def test_no_text_is_sexual(texts: list[str]) -> None:
    assert not [text for text in texts if SEXUAL.search(text)]


@pytest.mark.slow
def test_telephone_numbers_come_from_ranges_reserved_for_fiction(texts: list[str]) -> None:
    found = [c for text in texts for c in find_contacts(text) if c.kind == "phone"]
    assert not [c.value for c in found if not FICTION.fullmatch(c.value)]


def test_mail_and_links_are_at_example_org(texts: list[str]) -> None:
    hosts = {host for text in texts for host in regex.findall(r"@([\w.-]+\w)", text)}
    assert hosts <= {"example.org"}
    assert not [text for text in texts if "://" in text and "example.org" not in text]


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    for path in sorted(SUITES.glob("*.yaml")):
        hidden = regex.findall(r"[\p{Cf}\p{Zl}\p{Zp}]", path.read_text(encoding="utf-8"))
        assert not hidden, (path.name, [f"U+{ord(sign):04X}" for sign in hidden])
