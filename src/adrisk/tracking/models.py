"""Lookup of models by reference, and the list of registered versions."""

from __future__ import annotations

import logging
from pathlib import Path

from adrisk.errors import ModelError
from adrisk.model.files import MANIFEST, read_manifest_bytes
from adrisk.model.manifest import NAME, Manifest, read_manifest
from adrisk.model.model import Model
from adrisk.rules.ruleset import Ruleset
from adrisk.tracking.artifacts import download, run_fingerprint
from adrisk.tracking.registry import Registered, aliased, list_versions
from adrisk.tracking.runs import Store

_log = logging.getLogger(__name__)
_URI = ("models:/", "runs:/")


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


def _parse(uri: str) -> tuple[str, str]:
    rest = uri.removeprefix("models:/")
    for mark in ("@", "/"):
        name, found, version = rest.partition(mark)
        if found and name and version:
            return name, version
    raise ModelError(
        f"{uri} names no version; write models:/{NAME}@champion or models:/{NAME}/<version>"
    )
