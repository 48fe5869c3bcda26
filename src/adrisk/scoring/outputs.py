"""The folder a scoring run leaves behind: its manifest, its tables, and the ads it came from.

Reads `manifest.json` (tolerantly: later versions may add keys), finds the tables, and streams
them in small batches. It refuses a folder that no scoring run finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adrisk.documents import parse_json
from adrisk.errors import UsageError

BATCH_ROWS = 65_536
FACTS_FILE = "campaign_facts.parquet"
LINKS_FILE = "links.parquet"
NEAR_COPY, SHARED_CONTACT = "near-copy", "shared contact"
"""Kinds of links."""


@dataclass(frozen=True, slots=True)
class AdView:
    """What a reviewer may see of an ad. `text` is raw, exactly as it was scored.

    Without text, `missing_because` says why; dates and places still count for the campaign.
    """

    text: str | None
    language: str | None = None
    posted_at: datetime | None = None
    location: str | None = None
    category: str | None = None
    source: str | None = None
    url: str | None = None
    missing_because: str | None = None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Metric(_Part):
    """A measured figure with its interval and the number of ads behind it."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    positives: int | None = None


class TrainedOn(_Part):
    """The corpus a model learned from."""

    sources: tuple[str, ...] = ()
    ads: int | None = None
    fingerprint: str | None = None
    languages: dict[str, int] = Field(default_factory=dict)


class Model(_Part):
    """The model that scored."""

    name: str
    version: str
    family: str | None = None
    fingerprint: str | None = None
    labels: tuple[str, ...] = ()
    target: str | None = None
    trained_on: TrainedOn = TrainedOn()
    metrics: dict[str, Metric] = Field(default_factory=dict)


class Policy(BaseModel):
    """The thresholds and the capacity; further keys are kept, to be shown."""

    model_config = ConfigDict(frozen=True, extra="allow")

    policy_id: str
    review_at: float | None = None
    urgent_at: float | None = None
    capacity: int | None = None
    review_at_reason: str | None = None


class Counts(_Part):
    """How many ads went each way."""

    read: int = 0
    scored: int = 0
    quarantined: int = 0
    clear: int = 0
    review: int = 0
    urgent: int = 0
    incomplete: int = 0
    incomplete_because: dict[str, int] = Field(default_factory=dict)
    incomplete_queued: int = 0
    escalated: int = 0
    campaigns: int = 0
    queued_campaigns: int = 0
    audited: int = 0
    over_capacity: int = 0
    truncated: int = 0
    obscured: int = 0


class ScorePart(_Part):
    """One file of scores."""

    file: str
    rows: int | None = None


class Manifest(_Part):
    """What `manifest.json` says of the run."""

    run_id: str
    model: Model
    policy: Policy
    counts: Counts
    adrisk_version: str | None = None
    started_at: datetime | None = None
    seconds: float | None = None
    sources: tuple[dict[str, Any], ...] = ()
    map: dict[str, str] = Field(default_factory=dict)
    input_fingerprint: str | None = None
    parts: tuple[ScorePart, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished scoring run.

    Raises:
        UsageError: if the folder has no manifest, or one that cannot be understood.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise UsageError(
            f"{folder}: expected the output of a scoring run, found no manifest.json; "
            f"run `adrisk score MODEL SOURCE -o {folder}` first, or name the folder it wrote"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UsageError(
            f"{path}: {place}: {first['msg']}; score into this folder again, or check that it "
            "was written by `adrisk score`"
        ) from None
    if manifest.started_at is not None:
        return manifest
    # A run leaves no time in its files, so that equal runs leave equal files.
    finished = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).replace(microsecond=0)
    return manifest.model_copy(update={"started_at": finished})


def table_file(folder: Path, name: str) -> Path:
    """The path of one of the run's tables.

    Raises:
        UsageError: if it is not there.
    """
    path = folder / name
    if not path.is_file():
        raise UsageError(
            f"{folder}: manifest.json is there but {name} is not; the folder is incomplete, "
            "so score into it again (`adrisk score … --resume`)"
        )
    return path


def score_files(folder: Path, manifest: Manifest) -> list[Path]:
    """The score files of the run: those the manifest lists, else those in `scores/`."""
    if manifest.parts:
        return [table_file(folder, part.file) for part in manifest.parts]
    return sorted((folder / "scores").glob("part-*.parquet"))


def batches(
    files: Sequence[Path], columns: Sequence[str], filter: ds.Expression | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of Parquet files in order, a bounded number at a time."""
    if not files:
        return
    dataset = ds.dataset([str(file) for file in files], format="parquet")
    known = [name for name in columns if name in dataset.schema.names]
    yield from dataset.to_batches(
        columns=known,
        filter=filter,
        batch_size=BATCH_ROWS,
        batch_readahead=2,
        fragment_readahead=1,
    )


def read_quarantine(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of `quarantine.jsonl`; none when there is no such file.

    A line that is not JSON is counted as a row of its own reason, never dropped.
    """
    path = folder / "quarantine.jsonl"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = parse_json(line)
            except ValueError:
                row = {"reason": "a line of quarantine.jsonl that is not JSON"}
            if isinstance(row, dict):
                yield row
