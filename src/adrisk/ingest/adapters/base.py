"""Adapters: how a scheme opens its target as readers with a mapping of columns.

A new source is a module next to this one and a line in the registry. A corpus of files with known
columns needs only a `Corpus`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from adrisk.errors import SourceError, did_you_mean
from adrisk.ingest.columns import listed
from adrisk.ingest.locations import ByteFile, SourceFile, Spec, StandardInput, find_files
from adrisk.ingest.readers import Reader
from adrisk.ingest.readers.delimited import CsvReader
from adrisk.ingest.readers.jsonl import JsonlReader
from adrisk.ingest.readers.parquet import ParquetReader
from adrisk.ingest.values import check_type
from adrisk.types import ArrowArray, ArrowValues

Shape = Callable[[pa.Table], pa.Table]
"""Function from a raw table to one with canonical names; other columns keep their names."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How ads are read.

    Attributes:
        mapping: canonical name -> the file's column, as in --map body=description.
        batch_rows: the most rows of a table.
        detect_language: whether to detect missing languages.
        columns: canonical names of the columns in addition to `IDENTIFYING`; all if None.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    batch_rows: int = 4096
    detect_language: bool = True
    columns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A reader, its mapping of columns, and the file to fingerprint after reading.

    `text_columns` are the columns whose values must be strings in the file.
    """

    reader: Reader
    shape: Shape
    text_columns: tuple[str, ...] = ()
    file: ByteFile | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened spec.

    Attributes:
        parts: in reading order.
        columns: canonical name -> the source's column, for the manifest.
        notes: messages for the user.
    """

    parts: list[Part]
    columns: dict[str, str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A scheme: its syntax, its purpose and its open function."""

    usage: str
    purpose: str
    open: Callable[[Spec, ReadOptions], Opened]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A public corpus: its required columns, their mapping, and a check of its files.

    Attributes:
        columns: canonical name -> the corpus' columns, for the manifest.
        required: columns that every file of the corpus has.
        shape: from the corpus' table to canonical names.
        check: notes about a file, for example that it is not the original.
    """

    columns: Mapping[str, str]
    required: tuple[str, ...]
    text_columns: tuple[str, ...]
    shape: Shape
    check: Callable[[SourceFile], list[str]] = lambda file: []

    def open(self, spec: Spec, options: ReadOptions) -> Opened:
        """The files of the corpus; `options.mapping` is ignored.

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
    """A reader for every file that is not empty; notes name the empty ones.

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
    """The canonical columns, then the unused columns of the raw table."""
    rest = {name: raw[name] for name in raw.column_names if name not in used}
    return pa.table(columns | {name: rest[name] for name in rest if name not in columns})


def constant(value: str | None, raw: pa.Table) -> ArrowArray:
    """A column with one value for all rows of a table."""
    return pa.array([value] * raw.num_rows, pa.string())


def _reader(file: ByteFile) -> Reader:
    if isinstance(file, SourceFile) and file.format == "parquet":
        return ParquetReader(file)
    return JsonlReader(file) if file.format == "jsonl" else CsvReader(file)
