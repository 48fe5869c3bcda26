"""Model folders of the tracking store, from `models:/...` and `runs:/...`.

A folder on this machine is used in place. A remote one is downloaded once into `models/` of the
workspace, under its fingerprint; no other files are left behind.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from adrisk.errors import ModelError, UsageError
from adrisk.tracking.runs import FINGERPRINT_TAG, Store

_SHA256 = re.compile(r"[0-9a-f]{64}")

FETCHED = "models"
"""Folder of a workspace for models of a remote store."""


def download(store: Store, uri: str, fingerprint: str = "") -> Path:
    """The local model folder behind `models:/...` or `runs:/...`.

    Args:
        store: tracking store of the model.
        uri: of the model.
        fingerprint: of the model, where known, to avoid a second download.

    Raises:
        ModelError: if the store has no such model.
    """
    if fingerprint and not _SHA256.fullmatch(fingerprint):
        raise ModelError(
            f"the registry has an invalid fingerprint for {uri}; train the model again"
        )
    kept = store.workspace / FETCHED / fingerprint
    if fingerprint and (kept / "model.json").is_file():
        return kept
    mlflow = store.connect()
    try:
        location = _location(mlflow, uri)
        if urlparse(location).scheme in ("", "file"):
            return _model_below(Path(url2pathname(urlparse(location).path)), uri)
        return _fetched(store, mlflow, location, uri)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise ModelError(
            f"no model {uri} in {store.uri} ({str(error).splitlines()[0]}); "
            "adrisk models list shows what there is"
        ) from error


def run_fingerprint(store: Store, uri: str) -> str:
    """The fingerprint of the model of `runs:/RUN/...`; empty if the run has none."""
    mlflow = store.connect()
    try:
        run = mlflow.MlflowClient().get_run(_run_and_name(uri)[0])
    except mlflow.exceptions.MlflowException:
        return ""  # `download` raises for a missing run
    return str(run.data.tags.get(FINGERPRINT_TAG, ""))


def run_artifact(store: Store, run_id: str, path: str) -> bytes | None:
    """A small file of a run; None if it has no such file."""
    mlflow = store.connect()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            found = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=path, dst_path=scratch
            )
            return Path(found).read_bytes()
        except (mlflow.exceptions.MlflowException, OSError):
            return None


def _location(mlflow: Any, uri: str) -> str:
    """Location of the artifacts of a model in the store."""
    client = mlflow.MlflowClient()
    if uri.startswith("models:/"):
        name, _, version = uri.removeprefix("models:/").partition("/")
        location = str(client.get_model_version_download_uri(name, version))
        if location.startswith("models:/"):
            model = client.get_logged_model(location.removeprefix("models:/"))
            return str(model.artifact_location)
        return location
    run_id, name = _run_and_name(uri)
    run = client.get_run(run_id)
    for output in run.outputs.model_outputs if run.outputs else ():
        model = client.get_logged_model(output.model_id)
        if model.name == name:
            return str(model.artifact_location)
    return f"{run.info.artifact_uri}/{name}"


def _run_and_name(uri: str) -> tuple[str, str]:
    run_id, _, name = uri.removeprefix("runs:/").strip("/").partition("/")
    return run_id, name


def _fetched(store: Store, mlflow: Any, location: str, uri: str) -> Path:
    """Download a model, and move its folder into the workspace in one step."""
    place = store.workspace / FETCHED
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{place} cannot be written to ({error.strerror or error})") from error
    with tempfile.TemporaryDirectory(prefix=".fetch-", suffix=".draft", dir=place) as scratch:
        found = mlflow.artifacts.download_artifacts(artifact_uri=location, dst_path=scratch)
        folder = _model_below(Path(found), uri)
        kept = place / hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
        if kept.exists():
            shutil.rmtree(kept)
        folder.replace(kept)
    return kept


def _model_below(place: Path, uri: str) -> Path:
    """The model folder in the data of a pyfunc."""
    manifests = sorted([*place.glob("model.json"), *place.glob("data/*/model.json")])
    if not manifests:
        raise ModelError(
            f"{uri} is not an adrisk model, or its files are gone: no model.json is in {place}"
        )
    return manifests[0].parent
