"""Adapters of four public corpora of job ads: EMSCAD, DIFrauD, H-2 job orders and EURES.

EMSCAD and DIFrauD are labelled as employment scam, which is not trafficking. The other two have no
labels and serve as lawful look-alikes.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.ingest.adapters.base import Adapter, Corpus, constant, keep_rest
from adrisk.ingest.locations import SourceFile
from adrisk.ingest.values import join_lines, prefixed, spliced, strings, text_parts
from adrisk.schema import LABELS
from adrisk.types import ArrowArray, ArrowColumn, ArrowValues

# EMSCAD: several synthetic files circulate under its name, so the SHA-256 is checked.
EMSCAD_SHA256 = "59253295129d8b6a27607f9904f7d4ddf4dbb0ee35e079c7eb51b58b5e62bf60"
EMSCAD_BYTES = 50_061_601

_EMSCAD_TEXTS = ("title", "company_profile", "description", "requirements", "benefits")
_EMSCAD_FIELDS = {"category": "function", "location": "location", "price": "salary_range"}
# Near-copies in DIFrauD (TF-IDF cosine of 0.3 or more) must be in the same split.
_DIFRAUD_GROUP = "group_tfidf30"
_H2_RATES = ("basic_rate_from", "basic_rate_to", "pay_range_desc")
_EURES_NO_TITLE = "WORK/LOCATION"
_EURES_CONTACT = r"(?s)\s*(?:Datos|Fechas) de contacto\b.*"  # RE2 syntax


def _scam_labels(column: ArrowColumn, source: str, raw: pa.Table) -> dict[str, ArrowValues]:
    """Label columns from a scam flag: risk 2 for a scam, 0 for none, "unknown" for another word."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(strings(column)[0]))
    scam = pc.is_in(words, pa.array(["t", "true", "1"], pa.large_string()))
    honest = pc.is_in(words, pa.array(["f", "false", "0"], pa.large_string()))
    unknown = pc.if_else(pc.is_null(words), None, "unknown")
    return {
        "indicators": pa.nulls(raw.num_rows, LABELS.field("indicators").type),
        "risk": pc.if_else(scam, "2", pc.if_else(honest, "0", unknown)),
        "label_source": constant(f"{source}:employment_scam", raw),
    }


def _emscad(raw: pa.Table) -> pa.Table:
    texts = [name for name in _EMSCAD_TEXTS if name in raw.column_names]
    columns: dict[str, ArrowValues] = {"text": join_lines([raw[name] for name in texts])}
    if "job_id" in raw.column_names:
        columns["ad_id"] = prefixed("emscad", raw["job_id"])
    columns["source"] = constant("emscad", raw)
    for canonical, name in _EMSCAD_FIELDS.items():
        if name in raw.column_names:
            columns[canonical] = raw[name]
    columns |= _scam_labels(raw["fraudulent"], "emscad", raw)
    return keep_rest(raw, columns, (*texts, "job_id", *_EMSCAD_FIELDS.values(), "fraudulent"))


def _check_emscad(file: SourceFile) -> list[str]:
    if file.stored_bytes == EMSCAD_BYTES and file.sha256() == EMSCAD_SHA256:
        return []
    return [
        f"{file.name}: is not the original EMSCAD of 17,880 rows ({EMSCAD_BYTES:,} bytes, sha256 "
        f"{EMSCAD_SHA256[:8]}...; this file has {file.stored_bytes:,} bytes). Several synthetic "
        f"impostors circulate under its name: do not report results on it as EMSCAD"
    ]


EMSCAD = Adapter(
    "emscad:PATH",
    "fake_job_postings.csv of EMSCAD; labels: employment scam",
    Corpus(
        columns={
            "ad_id": "job_id",
            "text": " + ".join(_EMSCAD_TEXTS),
            **_EMSCAD_FIELDS,
            "risk": "fraudulent",
        },
        required=("title", "description", "fraudulent"),
        text_columns=_EMSCAD_TEXTS,
        shape=_emscad,
        check=_check_emscad,
    ).open,
)
"""Employment Scam Aegean Dataset: 17,880 English job ads, 866 of them scams."""


