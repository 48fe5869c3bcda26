"""Flow: a corpus to a registered model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, task

from adrisk import api as stages
from adrisk.cli.taxonomy import rules_in_use
from adrisk.config import ModelConfig, TrainConfig, load
from adrisk.errors import ConfigError
from adrisk.files import workspace
from adrisk.tracking.runs import Store
from adrisk_pipelines.common import leave_counts


@task(name="train")
def train_task(
    config: ModelConfig,
    sources: Sequence[str],
    mapping: Mapping[str, str],
    experiment: str,
    taxonomy: Path | None = None,
) -> str:
    """Fit, calibrate, register; returns the model's URI."""
    corpus = stages.load_corpus(sources, mapping=mapping, rules=rules_in_use(taxonomy))
    return stages.train(config, corpus, Store(workspace()), experiment=experiment).uri


@flow(name="train")
def train(config: Path) -> str:
    """Train the model that a configuration in `configs/train` describes."""
    checked = load(config, TrainConfig)
    if checked.corpus is None:
        raise ConfigError(f"{config}: name the sources under corpus, which a flow needs")
    uri = train_task(
        checked, checked.corpus.sources, checked.corpus.map, checked.name, checked.taxonomy
    )
    leave_counts("adrisk-train", {"model": uri, "family": checked.family}, "The registered model")
    return uri
