"""What goes wrong is one line and a promised exit code, and nothing of another command is lost."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import adrisk.api
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.ruleset import load_ruleset
from builders import RISKY, make_ads, make_texts
from command_line import MAIN, Run, one_line

DEEP = "[" * 100_000


@pytest.fixture
def ads_file(tmp_path: Path) -> Path:
    texts, _ = make_texts(40, 6, seed=5)
    path = tmp_path / "in" / "ads.parquet"
    path.parent.mkdir()
    pq.write_table(make_ads(texts), path)
    return path


# A platform's taxonomy that a model needs.


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A platform's taxonomy, a corpus labelled with its indicator, and a model that learned it."""
    from adrisk.api import fit_model, load_corpus
    from adrisk.config import ModelConfig
    from adrisk.training.train import split_corpus

    place = tmp_path_factory.mktemp("platform")
    ours = place / "ours.yaml"
    entry = {
        "id": "key_deposit",
        "scope": "text",
        "kind": "e",
        "weight": "weak",
        "source": "our reviewers",
        "title": dict.fromkeys(LANGUAGES, "Deposit for keys"),
        "definition": dict.fromkeys(LANGUAGES, "A deposit is taken for the keys of the room."),
        "contrast": "Anything else.",
    }
    ours.write_text(yaml.safe_dump({"indicators": [entry]}), encoding="utf-8")
    texts, truth = make_texts(240, 60)
    found: list[list[str] | None] = [["key_deposit"] if t else ["worker_protection"] for t in truth]
    corpus_file = place / "corpus.parquet"
    pq.write_table(make_ads(texts, risk=np.where(truth, 3, 0), indicators=found), corpus_file)
    corpus = load_corpus([str(corpus_file)], rules=load_ruleset(ours))
    model = fit_model(
        ModelConfig(family="ngram", parameters={"bits": 12}), corpus, split_corpus(corpus, 0)
    )
    (place / "model").mkdir()
    model.save(place / "model")
    assert "key_deposit" in model.labels
    return ours, corpus_file, place / "model"


