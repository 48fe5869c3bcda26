"""A workspace's registry: what it keeps of a model, moved, copied, and behind a remote store."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest

from adrisk import api as stages
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.errors import ModelError, RunError
from adrisk.tracking import models
from adrisk.tracking.models import download
from adrisk.tracking.registry import aliased, list_versions
from adrisk.tracking.runs import Store

SMALL = ModelConfig(family="ngram", parameters={"bits": 12})
QUICK = EvaluateConfig(resamples=20, baselines=False, random_split=False)


@pytest.fixture(scope="module")
def corpus(corpus_file: Path) -> stages.Corpus:
    return stages.load_corpus([str(corpus_file)])


@pytest.fixture(scope="module")
def original(corpus: stages.Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one judged model; only to be copied."""
    place = tmp_path_factory.mktemp("a place") / "ws"
    done = stages.train(SMALL, corpus, Store(place), experiment="té st")
    stages.evaluate(done.model, corpus, QUICK, place / "e", store=Store(place))
    return place


@pytest.fixture
def workspace(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "ws"))


def content_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def use(place: Path, corpus: stages.Corpus, out: Path) -> None:
    """Load the old version, judge it, train another in the same experiment and in a new one."""
    store = Store(place)
    for reference in ("models:/adrisk/1", "models:/adrisk@champion"):
        folder = stages.find_model(reference, place).folder
        assert folder is not None
        assert folder.is_relative_to(place)
    run = aliased(store, "adrisk", "1").run_id
    old = stages.find_model(f"runs:/{run}/model", place)
    stages.evaluate(old, corpus, QUICK, out, store=store, experiment="té st")
    for experiment in ("té st", "new"):
        done = stages.train(SMALL, corpus, store, experiment=experiment)
        new = stages.find_model(done.uri, place)
        assert new.fingerprint == old.fingerprint
        assert new.folder is not None
        assert new.folder.is_relative_to(place)


def test_a_moved_workspace_goes_on_where_it_is(
    original: Path, corpus: stages.Corpus, tmp_path: Path
) -> None:
    first = Path(shutil.copytree(original, tmp_path / "first"))
    stages.find_model("models:/adrisk/1", first)
    second = first.rename(tmp_path / "it's second %20")
    use(second, corpus, tmp_path / "e")
    assert not first.exists()
    assert str(first).encode() not in (second / "mlflow.db").read_bytes()


def test_mlflow_itself_loads_a_model_of_a_moved_workspace(workspace: Path, tmp_path: Path) -> None:
    import pandas as pd

    Store(
        workspace
    ).connect()  # its locations are its own now, not those of what it was copied from
    moved = workspace.rename(tmp_path / "moved")
    mlflow = Store(moved).connect()
    model = mlflow.pyfunc.load_model("models:/adrisk/1")
    found = model.predict(pd.DataFrame({"text": ["written contract"]}))
    assert 0 <= found["risk"][0] <= 1


def test_training_in_a_copy_leaves_the_original_as_it_was(
    workspace: Path, corpus: stages.Corpus, tmp_path: Path
) -> None:
    before = content_of(workspace)
    copy = Path(shutil.copytree(workspace, tmp_path / "copy"))
    use(copy, corpus, tmp_path / "e")
    assert content_of(workspace) == before
    assert len(list_versions(Store(copy), "adrisk")) == 3


def test_a_location_outside_the_workspace_stays(workspace: Path, tmp_path: Path) -> None:
    mlflow = Store(workspace).connect()
    mlflow.create_experiment("bucket", artifact_location="s3://bucket/artifacts/bucket")
    place = (tmp_path / "elsewhere").as_uri()
    mlflow.create_experiment("disk", artifact_location=place)
    moved = workspace.rename(tmp_path / "moved")
    mlflow = Store(moved).connect()
    found = {name: mlflow.get_experiment_by_name(name).artifact_location
             for name in ("bucket", "disk", "té st")}  # fmt: skip
    assert found == {
        "bucket": "s3://bucket/artifacts/bucket",
        "disk": place,
        "té st": (moved / "artifacts" / "té st").as_uri(),
    }


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database, though it is long enough" * 40)
    with pytest.raises(RunError, match=r"mlflow\.db cannot be updated"):
        Store(tmp_path).connect()


def test_a_registered_model_that_was_rewritten_is_refused(
    workspace: Path, corpus: stages.Corpus
) -> None:
    """Whole in itself, so that only the registry can tell."""
    store = Store(workspace)
    other = stages.train(SMALL.model_copy(update={"seed": 3}), corpus, store, experiment="x")
    first = stages.find_model("models:/adrisk/1", workspace).folder
    second = stages.find_model(other.uri, workspace).folder
    assert first is not None
    assert second is not None
    shutil.rmtree(first)
    shutil.copytree(second, first)
    run = aliased(store, "adrisk", "1").run_id
    for reference in ("models:/adrisk/1", "models:/adrisk@champion", f"runs:/{run}/model"):
        with pytest.raises(ModelError, match="is not the model that was registered"):
            stages.find_model(reference, workspace)


def test_a_version_from_before_fingerprints_loads_and_says_so(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = Store(workspace).connect().MlflowClient()
    client.delete_model_version_tag("adrisk", "1", "adrisk.fingerprint")
    stages.find_model("models:/adrisk/1", workspace)
    assert "registered without a fingerprint" in caplog.text


def test_loading_leaves_no_temporary_folder(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    run = aliased(Store(workspace), "adrisk", "1").run_id
    for reference in ("models:/adrisk/1", f"runs:/{run}/model"):
        stages.find_model(reference, workspace)
        with pytest.raises(ModelError):
            stages.find_model(reference + "7", workspace)
    assert list(scratch.iterdir()) == []


def test_a_model_of_a_remote_store_is_fetched_once_into_the_workspace(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(workspace)
    place = download(store, "models:/adrisk/1").parents[1]
    mlflow = store.connect()
    asked: list[str] = []

    def fetch(artifact_uri: str, dst_path: str) -> str:
        asked.append(artifact_uri)
        return str(shutil.copytree(place, Path(dst_path) / "artifacts"))

    monkeypatch.setattr(models, "_location", lambda mlflow, uri: "mlflow-artifacts:/1/model")
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", fetch)
    for _ in range(2):
        model = stages.find_model("models:/adrisk/1", workspace)
        assert model.folder == workspace / "models" / model.fingerprint
    assert asked == ["mlflow-artifacts:/1/model"]
    assert [path.name for path in (workspace / "models").iterdir()] == [model.fingerprint]
    with pytest.raises(ModelError, match="invalid fingerprint"):
        download(store, "models:/adrisk/1", "../../etc")
