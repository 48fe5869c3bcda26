"""`--json`: every command prints exactly one JSON document on standard output, nothing else."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest

import adrisk.cli
from adrisk.cli.output import Output
from adrisk.cli.parser import make_parser
from adrisk.extract.pseudonyms import Pseudonymiser
from builders import RISKY, make_ads, make_texts
from command_line import Run

POLICY = "review_at: 0.{}\nurgent_at: 0.9\n"

CASES: dict[tuple[str, ...], tuple[tuple[str, ...], set[str]]] = {
    ("run",): (("CONFIG",), {"report", "queue", "model"}),
    ("ingest",): (("ADS", "-o", "OUT/a.parquet"), {"ads", "read", "quarantined", "notes"}),
    ("train",): (("TRAIN", "CORPUS"), {"model", "average_precision", "run"}),
    ("evaluate",): (
        ("MODEL", "CORPUS", "-o", "OUT/e", "--resamples", "20"),
        {"results", "average_precision", "target"},
    ),
    ("behave",): (("MODEL", "--suites", "SUITES"), {"functions", "all", "files"}),
    ("drift",): (("models:/adrisk/1", "CORPUS", "-o", "OUT/d"), {"matters", "aspects", "files"}),
    ("score",): (("MODEL", "ADS", "-o", "OUT/s"), {"counts", "queue", "run_id", "notes"}),
    ("explain",): (("MODEL", RISKY), {"risk", "evidence", "indicators"}),
    ("match",): (
        ("ADS", "-o", "OUT/m.parquet", "--report", "OUT/m.md"),
        {"findings", "rows", "rules"},
    ),
    ("extract",): (("ADS", "-o", "OUT/c.parquet"), {"findings", "rows", "quarantined"}),
    ("keys", "show"): ((), {"keys"}),
    ("keys", "rotate"): (("extract",), {"rotated"}),
    ("review", "open"): (
        ("PSEUDONYM", "--as", "A. Reviewer", "--reason", "a drill of the command line"),
        {"kind", "value"},
    ),
    ("review", "openings"): ((), {"openings"}),
    ("link",): (("ADS", "-o", "OUT/l.parquet"), {"campaigns", "links", "joined"}),
    ("indicators",): ((), {"indicators", "risk"}),
    ("campaigns",): (("SCORED",), {"queued", "campaigns"}),
    ("report",): (("SCORED", "-o", "OUT/r.html"), {"report"}),
    ("policy", "compare"): (("OLD", "NEW", "SCORED"), {"old", "new", "ads", "campaigns"}),
    ("policy", "simulate"): (("MODEL", "SCORED", "-o", "OUT/p.json"), {"points", "file"}),
    ("models", "list"): ((), {"store", "models"}),
    ("models", "show"): (("1",), {"version", "family", "evaluation"}),
    ("models", "promote"): (("2", "--because", "a drill"), {"champion", "replaced"}),
    ("doctor",): ((), {"healthy", "workspace", "python"}),
}
"""By command and action: further arguments, and keys that the document has."""

FURTHER = [
    (("indicators", "document_retention"), {"id", "title", "definition", "references"}),
    (("campaigns", "SCORED", "1"), {"campaign_id", "rank", "reasons", "riskiest_ad"}),
    (("campaigns", "SCORED", "--export", "OUT/x.parquet"), {"export", "campaigns"}),
    (("policy", "compare", "OLD", "NEW", "SCORED", "-o", "OUT/c.json"), {"file", "ads"}),
]


def commands() -> Iterator[tuple[str, ...]]:
    """Every command of the parser, with each of its actions."""
    (choice,) = (a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, parser in choice.choices.items():
        actions = [a.choices for a in parser._actions if a.dest == "action" and a.choices]
        yield from [(name, action) for action in actions[0]] if actions else [(name,)]


def test_every_command_of_the_parser_has_a_case() -> None:
    assert set(commands()) == set(CASES)


@dataclass(frozen=True)
class _FullRun:
    """What the flow of `adrisk run` returns, for a run that takes no minutes."""

    report: Path
    queue: Path
    model: str

    def in_words(self) -> str:
        return f"report {self.report}"


@pytest.fixture(scope="module")
def places(
    model_folder: Path, corpus_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A workspace with two models, a scored folder and what else the cases name."""
    place = tmp_path_factory.mktemp("json")
    texts, _ = make_texts(40, 6, seed=5)
    pq.write_table(
        make_ads([f"{text} Call +1 202 555 0143" for text in texts]), place / "ads.parquet"
    )
    (place / "train.yaml").write_text("name: tiny\nfamily: ngram\nparameters: {bits: 12}\n")
    (place / "run.yaml").write_text(
        "name: x\ncorpus: {sources: ['synthetic:10']}\ntrain: [{family: ngram}]\n"
        "score: {sources: ['synthetic:10']}\n"
    )
    for name, at in (("old", 2), ("new", 6)):
        (place / f"{name}.yaml").write_text(POLICY.format(at))
    (place / "suites").mkdir()
    suite = Path(__file__).parents[1] / "evaluation" / "behaviour" / "en.yaml"
    (place / "suites" / "en.yaml").write_text(suite.read_text(encoding="utf-8"), encoding="utf-8")
    found = {
        "WORKSPACE": place / "workspace",
        "CONFIG": place / "run.yaml",
        "TRAIN": place / "train.yaml",
        "CORPUS": corpus_file,
        "ADS": place / "ads.parquet",
        "MODEL": model_folder,
        "SCORED": place / "scored",
        "SUITES": place / "suites",
        "OLD": place / "old.yaml",
        "NEW": place / "new.yaml",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRISK_WORKSPACE", str(found["WORKSPACE"]))
        patch.setenv("ADRISK_PROGRESS", "off")
        policy = place / "score.yaml"
        policy.write_text(POLICY.format(3))
        for command in (
            ["train", found["TRAIN"], corpus_file],
            ["train", found["TRAIN"], corpus_file],
            ["score", model_folder, found["ADS"], "-o", found["SCORED"], "--policy", policy],
        ):
            assert adrisk.cli.main([str(part) for part in command]) == 0
        Pseudonymiser.open(found["WORKSPACE"], "extract")
    links = pq.read_table(place / "scored" / "links.parquet")
    pseudonym = next(name for name in links["contact"].to_pylist() if name)
    return {**{name: str(path) for name, path in found.items()}, "PSEUDONYM": pseudonym}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "keys"),
    [((*name, *more), keys) for name, (more, keys) in CASES.items()] + FURTHER,
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_json_is_one_document_and_nothing_else(
    run: Run,
    places: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    keys: set[str],
) -> None:
    monkeypatch.setenv("ADRISK_WORKSPACE", places["WORKSPACE"])

    def full(config: Path) -> _FullRun:
        sys.stdout.write("noise of a dependency")
        return _FullRun(config, config, "models:/adrisk/1")

    flows = ModuleType("adrisk_pipelines.full")
    flows.full = full  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "adrisk_pipelines.full", flows)
    given = [places.get(part, part.replace("OUT", str(tmp_path), 1)) for part in command]
    os.environ["PREFECT_HOME"] = str(tmp_path)
    told = run(*given, "--json")
    assert told.code == 0, told.err
    document = json.loads(told.out)
    assert keys <= set(document)
    assert "noise" not in told.out


def test_a_failure_prints_no_document(run: Run, tmp_path: Path) -> None:
    told = run("report", tmp_path, "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("adrisk: ")


def test_what_is_no_number_is_null_and_what_is_unknown_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(as_json=True)
    output.line("not printed")
    output.add(nan=float("nan"), path=Path("a"), more={"b": (1, 2.5)})
    output.finish()
    assert json.loads(capsys.readouterr().out) == {
        "nan": None,
        "path": "a",
        "more": {"b": [1, 2.5]},
    }
    output.add(unknown=object())
    with pytest.raises(TypeError, match="a document cannot hold a value"):
        output.finish()
