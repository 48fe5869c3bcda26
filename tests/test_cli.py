"""The command line: exit codes, one clear line on standard error, quiet pipes, a lean core.

Commands run in this process through `main`; a subprocess is started only where imports, signals
or real pipes are what is tested.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adrisk.cli
from adrisk.cli.show import _CORE, _EXTRAS
from adrisk.rules.taxonomy import load_taxonomy
from builders import HONEST, RISKY, make_ads, make_corpus_file, make_texts
from command_line import MAIN, Run, Told, one_line, separately, start

ROOT = Path(__file__).parents[1]
SUITES = ROOT / "evaluation" / "behaviour"
OPTIONAL = ("mlflow", "prefect", "transformers", "datasets", "ray", "pandas")
HEAVY = ("numpy", "torch", "pyarrow", "sklearn", "scipy", "pydantic", "mlflow", "prefect", "pandas")


@pytest.fixture(autouse=True)
def _environment_restored() -> Iterator[None]:
    """`main` sets variables for dependencies; they do not outlive a test."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def below_a_file(tmp_path: Path) -> Path:
    """A folder that nobody can make, root included."""
    blocker = tmp_path / "a-file"
    blocker.write_text("x")
    return blocker / "folder"


@pytest.fixture
def ads_file(tmp_path: Path) -> Path:
    texts, _ = make_texts(40, 6, seed=5)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts), path)
    return path


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training configuration without sources."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text("name: tiny\nfamily: ngram\nparameters: {bits: 12}\n")
    return path


