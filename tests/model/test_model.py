"""A model folder: complete, checked on loading, and the same model afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file, save_file

import adrisk
from adrisk import schema
from adrisk.batch import MAX_CHARS, make_batch
from adrisk.classifiers import storage
from adrisk.errors import ModelError
from adrisk.model.campaign_risk import Pooling
from adrisk.model.files import sealed
from adrisk.model.manifest import library_versions
from adrisk.model.model import Model
from builders import RISKY, make_ads, make_summary, make_texts


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object], seal: bool = True) -> None:
    """Change `model.json` as somebody would who means to be believed."""
    path = folder / "model.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    if seal:
        (folder / "model.sha256").write_bytes(sealed(path.read_bytes()))


def relist(folder: Path, name: str) -> None:
    """Write the hash of a changed file into `model.json`."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    rewrite(folder, lambda content: content["files"].__setitem__(name, digest))


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_scores_have_exactly_the_columns_of_the_schema(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    texts, truth = make_texts(40, 10, seed=3)
    scores = model.score(make_ads(texts), run_id="r1", evidence=False)
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
    rewrite(folder, lambda content: content.pop("campaign_risk"))
    assert Model.load(folder).pooling == Pooling()


def test_a_model_saved_before_curves_were_chosen_still_loads(folder: Path) -> None:
    for name in ("curves", "risk_curves", "choices"):
        rewrite(folder, lambda content, name=name: content["calibration"].pop(name))
    rewrite(folder, lambda content: content["files"].pop("threshold.safetensors"), seal=False)
    for name in ("threshold.safetensors", "model.sha256"):
        (folder / name).unlink()
    old = Model.load(folder)
    assert (old.threshold_set, dict(old.calibration.choices)) == (None, {})
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
    rewrite(folder, lambda content: content["calibration"].__setitem__("curves", curves))
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def test_a_campaign_risk_that_would_turn_the_order_round_is_refused(folder: Path) -> None:
    rewrite(folder, lambda content: content["campaign_risk"].__setitem__("slope", -1.0))
    with pytest.raises(ModelError, match="not a manifest"):
        Model.load(folder)


def test_a_model_remembers_which_ads_it_saw(model_folder: Path) -> None:
    seen = Model.load(model_folder).training_ids
    parts = seen.part_of(pa.array([f"ad{i:05d}" for i in range(240)] + ["stranger"]))
    assert parts[-1] == -1
    assert (parts[:-1] >= 0).sum() == 192  # the last fifth in time is the report set
    assert (parts[192:] == -1).all()


def reword(folder: Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    (folder / "model.sha256").write_bytes(sealed(content))


def hidden(folder: Path) -> Path:
    folder.mkdir()
    return folder / "file"


def linked(folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)


def replaced(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    (folder / name).unlink()
    make(folder / name)


def sparse(folder: Path, name: str) -> None:
    with (folder / name).open("wb") as file:
        file.truncate((16 << 30) + 1)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "is not a model"),
        (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors is missing"),
        (lambda f: (f / "seen.safetensors").write_bytes(b"x"), "was altered"),
        (lambda f: (f / "model.json").write_text("{}"), "was changed since"),
        (lambda f: (f / "model.sha256").write_text("0"), "was changed since"),
        (lambda f: rewrite(f, dict.clear), "not a manifest"),
        (lambda f: reword(f, b"\xff\xfe"), "not a manifest"),
        (lambda f: reword(f, b'{"a":' * 100_000), "nested too deeply|not a manifest"),
        (lambda f: reword(f, b"[" * 100 + b"]" * 100), "nested more than 32 levels"),
        (lambda f: reword(f, b'{"format": 1, "format": 1}'), "a key occurs twice"),
        (lambda f: reword(f, b" " * (17 << 20)), "more than 16 MB"),
        (lambda f: (f / "notes.txt").write_text("x"), "'notes.txt' is not listed"),
        (lambda f: (f / ".hidden").write_text("x"), "'.hidden' is not listed"),
        (lambda f: hidden(f / "below").write_text("x"), "'below/file' is not listed"),
        (lambda f: (f / "link").symlink_to("/dev/zero"), "'link' is a link"),
        (lambda f: linked(f, "weights.safetensors"), "'weights.safetensors' is a link"),
        (lambda f: linked(f, "model.json"), "model.json is not a regular file"),
        (lambda f: linked(f, "model.sha256"), "model.sha256 is not a regular file"),
        (lambda f: os.mkfifo(f / "pipe"), "'pipe' is a link or no regular file"),
        (lambda f: replaced(f, "model.json", os.mkfifo), "model.json is not a regular file"),
        (lambda f: replaced(f, "model.json", os.mkdir), "model.json is not a regular file"),
        (lambda f: replaced(f, "weights.safetensors", os.mkdir), "weights.safetensors is missing"),
        (lambda f: (f / "new\nline").write_text("x"), r"'new\\nline' is not listed"),
        (lambda f: [(f / str(i)).mkdir() for i in range(300)], "more files or folders"),
        (lambda f: (f / "a/b/c/d/e/f").mkdir(parents=True), "more files or folders"),
        (lambda f: sparse(f, "huge"), "has more than 16 GB"),
    ],
)
def test_a_damaged_folder_is_refused(folder: Path, damage, message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as raised:
        Model.load(folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["model.json", "seen.safetensors"])
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *args: object, **named: object) -> IO[bytes]:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **named)

    opened = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError, match=name):
        Model.load(folder)


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("intercepts", {"intercepts": np.array([np.nan])}, "not finite"),
        ("table", {"table": np.array([[np.inf]], np.float32)}, "not finite"),
        ("table", {"table": np.zeros((1, 1), np.float16)}, "table is F16"),
        ("table", {"table": np.zeros((1, 1, 1), np.float32)}, r"table is F32 \(1, 1, 1\)"),
        ("other", {"other": np.zeros(1)}, "it is the file of another kind of model"),
    ],
)
def test_weights_that_cannot_be_a_models_are_refused(
    folder: Path, name: str, arrays: dict[str, np.ndarray], message: str
) -> None:
    path = folder / "weights.safetensors"
    kept = load_file(path)
    bad = {n: np.full_like(kept[n], a.flat[0]) if "not finite" in message else a
           for n, a in arrays.items()}  # fmt: skip
    save_file({**kept, **bad}, path)
    relist(folder, path.name)
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("seen.safetensors", {"parts": lambda a: a[:-1]}),
        ("seen.safetensors", {"parts": lambda a: a + 7}),
        ("seen.safetensors", {"hashes": lambda a: a[::-1].copy()}),
        ("threshold.safetensors", {"risk": lambda a: a + 2}),
        ("threshold.safetensors", {"risky": lambda a: a + 2}),
        ("threshold.safetensors", {"campaigns": lambda a: a[:-1]}),
    ],
)
def test_what_a_model_saw_must_be_whole(folder: Path, file: str, changes) -> None:
    kept = load_file(folder / file)
    save_file({n: changes.get(n, lambda a: a)(a) for n, a in kept.items()}, folder / file)
    relist(folder, file)
    with pytest.raises(ModelError, match=f"{file}: not the "):
        Model.load(folder)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e999", "1e9", "-1e9", '"x"'])
