"""What a model made of the cases: passed, failed or not judged, in figures and on a page."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

import adrisk.cli
from adrisk.api import behave
from adrisk.evaluation.behaviour.judging import (
    Outcome,
    decide_outcome,
    judge,
    moves,
    rate,
    rates,
    results,
)
from adrisk.evaluation.behaviour.run import behaviour_page, behaviour_table, contrast
from adrisk.evaluation.behaviour.suites import Case, load_suites
from adrisk.model.model import Model
from builders import HONEST, RISKY

KITCHEN = "Kitchen and hotel team wanted for the season"
SUITE = f"""
negated:
  - id: n1
    text: "{KITCHEN}. {RISKY}."
    pair: "{KITCHEN}. {HONEST}."
    expect: higher
  - id: n2
    text: "{KITCHEN}. {HONEST}. <script>alert(1)</script> +1 202 555 0143"
    pair: "{KITCHEN}. {RISKY}."
    expect: higher
    of: document_retention
  - id: n3
    text: "{KITCHEN}. {RISKY}."
    pair: "{KITCHEN}. {HONEST}."
    expect: higher
    of: exit_penalty
single_weak:
  - id: w1
    text: "{KITCHEN}. {HONEST}."
    expect: below
swapped_name:
  - id: s1
    text: "{KITCHEN}, ask for Emily. {HONEST}."
    pair: "{KITCHEN}, ask for Fatima. {HONEST}."
    expect: same
"""


def case(expect: str, function: str = "stated", id: str = "c1", language: str = "en") -> Case:
    return Case(language, function, id, "one", None if expect == "below" else "two", expect, "risk")


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Model:
    return Model.load(model_folder)


@pytest.fixture(autouse=True)
def _environment_restored() -> Iterator[None]:
    """`main` sets variables for dependencies; they do not outlive a test."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "en.yaml").write_text(SUITE, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("expect", "text", "pair", "passed"),
    [
        ("higher", 0.60, 0.50, True),  # log-odds 0.41 apart
        ("higher", 0.55, 0.50, False),  # 0.20 apart
        ("higher", 0.002, 0.001, True),  # small probabilities differ by as much
        ("higher", 0.50, 0.60, False),
        ("higher", 1.0, 1.0, False),
        ("higher", 1.0, 0.0, True),
        ("same", 0.30, 0.34, True),
        ("same", 0.30, 0.36, False),
        ("same", 0.36, 0.30, False),
        ("below", 0.19, None, True),
        ("below", 0.20, None, False),
    ],
)
def test_a_case_passes_as_its_expectation_says(expect, text, pair, passed) -> None:
    assert decide_outcome(case(expect), text, pair, threshold=0.2).passed is passed


def test_a_model_is_judged_by_its_probabilities_for_what_the_case_is_about(model: Model) -> None:
    risky = Case(
        "en", "negated", "n", f"{KITCHEN}. {RISKY}.", f"{KITCHEN}. {HONEST}.", "higher", "risk"
    )
    found = judge(
        model,
        [
            risky,
            replace(risky, of="document_retention"),
            replace(risky, of="worker_protection"),
            replace(risky, of="exit_penalty"),
            replace(risky, text=risky.pair, pair=None, expect="below"),
            replace(risky, pair=None, expect="below"),
        ],
    )  # fmt: skip
    assert [outcome.passed for outcome in found] == [True, True, False, None, True, False]
    scored = model.score([risky.text, risky.pair]).table
    assert (found[0].text, found[0].pair) == tuple(scored["risk"].to_pylist())
    assert found[1].text == scored["p_document_retention"][0].as_py()


def test_no_cases_give_no_outcomes(model: Model) -> None:
    assert judge(model, []) == ()


def test_rates_count_what_was_judged_and_name_the_rest() -> None:
    outcomes = [
        Outcome(case("higher", id=str(number)), 0.5, 0.5, 0.0, verdict)
        for number, verdict in enumerate([True, False, False, None])
    ]
    found = rate(outcomes)
    assert (found.passed, found.n, found.unjudged) == (1, 3, 1)
    assert (found.low, found.high) == pytest.approx((0.0615, 0.7923), abs=1e-4)
    assert rate([]).low is None
    assert list(rates(outcomes, lambda c: c.language, order=("es", "en"))) == ["en"]


