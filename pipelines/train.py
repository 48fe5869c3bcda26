"""Flow: a corpus to a registered model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, task

from adrisk import api as stages
from adrisk.config import ModelConfig, TrainConfig, load
from adrisk.errors import ConfigError
from adrisk.files import workspace
from adrisk.rules.platform import use_platform_file
from adrisk.tracking.runs import Store
from adrisk_pipelines.common import leave_counts


@task(name="train")
def train_task(
    config: ModelConfig, sources: Sequence[str], mapping: Mapping[str, str], experiment: str
) -> str:
    """Fit, calibrate, register; returns the model's URI."""
    corpus = stages.load_corpus(sources, mapping=mapping)
    return stages.train(config, corpus, Store(workspace()), experiment=experiment).uri


@flow(name="train")
def train(config: Path) -> str:
    """Train the model that a configuration in `configs/train` describes."""
    checked = load(config, TrainConfig)
    if checked.taxonomy is not None:
        use_platform_file(checked.taxonomy)
    if checked.corpus is None:
        raise ConfigError(f"{config}: name the sources under corpus, which a flow needs")
    uri = train_task(checked, checked.corpus.sources, checked.corpus.map, checked.name)
    leave_counts("adrisk-train", {"model": uri, "family": checked.family}, "The registered model")
    return uri