@pytest.mark.parametrize("key", ["slopes", "intercepts", "risk_slopes", "risk_intercepts"])
def test_a_calibration_that_was_never_fitted_is_refused(folder: Path, key: str, bad: str) -> None:
    """With NaN every ad once came out clear."""
    rewrite(folder, lambda content: content["calibration"][key].__setitem__(0, "HERE"))
    reword(folder, (folder / "model.json").read_bytes().replace(b'"HERE"', bad.encode()))
    with pytest.raises(ModelError, match="not a manifest"):
        Model.load(folder)


@pytest.mark.parametrize(
    "curve",
    [
        {"method": "sigmoid", "numbers": [-1, 0]},
        {"method": "sigmoid", "numbers": [1, 1e6]},
        {"method": "beta", "numbers": [1, -1, 0]},
        {"method": "isotonic", "numbers": [1, 0, 0, 1, 0.9, 0.1]},
        {"method": "isotonic", "numbers": [1, 0, 1, 0, 0.1, 0.9]},
        {"method": "isotonic", "numbers": [1, 0, 0, 1, 0.1, 9]},
    ],
)
def test_a_curve_that_does_not_rise_from_0_to_1_is_refused(folder: Path, curve) -> None:
    for name, curves in (("curves", {"0": curve}), ("risk_curves", {"": [curve] * 3})):
        rewrite(folder, lambda c, n=name, v=curves: c["calibration"].update({n: v}))
        with pytest.raises(ModelError, match="that does not rise from 0 to 1"):
            Model.load(folder)
        rewrite(folder, lambda c, n=name: c["calibration"].update({n: {}}))
    Model.load(folder)


