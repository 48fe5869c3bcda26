"""MLflow: runs, data sets, the registry and its aliases. The only room that knows MLflow.

Nothing is imported from MLflow until a function here is called; without it installed the error
names the extra. The store is SQLite in the workspace unless MLFLOW_TRACKING_URI says otherwise.
"""

from __future__ import annotations

from adrisk.tracking.registry import (
    ALIASES,
    COMPARED,
    Registered,
    aliased,
    describe,
    download,
    list_versions,
    promote,
    record_evaluation,
    record_release,
    set_alias,
)
from adrisk.tracking.runs import LiveRun, Store, TrackedRun, track_evaluation, training_run

__all__ = [
    "ALIASES",
    "COMPARED",
    "LiveRun",
    "Registered",
    "Store",
    "TrackedRun",
    "aliased",
    "describe",
    "download",
    "list_versions",
    "promote",
    "record_evaluation",
    "record_release",
    "set_alias",
    "track_evaluation",
    "training_run",
]
