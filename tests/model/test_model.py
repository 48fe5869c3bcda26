"""A model folder: complete, checked on loading, and the same model afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import adrisk
from adrisk import schema
from adrisk.batch import MAX_CHARS, make_batch
from adrisk.errors import ModelError
from adrisk.model.campaign_risk import Pooling
from adrisk.model.manifest import library_versions
from adrisk.model.model import Model
from builders import RISKY, make_ads, make_texts


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_scores_have_exactly_the_columns_of_the_schema(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    texts, truth = make_texts(40, 10, seed=3)
    scores = model.score(make_ads(texts), run_id="r1")
    assert scores.table.schema.equals(schema.scores(model.labels))
    assert scores.table.column_names[:3] == ["ad_id", "risk", "level"]
    assert scores.risk[truth].min() > scores.risk[~truth].max()
    assert set(scores.table["language"].to_pylist()) == {"en"}
    assert scores.table["evidence"].null_count == 40


def test_a_batch_scores_like_its_parts(model_folder: Path) -> None:
    model = Model.load(model_folder)
    texts, _ = make_texts(30, 8, seed=4)
    texts += ["", "é", "中文 招聘 包吃住", "😀 " * 50, RISKY.upper()]
    together = model.score(texts).risk
    apart = np.concatenate([model.score([text]).risk for text in texts])
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_no_ads_give_an_empty_table(model_folder: Path) -> None:
    assert len(Model.load(model_folder).score([])) == 0


def test_long_ads_are_cut_and_say_so(model_folder: Path) -> None:
    table = Model.load(model_folder).score(["x" * (MAX_CHARS + 1), "x" * MAX_CHARS]).table
    assert table["truncated"].to_pylist() == [True, False]
    assert table["input_sha256"][0] != table["input_sha256"][1]


def test_preparing_keeps_the_raw_text() -> None:
    prepared = make_batch(pa.chunked_array([["Ａ"], ["b"]], pa.string()))
    assert prepared.raw.to_pylist() == ["Ａ", "b"]
    assert prepared.folded.to_pylist() == ["a", "b"]


def test_a_model_knows_its_data_libraries_and_figures(model_folder: Path) -> None:
    manifest = Model.load(model_folder).manifest
    assert len(manifest.trained_on.fingerprint) == 64
    assert manifest.trained_on.split_by == "campaign and time"
    assert manifest.trained_on.languages == {"en": manifest.trained_on.ads}
    assert set(manifest.libraries) == {"adrisk", "numpy", "scikit-learn", "scipy"}
    assert set(library_versions("cascade")) == {*manifest.libraries, "torch"}
    assert [t.budget for t in manifest.thresholds] == [0.005, 0.01, 0.02, 0.05]


def test_a_model_knows_how_the_risk_of_ads_becomes_that_of_a_campaign(model_folder: Path) -> None:
    pooling = Model.load(model_folder).pooling
    assert pooling.campaigns > 0
    assert pooling.slope > 0


def test_a_model_saved_before_there_was_a_campaign_risk_takes_the_riskiest_ad(folder: Path) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    del content["campaign_risk"]
    path.write_text(json.dumps(content))
    assert Model.load(folder).pooling == Pooling()


def test_a_model_saved_before_curves_were_chosen_still_loads(folder: Path) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    for name in ("curves", "risk_curves", "choices"):
        del content["calibration"][name]
    del content["files"]["threshold.safetensors"]
    (folder / "threshold.safetensors").unlink()
    path.write_text(json.dumps(content))
    old = Model.load(folder)
    assert (old.held, dict(old.calibration.choices)) == (None, {})
    assert len(old.score(["we hold your passport until the travel debt is paid"])) == 1


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({"99": {"method": "sigmoid", "numbers": [1, 0]}}, "a calibration curve for head 99"),
        ({"0": {"method": "beta", "numbers": [1, 0]}}, "a beta curve with 2 numbers"),
        ({"0": {"method": "magic", "numbers": [1, 0]}}, "not a manifest"),
    ],
)
def test_a_curve_that_does_not_fit_is_refused(folder: Path, curves, message: str) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    content["calibration"]["curves"] = curves
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def test_a_campaign_risk_that_would_turn_the_order_round_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    content["campaign_risk"]["slope"] = -1.0
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="not a manifest"):
        Model.load(folder)


def test_a_model_remembers_which_ads_it_saw(model_folder: Path) -> None:
    seen = Model.load(model_folder).seen
    parts = seen.part_of(pa.array([f"ad{i:05d}" for i in range(240)] + ["stranger"]))
    assert parts[-1] == -1
    assert (parts[:-1] >= 0).sum() == 192  # the last fifth in time is the report set
    assert (parts[192:] == -1).all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "is not a model"),
        (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors is missing"),
        (lambda f: (f / "seen.safetensors").write_bytes(b"x"), "was altered"),
        (lambda f: (f / "model.json").write_text("{}"), "not a manifest"),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), "not a manifest"),
    ],
)
def test_a_damaged_folder_is_refused(folder: Path, damage, message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("family", "oracle", "unknown classifier family 'oracle'"),
        ("format", 2, "not a manifest"),
        ("surprise", 1, "not a manifest"),
        ("labels", ["one"], "calibration for"),
        ("files", {"../outside": "0"}, "is missing"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder: Path, key, value, message: str) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    content[key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def test_another_library_version_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_text())
    content["libraries"]["numpy"] = "1.0"
    path.write_text(json.dumps(content))
    Model.load(folder)
    assert "made with numpy 1.0" in caplog.text


def test_an_unknown_budget_names_those_there_are(model_folder: Path) -> None:
    with pytest.raises(ModelError, match="use 0.005, 0.01, 0.02, 0.05"):
        Model.load(model_folder).threshold(0.3)
