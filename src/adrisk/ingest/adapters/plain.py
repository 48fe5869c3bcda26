"""Adapter of files, globs, folders, URLs and stdin, with columns recognised by their names."""

from __future__ import annotations

from collections import Counter

from adrisk.ingest.adapters.base import Adapter, Opened, Part, ReadOptions, readers
from adrisk.ingest.columns import recognise
from adrisk.ingest.locations import Spec, StandardInput, find_files
from adrisk.ingest.readers.parquet import ParquetReader


def _open(spec: Spec, options: ReadOptions) -> Opened:
    notes: list[str] = []
    if spec.target == "-":
        pairs = list(readers([StandardInput()], notes))
    else:
        files, notes = find_files(spec.target)
        pairs = list(readers(files, notes))
    parts: list[Part] = []
    columns: dict[str, str] = {}
    recognised: dict[str, str] = {}
    files_of: Counter[str] = Counter()
    for file, reader in pairs:
        column_map = recognise(reader.schema, options.mapping, file.name)
        shape = column_map if options.columns is None else column_map.only(options.columns)
        if options.columns is not None and isinstance(reader, ParquetReader):
            reader = reader.only(shape.found.values())
        parts.append(Part(reader, shape, tuple(shape.text_columns), file))
        columns = {**column_map.found, **columns}
        signature = repr(column_map.found)
        recognised.setdefault(signature, column_map.note(file.name))
        files_of[signature] += 1
    for signature, note in recognised.items():
        if not note:
            continue
        others = files_of[signature] - 1
        notes.append(f"{note} (and in {others} more files)" if others else note)
    return Opened(parts, columns, notes)


ADAPTER = Adapter(
    "PATH",
    "a csv, tsv, jsonl or parquet file (.gz .bz2 .xz .zst or not), glob, folder, fsspec URL, or -",
    _open,
)