@pytest.mark.parametrize(
    "command",
    [
        ("score", "MODEL", "ADS", "-o", "OUT/new"),
        ("explain", "MODEL", RISKY),
        ("evaluate", "MODEL", "CORPUS", "-o", "OUT/new", "--resamples", "20"),
        ("evaluate", "PLAIN", "CORPUS", "-o", "OUT/new", "--against", "MODEL"),
    ],
)
def test_a_model_whose_taxonomy_was_not_given_is_refused_before_any_work(
    run: Run,
    platform: tuple[Path, Path, Path],
    model_folder: Path,
    ads_file: Path,
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    _, corpus, model = platform
    places = {"MODEL": model, "ADS": ads_file, "CORPUS": corpus, "PLAIN": model_folder}
    new = tmp_path / "new"
    given = [places.get(part, new if part == "OUT/new" else part) for part in command]
    told = run(*given)
    assert (told.code, told.out) == (2, "")
    line = one_line(told)
    assert "key_deposit" in line
    assert "--taxonomy OUR.yaml" in line
    assert not new.exists()


def test_with_its_taxonomy_the_model_works_and_the_report_is_made_without_it_too(
    run: Run, platform: tuple[Path, Path, Path], ads_file: Path, tmp_path: Path
) -> None:
    ours, _, model = platform
    assert run("explain", model, RISKY, "--taxonomy", ours).code == 0
    told = run("score", model, ads_file, "-o", tmp_path / "out", "--taxonomy", ours)
    assert (told.code, told.err) == (0, "")
    os.environ |= {"ADRISK_TAXONOMY": "", "ADRISK_PROGRESS": "lines"}
    assert "does not have key_deposit" in run("report", tmp_path / "out").err
    for command in (["report", tmp_path / "out"], ["campaigns", tmp_path / "out"]):
        assert run(*command).code == 0


# What the machine or its user does.


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (MemoryError(), 1, "out of memory"),
        (RecursionError(), 1, "nested too deeply"),
        (OSError(errno.ENOSPC, "No space left on device", "/disk/file"), 1, "/disk/file: No space"),
        (OSError("a reason of a library"), 1, "a reason of a library"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_whatever_stops_a_command_is_one_line(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    failure: BaseException,
    code: int,
    message: str,
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(adrisk.api, "ingest", failing)
    told = run("ingest", "synthetic:10", "-o", tmp_path / "ads.parquet")
    assert (told.code, told.out) == (code, "")
    assert message in one_line(told)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "keys", "show"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("adrisk: No space left on device")
    assert done.stderr.count("\n") == 1


def test_a_short_answer_to_a_reader_that_left_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "keys", "show"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_whose_manifest_is_nested_too_deeply_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"run_id": ' + DEEP)
    for command in ("report", "campaigns"):
        told = run(command, tmp_path)
        assert told.code == 2
        assert "manifest.json" in one_line(told)


# Outputs beside and over one another.


@pytest.fixture
def bad_rows(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jsonl"
    rows = [
        {"ad_id": "a", "text": "Night porter, call +1 202 555 0143"},
        {"ad_id": "b", "text": " "},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def good_rows(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text(json.dumps({"ad_id": "a", "text": "Night porter"}) + "\n")
    return path


def rows_of(path: Path) -> list[str]:
    return [json.loads(line)["output"] for line in path.read_text().splitlines()]


def test_commands_that_write_into_one_folder_keep_each_others_quarantine(
    run: Run, bad_rows: Path, good_rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for command in ("ingest", "match", "extract", "link"):
        assert run(command, bad_rows, "-o", out / f"{command}.parquet").code == 0
    quarantines = {path.name: rows_of(path) for path in out.glob("*quarantine*")}
    assert quarantines == {
        "quarantine.jsonl": ["ingest.parquet"],
        "match.quarantine.jsonl": ["match.parquet"],
        "extract.quarantine.jsonl": ["extract.parquet"],
        "link.quarantine.jsonl": ["link.parquet"],
    }
    told = run("extract", good_rows, "-o", out / "extract.parquet")
    assert str(out / "extract.quarantine.jsonl") in told.out
    assert rows_of(out / "extract.quarantine.jsonl") == []
    assert rows_of(out / "quarantine.jsonl") == ["ingest.parquet"]
    run("ingest", bad_rows, "-o", out / "ingest.parquet")
    assert rows_of(out / "quarantine.jsonl") == ["ingest.parquet"]
    run("ingest", good_rows, "-o", out / "ingest.parquet")
    assert rows_of(out / "quarantine.jsonl") == []


def test_the_quarantine_of_a_scored_folder_stays_its_own(
    run: Run, model_folder: Path, bad_rows: Path, good_rows: Path, tmp_path: Path
) -> None:
    for source, kept in ((bad_rows, 1), (good_rows, 0)):
        out = tmp_path / source.stem
        assert run("score", model_folder, source, "-o", out).code == 0
        before = (out / "quarantine.jsonl").read_bytes()
        assert before.count(b"\n") == kept
        run("extract", bad_rows, "-o", out / "contacts.parquet")
        assert (out / "quarantine.jsonl").read_bytes() == before
        assert rows_of(out / "contacts.quarantine.jsonl") == ["contacts.parquet"]


@pytest.mark.parametrize(
    "command",
    [
        ("drift", "MODEL", "ADS", "-o", "OUT"),
        ("score", "MODEL", "ADS", "-o", "OUT"),
        ("evaluate", "MODEL", "ADS", "-o", "OUT"),
        ("behave", "MODEL", "-o", "OUT"),
    ],
)
def test_no_command_fills_a_folder_that_holds_something(
    run: Run, model_folder: Path, ads_file: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "drift.json").write_text("kept")
    places = {"MODEL": model_folder, "ADS": ads_file, "OUT": out}
    told = run(*(places.get(part, part) for part in command))
    assert told.code == 2
    assert "exists and is not empty; choose a new folder with -o" in one_line(told)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("drift.json", "kept")]


# For the owner's eyes.


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_plain_contacts_and_texts_that_wait_are_for_the_owner_alone(
    run: Run,
    model_folder: Path,
    ads_file: Path,
    bad_rows: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adrisk.scoring import tables

    seen: dict[str, int] = {}
    contacts = tmp_path / "contacts.parquet"
    contacts.touch(0o644)
    original = tables._rows

    def looking(*given: object) -> object:
        seen.update({path.name: mode(path) for path in tmp_path.glob(".contacts*.draft")})
        return original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(tables, "_rows", looking)
    assert run("extract", bad_rows, "--plain", "-o", contacts).code == 0
    assert mode(contacts) == 0o600
    assert set(seen.values()) == {0o600}

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["adrisk.scoring.run"], "flag_parts", stopped)
    assert run("score", model_folder, ads_file, "-o", tmp_path / "out").code == 130
    work = tmp_path / "out" / ".work"
    assert mode(work) == 0o700
    for suffix in ("candidates", "contacts"):
        assert {mode(path) for path in work.glob(f"*.{suffix}")} == {0o600}
