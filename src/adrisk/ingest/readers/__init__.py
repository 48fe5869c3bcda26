"""Raw rows of a file and the protocol of their readers.

A reader turns one file into `Rows`: columns with their names in the file, each row with its line.
Rows that are invalid in their format (a broken line) are rejected by the reader; columns are
interpreted later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
import pyarrow as pa

from adrisk.ingest.locations import MAX_LINE_BYTES, ByteFile
from adrisk.ingest.quarantine import Reason, Reject
from adrisk.types import IntArray

_BOM = b"\xef\xbb\xbf"

MAX_BATCH_CHARACTERS = 32 * 1024 * 1024
"""The most characters of a batch of text rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table with the columns of the file, and for each row its line (or row) number, from 1."""

    table: pa.Table
    lines: IntArray


class Reader(Protocol):
    """A reader of one file, or of another stream of rows.

    Attributes:
        name: the source of a row in the quarantine.
        schema: the columns of the file.
        expected_rows: the number of rows, known or estimated; None if unknown.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def schema(self) -> pa.Schema: ...  # noqa: D102
    @property
    def expected_rows(self) -> int | None: ...  # noqa: D102
    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The rows, at most `batch_rows` at a time.

        `must_be_text` names the columns whose values must be strings in the file.
        """


def physical_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines with their ends; None for one over `MAX_LINE_BYTES`, which is skipped."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)
        yield number, None


def expected_rows(file: ByteFile, rows: int, used: int, *, whole: bool) -> int | None:
    """The number of rows of a file, estimated from the `rows` in its first `used` bytes."""
    if whole:
        return rows
    if file.size is None or not used:
        return None
    return max(rows, round(rows * file.size / used))


def string_table(
    names: Sequence[str],
    columns: Sequence[Sequence[str | None]],
    lines: Sequence[int],
    reject: Reject,
) -> Rows:
    """Rows of string columns; a row that is not valid Unicode is rejected."""
    numbers = np.asarray(lines, dtype=np.int64)
    try:
        arrays = [pa.array(column, pa.large_string()) for column in columns]
    except UnicodeEncodeError:
        whole = np.array([all(map(_encodable, row)) for row in zip(*columns, strict=True)])
        for line in numbers[~whole].tolist():
            reject(line, Reason.ENCODING, "", None)
        kept = np.flatnonzero(whole).tolist()
        arrays = [pa.array([column[i] for i in kept], pa.large_string()) for column in columns]
        numbers = numbers[whole]
    return Rows(pa.Table.from_arrays(arrays, names=list(names)), numbers)


def _encodable(value: str | None) -> bool:
    """Whether a string has no lone surrogate, which represents a broken byte."""
    return value is None or not any("\ud800" <= character <= "\udfff" for character in value)
