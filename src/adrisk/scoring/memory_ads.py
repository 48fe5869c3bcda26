"""Ads in memory as the table that scoring reads: cleaned, with ids and languages, as from a file.

In: texts, dicts, or a table of pandas, Polars or Arrow. Out: `CleanAds`, and the rows that cannot
be ads with the reason for each, as `quarantine.jsonl` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import numpy as np
import pyarrow as pa

from adrisk.errors import UsageError
from adrisk.ingest.cleaning import Cleaner, stream_schema
from adrisk.ingest.columns import check_mapping, recognise
from adrisk.ingest.quarantine import Reason, quarantined
from adrisk.ingest.readers import Rows
from adrisk.scoring.parts import COLUMNS
from adrisk.types import ArrowArray, IntArray, Quarantined

NAME = "ads"
"""What messages call the given ads."""


class DataFrame(Protocol):
    """A table of pandas, Polars or another library that Arrow can read."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


Ads: TypeAlias = Iterable[str | None] | Iterable[Mapping[str, object]] | DataFrame | pa.Table


@dataclass(frozen=True, slots=True)
class CleanAds:
    """The n ads among some rows.

    Attributes:
        table: the columns that scoring reads.
        rows: shape (n,), the place of each ad among the rows given, from 0.
        rejected: the other rows; `line` counts from 1.
    """

    table: pa.Table
    rows: IntArray
    rejected: tuple[Quarantined, ...]


def clean_ads(ads: Ads, mapping: Mapping[str, str] | None = None) -> CleanAds:
    """Recognise the columns, reject rows that cannot be ads, find ids and languages.

    >>> clean = clean_ads([{"body": "We are hiring cooks for the season."}, {"body": ""}])
    >>> clean.table["language"].to_pylist(), [row.reason for row in clean.rejected]
    (['en'], ['no text'])

    Args:
        ads: rows.
        mapping: canonical column -> the column here.

    Raises:
        TypeError: if `ads` is one text, or rows are neither texts nor dicts.
        SourceError: if no column can be the text, or a column has a type that cannot be.
        UsageError: if values of a column are of different types.
    """
    raw = _table(ads)
    check_mapping(mapping or {})
    shape = recognise(raw.schema, mapping or {}, NAME).only(COLUMNS)
    shaped = shape(raw)
    form, _ = stream_schema([shaped.schema], frozenset(COLUMNS))
    rejected: list[Quarantined] = []

    def reject(line: int, reason: Reason, detail: str, ad_id: str | None) -> None:
        rejected.append(quarantined(NAME, line, reason, detail, ad_id))

    lines = np.arange(1, len(raw) + 1)
    table = Cleaner(form, detect_language=True).clean(Rows(shaped, lines), reject)
    rows = np.setdiff1d(lines, [row.line for row in rejected]) - 1
    return CleanAds(table, rows, tuple(sorted(rejected, key=lambda row: row.line)))


def _table(ads: Ads) -> pa.Table:
    if isinstance(ads, str | bytes | Mapping):
        raise TypeError(
            f"score takes a list of ads, not one {type(ads).__name__}; put it in a list: "
            "model.score([ad])"
        )
    if isinstance(ads, pa.Array | pa.ChunkedArray):
        return pa.table({"text": ads})
    if not hasattr(ads, "columns"):  # else the names of the columns would be taken for texts
        return _from_rows(list(cast("Iterable[object]", ads)))
    try:
        return pa.table(ads)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _mixed("a column") from error


def _from_rows(rows: Sequence[object]) -> pa.Table:
    if all(row is None or isinstance(row, str) for row in rows):
        return pa.table({"text": _array("text", rows, pa.large_string())})
    dicts: list[Mapping[str, object]] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TypeError(
                f"expected ads that are all texts or all dicts; row {number} is "
                f"{type(row).__name__}"
            )
        dicts.append(row)
    names = dict.fromkeys(name for row in dicts for name in row)
    return pa.table({name: _array(name, [row.get(name) for row in dicts]) for name in names})


def _array(name: str, values: Sequence[object], kind: pa.DataType | None = None) -> ArrowArray:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # half a surrogate pair stands for a broken byte: a row to reject
        encoded = [v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v for v in values]
        return pa.array(encoded, pa.large_binary())
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _mixed(f"the column {name!r}") from error


def _mixed(column: str) -> UsageError:
    return UsageError(
        f"{NAME}: the values of {column} are of different types, or of one that a table cannot "
        "hold; make them all strings, numbers or times"
    )
