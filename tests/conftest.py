"""Fixtures that many rooms share: a workspace of its own, and one small trained model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from builders import make_corpus_file

settings.register_profile("adrisk", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("adrisk")


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the checkout or reads the settings of the machine."""
    monkeypatch.setenv("ADRISK_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ADRISK_PROGRESS", "off")
    monkeypatch.setenv("ADRISK_TAXONOMY", "")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 labelled ads, 60 of them risky."""
    return make_corpus_file(tmp_path_factory.mktemp("corpus") / "ads.parquet")


@pytest.fixture(scope="session")
def model_folder(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved ngram model trained on the corpus file."""
    from adrisk.config import ModelConfig
    from adrisk.stages import fit_model, load_corpus
    from adrisk.stages.train import split_corpus

    corpus = load_corpus([str(corpus_file)])
    config = ModelConfig(family="ngram", parameters={"bits": 14})
    model = fit_model(config, corpus, split_corpus(corpus, 0))
    folder = tmp_path_factory.mktemp("model")
    model.save(folder)
    return folder
