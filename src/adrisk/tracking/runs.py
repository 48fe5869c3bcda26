"""MLflow runs of trainings and evaluations."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from adrisk.errors import MissingExtraError, RunError, UsageError
from adrisk.model.manifest import Manifest
from adrisk.model.model import Model
from adrisk.tracking.relocation import artifact_folder, relocate

FAMILY_TAG, FINGERPRINT_TAG = "adrisk.family", "adrisk.fingerprint"

_MODEL_ARTIFACT = "model"
_DATABASE = "mlflow.db"
_VARIABLE = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """Identifiers of a tracked run; `uri` is the reference of its model."""

    run_id: str
    experiment: str
    store: str
    uri: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """Tracking store: SQLite in the workspace, or the server in MLFLOW_TRACKING_URI."""

    workspace: Path

    @property
    def uri(self) -> str:
        """The tracking URI."""
        given = os.environ.get(_VARIABLE, "").strip()
        return given or self._own_uri

    @property
    def is_local(self) -> bool:
        """Whether the store is the file in the workspace."""
        return self.uri == self._own_uri

    @property
    def _own_uri(self) -> str:
        return f"sqlite:///{self.workspace.resolve() / _DATABASE}"

    def connect(self) -> Any:
        """The module mlflow, configured for this store.

        Raises:
            MissingExtraError: if MLflow is not installed.
            RunError: if the workspace was moved and its database cannot be rewritten.
        """
        try:
            import mlflow
        except ImportError as error:
            raise MissingExtraError("mlflow", "tracking", "tracking runs and models") from error
        for name in ("mlflow", "alembic"):  # schema migrations log on the first use
            logging.getLogger(name).setLevel(logging.ERROR)
        if self.is_local:
            try:
                self.workspace.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"the workspace {self.workspace} cannot be made ({error.strerror}); "
                    "set ADRISK_WORKSPACE to a folder that can be written to"
                ) from error
            relocate(self.workspace / _DATABASE)
        uri, given = self.uri, os.environ.get(_VARIABLE)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        # MLflow writes the URI into the environment, where it would override the next store.
        if given is None:
            os.environ.pop(_VARIABLE, None)
        return mlflow

    def experiment(self, mlflow: ModuleType, name: str) -> str:
        """Id of an experiment, created if missing; local ones have artifacts in the workspace."""
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = artifact_folder(self.workspace, name) if self.is_local else None
        return str(mlflow.create_experiment(name, artifact_location=place))


@dataclass(frozen=True, slots=True)
class LiveRun:
    """Open run of a training: logs metrics by step, and the model at the end."""

    store: Store
    experiment: str
    run_id: str
    mlflow: ModuleType

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics of one step of the training, as `train_` and their name."""
        named = {f"train_{name}": float(value) for name, value in metrics.items()}
        self.mlflow.log_metrics(named, step=step, run_id=self.run_id)

    def finish(
        self,
        model: Model,
        folder: Path,
        parameters: Mapping[str, object],
        register_as: str,
    ) -> TrackedRun:
        """Log a trained model folder, and register it.

        Args:
            model: as saved; its fingerprint is stored with the run and the version.
            folder: written by `Model.save`; becomes the data of a pyfunc model, without pickle.
            parameters: to log.
            register_as: name of the registered model.
        """
        mlflow, manifest = self.mlflow, model.manifest
        _log_dataset(mlflow, manifest, "training")
        facts = dict(manifest.facts)
        mlflow.log_params(_flat({**parameters, "facts": facts} if facts else parameters))
        mlflow.log_metrics(
            {
                "train_ads": manifest.trained_on.ads,
                "train_campaigns": manifest.trained_on.campaigns,
                "heads": len(manifest.labels),
                **{f"threshold_at_{t.budget:g}": t.threshold for t in manifest.thresholds},
                **{
                    name: float(value)
                    for name, value in facts.items()
                    if isinstance(value, int | float)
                },
            }
        )
        info = _log_model(mlflow, model, folder)
        tags = {FAMILY_TAG: manifest.family, FINGERPRINT_TAG: model.fingerprint}
        mlflow.set_tags(tags)
        version = _register(mlflow, register_as, info, self.run_id, tags)
        return TrackedRun(
            run_id=self.run_id,
            experiment=self.experiment,
            store=self.store.uri,
            uri=f"models:/{register_as}/{version}",
            version=version,
        )


@contextmanager
def training_run(store: Store, experiment: str, family: str) -> Iterator[LiveRun]:
    """Context of the run of a training; marked failed if the body raises."""
    with _run(store, experiment, f"train {family}", {"stage": "train"}) as (mlflow, run):
        yield LiveRun(store, experiment, run.info.run_id, mlflow)


