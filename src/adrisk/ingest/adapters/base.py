"""What an adapter is: a scheme's way of opening its place as readers with a shape.

A new source is a file beside this one and a line in the registry. Corpora, which are files with
known columns, need a `Corpus` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from adrisk.errors import SourceError, did_you_mean
from adrisk.ingest.columns import listed
from adrisk.ingest.locations import ByteFile, SourceFile, Spec, StandardInput, find_files
from adrisk.ingest.readers.delimited import CsvReader
from adrisk.ingest.readers.jsonl import JsonlReader
from adrisk.ingest.readers.parquet import ParquetReader
from adrisk.ingest.readers.rows import Reader
from adrisk.ingest.values import check_type
from adrisk.types import ArrowArray, ArrowValues

Shape = Callable[[pa.Table], pa.Table]
"""Turns a raw table into one with canonical names; further columns stay under their own."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How ads are read.

    Attributes:
        mapping: canonical name -> the file's column, as in --map body=description.
        batch_rows: rows of a table at most.
        detect_language: find the language where the source does not give it.
        columns: canonical names of what is given beside `IDENTIFYING`, and where the format
            allows, read; everything if None.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    batch_rows: int = 4096
    detect_language: bool = True
    columns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A reader, what its columns mean, and the file to fingerprint once it is read.

    `text_columns` are the columns whose values must be strings in the file.
    """

    reader: Reader
    shape: Shape
    text_columns: tuple[str, ...] = ()
    file: ByteFile | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a spec opened as.

    Attributes:
        parts: in reading order.
        columns: canonical name -> the source's column, for the manifest.
        notes: what the command should say aloud.
    """

    parts: list[Part]
    columns: dict[str, str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A scheme: how it is written, what it reads, how it is opened."""

    usage: str
    purpose: str
    open: Callable[[Spec, ReadOptions], Opened]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A public corpus: the columns it must have, what they become, and its check.

    Attributes:
        columns: canonical name -> the corpus' columns, for the manifest.
        required: columns without which it is something else.
        shape: from the corpus' table to canonical names.
        check: notes about a file, such as its not being the original.
    """

    columns: Mapping[str, str]
    required: tuple[str, ...]
    text_columns: tuple[str, ...]
    shape: Shape
    check: Callable[[SourceFile], list[str]] = lambda file: []

    def open(self, spec: Spec, options: ReadOptions) -> Opened:
        """The files of the corpus; `options.mapping` has no say here.

        Raises:
            SourceError: if a file lacks a column that the corpus has.
        """
        files, notes = find_files(spec.target)
        if options.mapping:
            notes.append(
                f"{spec.text}: --map is not used here, the columns of the corpus are known"
            )
        parts: list[Part] = []
        for file, reader in readers(files, notes):
            for column in self.required:
                if column not in reader.schema.names:
                    raise SourceError(
                        f"{file.name}: is not {spec.scheme}, which has a column {column!r}"
                        f"{did_you_mean(column, reader.schema.names)}; this file has "
                        f"{listed(reader.schema)}. Leave out '{spec.scheme}:' to read it "
                        f"as a plain file"
                    )
            for column in self.text_columns:
                if column in reader.schema.names:
                    check_type("text", column, reader.schema.field(column).type, file.name)
            notes.extend(self.check(file) if isinstance(file, SourceFile) else [])
            parts.append(Part(reader, self.shape, self.text_columns, file))
        return Opened(parts, dict(self.columns), notes)


def readers(
    files: list[SourceFile] | list[StandardInput], notes: list[str]
) -> Iterator[tuple[ByteFile, Reader]]:
    """A reader for every file that is not empty; the empty ones are noted.

    Raises:
        SourceError: if all are empty.
    """
    found = 0
    for file in files:
        reader = _reader(file)
        if not reader.schema.names and reader.expected_rows == 0:
            notes.append(f"{file.name}: is empty")
            continue
        found += 1
        yield file, reader
    if not found:
        names = ", ".join(file.name for file in files[:3])
        raise SourceError(f"{names}: nothing to read, it is empty; check what wrote it")


def keep_rest(raw: pa.Table, columns: dict[str, ArrowValues], used: tuple[str, ...]) -> pa.Table:
    """The canonical columns, then those of the raw table that were not used for them."""
    rest = {name: raw[name] for name in raw.column_names if name not in used}
    return pa.table(columns | {name: rest[name] for name in rest if name not in columns})


def constant(value: str | None, raw: pa.Table) -> ArrowArray:
    """The value for each row of a table."""
    return pa.array([value] * raw.num_rows, pa.string())


def _reader(file: ByteFile) -> Reader:
    if isinstance(file, SourceFile) and file.format == "parquet":
        return ParquetReader(file)
    return JsonlReader(file) if file.format == "jsonl" else CsvReader(file)
