"""Helpers that read a source and collect its ads, rejects and notes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine
from adrisk.ingest.stream import AdStream, open_ads


@dataclass(frozen=True)
class Read:
    stream: AdStream
    table: pa.Table
    quarantined: list[dict[str, Any]]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(row["line"], row["reason"]) for row in self.quarantined]

    def column(self, name: str) -> list[Any]:
        return self.table[name].to_pylist()


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Read]:
    """`read(*specs, **options)`: all ads; the language is left alone unless asked for."""
    folder = tmp_path_factory.mktemp("quarantine")

    def read_all(*specs: object, **options: Any) -> Read:
        chosen = ReadOptions(**{"detect_language": False, **options})
        path = folder / "quarantine.jsonl"
        with Quarantine(path) as quarantine:
            stream = open_ads([str(spec) for spec in specs], chosen, quarantine)
            tables = list(stream)
        table = pa.concat_tables([stream.schema.empty_table(), *tables])
        lines = path.read_text(encoding="ascii").splitlines()
        return Read(stream, table, [json.loads(line) for line in lines])

    return read_all
