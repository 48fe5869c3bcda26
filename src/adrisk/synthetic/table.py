"""Table of a synthetic corpus: ads, their labels, and the true labels.

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
"""Columns with the true attributes of every ad.

`kind` is job, service, housing or other. `template_family` is the sector, register and layout of
the text; it reveals nothing of the case. `hard` marks a risk-0 ad with words of risky ones:
look-alikes, denials, quotations. `true_indicators` are stated, `denied_indicators` stated to be
absent. `latent` is the case behind the ad, with its true `indicators`, stated or not.
"""

SCHEMA = pa.schema([*ADS, *LABELS, *TRUTH])
"""Ads, their labels as a team of annotators gives them, and the true labels."""

ANNOTATED, TRUE = "synthetic:annotators", "synthetic:truth"
"""The label sources: three simulated people on the training part, the truth on the test part."""

_EPOCH_MICROSECONDS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

_STORY_COLUMNS: dict[str, Callable[[Story], object]] = {
    "language": lambda story: story.language,
    "split": lambda story: story.split,
    "kind": lambda story: story.kind,
    "region": lambda story: story.region,
    "template_family": lambda story: story.template_family,
    "case": lambda story: story.case.id,
    "hard": lambda story: story.hard,
    "true_indicators": lambda story: story.truth.labels,
    "denied_indicators": lambda story: story.truth.absent,
    "true_risk": lambda story: story.truth.risk,
    "latent": lambda story: {
        "sector": story.sector,
        "corridor": story.corridor,
        "behind": story.case.behind,
        "indicators": story.truth.latent,
    },
}


def table_of(batch: Sequence[Post], first: int, seed: int) -> pa.Table:
    """The rows of some posts, numbered from `first`."""
    rows = len(batch)
    stories = [post.story for post in batch]
    metadata = [post.metadata for post in batch]
    votes = [post.votes for post in batch]
    pairs = list(zip(stories, votes, strict=True))
    columns: dict[str, Any] = {
        "ad_id": [f"syn-{seed}-{first + i:08d}" for i in range(rows)],
        "text": [post.text for post in batch],
        "posted_at": [_EPOCH_MICROSECONDS + m.posted_second * 1_000_000 for m in metadata],
        "source": ["synthetic"] * rows,
        "category": [m.category for m in metadata],
        "location": [m.location for m in metadata],
        "account_id": [m.account_id for m in metadata],
        "url": [None] * rows,
        "price": [m.price for m in metadata],
        "indicators": [v.present if v else s.truth.labels for s, v in pairs],
        "indicators_known": [v.known if v else s.everything for s, v in pairs],
        "risk": [v.risk if v else s.truth.risk for s, v in pairs],
        "label_source": [ANNOTATED if v else TRUE for v in votes],
        "campaign_id": [f"syn-{seed}-{story.campaign_id}" for story in stories],
        "votes": _votes(votes),
    }
    columns |= {name: [value(story) for story in stories] for name, value in _STORY_COLUMNS.items()}
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for field in SCHEMA
        for column in (columns[field.name],)
    ]
    return pa.table(arrays, schema=SCHEMA)


def _votes(votes: Sequence[Votes | None]) -> ArrowArray:
    """The votes of each ad, null without votes; built from flat arrays, which is far faster."""
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
