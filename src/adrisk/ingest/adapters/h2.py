"""Adapter of United States H-2A and H-2B job orders: lawful look-alikes, without labels."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.ingest.adapters.base import Adapter, Corpus, constant, keep_rest
from adrisk.ingest.values import prefixed, spliced, strings
from adrisk.types import ArrowArray, ArrowValues

_RATES = ("basic_rate_from", "basic_rate_to", "pay_range_desc")
_NO_RATE = ("0", "0.0", "0.00")


def _shape(raw: pa.Table) -> pa.Table:
    columns: dict[str, ArrowValues] = {
        "ad_id": raw["case_number"],
        "text": raw["text"],
        "language": constant("en", raw),
        "source": constant("h2", raw),
        "category": raw["job_title"],
        "location": raw["worksite_state"],
        "account_id": prefixed("h2", raw["employer_group"]),
        "price": _price(raw),
        "campaign_id": prefixed("h2", raw["template_group"]),
    }
    used = ("case_number", "text", "job_title", "worksite_state", "employer_group")
    return keep_rest(raw, columns, (*used, "template_group", *_RATES))


def _price(raw: pa.Table) -> ArrowArray:
    """`9.59 USD per hour` or `9.59-12 USD per hour`; an upper rate of 0 means none."""
    low, high = strings(raw["basic_rate_from"])[0], strings(raw["basic_rate_to"])[0]
    unit = pc.utf8_lower(strings(raw["pay_range_desc"])[0])
    open_ended = pc.is_in(high, pa.array([None, "", *_NO_RATE], pa.large_string()))
    one_rate = pc.or_(open_ended, pc.fill_null(pc.equal(low, high), True))
    span = pc.if_else(one_rate, low, spliced(low, "-", high))
    return spliced(span, " USD per ", unit)


ADAPTER = Adapter(
    "h2:PATH",
    "United States H-2A and H-2B job orders (seasonaljobs.dol.gov); no labels",
    Corpus(
        columns={
            "ad_id": "case_number",
            "text": "text",
            "category": "job_title",
            "location": "worksite_state",
            "account_id": "employer_group",
            "price": " + ".join(_RATES),
            "campaign_id": "template_group",
        },
        required=(
            "case_number",
            "text",
            "job_title",
            "worksite_state",
            "employer_group",
            "template_group",
            *_RATES,
        ),
        text_columns=("text",),
        shape=_shape,
    ).open,
)
