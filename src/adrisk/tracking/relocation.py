"""Artifact locations of a workspace that was moved or copied.

MLflow writes absolute locations into its database. When a workspace is opened, locations in its
earlier folder are rewritten to the present one, so that old models load and new ones are written
here. Locations outside a workspace, such as a bucket, are kept.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from adrisk.errors import RunError

ARTIFACTS = "artifacts"

_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_WAIT_SECONDS = 30


def artifact_folder(workspace: Path, experiment: str) -> str:
    """URI of the artifact folder of an experiment."""
    return (workspace.resolve() / ARTIFACTS / experiment).as_uri()


def relocate(database: Path) -> None:
    """Update the locations in a workspace's database to its present folder.

    Args:
        database: `mlflow.db` in the workspace; nothing happens where there is none.

    Raises:
        RunError: if it cannot be read, or must be rewritten and cannot be.
    """
    if not database.exists():
        return
    here = database.parent.resolve()
    try:
        with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS)) as connection:
            if not (moved := _earlier_places(connection, here)):
                return
            connection.execute("BEGIN IMMEDIATE")
            for place in sorted(moved):
                _rewrite(connection, place, here.as_uri())
            connection.commit()
    except sqlite3.Error as error:
        raise RunError(
            f"{database} cannot be updated to the workspace's present folder ({error}); make "
            "sure that it is a whole copy and can be written"
        ) from error


def _earlier_places(connection: sqlite3.Connection, here: Path) -> set[str]:
    """URIs of earlier workspace folders in the artifact locations of experiments."""
    if not _columns(connection, "experiments"):
        return set()
    found = set()
    for name, location in connection.execute("SELECT name, artifact_location FROM experiments"):
        ending = artifact_folder(Path("/"), str(name)).removeprefix("file://")
        if str(location).startswith("file:///") and str(location).endswith(ending):
            found.add(str(location)[: -len(ending)])
    return found - {here.as_uri()}


def _rewrite(connection: sqlite3.Connection, old: str, new: str) -> None:
    prefix = f"{old}/{ARTIFACTS}/"
    for table, column in _LOCATIONS:
        if column in _columns(connection, table):
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - our names
                f"WHERE substr({column}, 1, ?) = ?",
                (f"{new}/{ARTIFACTS}/", len(prefix) + 1, len(prefix), prefix),
            )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
