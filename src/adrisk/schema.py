"""Arrow schemas of all tables that adrisk reads or writes.

Ads are read as `ADS`, with label columns where known; further columns are kept. Scores, flags and
campaigns are written with the schemas below.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from adrisk.types import ArrowField


def required(name: str, kind: pa.DataType) -> ArrowField:
    """A column without nulls."""
    return pa.field(name, kind, nullable=False)


def optional(name: str, kind: pa.DataType) -> ArrowField:
    """A column that may have nulls."""
    return pa.field(name, kind)


MAX_TEXT_BYTES = 1_000_000
"""A longer text is quarantined."""

_EVIDENCE = pa.struct(
    [
        optional("indicator", pa.string()),
        optional("start", pa.int32()),
        optional("end", pa.int32()),
        optional("strength", pa.float32()),
        optional("found_by", pa.string()),
    ]
)

ADS = pa.schema(
    [
        required("ad_id", pa.string()),
        required("text", pa.large_string()),
        optional("language", pa.string()),
        optional("posted_at", pa.timestamp("us", tz="UTC")),
        optional("source", pa.string()),
        optional("category", pa.string()),
        optional("location", pa.string()),
        optional("account_id", pa.string()),
        optional("url", pa.string()),
        optional("price", pa.string()),
    ]
)
"""One ad per row; `text` joins title and body with a line break. All but the first two columns may
be null."""

VOTES = pa.list_(pa.struct([("voter", pa.string()), ("item", pa.string()), ("says", pa.string())]))
"""Votes of rules, people and models on one ad, before they are joined into labels.

`item` is an indicator or "risk". `says` is a state (`adrisk.types.State`) for an indicator, and "0"
to "3" or "unsure" for risk. A voter without an opinion on an item has no entry for it.
"""

LABELS = pa.schema(
    [
        optional("indicators", pa.list_(pa.string())),
        optional("indicators_known", pa.list_(pa.string())),
        optional("risk", pa.int8()),
        optional("label_source", pa.string()),
        optional("campaign_id", pa.string()),
        optional("split", pa.string()),
        optional("votes", VOTES),
    ]
)
"""Label columns, each optional.

`indicators` lists those present: `[]` means that all were labelled and none is present, so training
learns their absence; null means unlabelled, and the row is masked. `indicators_known` lists those
that were labelled; the others are masked in training. If it is null beside a list, all were
labelled. An unlabelled ad has `indicators` null, or `[]` with `indicators_known` `[]`.

`split` is `train` or `test` if the corpus has a split of its own. `votes` are the votes behind the
labels, where known.
"""

CAMPAIGNS = pa.schema(
    [
        required("ad_id", pa.string()),
        required("campaign_id", pa.string()),
        required("campaign_size", pa.int32()),
        required("reason", pa.string()),
    ]
)

_TIE = pa.struct(
    [
        required("text", pa.int32()),
        optional("contact", pa.string()),
        optional("account", pa.int32()),
        required("ads", pa.int32()),
    ]
)

CAMPAIGN_FACTS = pa.schema(
    [
        required("campaign_id", pa.string()),
        optional("risk", pa.float32()),
        required("ads", pa.int32()),
        required("texts", pa.int32()),
        required("dated", pa.int32()),
        optional("first_posted", pa.timestamp("us", tz="UTC")),
        optional("last_posted", pa.timestamp("us", tz="UTC")),
        optional("timeline", pa.list_(pa.int32())),
        required("places", pa.int32()),
        required("place_names", pa.list_(pa.string())),
        required("languages", pa.list_(pa.string())),
        required("accounts", pa.int32()),
        required("sectors", pa.list_(pa.string())),
        required("contacts", pa.int32()),
        required("contact_names", pa.list_(pa.string())),
        required("contact_changes", pa.int32()),
        required("indicators", pa.list_(pa.string())),
        required("words", pa.list_(pa.string())),
        required("ties", pa.list_(_TIE)),
    ]
)
"""One campaign per row. `risk` is the calibrated probability that one of its ads has risk 2 or 3.

`texts` counts its groups of near-copies, `dated` the ads with a time, `timeline` the ads in equal
parts of the span; names and languages are the most frequent. `indicators` are its cross-ad
indicators, and `words` the reason for each, in the same order. Contacts are short pseudonyms.
`ties` count the `ads` in which a text (1 is the most copied) has a contact or an account (numbered
in the campaign, 1 is the most frequent).
"""

LINKS = pa.schema(
    [
        required("campaign_id", pa.string()),
        required("ad_id", pa.string()),
        required("other_ad_id", pa.string()),
        required("kind", pa.string()),
        optional("strength", pa.float32()),
        optional("contact", pa.string()),
    ]
)
"""Links between the ads of a campaign, enough to connect all of them.

`kind` is `near-copy` (of the most typical ad of its group, with estimated similarity `strength`
from 0 to 1) or `shared contact` (`contact` is its short pseudonym, and both ads have it).
"""

GUARDED = pa.schema(
    [
        required("contact", pa.string()),
        required("ads", pa.int32()),
        required("groups", pa.int32()),
        required("reason", pa.string()),
    ]
)
"""Contacts in several groups of near-copies that were not used to link all of them."""

APART = pa.schema(
    [
        required("ad_id", pa.string()),
        required("escalate", pa.list_(pa.string())),
        optional("incomplete", pa.string()),
    ]
)
"""Ads whose place in the queue does not depend on risk alone, one per row.

`escalate` lists the escalate-only indicators found by rules, restricted lists or the model;
`incomplete` is the reason why the model does not judge the ad: `unreadable`, `too_short` or
`language`.
"""

FLAGS = pa.schema(
    [
        required("ad_id", pa.string()),
        required("campaign_id", pa.string()),
        required("level", pa.string()),
        required("reasons", pa.list_(pa.string())),
        optional("rank", pa.int32()),
        required("policy_id", pa.string()),
    ]
)
"""`rank` is the place of the campaign in the review queue, from 1; null if not queued."""


def scores(indicators: Sequence[str]) -> pa.Schema:
    """Schema of the scores of a model with these indicators, in this order."""
    return pa.schema(
        [
            required("ad_id", pa.string()),
            required("risk", pa.float32()),
            required("level", pa.int8()),
            *(required(f"p_{name}", pa.float32()) for name in indicators),
            optional("language", pa.string()),
            required("obscured", pa.bool_()),
            required("truncated", pa.bool_()),
            required("model", pa.string()),
            required("model_version", pa.string()),
            pa.field("input_sha256", pa.string(), nullable=False),
            required("run_id", pa.string()),
            optional("evidence", pa.list_(_EVIDENCE)),
        ]
    )
