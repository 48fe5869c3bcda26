"""Arrow schemas of all tables that adrisk reads or writes.

Ads are read as `ADS`, with label columns where known; further columns are kept. Scores, flags and
campaigns are written with the schemas below.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

MAX_TEXT_BYTES = 1_000_000
"""A longer text is quarantined."""

_EVIDENCE = pa.struct(
    [
        ("indicator", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("strength", pa.float32()),
        ("found_by", pa.string()),
    ]
)

ADS = pa.schema(
    [
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        ("language", pa.string()),
        ("posted_at", pa.timestamp("us", tz="UTC")),
        ("source", pa.string()),
        ("category", pa.string()),
        ("location", pa.string()),
        ("account_id", pa.string()),
        ("url", pa.string()),
        ("price", pa.string()),
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
        ("indicators", pa.list_(pa.string())),
        ("indicators_known", pa.list_(pa.string())),
        ("risk", pa.int8()),
        ("label_source", pa.string()),
        ("campaign_id", pa.string()),
        ("split", pa.string()),
        ("votes", VOTES),
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
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("campaign_size", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

_TIE = pa.struct(
    [
        pa.field("text", pa.int32(), nullable=False),
        ("contact", pa.string()),
        ("account", pa.int32()),
        pa.field("ads", pa.int32(), nullable=False),
    ]
)

CAMPAIGN_FACTS = pa.schema(
    [
        pa.field("campaign_id", pa.string(), nullable=False),
        ("risk", pa.float32()),
        pa.field("ads", pa.int32(), nullable=False),
        pa.field("texts", pa.int32(), nullable=False),
        pa.field("dated", pa.int32(), nullable=False),
        ("first_posted", pa.timestamp("us", tz="UTC")),
        ("last_posted", pa.timestamp("us", tz="UTC")),
        ("timeline", pa.list_(pa.int32())),
        pa.field("places", pa.int32(), nullable=False),
        pa.field("place_names", pa.list_(pa.string()), nullable=False),
        pa.field("languages", pa.list_(pa.string()), nullable=False),
        pa.field("accounts", pa.int32(), nullable=False),
        pa.field("sectors", pa.list_(pa.string()), nullable=False),
        pa.field("contacts", pa.int32(), nullable=False),
        pa.field("contact_names", pa.list_(pa.string()), nullable=False),
        pa.field("contact_changes", pa.int32(), nullable=False),
        pa.field("indicators", pa.list_(pa.string()), nullable=False),
        pa.field("words", pa.list_(pa.string()), nullable=False),
        pa.field("ties", pa.list_(_TIE), nullable=False),
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
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("other_ad_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        ("strength", pa.float32()),
        ("contact", pa.string()),
    ]
)
"""Links between the ads of a campaign, enough to connect all of them.

`kind` is `near-copy` (of the most typical ad of its group, with estimated similarity `strength`
from 0 to 1) or `shared contact` (`contact` is its short pseudonym, and both ads have it).
"""

GUARDED = pa.schema(
    [
        pa.field("contact", pa.string(), nullable=False),
        pa.field("ads", pa.int32(), nullable=False),
        pa.field("groups", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Contacts in several groups of near-copies that were not used to link all of them."""

APART = pa.schema(
    [
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("escalate", pa.list_(pa.string()), nullable=False),
        ("incomplete", pa.string()),
    ]
)
"""Ads whose place in the queue does not depend on risk alone, one per row.

`escalate` lists the escalate-only indicators found by rules, restricted lists or the model;
`incomplete` is the reason why the model does not judge the ad: `unreadable`, `too_short` or
`language`.
"""

FLAGS = pa.schema(
    [
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        ("rank", pa.int32()),
        pa.field("policy_id", pa.string(), nullable=False),
    ]
)
"""`rank` is the place of the campaign in the review queue, from 1; null if not queued."""


def scores(indicators: Sequence[str]) -> pa.Schema:
    """Schema of the scores of a model with these indicators, in this order."""
    return pa.schema(
        [
            pa.field("ad_id", pa.string(), nullable=False),
            pa.field("risk", pa.float32(), nullable=False),
            pa.field("level", pa.int8(), nullable=False),
            *(pa.field(f"p_{name}", pa.float32(), nullable=False) for name in indicators),
            ("language", pa.string()),
            pa.field("obscured", pa.bool_(), nullable=False),
            pa.field("truncated", pa.bool_(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
            pa.field("model_version", pa.string(), nullable=False),
            pa.field("input_sha256", pa.string(), nullable=False),
            pa.field("run_id", pa.string(), nullable=False),
            ("evidence", pa.list_(_EVIDENCE)),
        ]
    )
