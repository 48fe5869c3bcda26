"""Reader of CSV and TSV files that rejects single broken records.

Python's csv module reads strictly: a quote that is never closed, or text after a closing quote, is
an error at the record's first line, and reading continues at the next line. A record with the wrong
number of fields is rejected.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.errors import SourceError
from adrisk.ingest.locations import MAX_LINE_BYTES, ByteFile
from adrisk.ingest.quarantine import Reason, Reject
from adrisk.ingest.readers import (
    MAX_BATCH_CHARACTERS,
    Rows,
    expected_rows,
    physical_lines,
    string_table,
)

_DELIMITERS = ",;\t|"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")

Record = tuple[int, int, list[str]]
"""First line, last line, fields."""


class CsvReader:
    """Reader of a CSV or TSV file with a header line; all columns are strings, empty cells null."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        probe = file.probe()
        if probe.head.startswith(_WIDE_BOMS):
            raise SourceError(
                f"{file.name}: is UTF-16 text; save it as UTF-8 (in spreadsheets: CSV UTF-8)"
            )
        self._delimiter = "\t" if file.format == "tsv" else _delimiter(probe.head)
        records = list(_records(BytesIO(probe.lines), self._delimiter, _ignore))
        self._header = _header(records[0][2]) if records else []
        self.schema = pa.schema([(name, pa.large_string()) for name in self._header])
        rows, used = max(0, len(records) - 1), len(probe.lines)
        self.expected_rows = expected_rows(file, rows, used, whole=probe.whole)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._file.name

    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The rows in order; all columns are text, so `must_be_text` is always met."""
        rows: list[list[str]] = []
        lines: list[int] = []
        characters = 0
        width = len(self._header)
        with self._file.open() as stream:
            records = _records(stream, self._delimiter, reject)
            next(records, None)
            for first, last, fields in records:
                if len(fields) != width:
                    where = f"line {first}" if first == last else f"lines {first} to {last}"
                    detail = f"{where}: expected {width} fields, found {len(fields)}"
                    reject(first, Reason.FIELD_COUNT, detail, None)
                    continue
                rows.append(fields)
                lines.append(first)
                characters += sum(map(len, fields))
                if len(rows) >= batch_rows or characters >= MAX_BATCH_CHARACTERS:
                    yield self._table(rows, lines, reject)
                    rows, lines, characters = [], [], 0
        if rows:
            yield self._table(rows, lines, reject)

    def _table(self, rows: list[list[str]], lines: list[int], reject: Reject) -> Rows:
        read = string_table(self._header, list(zip(*rows, strict=True)), lines, reject)
        columns = [
            pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.large_string()), column)
            for column in read.table.columns
        ]
        return Rows(pa.Table.from_arrays(columns, names=self._header), read.lines)


class _Lines:
    """Lines for csv.reader; those of the current record can be read again."""

    def __init__(self, lines: Iterable[tuple[int, bytes | None]]) -> None:
        self._lines = iter(lines)
        self._back: deque[tuple[int, bytes | None]] = deque()
        self.taken: list[tuple[int, bytes | None]] = []
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        number, line = self._back.popleft() if self._back else next(self._lines)
        self.taken.append((number, line))
        if line is None:
            raise _LineTooLongError
        self._size += len(line)
        if self._size > MAX_LINE_BYTES:
            raise csv.Error("a quoted field without an end")
        return line.decode("utf-8", "surrogateescape")

    def accept(self) -> None:
        """Drop the lines of a finished record."""
        self.taken.clear()
        self._size = 0

    def retry_after_first(self) -> int:
        """Requeue all lines of the record except the first; returns the number of the first."""
        number = self.taken[0][0]
        self._back.extendleft(reversed(self.taken[1:]))
        self.accept()
        return number


class _LineTooLongError(Exception):
    """A line is longer than MAX_LINE_BYTES."""


def _records(stream: BinaryIO, delimiter: str, reject: Reject) -> Iterator[Record]:
    """The valid records, without blank lines."""
    # The csv module's limit of 131,072 characters a field is process-wide, and an ad may be longer.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    lines = _Lines(physical_lines(stream))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            reject(lines.retry_after_first(), Reason.QUOTING, "", None)
            continue
        except _LineTooLongError:
            reason = Reason.LINE_TOO_LONG if len(lines.taken) == 1 else Reason.QUOTING
            reject(lines.retry_after_first(), reason, "", None)
            continue
        first, last = lines.taken[0][0], lines.taken[-1][0]
        lines.accept()
        if fields:
            yield first, last, fields


def _delimiter(head: bytes) -> str:
    """The delimiter of the header line: a comma if it has one, else the most frequent other."""
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    return "," if "," in line else max(_DELIMITERS, key=line.count)


def _header(fields: list[str]) -> list[str]:
    """Column names, made unique: `column_2` for a nameless one, `name_2` for a repeated one."""
    names: list[str] = []
    for number, field in enumerate(fields, start=1):
        base = field.strip().encode("utf-8", "replace").decode() or f"column_{number}"
        name, copy = base, 1
        while name in names:
            copy += 1
            name = f"{base}_{copy}"
        names.append(name)
    return names


def _ignore(line: int, reason: Reason, detail: str, ad_id: str | None) -> None:
    """Ignore rejections while probing."""
