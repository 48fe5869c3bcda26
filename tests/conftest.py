"""Fixtures that many rooms share, and tests that need what Python cannot install.

Where there is no Chromium or no PostgreSQL, the tests that need it are left out and the last lines
say so; under CI they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings

from builders import make_corpus_file
from command_line import Run, Told

settings.register_profile("adrisk", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("adrisk")


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
NEEDED = {
    "browser": (CHROMIUM, "Chromium; install it, as in: apt-get install chromium"),
    "database": (
        os.environ.get("ADRISK_TEST_POSTGRES"),
        "a PostgreSQL server; name an empty database: ADRISK_TEST_POSTGRES=postgresql+psycopg://…",
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what cannot run here."""
    if os.environ.get("CI"):
        return
    for marker, (there, _) in NEEDED.items():
        items[:] = [item for item in items if there or item.get_closest_marker(marker) is None]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """No test is left out in silence."""
    for marker, (there, need) in NEEDED.items():
        if not there and not os.environ.get("CI"):
            terminalreporter.write_line(f"LEFT OUT: the {marker} tests need {need}", yellow=True)
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"LEFT OUT: {report.nodeid}: {reason}", yellow=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    assert CHROMIUM is not None, "install chromium"
    return CHROMIUM


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the checkout or reads the settings of the machine."""
    monkeypatch.setenv("ADRISK_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ADRISK_PROGRESS", "off")
    monkeypatch.setenv("ADRISK_TAXONOMY", "")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command in this process; the variables that `main` sets do not outlive the test."""

    def call(*arguments: object) -> Told:
        import adrisk.cli

        capsys.readouterr()
        try:
            code = adrisk.cli.main([str(a) for a in arguments])
        except SystemExit as stopped:  # argparse leaves this way
            code = int(stopped.code or 0)
        return Told(code, *capsys.readouterr())

    with mock.patch.dict(os.environ):
        yield call


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 labelled ads, 60 of them risky."""
    return make_corpus_file(tmp_path_factory.mktemp("corpus") / "ads.parquet")


@pytest.fixture(scope="session")
def model_folder(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved ngram model trained on the corpus file."""
    from adrisk.api import fit_model, load_corpus
    from adrisk.config import ModelConfig
    from adrisk.training.train import split_corpus

    corpus = load_corpus([str(corpus_file)])
    config = ModelConfig(family="ngram", parameters={"bits": 14})
    model = fit_model(config, corpus, split_corpus(corpus, 0))
    folder = tmp_path_factory.mktemp("model")
    model.save(folder)
    return folder


@pytest.fixture(scope="session")
def synthetic_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved ngram model trained on 1,500 synthetic ads in all four languages."""
    from adrisk.api import fit_model, load_corpus
    from adrisk.config import ModelConfig
    from adrisk.training.train import split_corpus

    corpus = load_corpus(["synthetic:1500"])
    config = ModelConfig(family="ngram")
    folder = tmp_path_factory.mktemp("synthetic-model")
    fit_model(config, corpus, split_corpus(corpus, 0)).save(folder)
    return folder