def test_the_largest_move_of_a_swap_is_named_and_pairs_that_cannot_move_are_counted() -> None:
    swap = case("same", "swapped_name")
    outcomes = [
        decide_outcome(replace(swap, id=name), text, pair, threshold=0.5)
        for name, text, pair in (("a", 0.50, 0.49), ("b", 0.41, 0.50), ("c", 0.01, 0.03))
    ]
    found = moves(outcomes)["swapped_name"]
    assert (found.n, found.could_fail, found.case) == (3, 2, "b")
    assert (found.mean, found.largest) == pytest.approx((0.04, 0.09))


def test_the_results_hold_every_case_and_no_text(model: Model, suites: Path, tmp_path) -> None:
    done = behave(model, load_suites(suites), tmp_path / "out")
    assert [path.name for path in done.files] == ["behaviour.json", "behaviour.html"]
    content = done.files[0].read_text(encoding="utf-8")
    assert KITCHEN not in content
    found = json.loads(content)
    assert {c["id"]: c["passed"] for c in found["cases"]} == {
        "n1": True, "n2": False, "n3": None, "w1": True, "s1": True,
    }  # fmt: skip
    assert (found["all"]["passed"], found["all"]["n"], found["all"]["unjudged"]) == (3, 4, 1)
    assert found["functions"]["negated"]["languages"]["en"]["n"] == 2
    assert found["model"]["fingerprint"] == model.fingerprint


def test_the_page_shows_failures_escaped_with_contacts_blotted_out(
    model: Model, suites: Path, tmp_path: Path
) -> None:
    page = behave(model, load_suites(suites), tmp_path).files[1].read_text(encoding="utf-8")
    assert page.count('<details class="failed">') == 1
    assert "<script" not in page
    assert "&lt;" in page
    assert "555 0143" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert not re.search(r'(?:src|href)="(?!#|data:,)', page)
    assert "1 case was not judged" in page


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 380])
def test_the_page_fits_a_wide_and_a_narrow_window_and_complains_of_nothing(
    model: Model, suites: Path, tmp_path: Path, chromium: str, width: int
) -> None:
    from playwright.sync_api import sync_playwright

    path = behave(model, load_suites(suites), tmp_path).files[1]
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(path.as_uri())
        page.locator("details.failed summary").click()
        assert page.get_by_role("heading", name="First text").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert complaints == []


def test_a_page_without_failures_says_so(model: Model) -> None:
    outcome = Outcome(case("same"), 0.3, 0.31, -0.01, True)
    found = results(model, [outcome])
    assert "None of the cases judged failed." in behaviour_page(found, [outcome])


def test_what_differs_between_two_texts_is_cut_out_whole() -> None:
    left, right = contrast("They keep your card for you.", "They keep the rota for you.")
    assert ["".join(p.text for p in s.pieces) for s in left] == [
        "They keep ",
        "your card",
        " for you.",
    ]
    assert [s.differs for s in left] == [False, True, False]
    assert "".join(p.text for s in right for p in s.pieces) == "They keep the rota for you."


def test_the_table_has_a_row_a_function_and_a_column_a_language(model: Model) -> None:
    outcomes = [
        Outcome(case("higher", "negated", "a", "en"), 0.9, 0.1, 4.4, True),
        Outcome(case("higher", "negated", "a", "es"), 0.1, 0.9, -4.4, False),
        Outcome(case("same", "swapped_city", "b", "es"), 0.5, 0.3, 0.2, False),
        Outcome(replace(case("higher", "stated", "d"), of="exit_penalty"), None, None, None, None),
    ]
    lines = behaviour_table(results(model, outcomes)).splitlines()
    assert lines[0].split()[:4] == ["function", "en", "es", "all"]
    assert lines[2].split()[:6] == ["negated", "1/1", "0/1", "1/2", "50", "%"]
    assert lines[4].split()[:4] == ["all", "1/1", "0/2", "1/3"]
    assert "0.200  b (es)" in lines[5]
    assert lines[6].startswith("not judged  1 case:")


def test_the_command_measures_and_leaves_with_0_whatever_the_rate(
    model_folder: Path, suites: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["behave", str(model_folder), "--suites", str(suites), "-o", str(out)]
    assert adrisk.cli.main(arguments) == 0
    told = capsys.readouterr()
    assert "3/4" in told.out
    assert str(out / "behaviour.html") in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("content", "message"), [("negatd: []", "en.yaml: unknown function"), (None, "--suites DIR")]
)
def test_the_command_leaves_with_2_where_the_suites_are_wrong(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content, message
) -> None:
    if content:
        (tmp_path / "en.yaml").write_text(content, encoding="utf-8")
    arguments = ["behave", str(model_folder), "--suites", str(tmp_path)]
    assert adrisk.cli.main(arguments) == 2
    assert message in capsys.readouterr().err
