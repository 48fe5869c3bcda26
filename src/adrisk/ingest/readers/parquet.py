"""Reader of Parquet files, one batch at a time, with the types of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from copy import copy

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.errors import SourceError
from adrisk.ingest.locations import DAMAGED, SourceFile, describe
from adrisk.ingest.quarantine import Reject
from adrisk.ingest.readers import Rows

_READ_BYTES = 1024 * 1024


class ParquetReader:
    """Reader of a Parquet file that holds one batch and its pages in memory."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._only: list[str] | None = None
        # Only the footer is read here; other damage is detected while reading.
        try:
            with file.open_raw() as raw, closing(pq.ParquetFile(raw)) as found:
                self.schema = found.schema_arrow.remove_metadata()
                self.expected_rows: int | None = found.metadata.num_rows
        except DAMAGED as error:
            raise SourceError(
                f"{file.name}: cannot be read as Parquet ({describe(error)}); "
                f"it is truncated or not Parquet: fetch or write it again"
            ) from error
        repeated = [name for name, n in Counter(self.schema.names).items() if n > 1]
        if repeated:
            raise SourceError(
                f"{file.name}: has more than one column {repeated[0]!r}; write it again with "
                f"names that differ"
            )

    def only(self, columns: Collection[str]) -> ParquetReader:
        """A reader of some columns of the same file."""
        narrow = copy(self)
        narrow._only = list(columns)
        narrow.schema = pa.schema([field for field in self.schema if field.name in columns])
        return narrow

    @property
    def name(self) -> str:
        """The file's name."""
        return self._file.name

    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The rows in order; lines are row numbers, and types were checked with the schema."""
        number = 1
        with self._file.open_raw() as raw:
            # With pre_buffer, Arrow would keep every row group in memory.
            file = pq.ParquetFile(raw, buffer_size=_READ_BYTES, pre_buffer=False)
            batches = file.iter_batches(batch_rows, columns=self._only, use_threads=False)
            for batch in batches:
                lines = np.arange(number, number + batch.num_rows, dtype=np.int64)
                number += batch.num_rows
                yield Rows(pa.Table.from_batches([batch]).replace_schema_metadata(), lines)