def test_a_model_is_compared_with_the_fingerprint_it_should_have(folder: Path) -> None:
    right = Model.load(folder).fingerprint
    assert Model.load(folder, fingerprint=right).fingerprint == right
    with pytest.raises(ModelError, match="is not the model that was registered"):
        Model.load(folder, fingerprint="ab" * 32)


def test_a_model_is_written_once_and_only_in_an_empty_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(folder)
    written: list[str] = []
    write = storage.write_tensors
    monkeypatch.setattr(
        storage, "write_tensors", lambda path, **a: (written.append(path.name), write(path, **a))
    )
    (tmp_path / "new").mkdir()
    replace(model, profile=make_summary()).save(tmp_path / "new")
    assert sorted(written) == sorted(set(written))
    assert "summary.safetensors" in written
    Model.load(tmp_path / "new")
    with pytest.raises(ModelError, match="is not empty"):
        model.save(tmp_path / "new")


def test_a_save_that_is_cut_short_leaves_no_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever file it ends; a model of the same files would load."""
    model, whole = Model.load(folder), tmp_path / "whole"
    whole.mkdir()
    model.save(whole)
    names = {path.name for path in whole.iterdir()}
    assert {"model.json", "model.sha256"} <= names
    for cut in [*sorted(names - {"model.json"}), ".model.json.draft"]:
        place = tmp_path / f"cut-{cut}"
        place.mkdir()
        with monkeypatch.context() as patch:
            stop_at(patch, cut)
            with pytest.raises(KeyboardInterrupt):
                model.save(place)
        with pytest.raises(ModelError):
            Model.load(place)


def stop_at(patch: pytest.MonkeyPatch, name: str) -> None:
    """Interrupt whatever has just written the file of this name."""

    def after(write: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(path: Path, *args: Any, **named: Any) -> Any:
            done = write(path, *args, **named)
            if path.name == name:
                raise KeyboardInterrupt
            return done

        return stopping

    patch.setattr(storage, "write_tensors", after(storage.write_tensors))
    patch.setattr(Path, "write_text", after(Path.write_text))
    patch.setattr(Path, "write_bytes", after(Path.write_bytes))


def test_one_text_in_place_of_a_list_is_refused(model_folder: Path) -> None:
    for text in ("passport", b"passport"):
        with pytest.raises(TypeError, match="list of one"):
            Model.load(model_folder).score(text)
    with pytest.raises(TypeError, match="list of one"):
        make_batch("passport")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("family", "oracle", "unknown classifier family 'oracle'"),
        ("format", 2, "not a manifest"),
        ("surprise", 1, "not a manifest"),
        ("labels", ["one"], "calibration for"),
        ("labels", ["document_retention"] * 2, "a label occurs twice"),
        ("labels", ["a\nb", "c"], "cannot be printed"),
        ("files", {}, "is not listed"),
        ("files", {"../outside": "0" * 64}, "is no file that a model lists"),
        ("files", {"/etc/passwd": "0" * 64}, "is no file that a model lists"),
        ("files", {"a/../b": "0" * 64}, "is no file that a model lists"),
        ("files", {"..\\b": "0" * 64}, "is no file that a model lists"),
        ("files", {"./seen.safetensors": "0" * 64}, "is no file that a model lists"),
        ("files", {"model.json": "0" * 64}, "is no file that a model lists"),
        ("files", {"seen.safetensors": "0"}, "is no file that a model lists"),
        ("parameters", {"bits": "many"}, "bits of the n-gram table"),
        ("parameters", {"surprise": 1}, "parameters"),
        ("parameters", {"bits": 10**12}, "bits of the n-gram table"),
        ("thresholds", [{"budget": 0.01, "threshold": -1, "n": 9}], "thresholds.0.threshold"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder: Path, key, value, message: str) -> None:
    rewrite(folder, lambda content: content.__setitem__(key, value))
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def test_another_library_version_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    rewrite(folder, lambda content: content["libraries"].__setitem__("numpy", "1.0"))
    Model.load(folder)
    assert "made with numpy 1.0" in caplog.text


def test_an_unknown_budget_names_those_there_are(model_folder: Path) -> None:
    with pytest.raises(ModelError, match="use 0.005, 0.01, 0.02, 0.05"):
        Model.load(model_folder).threshold(0.3)
