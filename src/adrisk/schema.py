"""The Arrow schema of every table adrisk reads or writes: the contract between the stages.

Ads come in as `ADS` (with the label columns where known, and any further columns kept as they
are); scores, flags and campaigns go out as the schemas below.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

MAX_TEXT_BYTES = 1_000_000
"""A longer text is not an ad: it is quarantined."""

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
"""One ad a row; `text` is title, line break, body where they came apart. All but the first two
may be null."""

VOTES = pa.list_(pa.struct([("voter", pa.string()), ("item", pa.string()), ("says", pa.string())]))
"""What rules, people and models say of one ad, before it is joined into labels.

`item` is an indicator, or "risk". `says` is a state (`adrisk.types.State`) of an indicator, and of
risk "0" to "3" or "unsure". Who says nothing of an item has no entry for it.
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

`indicators` lists those present, so `[]` says that the labeller looked for all of them and found
none: training learns their absence. Null says that nobody looked, and masks the whole row: none
known is not none present. `indicators_known` lists those the labeller judged at all; the others
are unstated and masked in training. Null there, beside a list, means that every indicator was
judged; so "nobody looked" is `indicators` null, or `[]` with `indicators_known` `[]`.

`split` is `train` or `test` where the corpus itself says so. `votes` are what the labels were made
of, where known.
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
"""One campaign a row. `risk` is the calibrated probability that one of its ads is of risk 2 or 3.

`texts` counts its groups of near-copies, `dated` the ads whose time is known, `timeline` the ads in
each of equal parts of the span; names and languages are the most frequent. `indicators` are those
that only show across ads, and `words` the facts that made each of them show, in the same order.
Contacts are named by short pseudonyms. `ties` say in how many `ads` a text (1 is the most copied)
gives a contact or comes from an account (numbered in the campaign, 1 is the busiest).
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
"""Why the ads of a campaign are together: enough links to reach each from any other.

`kind` is `near-copy` (of the most typical ad of its group, with the estimated `strength` from 0 to
1) or `shared contact` (`contact` is its short pseudonym, and both ads show it).
"""

GUARDED = pa.schema(
    [
        pa.field("contact", pa.string(), nullable=False),
        pa.field("ads", pa.int32(), nullable=False),
        pa.field("groups", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Contacts that stand in several groups of near-copies and were not let join all of them."""

APART = pa.schema(
    [
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("escalate", pa.list_(pa.string()), nullable=False),
        ("incomplete", pa.string()),
    ]
)
"""Ads whose place in the queue does not depend on their risk alone, one a row, others not at all.

`escalate` lists the escalate-only indicators that rules, restricted lists or the model find, and
`incomplete` says why the model should not judge it: `unreadable`, `too_short` or `language`.
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
"""`rank` is the place of the ad's campaign in the review queue, from 1; null when not queued."""


def scores(indicators: Sequence[str]) -> pa.Schema:
    """The scores table for a model with these indicator heads, in this order."""
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