def _difraud(raw: pa.Table) -> pa.Table:
    columns: dict[str, ArrowValues] = {"text": raw["text"], "source": constant("difraud", raw)}
    columns |= _scam_labels(raw["label"], "difraud", raw)
    if _DIFRAUD_GROUP in raw.column_names:
        columns["campaign_id"] = prefixed("difraud", raw[_DIFRAUD_GROUP])
    if "split" in raw.column_names:
        # The corpus' own split is random by ad, so it is kept under another name.
        columns["corpus_split"] = raw["split"]
    return keep_rest(raw, columns, ("text", "label", "split", _DIFRAUD_GROUP))


DIFRAUD = Adapter(
    "difraud:PATH",
    "job scams of DIFrauD, Parquet or JSONL; labels: employment scam",
    Corpus(
        columns={"text": "text", "risk": "label", "campaign_id": _DIFRAUD_GROUP},
        required=("text", "label"),
        text_columns=("text",),
        shape=_difraud,
    ).open,
)
"""Cleaned English job ads of EMSCAD, labelled employment scam."""


def _h2(raw: pa.Table) -> pa.Table:
    columns: dict[str, ArrowValues] = {
        "ad_id": raw["case_number"],
        "text": raw["text"],
        "language": constant("en", raw),
        "source": constant("h2", raw),
        "category": raw["job_title"],
        "location": raw["worksite_state"],
        "account_id": prefixed("h2", raw["employer_group"]),
        "price": _h2_price(raw),
        "campaign_id": prefixed("h2", raw["template_group"]),
    }
    return keep_rest(raw, columns, _H2_REQUIRED)


def _h2_price(raw: pa.Table) -> ArrowArray:
    """`9.59 USD per hour` or `9.59-12 USD per hour`; an upper rate of 0 means none."""
    low, high = strings(raw["basic_rate_from"])[0], strings(raw["basic_rate_to"])[0]
    unit = pc.utf8_lower(strings(raw["pay_range_desc"])[0])
    no_rate = pa.array([None, "", "0", "0.0", "0.00"], pa.large_string())
    one_rate = pc.or_(pc.is_in(high, no_rate), pc.fill_null(pc.equal(low, high), True))
    return spliced(pc.if_else(one_rate, low, spliced(low, "-", high)), " USD per ", unit)


_H2_REQUIRED = (
    *"case_number text job_title worksite_state employer_group template_group".split(),
    *_H2_RATES,
)
H2 = Adapter(
    "h2:PATH",
    "United States H-2A and H-2B job orders (seasonaljobs.dol.gov); no labels",
    Corpus(
        columns={
            "ad_id": "case_number",
            "text": "text",
            "category": "job_title",
            "location": "worksite_state",
            "account_id": "employer_group",
            "price": " + ".join(_H2_RATES),
            "campaign_id": "template_group",
        },
        required=_H2_REQUIRED,
        text_columns=("text",),
        shape=_h2,
    ).open,
)


def _eures(raw: pa.Table) -> pa.Table:
    title = text_parts(raw["titulo"])
    title = pc.if_else(pc.equal(pc.utf8_trim_whitespace(title), _EURES_NO_TITLE), None, title)
    # Nearly every ad ends in the same contact block, a shortcut to "benign" for a model.
    body = pc.replace_substring_regex(text_parts(raw["descripcion"]), _EURES_CONTACT, "")
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
    return keep_rest(raw, columns, _EURES_REQUIRED)


_EURES_REQUIRED = tuple("id titulo descripcion timestamp ocupacion provincia dup_group".split())
EURES = Adapter(
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
        required=_EURES_REQUIRED,
        text_columns=("titulo", "descripcion"),
        shape=_eures,
    ).open,
)
"""Spanish and Catalan job ads, benign."""
