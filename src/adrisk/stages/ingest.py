"""Sources to one Parquet file of ads, bad rows to a quarantine file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from adrisk.progress import say, track
from adrisk.sources import Quarantine, ReadOptions, no_ads, open_ads
from adrisk.stages.files import output, replacing

SOURCES_KEY = "adrisk.sources"
"""Where an ingested file says what it was made from."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was written: a reference, never the table."""

    ads: Path
    quarantine: Path
    read: int
    accepted: int
    quarantined: int
    reasons: Mapping[str, int]
    fingerprint: str
    notes: tuple[str, ...] = ()


def ingest(
    sources: Sequence[str],
    out: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    detect_language: bool = True,
) -> Ingested:
    """Read sources, check every row, and write the ads.

    Args:
        sources: SOURCE arguments, in order.
        out: the Parquet file to write; `quarantine.jsonl` is written beside it.
        mapping: canonical column -> the files' column.
        detect_language: fill in languages that are missing.

    Raises:
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if no row could become an ad; the quarantine file says why.
    """
    quarantine_path = out.parent / "quarantine.jsonl"
    output(out)
    with Quarantine(quarantine_path) as quarantine:
        stream = open_ads(
            sources, ReadOptions(mapping or {}, detect_language=detect_language), quarantine
        )
        output(out, stream)
        for note in stream.notes:
            say(note)
        said = len(stream.notes)
        with replacing(out) as draft, track("ingest", stream.total_rows) as advance:
            with pq.ParquetWriter(draft, stream.schema, compression="zstd") as writer:
                for ads in stream:
                    writer.write_table(ads)
                    advance(len(ads))
                writer.add_key_value_metadata({SOURCES_KEY: json.dumps(list(sources))})
            if stream.accepted == 0:
                raise no_ads(sources, quarantine)
        for note in stream.notes[said:]:
            say(note)
    return Ingested(
        ads=out,
        quarantine=quarantine_path,
        read=stream.read,
        accepted=stream.accepted,
        quarantined=quarantine.count,
        reasons=dict(quarantine.by_reason),
        fingerprint=stream.fingerprint,
        notes=tuple(stream.notes),
    )
