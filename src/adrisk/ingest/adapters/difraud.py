"""Adapter of DIFrauD job scams: cleaned English job ads of EMSCAD, labelled employment scam."""

from __future__ import annotations

import pyarrow as pa

from adrisk.ingest.adapters.base import Adapter, Corpus, constant, keep_rest
from adrisk.ingest.adapters.emscad import scam_risk
from adrisk.ingest.values import prefixed
from adrisk.schema import LABELS
from adrisk.types import ArrowValues

LABEL_SOURCE = "difraud:employment_scam"

# Near-copies (TF-IDF cosine of 0.3 or more) must be in the same split.
_GROUP = "group_tfidf30"


def _shape(raw: pa.Table) -> pa.Table:
    columns: dict[str, ArrowValues] = {
        "text": raw["text"],
        "source": constant("difraud", raw),
        "indicators": pa.nulls(raw.num_rows, LABELS.field("indicators").type),
        "risk": scam_risk(raw["label"]),
        "label_source": constant(LABEL_SOURCE, raw),
    }
    if _GROUP in raw.column_names:
        columns["campaign_id"] = prefixed("difraud", raw[_GROUP])
    if "split" in raw.column_names:
        # The corpus' own split is random by ad, so it is kept under another name.
        columns["corpus_split"] = raw["split"]
    return keep_rest(raw, columns, ("text", "label", "split", _GROUP))


ADAPTER = Adapter(
    "difraud:PATH",
    "job scams of DIFrauD, Parquet or JSONL; labels: employment scam",
    Corpus(
        columns={"text": "text", "risk": "label", "campaign_id": _GROUP},
        required=("text", "label"),
        text_columns=("text",),
        shape=_shape,
    ).open,
)
