"""`adrisk extract` and `adrisk keys`, as typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adrisk.cli import main
from builders import make_ads

AD = "Cook in Leeds, £12 an hour, 9am-5pm. Call 2O2 555 OI43 or a@example.org"
PLAIN = ("+12025550143", "a@example.org")


def extract(tmp_path: Path, *more: str) -> list[dict[str, object]]:
    ads, out = tmp_path / "ads.parquet", tmp_path / "findings.parquet"
    pq.write_table(make_ads([AD]), ads)
    assert main(["extract", str(ads), "-o", str(out), *more]) == 0
    return list(pq.read_table(out).to_pylist())


def workspace() -> Path:
    return Path(os.environ["ADRISK_WORKSPACE"])


def test_extract_writes_every_finding_as_a_span_and_only_contacts_have_a_key(
    tmp_path: Path,
) -> None:
    rows = extract(tmp_path)
    assert [list(row) for row in rows[:1]] == [["ad_id", "kind", "start", "end", "obscured", "key"]]
    assert [(row["kind"], AD[row["start"] : row["end"]]) for row in rows] == [
        ("place", "Leeds"),
        ("wage", "£12 an hour"),
        ("hours", "9am-5pm"),
        ("phone", "2O2 555 OI43"),
        ("email", "a@example.org"),
    ]
    assert [row["key"] is not None for row in rows] == [False, False, False, True, True]
    assert [row["obscured"] for row in rows] == [False, False, False, True, False]


def test_nothing_that_extract_leaves_behind_holds_a_plain_contact(tmp_path: Path) -> None:
    extract(tmp_path)
    for path in [tmp_path / "findings.parquet", *workspace().rglob("*")]:
        if path.is_file():
            assert all(value.encode() not in path.read_bytes() for value in PLAIN), path


def test_plain_values_are_logged_by_whom_when_and_how_many_and_not_themselves(
    tmp_path: Path,
) -> None:
    rows = extract(tmp_path, "--plain")
    assert [row["value"] for row in rows if row["key"]] == list(PLAIN)
    assert all(row["value"] is None for row in rows if not row["key"])
    log = workspace() / "access.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [sorted(line) for line in lines] == [["at", "user", "what"]] * 2
    assert "begins" in lines[0]["what"]
    assert "5 findings" in lines[1]["what"]
    assert log.stat().st_mode & 0o777 == 0o600
    assert all(value not in log.read_text() for value in PLAIN)
    extract(tmp_path, "--plain")
    assert len(log.read_text().splitlines()) == 4  # appended, never replaced


def test_keys_are_shown_without_themselves_and_rotated_one_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = extract(tmp_path)
    assert main(["keys", "show"]) == 0
    shown = capsys.readouterr().out
    assert "extract" in shown
    secret = (workspace() / "keys" / "extract.key").read_text().split()[2]
    assert secret not in shown
    assert main(["keys", "rotate", "extract"]) == 0
    assert "do not match" in capsys.readouterr().out
    after = extract(tmp_path)
    assert {row["key"] for row in before if row["key"]}.isdisjoint(row["key"] for row in after)
    log = (workspace() / "access.jsonl").read_text()
    assert "keys rotate extract" in log


@pytest.mark.parametrize("arguments", [["rotate"], ["rotate", "campaigns"], ["rotate", "../x"]])
def test_a_key_that_is_not_there_or_not_named_is_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", *arguments]) == 2
    assert "adrisk: " in capsys.readouterr().err
