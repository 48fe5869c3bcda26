"""Scoring: the files and columns promised, equal bytes after a stop, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from adrisk import api as stages
from adrisk import batch, layout, schema
from adrisk.api import score as score_stage
from adrisk.errors import CorpusError, ModelError, RunError, SourceError, UsageError
from adrisk.model import explain
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.rules import match
from adrisk.scoring import parts
from adrisk.types import State
from builders import RISKY, make_ads, make_texts

POLICY = PolicyConfig(review_at=0.5, urgent_at=0.85, capacity=20)


@pytest.fixture
def ads_file(tmp_path: Path) -> Path:
    texts, _ = make_texts(120, 12, seed=8)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts), path)
    return path


@pytest.fixture
def model(model_folder: Path) -> Model:
    return Model.load(model_folder)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 32 ads in batches of 16, so that a small file has several."""
    monkeypatch.setattr(layout, "PART_ROWS", 32)
    monkeypatch.setattr(layout, "BATCH_ROWS", 16)


def run(model: Model, source: Path, out: Path, **options: object):
    return score_stage(
        model,
        [str(source)],
        out,
        out.parent / "ws",
        policy=POLICY,
        **options,  # type: ignore[arg-type]
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_exactly_the_promised_files_and_columns_are_written(
    model: Model, ads_file: Path, tmp_path: Path
) -> None:
    done = run(model, ads_file, tmp_path / "out")
    names = sorted(contents(done.folder))
    assert names == [
        "apart.parquet",
        "campaign_facts.parquet",
        "campaigns.parquet",
        "flags.parquet",
        "links.parquet",
        "manifest.json",
        "quarantine.jsonl",
        "scores/part-00000.parquet",
    ]
    scores = pq.read_table(done.folder / "scores")
    assert scores.schema.equals(schema.scores(model.labels), check_metadata=False)
    flags = pq.read_table(done.folder / "flags.parquet")
    assert flags.schema.equals(schema.FLAGS)
    assert pq.read_schema(done.folder / "campaigns.parquet").equals(schema.CAMPAIGNS)
    for table in (flags, pq.read_table(done.folder / "campaigns.parquet")):
        assert table["ad_id"].to_pylist() == scores["ad_id"].to_pylist()
    assert {"urgent", "clear"} <= set(flags["level"].to_pylist())
    assert all(flags["reasons"].to_pylist())


def test_evidence_is_given_for_flagged_ads_only_and_cuts_out_their_words(
    model: Model, ads_file: Path, tmp_path: Path
) -> None:
    done = run(model, ads_file, tmp_path / "out")
    scores = pq.read_table(done.folder / "scores").to_pylist()
    texts = dict(
        zip(*(pq.read_table(ads_file)[c].to_pylist() for c in ("ad_id", "text")), strict=True)
    )
    flags = pq.read_table(done.folder / "flags.parquet").to_pylist()
    levels = {flag["ad_id"]: flag["level"] for flag in flags}
    flagged = [ad for ad in scores if levels[ad["ad_id"]] in ("review", "urgent")]
    assert len(flagged) >= 8
    assert all(ad["evidence"] is None for ad in scores if ad not in flagged)
    for ad in flagged:
        text = texts[ad["ad_id"]]
        for e in ad["evidence"]:
            assert 0 <= e["start"] < e["end"] <= len(text)
            assert text[e["start"] : e["end"]].strip()
        moved = [e for e in ad["evidence"] if e["strength"] > 0]
        assert moved or ad["risk"] < POLICY.review_at, ad["ad_id"]
        # What moved the risk is the phrase that makes these ads risky, not the words around it.
        strongest = max((e for e in moved if e["indicator"] == "risk"), key=lambda e: e["strength"])
        assert text[strongest["start"] : strongest["end"]].strip(" .") in RISKY


@pytest.mark.parametrize(
    ("margins", "told"), [((-9.0, 9.0), False), ((-30.0, -20.0), True), ((20.0, 30.0), True)]
)
def test_a_threshold_outside_what_a_cascade_rereads_is_told(
    model: Model, ads_file: Path, tmp_path: Path, margins: tuple[float, float], told: bool
) -> None:
    band = dict(zip(("reread_from", "reread_to"), expit(margins).tolist(), strict=True))
    cascade = replace(model, manifest=model.manifest.model_copy(update={"facts": band}))
    notes = run(cascade, ads_file, tmp_path / "out").notes
    wanted = "review threshold 0.500 lies outside what this cascade reads a second time"
    assert [note.startswith(wanted) for note in notes] == [True] * told


def test_no_text_and_no_contact_is_in_any_output(
    model: Model, ads_file: Path, tmp_path: Path
) -> None:
    ads = pq.read_table(ads_file).to_pydict()
    ads["text"] = [t + " Call +1 202 555 0143 or ann@example.org" for t in ads["text"]]
    pq.write_table(make_ads(ads["text"]), ads_file)
    done = run(model, ads_file, tmp_path / "out")
    for path in done.folder.rglob("*.parquet"):
        words = " ".join(
            str(v) for column in pq.read_table(path).columns for v in column.to_pylist()
        )
        for secret in (
            "passport until",
            "written contract",
            "555 0143",
            "2025550143",
            "example.org",
        ):
            assert secret not in words


@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_a_run_stopped_anywhere_and_resumed_gives_equal_bytes(
    model: Model,
    ads_file: Path,
    tmp_path: Path,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
    stop_after: int,
) -> None:
    whole = run(model, ads_file, tmp_path / "whole", workers=2)
    write, written = parts.write_part, []

    def stopping(*args: object) -> None:
        if len(written) == stop_after:
            raise KeyboardInterrupt
        write(*args)
        written.append(1)

    monkeypatch.setattr(parts, "write_part", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(model, ads_file, tmp_path / "stopped", workers=1)
    assert not (tmp_path / "stopped" / "manifest.json").exists()
    monkeypatch.setattr(parts, "write_part", write)
    with pytest.raises(UsageError, match="add --resume"):
        run(model, ads_file, tmp_path / "stopped")
    resumed = run(model, ads_file, tmp_path / "stopped", resume=True)
    assert contents(resumed.folder) == contents(whole.folder)
    assert len(json.loads(resumed.manifest.read_text())["parts"]) == 4


def test_parts_give_the_same_scores_as_one_piece(
    model: Model, ads_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = pq.read_table(run(model, ads_file, tmp_path / "one").folder / "scores")
    monkeypatch.setattr(layout, "PART_ROWS", 50)
    many = pq.read_table(run(model, ads_file, tmp_path / "many").folder / "scores")
    assert one["ad_id"].equals(many["ad_id"])
    np.testing.assert_allclose(one["risk"].to_numpy(), many["risk"].to_numpy(), atol=1e-6)


def test_resuming_a_finished_run_changes_nothing(
    model: Model, ads_file: Path, tmp_path: Path
) -> None:
    first = run(model, ads_file, tmp_path / "out")
    before = contents(first.folder)
    again = run(model, ads_file, tmp_path / "out", resume=True)
    assert contents(first.folder) == before
    assert again.run_id == first.run_id
    with pytest.raises(UsageError, match="not empty"):
        run(model, ads_file, tmp_path / "out")


def test_a_state_that_names_no_inputs_is_not_trusted(
    model: Model, ads_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / ".work").mkdir(parents=True)
    (out / ".work" / "state.json").write_text('{"run_id": "another"}')
    with pytest.raises(UsageError, match="cannot be gone on with"):
        run(model, ads_file, out, resume=True)


def test_a_text_is_folded_matched_and_searched_for_contacts_once(
    model: Model, ads_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def counted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def counting(texts: Any, *rest: Any) -> Any:
            asked[name] += len(texts)
            return work(texts, *rest)

        return counting

    for module, name in ((match, "match_language"), (batch, "masked_column")):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    monkeypatch.setattr(batch, "fold_column", counted("fold_column", batch.fold_column))
    monkeypatch.setattr(explain, "fold", counted("fold", explain.fold))
    done = run(model, ads_file, tmp_path / "out", workers=1)
    assert done.counts.urgent > 8
    texts = len(set(pq.read_table(ads_file)["text"].to_pylist()))
    assert asked.pop("fold") > 0  # with offsets, of flagged texts alone
    assert asked == dict.fromkeys(("match_language", "masked_column", "fold_column"), texts)


def test_evidence_is_that_of_the_text_alone(model: Model, ads_file: Path, tmp_path: Path) -> None:
    done = run(model, ads_file, tmp_path / "out")
    texts = dict(
        zip(*(pq.read_table(ads_file)[c].to_pylist() for c in ("ad_id", "text")), strict=True)
    )
    explained = [ad for ad in pq.read_table(done.folder / "scores").to_pylist() if ad["evidence"]]
    assert len(explained) >= 8
    for ad in explained:
        likely = {label: ad[f"p_{label}"] for label in model.labels}
        alone = explain.evidence_of(
            model, batch.make_batch([texts[ad["ad_id"]]], [ad["language"]]), likely
        )
        assert [tuple(e.values()) for e in ad["evidence"]] == [
            (e.indicator, e.start, e.end, np.float32(e.strength), e.found_by)
            for e in alone
            if e.state is State.PRESENT
        ]


def test_a_wrong_source_leaves_no_folder(model: Model, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        run(model, tmp_path / "nothing.parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_corpus_without_a_single_ad_says_why(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ads.jsonl"
    path.write_text('{"text": ""}\n{"text": "   "}\n')
    with pytest.raises(CorpusError, match="none of the 2 rows"):
        run(model, path, tmp_path / "out")
    assert sorted(contents(tmp_path / "out")) == ["quarantine.jsonl"]
    assert len((tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()) == 2


def test_hostile_and_odd_ads_are_scored_and_broken_ones_kept_aside(
    model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "ads.jsonl"
    odd = ["يعمل الآن", "😀" * 500, "<script>alert(1)</script>", "\u202egnp", "x" * 30_000, "招聘"]
    rows = [json.dumps({"text": t}) for t in [*odd, "y" * 5_000_000]] + ["{broken"]
    path.write_text("\n".join(rows), encoding="utf-8")
    done = run(model, path, tmp_path / "out")
    assert done.counts.scored == len(odd)
    assert done.counts.quarantined == 2
    manifest = json.loads(done.manifest.read_text())
    assert manifest["counts"]["truncated"] == 1


def test_unknown_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model nowhere"):
        stages.find_model("nowhere", tmp_path)
    with pytest.raises(ModelError, match="names no version"):
        stages.find_model("models:/adrisk", tmp_path)
    with pytest.raises(ModelError, match="it is empty"):
        stages.find_model(None, tmp_path)


@pytest.mark.slow
def test_processes_and_threads_write_equal_bytes(
    model: Model, ads_file: Path, tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = run(model, ads_file, tmp_path / "threads", workers=2)
    monkeypatch.setattr(layout, "MANY_ADS", 50)
    processes = run(model, ads_file, tmp_path / "processes", workers=2)
    assert contents(processes.folder) == contents(threads.folder)


@pytest.mark.slow
def test_a_model_replaced_while_ads_are_scored_fails_the_run(
    model_folder: Path, ads_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, retrained = tmp_path / "model", tmp_path / "retrained"
    shutil.copytree(model_folder, folder)
    model = Model.load(folder)
    retrained.mkdir()
    replace(model, manifest=model.manifest.model_copy(update={"name": "another"})).save(retrained)
    shutil.rmtree(folder)
    retrained.rename(folder)
    monkeypatch.setattr(layout, "MANY_ADS", 50)
    with pytest.raises(RunError, match="model changed while ads were scored") as failed:
        run(model, ads_file, tmp_path / "out", workers=2)
    assert failed.value.exit_code == 1
    assert "\n" not in str(failed.value)
    assert not (tmp_path / "out" / "manifest.json").exists()
