"""Helpers shared by the flows: run folders, retries, artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.artifacts import create_link_artifact, create_table_artifact

from adrisk.errors import UsageError
from adrisk.files import workspace

RETRIES: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [2, 10]}
"""For tasks that only read or write, as a network share may be away for a moment."""


_WRONG_PATH = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


def worth_retrying(task: object, run: object, state: Any) -> bool:
    """Whether to retry: an outage of storage, but not wrong usage."""
    error = state.result(raise_on_failure=False)
    outage = isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, _WRONG_PATH)
    return outage or not isinstance(error, UsageError)


def run_folder(name: str) -> Path:
    """A new folder for this flow run below the workspace."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = workspace() / "runs" / f"{name}-{stamp}-{(runtime.flow_run.id or 'local')[:8]}"
    folder.mkdir(parents=True)
    return folder


def leave_counts(key: str, counts: Mapping[str, Any], about: str) -> None:
    """A table artifact with the counts of a stage."""
    rows = [{"what": name, "count": value} for name, value in counts.items()]
    create_table_artifact(key=key, table=rows, description=about)


def leave_link(key: str, path: Path, about: str) -> None:
    """A link artifact to a file that was written."""
    create_link_artifact(key=key, link=path.resolve().as_uri(), description=about)
