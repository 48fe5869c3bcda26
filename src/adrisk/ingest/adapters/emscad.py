"""Adapter of EMSCAD, the Employment Scam Aegean Dataset: 17,880 English job ads, 866 of them scams.

The labels are employment scam, not trafficking. Several synthetic files circulate under the same
name, so the SHA-256 is checked.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.ingest.adapters.base import Adapter, Corpus, constant, keep_rest
from adrisk.ingest.locations import SourceFile
from adrisk.ingest.values import join_lines, prefixed, strings
from adrisk.schema import LABELS
from adrisk.types import ArrowArray, ArrowColumn, ArrowValues

SHA256 = "59253295129d8b6a27607f9904f7d4ddf4dbb0ee35e079c7eb51b58b5e62bf60"
BYTES = 50_061_601
LABEL_SOURCE = "emscad:employment_scam"

_TEXTS = ("title", "company_profile", "description", "requirements", "benefits")
_SCAM = ("t", "true", "1")
_HONEST = ("f", "false", "0")


def scam_risk(column: ArrowColumn) -> ArrowArray:
    """A scam flag as risk: 2 for a scam, 0 for none, "unknown" for another word."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(strings(column)[0]))
    scam = pc.is_in(words, pa.array(_SCAM, pa.large_string()))
    honest = pc.is_in(words, pa.array(_HONEST, pa.large_string()))
    unknown = pc.if_else(pc.is_null(words), None, "unknown")
    risk: ArrowArray = pc.if_else(scam, "2", pc.if_else(honest, "0", unknown))
    return risk


def _shape(raw: pa.Table) -> pa.Table:
    texts = [name for name in _TEXTS if name in raw.column_names]
    columns: dict[str, ArrowValues] = {"text": join_lines([raw[name] for name in texts])}
    if "job_id" in raw.column_names:
        columns["ad_id"] = prefixed("emscad", raw["job_id"])
    columns["source"] = constant("emscad", raw)
    for canonical, name in (
        ("category", "function"),
        ("location", "location"),
        ("price", "salary_range"),
    ):
        if name in raw.column_names:
            columns[canonical] = raw[name]
    columns["indicators"] = pa.nulls(raw.num_rows, LABELS.field("indicators").type)
    columns["risk"] = scam_risk(raw["fraudulent"])
    columns["label_source"] = constant(LABEL_SOURCE, raw)
    used = (*texts, "job_id", "function", "location", "salary_range", "fraudulent")
    return keep_rest(raw, columns, used)


def _check(file: SourceFile) -> list[str]:
    if file.stored_bytes == BYTES and file.sha256() == SHA256:
        return []
    return [
        f"{file.name}: is not the original EMSCAD of 17,880 rows ({BYTES:,} bytes, sha256 "
        f"{SHA256[:8]}...; this file has {file.stored_bytes:,} bytes). Several synthetic "
        f"impostors circulate under its name: do not report results on it as EMSCAD"
    ]


ADAPTER = Adapter(
    "emscad:PATH",
    "fake_job_postings.csv of EMSCAD; labels: employment scam",
    Corpus(
        columns={
            "ad_id": "job_id",
            "text": " + ".join(_TEXTS),
            "category": "function",
            "location": "location",
            "price": "salary_range",
            "risk": "fraudulent",
        },
        required=("title", "description", "fraudulent"),
        text_columns=_TEXTS,
        shape=_shape,
        check=_check,
    ).open,
)