def track_evaluation(
    store: Store,
    experiment: str,
    name: str,
    manifest: Manifest,
    results: Mapping[str, Any],
    files: Mapping[str, str | bytes],
) -> TrackedRun:
    """Log an evaluation: metrics with their intervals, tables and curves as artifacts.

    Args:
        store: tracking store.
        experiment: name of the experiment.
        name: name of the run.
        manifest: manifest of the evaluated model.
        results: content of the result file.
        files: artifact name -> content, such as curves as SVG.
    """
    tags = {"stage": "evaluate", "model_version": str(results["model"].get("version", ""))}
    with _run(store, experiment, name, tags) as (mlflow, run):
        _log_dataset(mlflow, manifest, "evaluation", results["data"])
        mlflow.log_params({"family": manifest.family, "target": results["data"]["target"]})
        mlflow.log_metrics(flat_metrics(results["report"]))
        with tempfile.TemporaryDirectory() as place:
            for file, content in files.items():
                content = content if isinstance(content, bytes) else content.encode()
                (Path(place) / file).write_bytes(content)
            mlflow.log_artifacts(place, "evaluation")
        return TrackedRun(run.info.run_id, experiment, store.uri)


def flat_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a report as MLflow metrics: name, name_low, name_high, where defined.

    Risk figures keep their names; an indicator's are prefixed with its id, a campaign's with
    `campaign_`.
    """
    metrics: dict[str, float] = {"n": report["n"], "prevalence": report["prevalence"]}
    groups = [("", report["risk"]), ("campaign_", report["risk_by_campaign"])]
    groups += [(f"{name}_", figures) for name, figures in report["indicators"].items()]
    for prefix, figures in groups:
        for name, figure in figures.items():
            if not isinstance(figure, Mapping):
                continue
            for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
                if figure[key] is not None:
                    metrics[f"{prefix}{name}{suffix}"] = float(figure[key])
    return metrics


@contextmanager
def _run(
    store: Store, experiment: str, name: str, tags: Mapping[str, str]
) -> Iterator[tuple[Any, Any]]:
    mlflow = store.connect()
    try:
        identifier = store.experiment(mlflow, experiment)
        # `nested` allows an open run of the caller.
        with mlflow.start_run(
            experiment_id=identifier, run_name=name, tags=dict(tags), nested=True
        ) as run:
            yield mlflow, run
    except mlflow.exceptions.MlflowException as error:
        raise unreachable(store, error) from error


def unreachable(store: Store, error: Exception) -> RunError:
    """Error for a store that cannot be used."""
    return RunError(
        f"tracking in {store.uri} failed: {str(error).splitlines()[0][:200]}; check that the store "
        "can be reached and written, or unset MLFLOW_TRACKING_URI to use the workspace"
    )


def _register(
    mlflow: ModuleType, name: str, info: Any, run_id: str, tags: Mapping[str, str]
) -> str:
    """Add a version to the registry by the client, which prints nothing."""
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name, info.model_uri, run_id=run_id, tags=dict(tags), model_id=info.model_id
    )
    return str(made.version)


def _log_model(mlflow: ModuleType, model: Model, folder: Path) -> Any:
    import pandas as pd
    from mlflow.models import infer_signature
    from mlflow.types import ColSpec, Schema

    from adrisk.tracking.pyfunc import TAXONOMY_KEY, load_with

    example = pd.DataFrame(
        {
            "text": [
                "Kitchen help wanted, written contract, you keep your documents.",
                "Work abroad, we hold your passport until the travel cost is paid back.",
            ]
        }
    )
    signature = infer_signature(example, load_with(folder, model.rules).predict(example))
    manifest, ours = model.manifest, model.rules.platform_file
    known = [ColSpec("string", name, required=False) for name in ("language", "location")]
    signature.inputs = Schema([*signature.inputs.inputs, *known])
    return mlflow.pyfunc.log_model(
        name=_MODEL_ARTIFACT,
        loader_module="adrisk.tracking.pyfunc",
        data_path=str(folder),
        signature=signature,
        input_example=example,
        pip_requirements=[f"adrisk=={manifest.libraries['adrisk']}"],
        metadata={"family": manifest.family, "target": manifest.trained_on.target},
        model_config=None if ours is None else {TAXONOMY_KEY: str(ours.absolute())},
    )


def _log_dataset(
    mlflow: ModuleType,
    manifest: Manifest,
    context: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Log the source and digest of the data as an MLflow dataset, without rows."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    trained = manifest.trained_on
    sources = list(data["sources"] if data else trained.sources)
    fingerprint = str(data["fingerprint"] if data else trained.fingerprint)
    source = CodeDatasetSource(tags={"sources": json.dumps(sources), "fingerprint": fingerprint})
    name = ", ".join(sources)[:200] or "ads"
    dataset = MetaDataset(source, name=name, digest=fingerprint[:36])
    mlflow.log_input(dataset, context=context)


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            result.update(_flat(value, f"{prefix}{key}."))
        else:
            result[f"{prefix}{key}"] = str(value)[:500]
    return result
