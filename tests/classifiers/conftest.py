"""What the tests of the families share: one thread, and a tiny encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import make_encoder


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """What is fitted here is so small that a second thread costs more than it brings."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a hub would keep it: two layers of random weights."""
    return make_encoder(tmp_path_factory.mktemp("encoder"), layers=2)
