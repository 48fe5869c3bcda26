"""Adapter of Spanish and Catalan job ads of EURES: benign, without labels.

Nearly every ad ends in the same contact block, which a model would use as a shortcut to "benign",
so it is removed.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.ingest.adapters.base import Adapter, Corpus, constant, keep_rest
from adrisk.ingest.values import join_lines, prefixed, text_parts
from adrisk.types import ArrowValues

_NO_TITLE = "WORK/LOCATION"
_TAIL = r"(?s)\s*(?:Datos|Fechas) de contacto\b.*"  # RE2 syntax


def _shape(raw: pa.Table) -> pa.Table:
    title = text_parts(raw["titulo"])
    title = pc.if_else(pc.equal(pc.utf8_trim_whitespace(title), _NO_TITLE), None, title)
    body = pc.replace_substring_regex(text_parts(raw["descripcion"]), _TAIL, "")
    day = pc.strptime(text_parts(raw["timestamp"]), "%d/%m/%Y", unit="us", error_is_null=True)
    columns: dict[str, ArrowValues] = {
        "ad_id": raw["id"],
        "text": join_lines([title, body]),
        "posted_at": day,
        "source": constant("eures", raw),
        "category": raw["ocupacion"],
        "location": raw["provincia"],
        "url": raw["id"],
        "campaign_id": prefixed("eures", raw["dup_group"]),
    }
    used = ("id", "titulo", "descripcion", "timestamp", "ocupacion", "provincia", "dup_group")
    return keep_rest(raw, columns, used)


ADAPTER = Adapter(
    "eures:PATH",
    "Spanish job ads of EURES, 2025; no labels",
    Corpus(
        columns={
            "ad_id": "id",
            "text": "titulo + descripcion",
            "posted_at": "timestamp",
            "category": "ocupacion",
            "location": "provincia",
            "url": "id",
            "campaign_id": "dup_group",
        },
        required=(
            "id",
            "titulo",
            "descripcion",
            "timestamp",
            "ocupacion",
            "provincia",
            "dup_group",
        ),
        text_columns=("titulo", "descripcion"),
        shape=_shape,
    ).open,
)