@pytest.fixture(scope="module")
def workspace(training: Path, corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose registry has a champion and another version."""
    place = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRISK_WORKSPACE", str(place))
        patch.setenv("ADRISK_PROGRESS", "off")
        for _ in range(2):
            assert adrisk.cli.main(["train", str(training), str(corpus_file)]) == 0
    return place


@pytest.fixture
def registry(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADRISK_WORKSPACE", str(workspace))
    return workspace


# What is wrong is said in one line, with what to do, and exit code 2.


def test_an_unknown_command_names_the_nearest(run: Run) -> None:
    told = run("socre", "ads.csv")
    assert told.code == 2
    assert "did you mean 'score'" in one_line(told)


def test_without_a_command_one_line_leads_to_the_help(run: Run) -> None:
    told = run()
    assert told.code == 2
    assert one_line(told).endswith("see adrisk --help")


def test_an_option_that_does_not_exist_is_one_line(run: Run) -> None:
    told = run("report", "folder", "--pdf")
    assert told.code == 2
    assert "--pdf" in one_line(told)


WRONG = [
    (("ingest", "synthetik:10", "-o", "OUT/a.parquet"), "did you mean 'synthetic'"),
    (("ingest", "synthetic:ten", "-o", "OUT/a.parquet"), "synthetic:20000"),
    (("ingest", "synthetic:10?sead=1", "-o", "OUT/a.parquet"), "did you mean 'seed'"),
    (("ingest", "OUT/ads.cvs", "-o", "OUT/a.parquet"), "ads.cvs: no such file"),
    (("ingest", "ADS", "--map", "body", "-o", "OUT/a.parquet"), "expected NAME=COLUMN"),
    (("ingest", "ADS", "--map", "=text", "-o", "OUT/a.parquet"), "expected NAME=COLUMN"),
    (
        ("ingest", "ADS", "--map", "body=descr", "-o", "OUT/a.parquet"),
        "a column that does not exist",
    ),
    (("ingest", "ADS", "--map", "boddy=text", "-o", "OUT/a.parquet"), "no column 'boddy'"),
    (("ingest", "ADS", "-o", "BELOW/a.parquet"), "cannot be written to"),
    (("match", "ADS", "-o", "BELOW/e.parquet"), "cannot be written to"),
    (("extract", "ADS", "-o", "BELOW/c.parquet"), "cannot be written to"),
    (("link", "ADS", "-o", "BELOW/l.parquet"), "cannot be written to"),
    (("score", "MODEL", "OUT/nothing.csv", "-o", "OUT/s"), "nothing.csv: no such file"),
    (("score", "MODEL", "ADS", "-o", "BELOW"), "cannot be written to"),
    (("score", "no-such-model", "ADS", "-o", "OUT/s"), "no model no-such-model"),
    (("score", "MODEL", "-o", "OUT/s"), "name the ads after it"),
    (("score", "MODEL", "ADS", "-o", "OUT/s", "--workers", "-1"), "--workers must be 0 or more"),
    (("score", "MODEL", "ADS", "-o", "OUT/s", "--policy", "OUT/p.yaml"), "p.yaml cannot be read"),
    (("explain", "no-such-model", "a text"), "no model no-such-model"),
    (("explain", "MODEL", "  "), "the text is empty"),
    (("explain", "MODEL"), "is a model; name the ads after it"),
    (("explain", "models:/adrisk/1"), "models:/adrisk/1 is a model; name the ads"),
    (("explain", "no model is trained yet " * 20), "run adrisk train CONFIG first"),
    (("explain", "MODEL", "two", "texts"), "put the text in quotes"),
    (("evaluate", "MODEL", "ADS", "ADS", "-o", "OUT/e"), "one model and one file"),
    (("evaluate", "MODEL", "ADS", "-o", "OUT/e", "--resamples", "5"), "20"),
    (("evaluate", "MODEL", "ADS", "-o", "OUT/e", "--resamples", "0"), "20"),
    (("evaluate", "MODEL", "ADS", "-o", "OUT/e", "--resamples", "many"), "invalid int value"),
    (("evaluate", "MODEL", "ADS", "-o", "OUT/e", "--against", "none"), "no model none"),
    (("report", "OUT/nothing"), "no manifest.json"),
    (("indicators", "document_retenton"), "did you mean 'document_retention'"),
    (("models", "lst"), "did you mean 'list'"),
    (("run", "OUT/run.yaml"), "run.yaml cannot be read"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_wrong_usage_is_one_line_and_exit_code_2(
    run: Run,
    model_folder: Path,
    ads_file: Path,
    below_a_file: Path,
    tmp_path: Path,
    arguments: Sequence[str],
    message: str,
) -> None:
    places = {"OUT": tmp_path, "ADS": ads_file, "MODEL": model_folder, "BELOW": below_a_file}
    given = []
    for argument in arguments:
        first, slash, rest = argument.partition("/")
        given.append(f"{places[first]}{slash}{rest}" if first in places else argument)
    told = run(*given)
    assert (told.code, told.out) == (2, "")
    assert message in one_line(told)


def test_a_typo_in_a_run_configuration_names_the_nearest_key(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: x\ncorpus: {sources: ['synthetic:10']}\ntrain: [{family: ngram}]\n"
        "score: {sources: ['synthetic:10'], polcy: {capacity: 5}}\n"
    )
    told = run("run", path)
    assert told.code == 2
    assert "unknown key 'score.polcy' (did you mean 'policy'" in one_line(told)
    assert "prefect" not in told.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: x\nfamly: ngram\n", "did you mean 'family'?"),
        ("name: x\nfamily: ngrams\n", "did you mean 'ngram'?"),
        ("name: x\nfamily: ngram\nparameters: {bit: 12}\n", "did you mean 'bits'?"),
        ("name: x\nfamily: [ngram\n", "not valid YAML"),
        ("name: x\ncorpus: {sources: ['${ADRISK_NOT_SET}']}\n", "ADRISK_NOT_SET=... before"),
    ],
)
def test_a_typo_in_a_training_configuration_names_what_was_meant(
    run: Run, corpus_file: Path, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(content)
    told = run("train", path, corpus_file)
    assert told.code == 2
    line = one_line(told)
    assert str(path) in line
    assert message in line


def test_a_policy_out_of_order_says_what_to_swap(
    run: Run, model_folder: Path, ads_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("review_at: 0.9\nurgent_at: 0.5\n")
    told = run("score", model_folder, ads_file, "-o", tmp_path / "out", "--policy", path)
    assert told.code == 2
    assert "swap them or lower review_at" in one_line(told)
    assert not (tmp_path / "out").exists()


def test_an_empty_corpus_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    told = run("ingest", tmp_path / "empty.jsonl", "-o", tmp_path / "ads.parquet")
    assert told.code == 2
    assert "empty" in one_line(told)
    assert not (tmp_path / "ads.parquet").exists()


def test_a_corpus_of_nothing_but_bad_rows_points_at_the_quarantine(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "blank.jsonl").write_text('{"text": " "}\n' * 3)
    told = run("ingest", tmp_path / "blank.jsonl", "-o", tmp_path / "out" / "ads.parquet")
    assert told.code == 2
    assert "none of the 3 rows" in one_line(told)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quarantine.jsonl"]


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        (None, "has a risk label"),
        ([0] * 40, "have risk below 2"),
        ([3] * 40, "have risk 2 or more"),
    ],
)
def test_training_says_what_labels_are_missing(
    run: Run, training: Path, tmp_path: Path, risk: list[int] | None, message: str
) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(make_ads(make_texts(40, 8)[0], risk=risk), path)
    told = run("train", training, path)
    assert told.code == 2
    assert message in one_line(told)


def test_training_without_ads_says_where_they_can_be_named(run: Run, training: Path) -> None:
    told = run("train", training)
    assert told.code == 2
    assert "under corpus" in one_line(told)


@pytest.mark.parametrize("command", ["ingest", "match", "extract", "link"])
def test_a_source_is_never_written_over(run: Run, ads_file: Path, command: str) -> None:
    before = ads_file.read_bytes()
    told = run(command, ads_file, "-o", ads_file)
    assert ads_file.read_bytes() == before
    assert told.code == 2
    assert "ads.parquet" in one_line(told)


@pytest.mark.parametrize("command", ["ingest", "match", "extract", "link"])
def test_a_source_without_ads_is_refused_and_leaves_nothing(
    run: Run, tmp_path: Path, command: str
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("ad_id,text\n", encoding="utf-8")
    told = run(command, empty, "-o", tmp_path / "new.parquet")
    assert told.code == 2
    assert "holds no ads" in one_line(told)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["empty.csv"]


@pytest.mark.parametrize("command", [("models", "list"), ("score", "ADS", "-o", "OUT")])
def test_a_workspace_that_cannot_be_made_is_one_line(
    run: Run,
    ads_file: Path,
    below_a_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Sequence[str],
) -> None:
    monkeypatch.setenv("ADRISK_WORKSPACE", str(below_a_file))
    places = {"ADS": ads_file, "OUT": tmp_path / "out"}
    told = run(*(places.get(argument, argument) for argument in command))
    assert told.code == 2
    assert str(below_a_file) in one_line(told)


def test_an_interrupt_says_how_to_go_on(
    run: Run, model_folder: Path, ads_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import adrisk.api

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(adrisk.api, "score", interrupted)
    told = run("score", model_folder, ads_file, "-o", tmp_path / "out")
    assert told.code == 130
    assert "--resume" in one_line(told)


def test_resuming_clears_away_what_a_kill_left_half_written(
    run: Run, model_folder: Path, ads_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adrisk.scoring import parts

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(parts, "write_part", interrupted)
        assert run("score", model_folder, ads_file, "-o", out).code == 130
    (out / ".campaigns.parquet.0a1b2c3d.draft").touch()
    assert run("score", model_folder, ads_file, "-o", out, "--resume").code == 0
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []

    # Killed between the manifest, which is the last file, and the clearing up.
    state = json.loads((out / "manifest.json").read_text())["run_id"]
    (out / ".work").mkdir()
    (out / ".work" / "state.json").write_text(json.dumps({"run_id": state}))
    assert run("score", model_folder, ads_file, "-o", out, "--resume").code == 0
    assert not (out / ".work").exists()


# Every command does what it says.


def test_ingest_score_and_report_lead_from_ads_to_a_page(
    run: Run, model_folder: Path, ads_file: Path, tmp_path: Path
) -> None:
    table = tmp_path / "in" / "ads.parquet"
    told = run("ingest", ads_file, "-o", table)
    assert (told.code, told.err) == (0, "")
    assert "40 of 40 rows" in told.out
    assert pq.read_table(table).num_rows == 40

    told = run("score", model_folder, table, "-o", tmp_path / "out")
    assert (told.code, told.err) == (0, "")
    assert "scored      40 ads" in told.out
    assert f"adrisk report {tmp_path / 'out'}" in told.out
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]["scored"] == 40

    told = run("report", tmp_path / "out")
    assert told.code == 0
    assert told.out == f"report  {tmp_path / 'out' / 'report.html'}\n"
    assert RISKY in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    told = run("report", tmp_path / "out", "-o", tmp_path / "elsewhere.html")
    assert (tmp_path / "elsewhere.html").exists()


def test_columns_are_renamed_with_map_and_bad_rows_are_counted(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ads.csv"
    path.write_text('number,words\n1,"Kitchen help wanted, own room"\n2,\n3,"Night porter"\n')
    told = run(
        "ingest", path, "--map", "text=words", "--map", "ad_id=number", "-o", tmp_path / "a.parquet"
    )
    assert told.code == 0
    assert "2 of 3 rows" in told.out
    assert "1 rows (1 " in told.out
    assert pq.read_table(tmp_path / "a.parquet")["ad_id"].to_pylist() == ["1", "3"]


def test_match_extract_and_link_each_write_one_table(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ads.parquet"
    texts = [f"{RISKY}. Call +1 202 555 0143", f"{HONEST}. Call +1 (202) 555-0143", "Night porter"]
    pq.write_table(make_ads(texts), path)

    told = run("match", path, "-o", tmp_path / "evidence.parquet")
    assert (told.code, told.err) == (0, "")
    found = pq.read_table(tmp_path / "evidence.parquet").to_pylist()
    spans = [texts[0][f["start"] : f["end"]] for f in found if f["ad_id"] == "ad00000"]
    assert any("passport" in span for span in spans)

    told = run("extract", path, "-o", tmp_path / "contacts.parquet")
    assert (told.code, told.err) == (0, "")
    contacts = pq.read_table(tmp_path / "contacts.parquet").to_pylist()
    assert len({contact["key"] for contact in contacts}) == 1
    assert "value" not in contacts[0]
    assert not (Path(os.environ["ADRISK_WORKSPACE"]) / "access.jsonl").exists()

    told = run("link", path, "-o", tmp_path / "campaigns.parquet")
    assert (told.code, told.err) == (0, "")
    campaigns = pq.read_table(tmp_path / "campaigns.parquet")["campaign_id"].to_pylist()
    assert campaigns[0] == campaigns[1] != campaigns[2]
    links = pq.read_table(tmp_path / "campaigns.links.parquet").to_pylist()
    assert [link["campaign_id"] for link in links] == [campaigns[0]]
    assert "campaigns.links.parquet" in told.out


def test_linking_again_under_a_name_joins_the_campaigns_of_the_first_time(
    run: Run, tmp_path: Path
) -> None:
    text = "Night porter wanted at a hotel by the river, bring your papers, good team, free meals"
    ids = []
    for night in ("one", "two"):
        ads = make_ads([f"{text} {night}"])
        names = pa.array([f"{night}-0"])
        path = tmp_path / f"{night}.parquet"
        pq.write_table(ads.set_column(ads.column_names.index("ad_id"), "ad_id", names), path)
        out = tmp_path / f"{night}.campaigns.parquet"
        told = run("link", path, "-o", out, "--remember", "board", "--days", "30")
        assert (told.code, told.err) == (0, "")
        ids += pq.read_table(out).to_pylist()
    assert ids[0]["campaign_id"] == ids[1]["campaign_id"]
    assert [row["campaign_size"] for row in ids] == [1, 2]

    told = run("link", path, "-o", tmp_path / "c.parquet", "--days", "30")
    assert told.code == 2
    assert "--days needs --remember NAME" in one_line(told)


def test_plain_contacts_are_written_only_when_asked_and_the_access_is_logged(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(["Night porter, call +1 202 555 0143"]), path)
    told = run("extract", path, "--plain", "-o", tmp_path / "contacts.parquet")
    assert told.code == 0
    assert pq.read_table(tmp_path / "contacts.parquet")["value"].to_pylist() == ["+12025550143"]
    log = (Path(os.environ["ADRISK_WORKSPACE"]) / "access.jsonl").read_text()
    assert "extract --plain" in log
    assert "555" not in log + told.out


def test_indicators_lists_the_taxonomy_and_explains_an_entry(run: Run) -> None:
    told = run("indicators")
    assert told.code == 0
    lines = told.out.splitlines()
    assert [line.split()[0] for line in lines[: len(load_taxonomy())]] == [*load_taxonomy().ids]
    assert "  risk 2: at least 1 strong" in lines
    told = run("indicators", "document_retention")
    assert told.code == 0
    assert told.out.startswith("Identity documents held (document_retention)")
    for part in ("kind", "weight", "not", "source", "en", "es", "pt", "fr"):
        assert f"\n{part} " in told.out
    assert "fr  says the opposite  Le passeport reste toujours sur vous" in told.out


def test_a_platform_adds_to_the_taxonomy_from_the_command_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("blue teapot\n", encoding="utf-8")
    ours = tmp_path / "ours.yaml"
    ours.write_text("restricted: {minor_recruitment: list.txt}\n", encoding="utf-8")
    pq.write_table(make_ads(["A blue teapot", "Night porter"]), tmp_path / "ads.parquet")
    told = run("match", tmp_path / "ads.parquet", "--taxonomy", ours, "--report",
               tmp_path / "rules.md", "-o", tmp_path / "e.parquet")  # fmt: skip
    assert (told.code, told.err) == (0, "")
    (found,) = pq.read_table(tmp_path / "e.parquet").to_pylist()
    assert (found["indicator"], found["rule"]) == (
        "minor_recruitment",
        "platform.restricted.minor_recruitment",
    )
    assert "teapot" not in (tmp_path / "rules.md").read_text() + told.out
    told = run("indicators", "--taxonomy", tmp_path / "none.yaml")
    assert told.code == 2
    assert "none.yaml is not there" in told.err


def test_an_indicator_across_ads_says_from_when_it_is_seen_and_why(run: Run) -> None:
    told = run("indicators", "multi_location_velocity")
    assert "from     places 4, days 3\nbecause  Two places in three days" in told.out


def test_the_version_is_printed_without_a_command(run: Run) -> None:
    told = run("--version")
    assert (told.code, told.err, told.out) == (0, "", f"adrisk {adrisk.__version__}\n")


def test_doctor_names_versions_and_places(run: Run) -> None:
    told = run("doctor")
    assert (told.code, told.err) == (0, "")
    for name in ("workspace", "tracking", "contact key"):
        assert name in told.out
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package in _CORE:
        assert f"\n{package} " in told.out
        assert any(re.match(rf"{package}\W", need) for need in project["dependencies"])
    for package, extra in _EXTRAS.items():
        assert f"\n{package} " in told.out
        needs = project["optional-dependencies"][extra]
        assert any(re.match(rf"{package}\W", need) for need in needs)


def test_doctor_names_the_extra_that_brings_what_is_not_installed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adrisk.cli.show._version", lambda package: None)
    told = run("doctor")
    assert told.code == 1
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert "transformers not installed; pip install 'adrisk[encoder]' for it" in lines
    assert "mapie MISSING: pip install adrisk" in lines


def test_doctor_fails_where_nothing_can_be_kept(
    run: Run, below_a_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADRISK_WORKSPACE", str(below_a_file))
    told = run("doctor")
    assert told.code == 1
    assert "cannot be written to" in told.out


def test_explain_marks_the_words_and_never_accuses(run: Run, model_folder: Path) -> None:
    told = run("explain", model_folder, f"Night porter. {RISKY}.")
    assert (told.code, told.err) == (0, "")
    assert "«" in told.out
    assert "Identity documents held" in told.out
    assert told.out.endswith("A flag asks a person to look; it never accuses.\n")


def test_hostile_text_cannot_steer_the_terminal(run: Run, model_folder: Path) -> None:
    hostile = f"\x1b[2J\x1b]0;owned\x07{RISKY}\u202e txet\x9b31m \u2066hidden\u2069\r\b"
    told = run("explain", model_folder, hostile)
    assert told.code == 0
    assert [c for c in told.out if not (c.isprintable() or c == "\n")] == []
    for shown in ("\\u001b[2J", "\\u0007", "\\u202e", "\\u009b", "\\u2066", "\\u000d", "\\u0008"):
        assert shown in told.out


# The registry.


@pytest.mark.slow
def test_train_says_the_model_its_run_and_the_next_command(
    run: Run, training: Path, corpus_file: Path, registry: Path
) -> None:
    told = run("train", training, corpus_file)
    assert (told.code, told.err) == (0, "")
    uri = told.out.split()[1]
    assert uri.startswith("models:/adrisk/")
    assert f"sqlite:///{registry.resolve()}/mlflow.db" in told.out
    assert "risk as labelled in the corpus" in told.out
    assert told.out.endswith(f"adrisk score {uri} SOURCE -o DIR\n")


@pytest.mark.slow
def test_rows_that_cannot_be_ads_are_kept_with_their_reasons_in_a_file_that_is_named(
    run: Run, training: Path, corpus_file: Path, tmp_path: Path
) -> None:
    ads = pq.read_table(corpus_file, columns=["ad_id", "text", "risk"]).to_pylist()
    bad = tmp_path / "bad.jsonl"
    rows = [*ads, {"ad_id": "empty", "text": " ", "risk": 0}, {"ad_id": "new", "text": "x y z"}]
    bad.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {**ads[0], "risk": 9}]))
    told = run("train", training, bad)
    workspace = Path(os.environ["ADRISK_WORKSPACE"])
    (kept,) = workspace.glob("quarantine-*.jsonl")
    assert f"left out 2 rows that are not ads; the reasons are in {kept}\n" in told.out
    told = run("evaluate", "models:/adrisk/1", bad, "-o", tmp_path / "e", "--resamples", "20")
    assert (told.code, told.err) == (0, "")
    path = tmp_path / "e" / "quarantine.jsonl"
    assert f"left out 2 rows that are not ads; the reasons are in {path}\n" in told.out
    reasons = [json.loads(line)["reason"] for line in path.read_text().splitlines()]
    assert reasons == ["no text", "unknown risk"]
    assert kept.read_text() == path.read_text()
    told = run(
        "evaluate", "models:/adrisk/1", corpus_file, "-o", tmp_path / "f", "--resamples", "20"
    )
    assert "left out" not in told.out
    assert not (tmp_path / "f" / "quarantine.jsonl").exists()


@pytest.mark.slow
def test_models_are_listed_shown_compared_and_promoted(
    run: Run, corpus_file: Path, registry: Path, tmp_path: Path
) -> None:
    told = run("models", "list")
    assert (told.code, told.err) == (0, "")
    first = told.out.splitlines()[-1].split()
    assert first[:3] == ["1", "champion", "ngram"]

    told = run("models", "show", "1")
    assert "never evaluated" in told.out
    told = run("models", "promote", "2")
    assert told.code == 2
    assert "were not evaluated on the same ads" in one_line(told)
    assert "--on ADS" in one_line(told)

    for version in ("1", "2"):
        told = run(
            "evaluate", f"models:/adrisk/{version}", corpus_file, "-o", tmp_path / version,
            "--resamples", "20",
        )  # fmt: skip
        assert (told.code, told.err) == (0, "")
        assert "judged   48 ads" in told.out
        assert "single ads dealt at random" in told.out
        assert (tmp_path / version / "results.json").exists()
    told = run(
        "evaluate", "models:/adrisk/2", corpus_file, "-o", tmp_path / "both", "--resamples", "20",
        "--against", "models:/adrisk/1", "--suites", SUITES,
    )  # fmt: skip
    assert (told.code, told.err) == (0, "")
    assert " cases passed; " in told.out
    assert "<html" in (tmp_path / "both" / "behaviour.html").read_text()
    assert "ngram 2 against ngram 1, on 48 ads that neither saw" in told.out
    assert "no difference shown" in told.out
    assert (tmp_path / "both" / "comparison.json").exists()
    told = run("models", "show", "champion")
    assert "average_precision" in told.out
    assert "risk as labelled in the corpus" in told.out

    told = run("models", "promote", "2")
    assert told.code == 2
    assert "48 ads, 19 of them risky, are too few to judge it on" in one_line(told)
    more = make_corpus_file(tmp_path / "more.parquet", 320, 80, seed=9)
    ads = pq.read_table(more)
    ids = pa.array([f"other-{row}" for row in range(len(ads))])
    pq.write_table(ads.set_column(0, ads.schema.field(0), ids), more)
    told = run("models", "promote", "2", "--on", more)
    assert told.code == 2
    assert "no difference shown" in one_line(told)

    told = run("models", "promote", "2", "--because", "a drill", "--on", more)
    assert "compared on 320 ads that neither learned from, 80 of them risky" in told.out
    assert told.code == 0
    assert told.out.endswith("version 2 is the champion now\n")
    assert "version  2 of adrisk (champion)" in run("models", "show", "champion").out
    told = run("models", "promote", "2")
    assert told.code == 2
    assert "is the champion already" in one_line(told)


@pytest.mark.slow
def test_the_champion_scores_when_no_model_is_named(
    run: Run, registry: Path, ads_file: Path, tmp_path: Path
) -> None:
    told = run("score", ads_file, "-o", tmp_path / "out")
    assert (told.code, told.err) == (0, "")
    assert run("explain", RISKY).out.startswith("risk ")


def test_a_version_that_does_not_exist_is_named_with_those_that_do(
    run: Run, registry: Path, ads_file: Path, tmp_path: Path
) -> None:
    for reference in ("models:/adrisk/99", "models:/adrisk@chmpion"):
        told = run("score", reference, ads_file, "-o", tmp_path / "out")
        assert told.code == 2
        assert "it has" in one_line(told)
    told = run("models", "show")
    assert told.code == 2
    assert "needs a version number" in one_line(told)


def test_an_empty_registry_says_how_to_fill_it(run: Run, ads_file: Path, tmp_path: Path) -> None:
    assert "adrisk train CONFIG makes one" in run("models", "list").out
    told = run("score", ads_file, "-o", tmp_path / "out")
    assert told.code == 2
    assert "run adrisk train CONFIG first" in one_line(told)


# Processes of their own: imports, pipes, signals.


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    code = f"""
import sys
from adrisk.cli import main
try:
    main(["--help"])
except SystemExit as stopped:
    assert stopped.code == 0
print("loaded", [name for name in {HEAVY!r} if name in sys.modules])
"""
    with start(code) as process:
        out, err = process.communicate(timeout=60)
    assert err == ""
    assert out.endswith("loaded []\n")
    for name in ("run", "ingest", "train", "evaluate", "drift", "score", "explain", "match",
                 "extract", "link", "indicators", "report", "models", "doctor"):  # fmt: skip
        assert f"\n    {name}" in out


@pytest.mark.slow
def test_the_core_ingests_scores_and_reports_without_any_extra_installed(
    model_folder: Path, ads_file: Path, corpus_file: Path, training: Path, tmp_path: Path
) -> None:
    steps = [
        ["ingest", ads_file, "-o", tmp_path / "in" / "ads.parquet"],
        ["score", model_folder, tmp_path / "in" / "ads.parquet", "-o", tmp_path / "out"],
        ["report", tmp_path / "out"],
        ["explain", model_folder, RISKY],
        ["match", ads_file, "-o", tmp_path / "m.parquet"],
        ["extract", ads_file, "-o", tmp_path / "c.parquet"],
        ["link", ads_file, "-o", tmp_path / "l.parquet"],
        ["indicators"],
        ["doctor"],
        ["train", training, corpus_file],
        ["models", "list"],
        ["score", "models:/adrisk@champion", ads_file, "-o", tmp_path / "out2"],
        ["ingest", "hf:example/ads", "-o", tmp_path / "hub.parquet"],
        ["run", tmp_path / "run.yaml"],
    ]
    (tmp_path / "run.yaml").write_text(
        "name: x\ncorpus: {sources: ['synthetic:10']}\ntrain: [{family: ngram}]\n"
        "score: {sources: ['synthetic:10']}\n"
    )
    code = f"""
import importlib.abc, json, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
import adrisk, adrisk.model.model, adrisk.scoring.run, adrisk.ingest.run, adrisk.report.run
from adrisk.cli import main

for step in json.loads(sys.argv[1]):
    print("step", step[0], main(step), file=sys.stderr)
"""
    with start(code, json.dumps(steps, default=str)) as process:
        _, err = process.communicate(timeout=120)
    done = [line for line in err.splitlines() if line.startswith("step")]
    assert done[:9] == [f"step {step[0]} 0" for step in steps[:9]], err
    assert done[9:] == [f"step {step[0]} 2" for step in steps[9:]], err
    said = [line for line in err.splitlines() if line.startswith("adrisk:")]
    extras = ["tracking", "tracking", "tracking", "hub", "flows"]
    assert len(said) == len(extras), err
    for line, extra in zip(said, extras, strict=True):
        assert f"pip install 'adrisk[{extra}]'" in line
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.slow
def test_ads_are_scored_from_standard_input_and_a_pipe_stays_quiet(
    model_folder: Path, tmp_path: Path
) -> None:
    texts, truth = make_texts(30, 6, seed=3)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    told = separately(
        "score", model_folder, "-", "-o", tmp_path / "out", given=lines, ADRISK_PROGRESS=""
    )
    assert (told.code, told.err) == (0, "")
    risk = pq.read_table(tmp_path / "out" / "scores")["risk"].to_numpy()
    assert risk[truth].min() > risk[~truth].max()


@pytest.mark.slow
def test_progress_is_told_in_lines_on_standard_error_alone(
    model_folder: Path, ads_file: Path, tmp_path: Path
) -> None:
    told = separately(
        "score", model_folder, ads_file, "-o", tmp_path / "out", ADRISK_PROGRESS="lines"
    )
    assert told.code == 0
    stages = [line.partition(": ")[0] for line in told.err.splitlines()]
    assert stages[stages.index("score") :][:2] == ["score", "campaigns"]
    assert "score: 100% 40/40" in told.err
    assert "\r" not in told.err
    assert {line[:4] for line in told.out.splitlines()} >= {"scor", "queu", "quar", "next"}


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error() -> None:
    with start(MAIN, "indicators") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


IN_SMALL_PARTS = """
import sys
from adrisk.cli import main
from adrisk import layout
layout.PART_ROWS, layout.BATCH_ROWS = 1024, 256
sys.exit(main(sys.argv[1:]))
"""

STOPPED = (
    """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background has it ignored
kind, seen = int(sys.argv.pop(1)), sys.argv.pop(1)
there = []

def stop_once_there(event, arguments):
    if there:
        there.clear()
        os.kill(os.getpid(), kind)
    elif event == "os.rename" and os.fspath(arguments[1]) == seen:
        there.append(seen)

sys.addaudithook(stop_once_there)
"""
    + IN_SMALL_PARTS
)
"""The same, stopped by a signal to itself just after it put a file in its place."""


@pytest.fixture(scope="module")
def long_run(
    model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, bytes]]:
    """The arguments of a run of five parts, and the files of one that nobody stopped."""
    place = tmp_path_factory.mktemp("long")
    texts, _ = make_texts(1_000, 60, seed=21)
    pq.write_table(make_ads(texts), place / "ads.parquet")
    arguments = ["score", str(model_folder), str(place / "ads.parquet"), "synthetic:4000?seed=3"]
    with start(
        IN_SMALL_PARTS, *arguments, "-o", place / "whole", ADRISK_WORKSPACE=str(place / "ws")
    ) as process:
        assert process.wait(timeout=120) == 0
    return arguments, contents(place / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (signal.SIGKILL, ".work/state.json"),
        (signal.SIGKILL, "scores/part-00001.parquet"),
        (signal.SIGKILL, "flags.parquet"),
        (signal.SIGINT, "scores/part-00000.parquet"),
    ],
)
def test_a_run_that_was_killed_and_resumed_leaves_equal_files(
    run: Run,
    long_run: tuple[list[str], dict[str, bytes]],
    tmp_path: Path,
    kind: signal.Signals,
    seen: str,
) -> None:
    arguments, whole = long_run
    out = tmp_path / "out"
    # The same key as the whole run's: links name contacts by their pseudonyms.
    shutil.copytree(Path(arguments[2]).parent / "ws", os.environ["ADRISK_WORKSPACE"])
    with start(STOPPED, kind.value, out / seen, *arguments, "-o", out) as process:
        _, err = process.communicate(timeout=60)
    assert (out / seen).exists()
    assert not (out / "manifest.json").exists()
    if kind == signal.SIGINT:
        assert process.returncode == 130
        assert "--resume" in one_line(Told(130, "", err))

    refused = run(*arguments, "-o", out)
    assert refused.code == 2
    assert "add --resume" in one_line(refused)

    with start(IN_SMALL_PARTS, *arguments, "-o", out, "--resume") as process:
        assert process.communicate(timeout=120)[1] == ""
    assert process.returncode == 0
    assert contents(out) == whole
