"""Models by reference: lookup, and the model folders of the tracking store.

In: a folder, `models:/...` or `runs:/...`. Out: a checked `Model`. A folder on this machine is used
in place. A remote one is downloaded once into `models/` of the workspace, under its fingerprint; no
other files are left behind.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from urllib.parse import urlparse
from urllib.request import url2pathname

from adrisk.errors import ModelError, UsageError
from adrisk.model.files import MANIFEST, read_manifest_bytes
from adrisk.model.manifest import NAME, Manifest, read_manifest
from adrisk.model.model import Model
from adrisk.rules.ruleset import Ruleset
from adrisk.tracking.registry import Registered, aliased, list_versions
from adrisk.tracking.runs import FINGERPRINT_TAG, Store

_log = logging.getLogger(__name__)
_URI = ("models:/", "runs:/")
_SHA256 = re.compile(r"[0-9a-f]{64}")

FETCHED = "models"
"""Folder of a workspace for models of a remote store."""


def find_model(reference: str | None, workspace: Path, rules: Ruleset | None = None) -> Model:
    """Load a model.

    Args:
        reference: a model folder, `models:/adrisk@champion`, `models:/adrisk/3` or
            `runs:/<id>/model`; None for the champion.
        workspace: workspace of the registry, unless MLFLOW_TRACKING_URI is set.
        rules: rules and taxonomy of its labels; those of adrisk if left out.

    Raises:
        ModelError: if there is no such model, or it does not pass the checks of loading.
    """
    if reference is None:
        reference = f"models:/{NAME}@champion"
    if not reference.startswith(_URI):
        folder = Path(reference)
        if not folder.exists():
            raise ModelError(
                f"no model {reference}: expected a model folder, models:/{NAME}@champion, "
                f"models:/{NAME}/<version> or runs:/<run>/model; adrisk models list shows "
                "what the registry has"
            )
        return Model.load(folder, rules=rules)
    store = Store(workspace)
    if reference.startswith("models:/"):
        name, version = _parse(reference)
        found = aliased(store, name, version)
        return load_registered(store, found, rules)
    fingerprint = run_fingerprint(store, reference)
    folder = download(store, reference, fingerprint)
    return Model.load(folder, fingerprint=fingerprint, rules=rules)


def load_registered(store: Store, version: Registered, rules: Ruleset | None = None) -> Model:
    """The model of a version, compared with the fingerprint it was registered with.

    Raises:
        ModelError: if it does not pass the checks of loading, or is not what was registered.
    """
    fingerprint = version.fingerprint
    if not fingerprint:
        _log.warning(
            "version %s of %s was registered without a fingerprint, so changes to its folder "
            "cannot be detected; train it again",
            version.version,
            version.name,
        )
    folder = download(store, f"models:/{version.name}/{version.version}", fingerprint)
    return Model.load(folder, version.version, fingerprint=fingerprint, rules=rules)


def registered_manifest(store: Store, version: Registered) -> Manifest:
    """The manifest of a registered model, without its weights.

    Raises:
        ModelError: if its `model.json` cannot be read.
    """
    uri = f"models:/{version.name}/{version.version}"
    folder = download(store, uri, version.fingerprint)
    return read_manifest(folder / MANIFEST, read_manifest_bytes(folder))


def models(workspace: Path, name: str = NAME) -> list[Registered]:
    """Every registered version, newest first."""
    return list_versions(Store(workspace), name)


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


def _parse(uri: str) -> tuple[str, str]:
    rest = uri.removeprefix("models:/")
    for mark in ("@", "/"):
        name, found, version = rest.partition(mark)
        if found and name and version:
            return name, version
    raise ModelError(
        f"{uri} names no version; write models:/{NAME}@champion or models:/{NAME}/<version>"
    )


def _location(mlflow: ModuleType, uri: str) -> str:
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


def _fetched(store: Store, mlflow: ModuleType, location: str, uri: str) -> Path:
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
