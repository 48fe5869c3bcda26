"""`adrisk drift`: what is written, what is refused, and that a registered model can be asked."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adrisk.cli
from adrisk import api as stages
from adrisk.errors import ModelError
from adrisk.evaluation.drift.results import KINDS, DriftResult
from adrisk.evaluation.drift.run import drift_page, drift_table, groups_of
from adrisk.model.model import Model
from adrisk.model.profile import FILE
from adrisk.training.train import split_corpus, training_profile
from builders import make_ads, make_texts


@pytest.fixture(scope="module")
def with_summary(
    model_folder: Path, corpus_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The model of the corpus file, saved with a summary of it."""
    corpus = stages.load_corpus([str(corpus_file)])
    model = Model.load(model_folder)
    summary = training_profile(model, corpus, split_corpus(corpus, 0))
    folder = tmp_path_factory.mktemp("summarised")
    replace(model, profile=summary).save(folder)
    return folder


def ads_file(path: Path, texts: list[str], language: str = "en") -> Path:
    pq.write_table(make_ads(texts, language=language), path)
    return path


def asked(*arguments: object) -> int:
    return adrisk.cli.main(["drift", *map(str, arguments)])


def test_a_summary_is_listed_with_its_hash_and_counts_the_three_training_sets(
    with_summary: Path, tmp_path: Path
) -> None:
    model = Model.load(with_summary)
    assert FILE in model.manifest.files
    assert model.profile is not None
    assert model.profile.counts.ads == 192  # of 240; the last fifth in time is the report set
    assert model.profile.counts.judged.sum() == 192 - model.manifest.trained_on.ads
    (with_summary / FILE).rename(tmp_path / "away")
    with pytest.raises(ModelError, match="summary.safetensors is missing"):
        Model.load(with_summary)
    (tmp_path / "away").rename(with_summary / FILE)


def test_another_language_and_new_words_are_written_down(
    with_summary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cozinha", "jardim", "limpeza", "colheita", "motorista", "turno", "noite", "equipe"]
    rng = np.random.default_rng(0)
    texts = [f"Anúncio {i}: {' '.join(rng.choice(words, size=40))}." for i in range(300)]
    batch = ads_file(tmp_path / "ads.parquet", texts, "pt")
    assert asked(with_summary, batch, "-o", tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "drift.json").read_text())
    assert {"unsupported_language", "unknown_words"} <= set(found["matters"])
    assert found["unsupported_languages"] == {"pt": 300}
    assert [aspect["name"] for aspect in found["aspects"]] == list(KINDS)
    assert found["batch"]["ads"] == 300
    page = (tmp_path / "out" / "drift.md").read_text()
    matters, _, rest = page.partition("**Merely different**")
    assert KINDS["unsupported_language"].advice in matters
    assert KINDS["length"].advice in rest
    assert "pt 300" in page
    told = capsys.readouterr().out
    assert drift_table(DriftResult.model_validate(found)) in told
    assert f"written   {tmp_path / 'out' / 'drift.md'}" in told
    assert "cozinha" not in page + told + json.dumps(found)


def test_a_model_without_a_summary_says_so(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = ads_file(tmp_path / "ads.parquet", make_texts(20, 3)[0])
    assert asked(model_folder, batch, "-o", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "carries no summary of its training data" in told
    assert "train it again" in told
    assert not (tmp_path / "out").exists()


def test_a_source_without_ads_is_refused(
    with_summary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("ad_id,text\n")
    assert asked(with_summary, empty, "-o", tmp_path / "out") == 2
    assert "holds no ads" in capsys.readouterr().err
    assert not (tmp_path / "out" / "drift.json").exists()
    assert asked(with_summary, tmp_path / "nowhere.csv", "-o", tmp_path / "other") == 2
    assert not (tmp_path / "other").exists()


def test_a_small_batch_is_said_to_be_small(with_summary: Path, tmp_path: Path) -> None:
    batch = ads_file(tmp_path / "ads.parquet", make_texts(30, 5, seed=4)[0])
    found = stages.drift(Model.load(with_summary), [str(batch)], tmp_path / "out").results
    assert {aspect.verdict for aspect in found.aspects} == {"too few ads to tell"}
    page = drift_page(found)
    assert "**Cannot be told**" in page
    assert "**Matters for the model**" not in page


def test_what_a_source_is_called_cannot_become_markup(with_summary: Path, tmp_path: Path) -> None:
    batch = ads_file(tmp_path / "a`<b>`.parquet", make_texts(30, 5, seed=4)[0])
    done = stages.drift(Model.load(with_summary), [str(batch)], tmp_path / "out")
    assert "a\\`&lt;b&gt;\\`.parquet" in done.files[1].read_text()


def test_most_near_copies_share_a_group_and_other_ads_are_spread() -> None:
    texts = make_texts(200, 20, seed=2)[0]
    groups = groups_of(pa.array([text.lower() for text in texts], pa.large_string()))
    copies = pa.array([texts[0].lower().replace("ad 0", f"ad {i}") for i in range(50)])
    together = np.bincount(groups_of(copies.cast(pa.large_string())))
    assert together.max() >= 35
    assert np.bincount(groups, minlength=32).max() < 40


def test_batches_of_any_size_give_the_same_report(
    with_summary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ads_file(tmp_path / "ads.parquet", make_texts(300, 40, seed=6)[0])
    model = Model.load(with_summary)
    whole = stages.drift(model, [str(batch)], tmp_path / "whole").results
    monkeypatch.setattr(sys.modules["adrisk.evaluation.drift.run"], "_AT_ONCE", 64)
    assert stages.drift(model, [str(batch)], tmp_path / "parts").results == whole
