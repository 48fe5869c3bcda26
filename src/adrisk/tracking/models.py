"""Find a model by what the user calls it; list the registry; promote."""

from __future__ import annotations

from pathlib import Path

from adrisk.errors import ModelError
from adrisk.model.manifest import NAME
from adrisk.model.model import Model
from adrisk.tracking.registry import Registered, aliased, download, list_versions, promote
from adrisk.tracking.runs import Store

_URI = ("models:/", "runs:/")


def find_model(reference: str | None, workspace: Path) -> Model:
    """Load a model.

    Args:
        reference: a model folder, `models:/adrisk@champion`, `models:/adrisk/3` or
            `runs:/<id>/model`; None for the champion.
        workspace: whose registry is asked, unless MLFLOW_TRACKING_URI names a server.

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
        return Model.load(folder)
    store = Store(workspace)
    if reference.startswith("models:/"):
        name, version = _parse(reference)
        found = aliased(store, name, version)
        return Model.load(download(store, f"models:/{name}/{found.version}"), found.version)
    return Model.load(download(store, reference))


def models(workspace: Path, name: str = NAME) -> list[Registered]:
    """Every registered version, newest first."""
    return list_versions(Store(workspace), name)


def promote_model(
    reference: str, workspace: Path, *, because: str | None = None, name: str = NAME
) -> tuple[Registered, Registered | None]:
    """Make a version the champion; returns it and the champion it replaced.

    Args:
        reference: a version number, or `challenger`.
        workspace: whose registry.
        because: the reason, where a worse or uncompared model is promoted.
        name: of the registered model.
    """
    store = Store(workspace)
    candidate = aliased(store, name, reference.removeprefix(f"models:/{name}").strip("@/"))
    return candidate, promote(store, name, candidate, because=because)


def _parse(uri: str) -> tuple[str, str]:
    rest = uri.removeprefix("models:/")
    for mark in ("@", "/"):
        name, found, version = rest.partition(mark)
        if found and name and version:
            return name, version
    raise ModelError(
        f"{uri} names no version; write models:/{NAME}@champion or models:/{NAME}/<version>"
    )
