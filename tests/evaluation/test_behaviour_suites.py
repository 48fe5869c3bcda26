"""Reading the suites: what is refused, with its place, and what the shipped files hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import regex

from adrisk.errors import AdriskError, ConfigError, UsageError
from adrisk.evaluation.behaviour.suites import (
    FUNCTIONS,
    RISK,
    Case,
    fingerprint,
    load_suite,
    load_suites,
)
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.types import Weight

SUITES = Path(__file__).parents[2] / "evaluation" / "behaviour"
A_LANGUAGE = 170
AT_LEAST = 600  # in all four languages together

GOOD = """
negated:
  - id: n1
    text: The foreman keeps it.
    pair: You keep it.
    expect: higher
    of: document_retention
single_weak:
  - id: w1
    text: Ask for Danny.
    expect: below
"""


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suites(SUITES)


def write(folder: Path, content: str, name: str = "en.yaml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_suite_is_read_in_its_order_and_risk_is_compared_by_default(tmp_path: Path) -> None:
    first, second = load_suite(write(tmp_path, GOOD))
    assert first == Case(
        "en", "negated", "n1", "The foreman keeps it.", "You keep it.", "higher",
        "document_retention",
    )  # fmt: skip
    assert (second.function, second.pair, second.of) == ("single_weak", None, RISK)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("id: w1", "id: n1", "single_weak: n1: the id is taken, by a case of negated"),
        ("negated:", "negatd:", "unknown function 'negatd' [(]did you mean 'negated'"),
        ("negated:", "single_weak:", r"line \d: .*the key 'single_weak' stands twice"),
        ("document_retention", "document_retencion", "n1: no indicator .* 'document_retention'?"),
        ("document_retention", "near_duplicate_campaign", "n1: no indicator of a text is called"),
        ("expect: higher", "expect: hihger", "n1: unknown expectation 'hihger' [(]did you mean"),
        ("expect: below", "expect: higher", "single_weak: w1: .* expects `below`"),
        (
            "pair: You keep it.",
            "pear: You keep it.",
            "n1: unknown key 'pear' [(]did you mean 'pair'",
        ),
        ("    pair: You keep it.\n", "", "n1: `higher` needs the key `pair`"),
        ("You keep it.", "The foreman keeps it.", "n1: `text` and `pair` are equal"),
        ("text: Ask for Danny.", "text: ' '", "w1: `text` must be text, got ' '"),
        ("id: w1", "id: 7", "single_weak: entry 1: `id` must be text, got 7"),
        ("  - id: w1\n    text", "  - text", "single_weak: entry 1: the key `id` is missing"),
        ("negated:", "swapped_name:", "n1: a case of swapped_name expects `same`"),
        (
            "expect: below",
            "expect: below\n    of: no_contract",
            "w1: only the risk has a threshold",
        ),
        (GOOD, "negated: []", "negated: expected a list of cases"),
        (GOOD, "- a\n- b", "expected functions"),
        (GOOD, "negated: [", "line 2: not valid YAML"),
    ],
)
def test_a_broken_suite_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert before in GOOD
    path = write(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(ConfigError, match=regex.escape(str(path))) as caught:
        load_suite(path)
    assert regex.search(message, str(caught.value)), str(caught.value)


def test_a_file_that_is_not_named_after_a_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="named after its language"):
        load_suites(write(tmp_path, GOOD, "notes.yaml").parent)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AdriskError, match="en.yaml"):
        load_suites(tmp_path)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_suites_says_how_to_point_at_them(tmp_path: Path, there: bool) -> None:
    with pytest.raises(UsageError, match="--suites DIR"):
        load_suites(tmp_path if there else tmp_path / "nowhere")


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    first = load_suite(write(tmp_path, GOOD))
    other = load_suite(write(tmp_path, GOOD.replace("Danny", "Daisy")))
    assert fingerprint(first) == fingerprint(load_suite(write(tmp_path, GOOD)))
    assert fingerprint(first) != fingerprint(other)


def test_the_shipped_suites_hold_enough_cases_in_every_function(cases: tuple[Case, ...]) -> None:
    languages = Counter(case.language for case in cases)
    assert {"en", "es", "pt", "fr"} <= set(languages)
    assert min(languages.values()) >= A_LANGUAGE
    assert len(cases) >= AT_LEAST
    counts = Counter((case.language, case.function) for case in cases)
    assert all(counts[language, f] >= 8 for language in languages for f in FUNCTIONS)


def test_every_strong_and_medium_indicator_is_asked_for_in_every_language(
    cases: tuple[Case, ...],
) -> None:
    heavy = {i.id for i in load_taxonomy() if i.scope == "text" and i.weight >= Weight.MEDIUM}
    for language in {case.language for case in cases}:
        asked = {case.of for case in cases if case.language == language}
        assert heavy <= asked, (language, heavy - asked)


def test_buried_ads_are_long_and_the_others_as_long_as_ads_are(cases: tuple[Case, ...]) -> None:
    for case in cases:
        words = len(case.text.split())
        low, high = (250, 500) if case.function == "buried" else (15, 120)
        assert low <= words <= high, (case.language, case.id, words)


def test_a_swap_changes_few_words(cases: tuple[Case, ...]) -> None:
    for case in cases:
        if case.function.startswith("swapped") and case.pair:
            changed = Counter(case.text.split()) - Counter(case.pair.split())
            assert sum(changed.values()) <= 8, (case.language, case.id, changed)
