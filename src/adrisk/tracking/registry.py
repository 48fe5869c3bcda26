"""Model registry: versions of a model, their evaluations, aliases, and eligibility for an alias.

A model may replace another of the same training target, with all its heads, that was evaluated on
enough ads; `adrisk.evaluation.promotion` compares their figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from adrisk.errors import ModelError
from adrisk.metrics.figures import Figure, Result
from adrisk.model.manifest import Manifest
from adrisk.tracking.runs import FAMILY_TAG, FINGERPRINT_TAG, Store, unreachable

_EVALUATION_TAG = "adrisk.evaluation"
_REASON_TAG = "adrisk.promoted_because"
_RELEASE_TAG = "adrisk.release"
_SHOWN, _SHOWN_LABELS = 8, 3

ENOUGH_ADS, ENOUGH_RISKY = 200, 20
"""Least numbers of ads and risky ads for a comparison of two models."""

COMPARED = ("average_precision", "recall_at_0.01", "precision_at_0.01", "calibration_error")
"""Figures compared at a promotion; the first decides."""


class EvaluationSummary(Result):
    """Headline figures of a version on one data set; other keys are ignored.

    Attributes:
        run_id: run of the evaluation.
        at_ms: time of the evaluation; 0 where unknown.
        figures: `COMPARED`, by name.
    """

    model_config = ConfigDict(extra="ignore")

    fingerprint: str
    target: str
    run_id: str
    at_ms: int = 0
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry.

    Attributes:
        name: name of the registered model.
        version: number of the version.
        run_id: run of its training.
        aliases: its aliases, of champion and challenger.
        created_ms: time of the registration.
        family: classifier family.
        fingerprint: of its model folder; empty in older versions.
        evaluations: the latest of each data set, newest first.
        release: name of its release, or empty.
    """

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...]
    created_ms: int
    family: str
    fingerprint: str = ""
    evaluations: tuple[EvaluationSummary, ...] = ()
    release: str = ""

    @property
    def evaluation(self) -> EvaluationSummary | None:
        """The latest evaluation, None if there is none."""
        return self.evaluations[0] if self.evaluations else None


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
        ModelError: if there is none.
    """
    versions = list_versions(store, name)
    for version in versions:
        if reference and reference in (version.version, *version.aliases, version.release):
            return version
    known = ", ".join(
        v.version + "".join(f" ({alias})" for alias in v.aliases) for v in versions[:_SHOWN]
    )
    raise ModelError(
        f"the registry in {store.uri} has no version {reference!r} of {name}; "
        + (f"it has {known}" if known else "it is empty: run adrisk train CONFIG first")
    )


def champion_of(store: Store, name: str) -> Registered | None:
    """The version with the alias champion, the default for scoring, or None."""
    return next((v for v in list_versions(store, name) if "champion" in v.aliases), None)


def set_alias(store: Store, name: str, alias: str, version: str) -> None:
    """Point an alias at a version."""
    store.connect().MlflowClient().set_registered_model_alias(name, alias, version)


def record_evaluation(store: Store, name: str, version: str, summary: EvaluationSummary) -> None:
    """Keep the headline figures with the version, in place of earlier ones of the same data."""
    client = store.connect().MlflowClient()
    tag = f"{_EVALUATION_TAG}.{summary.fingerprint[:32]}"
    client.set_model_version_tag(name, version, tag, json.dumps(summary.to_json()))


def record_release(
    store: Store, name: str, version: str, release: str, files: Mapping[str, str]
) -> None:
    """Store the name of a version's release, and the release's files with its run.

    Args:
        store: tracking store.
        name: name of the registered model.
        version: number of the version.
        release: name, such as 2026.11-ngram.
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


def make_champion(
    store: Store, candidate: Registered, replaced: Registered | None, because: str | None = None
) -> None:
    """Move the aliases: the candidate becomes champion, the replaced version challenger."""
    name = candidate.name
    client = store.connect().MlflowClient()
    for alias in candidate.aliases:
        client.delete_registered_model_alias(name, alias)
    if because is not None:
        client.set_model_version_tag(name, candidate.version, _REASON_TAG, because)
    set_alias(store, name, "champion", candidate.version)
    if replaced is not None:
        set_alias(store, name, "challenger", replaced.version)


def differs(candidate: Manifest, champion: Manifest) -> str:
    """Reason why two models are not comparable: another target, or missing heads."""
    then, now = champion.trained_on.target, candidate.trained_on.target
    if now != then:
        return f"it was trained for another target ({now}) than the champion ({then})"
    missing = [label for label in champion.labels if label not in candidate.labels]
    if missing:
        more = ", ..." if len(missing) > _SHOWN_LABELS else ""
        return (
            f"it has {len(candidate.labels)} heads and lacks {len(missing)} of the champion's "
            f"{len(champion.labels)} ({', '.join(missing[:_SHOWN_LABELS])}{more})"
        )
    return ""


def too_few(ads: int, risky: int) -> str:
    """Reason why this number of ads, or of risky ads, is too small for a comparison."""
    if ads >= ENOUGH_ADS and risky >= ENOUGH_RISKY:
        return ""
    return (
        f"{ads:,} ads, {risky:,} of them risky, are too few to judge it on; it takes "
        f"{ENOUGH_ADS}, {ENOUGH_RISKY} of them risky"
    )


def no_challenger(candidate: Manifest, champion: Manifest) -> str:
    """Reason why a trained model does not become the challenger."""
    judged = candidate.metrics.get("average_precision", {})
    return differs(candidate, champion) or too_few(
        int(judged.get("n", 0)), int(judged.get("positives", 0))
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
        fingerprint=str(tags.get(FINGERPRINT_TAG, "")),
        evaluations=_evaluations(tags),
        release=str(tags.get(_RELEASE_TAG, "")),
    )


def _evaluations(tags: Mapping[str, str]) -> tuple[EvaluationSummary, ...]:
    """The latest of each data set; one kept before each data set had its own is the oldest."""
    found = [
        EvaluationSummary.model_validate_json(value)
        for tag, value in tags.items()
        if tag.startswith(_EVALUATION_TAG)
    ]
    ordered = sorted(found, key=lambda one: -one.at_ms)
    return tuple({one.fingerprint: one for one in reversed(ordered)}.values())[::-1]
