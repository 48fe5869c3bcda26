"""Names from outside cannot steer a terminal or a page: they are shown, never obeyed."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk import cli, progress
from adrisk.escaping import code, one_line, plain, safe
from adrisk.evaluation.drift.results import DriftResult
from adrisk.evaluation.drift.run import drift_page
from builders import RISKY, make_ads, make_texts
from command_line import Run
from command_line import one_line as only_line

NAME = "\x1b[2Jbad\n\u202e|<b>x`![l](http:..example.org)\u2066\x9b31m"
"""A file name with everything that steers: escape sequences, a line break, markup."""


@given(st.text())
def test_a_line_is_one_line_of_printable_characters(text: str) -> None:
    assert one_line(text).isprintable()
    assert safe(text).replace("\n", "").isprintable()


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF)))
def test_nothing_in_markdown_is_active_or_invisible(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert not re.search(r"(?<!\\)[|`*\[\]<>~]", shown)
    assert code(text) in (shown, f"`{text}`")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A file of ads with a hostile name, and the same as the source of each ad."""
    texts, _ = make_texts(40, 6, seed=5)
    ads = make_ads(texts)
    at = ads.column_names.index("source")
    ads = ads.set_column(at, ads.schema.field("source"), [[NAME] * len(ads)])
    path = tmp_path / "in" / f"{NAME}.parquet"
    path.parent.mkdir()
    pq.write_table(ads, path)
    return path


def check(text: str) -> None:
    assert [c for c in text if not (c.isprintable() or c == "\n")] == []


@pytest.mark.parametrize(
    "command",
    [
        ("ingest", "HOSTILE", "-o", "OUT/NAME.ads.parquet"),
        ("match", "HOSTILE", "-o", "OUT/NAME.evidence.parquet", "--report", "OUT/NAME.md"),
        ("extract", "HOSTILE", "-o", "OUT/NAME.contacts.parquet"),
        ("link", "HOSTILE", "-o", "OUT/NAME.campaigns.parquet"),
        ("score", "MODEL", "HOSTILE", "-o", "OUT/NAME"),
    ],
    ids=lambda command: command[0],
)
def test_no_path_steers_the_terminal(
    run: Run,
    model_folder: Path,
    hostile: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("ADRISK_PROGRESS", "lines")
    places = {"HOSTILE": str(hostile), "MODEL": str(model_folder)}
    out = str(tmp_path / "out")
    given = [
        places.get(part, part.replace("OUT", out).replace("NAME", NAME) if "OUT" in part else part)
        for part in command
    ]
    told = run(*given)
    assert told.code == 0, told.err
    check(told.out + told.err)
    assert "\\u001b[2Jbad\\u000a\\u202e" in told.out


@pytest.mark.parametrize(
    "command",
    [
        ("score", NAME, NAME, "-o", "x"),
        ("ingest", NAME, "-o", "x.parquet"),
        ("report", NAME),
        ("campaigns", NAME),
        ("run", NAME),
        ("train", NAME),
        ("indicators", NAME),
        (NAME,),
        ("models", NAME),
        ("report", "x", f"--{NAME}"),
        ("explain", "model", RISKY, "--taxonomy", NAME),
    ],
)
def test_no_error_steers_the_terminal_or_takes_a_second_line(
    run: Run, command: tuple[str, ...]
) -> None:
    told = run(*command)
    assert told.code == 2
    check(told.err)
    only_line(told)


def test_notes_and_log_lines_are_shown_safely(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.set_progress("lines")
    try:
        progress.say(f"note of {NAME}")
    finally:
        progress.set_progress("off")
    noted = capsys.readouterr().err
    check(noted)
    assert noted.count("\n") == 1
    record = logging.LogRecord("a", logging.WARNING, "", 0, "%s", (NAME,), None)
    check(cli._SafeFormatter("%(message)s").format(record))


def tables_of(page: str) -> list[list[str]]:
    """The rows of each table of a Markdown page."""
    blocks = [block.splitlines() for block in page.split("\n\n")]
    return [[line for line in block if line.startswith("|")] for block in blocks if len(block) > 1]


def test_pages_of_rules_and_drift_hold_no_markup_from_a_name(
    run: Run, hostile: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.md"
    assert run("match", hostile, "-o", tmp_path / "e.parquet", "--report", rules).code == 0
    change = {"name": NAME, "training": 0.1, "batch": 0.9, "low": 0.5, "high": 0.9, "h": 1.0}
    aspect = {
        "name": "languages",
        "title": "languages",
        "measure": "psi",
        "effect": 0.5,
        "chance": 0.1,
        "verdict": "much drift",
        "matters": True,
        "drifted": True,
        "untold": False,
        "advice": "Look.",
        "moved": [NAME],
        "changes": [change],
    }
    found = {
        "adrisk_version": "0",
        "matters": [NAME],
        "model": {"family": NAME, "version": NAME, "fingerprint": "f", "target": NAME},
        "batch": {
            "ads": 9,
            "sources": [NAME],
            "quarantined": 0,
            "input_fingerprint": "f",
            "languages": {NAME: 9},
        },
        "training": {"ads": 9, "judged": 9, "words": 9},
        "aspects": [aspect],
        "limits": {"psi": {"name": "PSI", "some": 0.1, "much": 0.25, "reason": "usual"}},
        "unsupported_languages": {NAME: 3},
    }
    for text in (rules.read_text(encoding="utf-8"), drift_page(DriftResult.model_validate(found))):
        check(text)
        assert "<b>" not in text
        assert "![" not in text
        for table in tables_of(text):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) <= 1, table


def test_a_datasheet_holds_no_markup_from_a_name(run: Run, tmp_path: Path) -> None:
    out = tmp_path / f"{NAME}.parquet"
    assert run("ingest", "synthetic:20", "-o", out).code == 0
    (sheet,) = tmp_path.glob("*.datasheet.md")
    text = sheet.read_text(encoding="utf-8")
    check(text)
    assert "<b>" not in text
    assert "\n\\u" not in text


def test_json_holds_no_control_character(run: Run, hostile: Path, tmp_path: Path) -> None:
    told = run("ingest", hostile, "-o", tmp_path / f"{NAME}.parquet", "--json")
    check(told.out)
    assert told.out.isascii()
    assert json.loads(told.out)["ads"] == str(tmp_path / f"{NAME}.parquet")
