"""Raw rows on their way from a file to the shared cleaning, and the readers that give them.

A reader turns one file into `Rows`: columns under the names they have there, each row with its
place. Rows that the format itself rules out (a broken line) are rejected by the reader; what the
columns mean is decided later.
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
"""A batch of text rows ends here even when it has fewer rows than asked for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table with columns named as found, and for each row its line (or row) number, from 1."""

    table: pa.Table
    lines: IntArray


class Reader(Protocol):
    """One file, or another stream of rows.

    Attributes:
        name: what the quarantine calls the source of a row.
        schema: the columns as found.
        expected_rows: how many rows there are, known or estimated; None if not.
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

        `must_be_text` names the columns whose values have to be strings in the file.
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
    """The rows of a file, of which `used` bytes held `rows`: a guess unless they are all of it."""
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
    places = np.asarray(lines, dtype=np.int64)
    try:
        arrays = [pa.array(column, pa.large_string()) for column in columns]
    except UnicodeEncodeError:
        whole = np.array([all(map(_encodable, row)) for row in zip(*columns, strict=True)])
        for line in places[~whole].tolist():
            reject(line, Reason.ENCODING, "", None)
        kept = np.flatnonzero(whole).tolist()
        arrays = [pa.array([column[i] for i in kept], pa.large_string()) for column in columns]
        places = places[whole]
    return Rows(pa.Table.from_arrays(arrays, names=list(names)), places)


def _encodable(value: str | None) -> bool:
    """Whether a string has no half of a surrogate pair, which stands for a broken byte."""
    return value is None or not any("\ud800" <= character <= "\udfff" for character in value)
