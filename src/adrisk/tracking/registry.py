"""The registry: versions of the model `adrisk`, the aliases champion and challenger, promotion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adrisk.errors import ModelError, UsageError
from adrisk.layout import MODEL_FILE
from adrisk.tracking.runs import Store, unreachable

ALIASES = ("champion", "challenger")
FAMILY_TAG = "adrisk.family"
_EVALUATION_TAG = "adrisk.evaluation"
_REASON_TAG = "adrisk.promoted_because"
_RELEASE_TAG = "adrisk.release"

COMPARED = ("average_precision", "recall_at_0.01", "precision_at_0.01", "calibration_error")
"""Figures shown side by side at a promotion; the first decides."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry with its latest evaluation, empty if it was never judged.

    `release` is the name it was released under, empty if it was not.
    """

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...]
    created_ms: int
    family: str
    evaluation: Mapping[str, Any]
    release: str = ""


def list_versions(store: Store, name: str) -> list[Registered]:
    """All versions, newest first; none if the model was never registered.

    Raises:
        RunError: if the store cannot be reached.
    """
    mlflow = store.connect()
    client = mlflow.MlflowClient()
    try:
        aliases = client.get_registered_model(name).aliases
    except mlflow.exceptions.MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        raise unreachable(store, error) from error
    found = client.search_model_versions(f"name='{name}'")
    return sorted(
        (_registered(version, aliases) for version in found), key=lambda r: -int(r.version)
    )


def aliased(store: Store, name: str, reference: str) -> Registered:
    """The version behind a number, an alias or the name of a release, the newest of that name.

    Raises:
        ModelError: if there is none; says what there is.
    """
    versions = list_versions(store, name)
    for version in versions:
        if reference and reference in (version.version, *version.aliases, version.release):
            return version
    known = ", ".join(
        v.version + "".join(f" ({alias})" for alias in v.aliases) for v in versions[:8]
    )
    raise ModelError(
        f"the registry in {store.uri} has no version {reference!r} of {name}; "
        + (f"it has {known}" if known else "it is empty: run adrisk train CONFIG first")
    )


def download(store: Store, uri: str) -> Path:
    """The local model folder behind `models:/...` or `runs:/...`.

    Raises:
        ModelError: if the store has no such model.
    """
    mlflow = store.connect()
    try:
        place = Path(mlflow.artifacts.download_artifacts(uri))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise ModelError(
            f"no model {uri} in {store.uri} ({str(error).splitlines()[0]}); "
            "adrisk models list shows what there is"
        ) from error
    # A pyfunc keeps the model folder as its data, under the folder's own name.
    manifests = sorted(place.rglob(MODEL_FILE))
    if not manifests:
        raise ModelError(f"{uri} is not an adrisk model: it has no model.json")
    return manifests[0].parent


def describe(store: Store, name: str, version: str, family: str) -> None:
    """Note a version's family beside it."""
    store.connect().MlflowClient().set_model_version_tag(name, version, FAMILY_TAG, family)


def set_alias(store: Store, name: str, alias: str, version: str) -> None:
    """Point an alias at a version."""
    store.connect().MlflowClient().set_registered_model_alias(name, alias, version)


def record_evaluation(store: Store, name: str, version: str, summary: Mapping[str, Any]) -> None:
    """Keep the headline figures with the version, for promotion and listing."""
    client = store.connect().MlflowClient()
    client.set_model_version_tag(name, version, _EVALUATION_TAG, json.dumps(summary))


def record_release(
    store: Store, name: str, version: str, release: str, files: Mapping[str, str]
) -> None:
    """Name a version's release, and keep the release's files with the run that made it.

    Args:
        store: whose registry.
        name: of the registered model.
        version: its number.
        release: such as 2026.11-ngram.
        files: name -> content, such as the model card.
    """
    mlflow = store.connect()
    client = mlflow.MlflowClient()
    try:
        run_id = client.get_model_version(name, version).run_id
        for file, content in files.items():
            client.log_text(run_id, content, f"release/{file}")
        client.set_model_version_tag(name, version, _RELEASE_TAG, release)
    except mlflow.exceptions.MlflowException as error:
        raise unreachable(store, error) from error


def promote(
    store: Store, name: str, candidate: Registered, *, because: str | None = None
) -> Registered | None:
    """Make a version the champion; returns the champion it replaces, if there was one.

    Raises:
        UsageError: if the candidate was not evaluated, was evaluated on other data than the
            champion, or has the lower average precision, and no reason is given.
    """
    champion = next((v for v in list_versions(store, name) if "champion" in v.aliases), None)
    if champion is not None:
        if champion.version == candidate.version:
            raise UsageError(f"version {candidate.version} is the champion already")
        if because is None:
            _refuse_worse(champion, candidate)
    _move(store, name, candidate, because)
    if champion is not None:
        set_alias(store, name, "challenger", champion.version)
    return champion


def _move(store: Store, name: str, candidate: Registered, because: str | None) -> None:
    client = store.connect().MlflowClient()
    for alias in candidate.aliases:
        client.delete_registered_model_alias(name, alias)
    if because is not None:
        client.set_model_version_tag(name, candidate.version, _REASON_TAG, because)
    set_alias(store, name, "champion", candidate.version)


def _refuse_worse(champion: Registered, candidate: Registered) -> None:
    advice = "to promote it all the same, say why: --because REASON"
    for which, version in (("champion", champion), ("candidate", candidate)):
        if not version.evaluation:
            raise UsageError(
                f"the {which}, version {version.version}, was never evaluated; run "
                f"adrisk evaluate models:/{version.name}/{version.version} ADS -o DIR first, "
                f"or {advice}"
            )
    then, now = champion.evaluation, candidate.evaluation
    if then["fingerprint"] != now["fingerprint"]:
        raise UsageError(
            f"version {champion.version} and version {candidate.version} were judged on different "
            f"ads and cannot be compared; evaluate both on the same file, or {advice}"
        )
    key = COMPARED[0]
    before, after = then["figures"][key]["value"], now["figures"][key]["value"]
    if after < before:
        raise UsageError(
            f"version {candidate.version} is worse than the champion, version {champion.version}: "
            f"{key.replace('_', ' ')} {after:.3f} against {before:.3f}; {advice}"
        )


def _registered(version: Any, aliases: Mapping[str, str]) -> Registered:
    tags = dict(version.tags or {})
    return Registered(
        name=version.name,
        version=str(version.version),
        run_id=version.run_id or "",
        aliases=tuple(sorted(a for a, v in aliases.items() if str(v) == str(version.version))),
        created_ms=int(version.creation_timestamp or 0),
        family=str(tags.get(FAMILY_TAG, "")),
        evaluation=json.loads(tags.get(_EVALUATION_TAG, "{}")),
        release=str(tags.get(_RELEASE_TAG, "")),
    )
