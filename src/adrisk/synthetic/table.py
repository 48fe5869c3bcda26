"""The columns of a synthetic corpus: ads, the labels a team would have, and the truth.

In: posts. Out: Arrow tables of `SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from adrisk.schema import ADS, LABELS, VOTES, optional
from adrisk.synthetic.annotators import Votes
from adrisk.synthetic.campaign import Post, Story
from adrisk.types import ArrowArray

_LATENT = pa.struct(
    [
        optional("sector", pa.string()),
        optional("corridor", pa.string()),
        optional("behind", pa.string()),
        optional("indicators", pa.list_(pa.string())),
    ]
)

TRUTH = pa.schema(
    [
        optional("kind", pa.string()),
        optional("region", pa.string()),
        optional("template_family", pa.string()),
        optional("case", pa.string()),
        optional("hard", pa.bool_()),
        optional("true_indicators", pa.list_(pa.string())),
        optional("denied_indicators", pa.list_(pa.string())),
        optional("true_risk", pa.int8()),
        optional("latent", _LATENT),
    ]
)
"""What the generator knows of an ad, without error, on every row.

`kind` is what is advertised: job, service, housing or other. `template_family` is the sector, the
register and the layout of the text: what a reader could tell of its making, and nothing of the
case. `hard` marks a risk-0 ad with words of risky ones: look-alikes, denials, quotations.
`true_indicators` are stated, `denied_indicators` stated to be absent. `latent` is what lies behind
the ad, stated or not: its `indicators` are those that are so.
"""

SCHEMA = pa.schema([*ADS, *LABELS, *TRUTH])
"""Ads, their labels as a team would have them, and the truth."""

ANNOTATED, TRUE = "synthetic:annotators", "synthetic:truth"
"""The label sources: three simulated people on the training part, the truth on the test part."""

_EPOCH_MICROSECONDS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

_OF_STORY: dict[str, Callable[[Story], Any]] = {
    "language": lambda story: story.language,
    "split": lambda story: story.split,
    "kind": lambda story: story.kind,
    "region": lambda story: story.region,
    "template_family": lambda story: story.template_family,
    "case": lambda story: story.case.id,
    "hard": lambda story: story.hard,
    "true_indicators": lambda story: story.said.labels,
    "denied_indicators": lambda story: story.said.absent,
    "true_risk": lambda story: story.said.risk,
    "latent": lambda story: {
        "sector": story.sector,
        "corridor": story.corridor,
        "behind": story.case.behind,
        "indicators": story.said.latent,
    },
}


def table_of(batch: Sequence[Post], first: int, seed: int) -> pa.Table:
    """The rows of some posts, numbered from `first`."""
    rows = len(batch)
    stories = [post.story for post in batch]
    boxes = [post.boxes for post in batch]
    votes = [post.votes for post in batch]
    pairs = list(zip(stories, votes, strict=True))
    columns: dict[str, Any] = {
        "ad_id": [f"syn-{seed}-{first + i:08d}" for i in range(rows)],
        "text": [post.text for post in batch],
        "posted_at": [_EPOCH_MICROSECONDS + box.posted_second * 1_000_000 for box in boxes],
        "source": ["synthetic"] * rows,
        "category": [box.category for box in boxes],
        "location": [box.location for box in boxes],
        "account_id": [box.account_id for box in boxes],
        "url": [None] * rows,
        "price": [box.price for box in boxes],
        "indicators": [v.present if v else s.said.labels for s, v in pairs],
        "indicators_known": [v.known if v else s.everything for s, v in pairs],
        "risk": [v.risk if v else s.said.risk for s, v in pairs],
        "label_source": [ANNOTATED if v else TRUE for v in votes],
        "campaign_id": [f"syn-{seed}-{story.campaign_id}" for story in stories],
        "votes": _votes(votes),
    }
    columns |= {name: [of(story) for story in stories] for name, of in _OF_STORY.items()}
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for field in SCHEMA
        for column in (columns[field.name],)
    ]
    return pa.table(arrays, schema=SCHEMA)


def _votes(votes: Sequence[Votes | None]) -> ArrowArray:
    """The votes of each ad; null where nobody was asked. Built flat, which is far quicker."""
    given = [v for v in votes if v]
    flat = [
        pa.array(list(chain.from_iterable(part)), pa.string())
        for part in (
            [v.voters for v in given],
            [v.items for v in given],
            [v.says for v in given],
        )
    ]
    values = pa.StructArray.from_arrays(flat, fields=list(VOTES.value_type))
    ends = list(accumulate((len(v.voters) if v else 0 for v in votes), initial=0))
    missing = pa.array([v is None for v in votes], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values, type=VOTES, mask=missing)
