"""One stream of ads from several sources, with one schema.

In: SOURCE arguments. Out: an `AdStream` of Arrow tables. Wrong arguments fail when the stream is
opened; a damaged file fails while it is read; a row that cannot be an ad goes to the quarantine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from adrisk.errors import RunError, SourceError
from adrisk.ingest.adapters import ADAPTERS
from adrisk.ingest.adapters.base import Opened, Part, ReadOptions
from adrisk.ingest.cleaning import Cleaner, stream_schema
from adrisk.ingest.columns import check_mapping
from adrisk.ingest.identity import Fingerprint
from adrisk.ingest.locations import DAMAGED, SourceFile, Spec, describe, parse
from adrisk.ingest.quarantine import Quarantine, Reason, quarantined
from adrisk.ingest.readers import Rows
from adrisk.ingest.readers.jsonl import JsonlReader


@dataclass(slots=True)
class _Source:
    spec: Spec
    opened: Opened
    files: list[dict[str, Any]]


class AdStream:
    """The ads of some sources, in order; iterate once.

    Attributes:
        schema: of every table: ADS, the LABELS columns of any source, further columns.
        total_rows: rows to read, known or estimated; None if unknown.
        notes: messages for the user, such as recognised columns; complete after the end.
        description: of each source, for the manifest; complete after the end.
        read: rows read so far.
        accepted: rows that became ads so far.
    """

    def __init__(
        self, opened: Sequence[tuple[Spec, Opened]], options: ReadOptions, quarantine: Quarantine
    ) -> None:
        self._sources = [_Source(spec, found, _files(found)) for spec, found in opened]
        self._options = options
        self._quarantine = quarantine
        self._fingerprint = Fingerprint()
        self._started = self._finished = False
        parts = [part for source in self._sources for part in source.opened.parts]
        self.schema, left_out = stream_schema(map(_shaped, parts), options.columns)
        expected = [part.reader.expected_rows for part in parts]
        self.total_rows = None if None in expected else sum(rows or 0 for rows in expected)
        self.notes = [note for source in self._sources for note in source.opened.notes]
        self.notes += [
            f"column {name!r} has different types in the sources and is left out"
            for name in left_out
        ]
        self.description: list[dict[str, Any]] = [
            {
                "spec": source.spec.text,
                "kind": source.spec.scheme,
                "files": source.files,
                "columns": source.opened.columns,
            }
            for source in self._sources
        ]
        self.read = 0
        self.accepted = 0

    @property
    def source_files(self) -> list[SourceFile]:
        """The files that are read, in order; standard input and generated ads have none."""
        parts = (part for source in self._sources for part in source.opened.parts)
        return [part.file for part in parts if isinstance(part.file, SourceFile)]

    @property
    def files(self) -> list[Path]:
        """The files of the sources, in order."""
        return [Path(file["path"]) for source in self._sources for file in source.files]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over id and text of every accepted ad in order, independent of batches.

        Raises:
            ValueError: before the stream has been read to its end.
        """
        if not self._finished:
            raise ValueError("the fingerprint of a stream is known after reading all of it")
        return self._fingerprint.hexdigest()

    def __iter__(self) -> Iterator[pa.Table]:
        """Tables of 1 to `batch_rows` ads.

        Raises:
            RunError: if a file turns out truncated, corrupt or out of reach.
            ValueError: when iterated a second time.
        """
        if self._started:
            raise ValueError("a stream of ads is read once; open the sources again")
        self._started = True
        cleaner = Cleaner(self.schema, detect_language=self._options.detect_language)
        for source in self._sources:
            described = iter(source.files)
            for part in source.opened.parts:
                yield from self._read(part, cleaner)
                if part.file is not None:
                    entry = next(described)
                    if isinstance(part.file, SourceFile) and part.file.local:
                        entry["sha256"] = part.file.sha256()
        if cleaner.unread_times:
            self.notes.append(
                f"posted_at: {cleaner.unread_times:,} values were not understood and left empty; "
                f"write them as ISO 8601"
            )
        self._finished = True

    def _read(self, part: Part, cleaner: Cleaner) -> Iterator[pa.Table]:
        name = part.reader.name

        def reject(line: int, reason: Reason, detail: str, ad_id: str | None) -> None:
            self._quarantine.add(quarantined(name, line, reason, detail, ad_id))
            self.read += 1

        batches = part.reader.batches(self._options.batch_rows, part.text_columns, reject)
        for rows in _guarded(batches, name):
            if not rows.table.num_rows:
                continue
            ads = cleaner.clean(Rows(part.shape(rows.table), rows.lines), reject)
            if ads.num_rows:
                self.read += ads.num_rows
                self.accepted += ads.num_rows
                self._fingerprint.update(ads)
                yield ads
        if isinstance(part.reader, JsonlReader) and part.reader.late_keys:
            keys, rows_with = len(part.reader.late_keys), max(part.reader.late_keys.values())
            self.notes.append(
                f"{name}: {keys} keys first appeared after the first thousand lines (in up to "
                f"{rows_with:,} rows) and were left out; write every key in the first line"
            )


def open_ads(specs: Sequence[str], options: ReadOptions, quarantine: Quarantine) -> AdStream:
    """Open sources as one stream; only headers are read yet.

    Args:
        specs: SOURCE arguments, read in this order.
        options: how to read them.
        quarantine: an open quarantine, which receives the rows that cannot be ads.

    Raises:
        SourceError: for an unknown scheme, a missing or unreadable location, or a mapping or
            columns that do not fit.
    """
    if not specs:
        raise SourceError(f"no source was given; expected one or more of {', '.join(ADAPTERS)}")
    if options.batch_rows < 1:
        raise ValueError(f"batch_rows must be at least 1, not {options.batch_rows}")
    check_mapping(options.mapping)
    parsed = [parse(text, ADAPTERS.keys()) for text in specs]
    opened = [(spec, ADAPTERS[spec.scheme].open(spec, options)) for spec in parsed]
    return AdStream(opened, options, quarantine)


def _shaped(part: Part) -> pa.Schema:
    """The schema of a part after its shape, from an empty table."""
    try:
        return part.shape(part.reader.schema.empty_table()).schema
    except pa.ArrowException as error:
        raise SourceError(
            f"{part.reader.name}: has the columns of its kind, but of other types "
            f"({describe(error)}); write it again with the original types"
        ) from error


def _files(opened: Opened) -> list[dict[str, Any]]:
    files = [part.file for part in opened.parts if part.file is not None]
    return [
        {
            "path": file.name,
            "bytes": file.stored_bytes if isinstance(file, SourceFile) else None,
            "sha256": None,
        }
        for file in files
    ]


def _guarded(batches: Iterator[Rows], name: str) -> Iterator[Rows]:
    """The batches, with exceptions of a damaged file converted to RunError."""
    done = 0
    while True:
        try:
            rows = next(batches)
        except StopIteration:
            return
        except DAMAGED as error:
            raise RunError(
                f"{name}: reading stopped after {done:,} rows ({describe(error)}); the file is "
                f"truncated, damaged or out of reach. Fetch or write it again, or leave it out of "
                f"the source, and run again"
            ) from error
        done += rows.table.num_rows
        yield rows
