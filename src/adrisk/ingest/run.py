"""Ingestion of sources into one Parquet file of ads, with a quarantine file next to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import open_ads
from adrisk.progress import say, track
from adrisk.synthetic.datasheet import HEADING, CorpusCounts

SOURCES_KEY = "adrisk.sources"
"""Metadata key of an ingested file with its sources."""

_NULL = (
    "indicators: unknown for every ad, though risk is labelled; unknown is not absent, so no "
    "indicator can be learned from these ads"
)
_EMPTY = (
    "indicators: [] in every ad that has a value, though some are of risk 2 or 3; [] means that "
    "none is present. Use null where indicators were not judged: unknown is not absent"
)


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


class KnownIndicators:
    """Check that the indicator labels of a corpus are known: unknown labels are not absent ones.

    >>> known = KnownIndicators()
    >>> none = pa.array([None, None], pa.list_(pa.string()))
    >>> known.add(pa.table({"risk": [0, 3], "indicators": none}))
    >>> str(known.note).split(";")[0]
    'indicators: unknown for every ad, though risk is labelled'
    """

    def __init__(self) -> None:
        self._labelled = self._risk = self._risky = self._judged = self._named = False

    def add(self, ads: pa.Table) -> None:
        """Add ads; a table without `indicators` or `risk` is ignored."""
        if not {"indicators", "risk"} <= set(ads.column_names):
            return
        self._labelled = True
        self._risk |= ads["risk"].null_count < len(ads)
        self._risky |= bool(pc.any(pc.greater_equal(ads["risk"], 2)).as_py())
        for name in ("indicators", "indicators_known", "votes"):
            if name in ads.column_names:
                longest = pc.max(pc.list_value_length(ads[name])).as_py() or 0
                self._named |= longest > 0
        judged = pc.is_valid(ads["indicators"])
        if "indicators_known" in ads.column_names:
            judged = pc.and_(judged, pc.is_null(ads["indicators_known"]))
        self._judged |= bool(pc.any(judged).as_py())

    @property
    def note(self) -> str | None:
        """A warning in one line; None if some indicator is known."""
        if not self._labelled or not self._risk or self._named:
            return None
        if not self._judged:
            return _NULL
        return _EMPTY if self._risky else None
