"""Adapter of generated ads: `synthetic:20000?seed=7&prevalence=0.05&languages=en,es`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk.errors import SourceError, UsageError
from adrisk.ingest.adapters.base import Adapter, Opened, Part, ReadOptions
from adrisk.ingest.locations import Spec, split_parameters
from adrisk.ingest.quarantine import Reject
from adrisk.ingest.readers import Rows


def _names(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(","))


_PARAMETERS: dict[str, Callable[[str], object]] = {
    "seed": int,
    "prevalence": float,
    "duplicates": float,
    "edited": float,
    "languages": _names,
    "kinds": _names,
}


class SyntheticReader:
    """Reader of the generator; a line is the number of the ad, from 1."""

    def __init__(self, name: str, count: int, arguments: dict[str, Any]) -> None:
        self.name = name
        self.expected_rows: int | None = count
        self._count, self._arguments = count, arguments
        self.schema = next(iter(self._tables(1, 1))).schema.remove_metadata()

    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The generated ads in order."""
        number = 1
        for table in self._tables(self._count, batch_rows):
            lines = np.arange(number, number + table.num_rows, dtype=np.int64)
            number += table.num_rows
            yield Rows(table, lines)

    def _tables(self, count: int, batch_rows: int) -> Iterator[pa.Table]:
        from adrisk.synthetic.generate import generate

        yield from generate(count, batch_rows=batch_rows, **self._arguments)


def _open(spec: Spec, options: ReadOptions) -> Opened:
    split = split_parameters(spec, _PARAMETERS)
    digits = split.target.replace("_", "").replace(",", "")
    if not digits.isascii() or not digits.isdigit() or int(digits) == 0:
        raise SourceError(
            f"{spec.text!r}: expected how many ads to generate, as in synthetic:20000, "
            f"but found {split.target!r}"
        )
    arguments: dict[str, Any] = {}
    for name, written in split.parameters.items():
        try:
            arguments[name] = _PARAMETERS[name](written)
        except ValueError as error:
            raise SourceError(f"{spec.text!r}: {name} must be a number, not {written!r}") from error
    if not 0 <= arguments.get("prevalence", 0.0) <= 1:
        raise SourceError(f"{spec.text!r}: prevalence is a share between 0 and 1, such as 0.05")
    try:
        reader = SyntheticReader(spec.text, int(digits), arguments)
    except UsageError as error:
        message = str(error).removeprefix("synthetic: ")
        raise SourceError(f"{spec.text!r}: {message}") from error
    columns = {name: name for name in reader.schema.names}
    return Opened([Part(reader, lambda raw: raw)], columns, [])


ADAPTER = Adapter(
    "synthetic:COUNT[?seed=7&prevalence=0.05&duplicates=0.9&languages=en,es&kinds=job]",
    "generated ads with known truth",
    _open,
)
