"""Flow: sources to one Parquet file of ads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, task

from adrisk import api as stages
from adrisk_pipelines.common import RETRIES, leave_counts, run_folder, worth_retrying


@task(name="ingest", retry_condition_fn=worth_retrying, **RETRIES)
def ingest_task(sources: Sequence[str], out: Path, mapping: Mapping[str, str]) -> stages.Ingested:
    """Read, check and write the ads; returns their path and counts."""
    return stages.ingest(sources, out, mapping=mapping)


@flow(name="ingest")
def ingest(
    sources: list[str], out: Path | None = None, mapping: dict[str, str] | None = None
) -> stages.Ingested:
    """Read sources into `out`, or into a new folder of the workspace."""
    done = ingest_task(sources, out or run_folder("ingest") / "ads.parquet", mapping or {})
    leave_ingested(done)
    return done


def leave_ingested(done: stages.Ingested) -> None:
    """The artifact of an ingest: its counts."""
    leave_counts(
        "adrisk-ingest",
        {"read": done.read, "accepted": done.accepted, "quarantined": done.quarantined},
        f"Ads in {done.ads}",
    )
