"""Adapter of Hugging Face datasets, hub or local folder: `hf:NAME?split=train&config=x`.

Columns are recognised as in plain files. A hub dataset is streamed, not downloaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk.errors import MissingExtraError, SourceError, did_you_mean
from adrisk.ingest.adapters.base import Adapter, Opened, Part, ReadOptions
from adrisk.ingest.columns import recognise
from adrisk.ingest.locations import Spec, describe, split_parameters
from adrisk.ingest.quarantine import Reject
from adrisk.ingest.readers import Rows

_SAVED = ("dataset_dict.json", "state.json")
_DEFAULT_SPLIT = "train"


class HubReader:
    """Reader of one split of a dataset; a line is a row number, from 1."""

    def __init__(self, name: str, dataset: Any) -> None:
        self.name = name
        self._dataset = dataset.with_format("arrow")
        first = next(iter(self._dataset.iter(batch_size=1)), None)
        if first is None:
            raise SourceError(f"{name}: nothing to read, the split is empty")
        self.schema = first.schema.remove_metadata()
        self.expected_rows: int | None = getattr(dataset, "num_rows", None)

    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The rows in order; types were checked with the schema."""
        number = 1
        for table in self._dataset.iter(batch_size=batch_rows):
            lines = np.arange(number, number + table.num_rows, dtype=np.int64)
            number += table.num_rows
            yield Rows(pa.table(table).replace_schema_metadata(), lines)


def _open(spec: Spec, options: ReadOptions) -> Opened:
    parsed = split_parameters(spec, ("split", "config"))
    if not parsed.target:
        raise SourceError(f"{spec.text!r}: expected a dataset's name or folder, as in hf:NAME")
    found = _load(parsed)
    notes: list[str] = []
    if isinstance(found, Mapping):
        split = parsed.parameters.get("split", "")
        if not split:
            split = _DEFAULT_SPLIT if _DEFAULT_SPLIT in found else next(iter(found), "")
            others = ", ".join(name for name in found if name != split)
            notes += [f"{spec.text}: read split {split}; others: {others}"] if others else []
        if split not in found:
            raise SourceError(
                f"{spec.text!r}: there is no split {split!r}{did_you_mean(split, list(found))}; "
                f"the splits are {', '.join(found)}"
            )
        found = found[split]
    reader = HubReader(spec.text, found)
    columns = recognise(reader.schema, options.mapping, spec.text)
    notes += filter(None, [columns.note(spec.text)])
    part = Part(reader, columns, tuple(columns.text_columns))
    return Opened([part], dict(columns.found), notes)


def _load(spec: Spec) -> Any:
    """A dataset, or a mapping of splits to datasets."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "hub", "reading Hugging Face datasets") from error
    try:
        if any((Path(spec.target) / name).exists() for name in _SAVED):
            return datasets.load_from_disk(spec.target)
        config = spec.parameters.get("config")
        return datasets.load_dataset(spec.target, name=config, streaming=True)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{spec.text!r}: cannot be opened as a dataset ({describe(error)}); check the name, "
            f"the config and the network"
        ) from error


ADAPTER = Adapter(
    "hf:NAME[?split=train&config=x]", "a Hugging Face dataset, or a folder with one", _open
)
