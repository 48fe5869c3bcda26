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
    set_alias,
)
from adrisk.tracking.runs import Store, TrackedRun, track_evaluation, track_training

__all__ = [
    "ALIASES",
    "COMPARED",
    "Registered",
    "Store",
    "TrackedRun",
    "aliased",
    "describe",
    "download",
    "list_versions",
    "promote",
    "record_evaluation",
    "set_alias",
    "track_evaluation",
    "track_training",
]
