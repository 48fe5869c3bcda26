"""Ingestion of sources into one Parquet file of ads, with a quarantine file next to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.known_indicators import KnownIndicators
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import open_ads
from adrisk.progress import say, track
from adrisk.synthetic.datasheet import HEADING, CorpusCounts

SOURCES_KEY = "adrisk.sources"
"""Metadata key of an ingested file with its sources."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """Paths and counts of an ingestion."""

    ads: Path
    quarantine: Path
    datasheet: Path | None
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
    """Read sources, check every row and write the ads.

    Args:
        sources: SOURCE arguments, in order.
        out: the Parquet file to write; its quarantine is written next to it, and if ads are
            synthetic, their datasheet as `NAME.datasheet.md`.
        mapping: canonical column -> the files' column.
        detect_language: fill in languages that are missing.

    Raises:
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if no row can be an ad; the quarantine file has the reasons.
    """
    with Quarantine.beside(output(out)) as quarantine:
        stream = open_ads(
            sources, ReadOptions(mapping or {}, detect_language=detect_language), quarantine
        )
        output(out, stream.files)
        for note in stream.notes:
            say(note)
        printed = len(stream.notes)
        counts, known = CorpusCounts(), KnownIndicators()
        with replacing(out) as draft, track("ingest", stream.total_rows) as advance:
            with pq.ParquetWriter(draft, stream.schema, compression="zstd") as writer:
                for ads in stream:
                    writer.write_table(ads)
                    counts.add(ads)
                    known.add(ads)
                    advance(len(ads))
                writer.add_key_value_metadata({SOURCES_KEY: json.dumps(list(sources))})
            if stream.accepted == 0:
                raise no_ads(sources, quarantine)
        if known.note:
            stream.notes.append(known.note)
        for note in stream.notes[printed:]:
            say(note)
    return Ingested(
        ads=out,
        quarantine=quarantine.path,
        datasheet=_datasheet(counts, out, sources),
        read=stream.read,
        accepted=stream.accepted,
        quarantined=quarantine.count,
        reasons=dict(quarantine.by_reason),
        fingerprint=stream.fingerprint,
        notes=tuple(stream.notes),
    )


def _datasheet(counts: CorpusCounts, out: Path, sources: Sequence[str]) -> Path | None:
    """The datasheet of the synthetic ads, if any were written."""
    path = out.with_suffix(".datasheet.md")
    if not counts.ads:
        if path.is_file() and path.read_text(encoding="utf-8").startswith(HEADING):
            path.unlink()  # it describes the file that was replaced
        return None
    with replacing(path) as draft:
        draft.write_text(counts.datasheet(out.name, sources), encoding="utf-8")
    return path
