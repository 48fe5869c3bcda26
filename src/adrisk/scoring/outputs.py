"""The tables of a finished scoring run, found and streamed in small batches.

It refuses a folder that lacks one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from adrisk.documents import parse_json
from adrisk.errors import UsageError
from adrisk.layout import MANIFEST_FILE, PART_FILES, QUARANTINE_FILE, SCORES_FOLDER
from adrisk.scoring.manifest import Manifest

BATCH_ROWS = 65_536


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


def table_file(folder: Path, name: str) -> Path:
    """The path of one of the run's tables.

    Raises:
        UsageError: if it is not there.
    """
    path = folder / name
    if not path.is_file():
        raise UsageError(
            f"{folder}: {MANIFEST_FILE} is there but {name} is not; the folder is incomplete, "
            "so score into it again (`adrisk score … --resume`)"
        )
    return path


def score_files(folder: Path, manifest: Manifest) -> list[Path]:
    """The score files of the run: those the manifest lists, else those in `scores/`."""
    if manifest.parts:
        return [table_file(folder, part.file) for part in manifest.parts]
    return sorted((folder / SCORES_FOLDER).glob(PART_FILES))


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


def read_quarantine(folder: Path) -> Iterator[dict[str, object]]:
    """The rows of `quarantine.jsonl`; none when there is no such file.

    A line that is not JSON is counted as a row of its own reason, never dropped.
    """
    path = folder / QUARANTINE_FILE
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = parse_json(line)
            except ValueError:
                row = {"reason": f"a line of {QUARANTINE_FILE} that is not JSON"}
            if isinstance(row, dict):
                yield row
