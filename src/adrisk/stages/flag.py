"""Scores and campaigns to flags: the policy applied to a scored folder, a part at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import schema
from adrisk.indicators import load_taxonomy
from adrisk.policy import Policy, Queue, apply_policy, reasons
from adrisk.progress import track
from adrisk.stages.facts import campaign_rows
from adrisk.stages.files import replacing
from adrisk.types import Level

_LEVELS = np.array([Level.CLEAR, Level.REVIEW, Level.URGENT], dtype=object)


def write_flags(
    folder: Path, labels: tuple[str, ...], policy: Policy, campaigns: pa.Table, facts: pa.Table
) -> dict[str, Any]:
    """Write `flags.parquet`, one row an ad in the order of the scores; returns the counts.

    Args:
        folder: with `scores/`.
        labels: the model's indicators.
        policy: settled.
        campaigns: schema CAMPAIGNS, rows in the order of the scores.
        facts: schema CAMPAIGN_FACTS, in the order of the campaigns' first ads.
    """
    paths = sorted((folder / "scores").glob("part-*.parquet"))
    risk = np.concatenate([pq.read_table(p, columns=["risk"])["risk"].to_numpy() for p in paths])
    numbers = campaign_rows(campaigns["campaign_id"]).astype(np.int32)
    queue = apply_policy(policy, risk, numbers, facts["risk"].to_numpy())
    linked = _Linked(campaigns, numbers, facts["words"])
    first = 0
    with (
        replacing(folder / "flags.parquet") as draft,
        track("flag", len(risk)) as advance,
        pq.ParquetWriter(draft, schema.FLAGS, compression="zstd") as writer,
    ):
        for path in paths:
            table = _flags(path, first, labels, policy, queue, linked)
            writer.write_table(table)
            first += len(table)
            advance(len(table))
    return _counts(policy, risk, numbers, queue)


@dataclass(frozen=True, slots=True)
class _Linked:
    """Campaigns by ad, the number of each ad's campaign, and by that number, what shows across
    its ads, in words."""

    campaigns: pa.Table
    numbers: NDArray[np.int32]
    words: pa.ChunkedArray


def _flags(
    path: Path,
    first: int,
    labels: tuple[str, ...],
    policy: Policy,
    queue: Queue,
    linked: _Linked,
) -> pa.Table:
    scores = pq.read_table(path, columns=["ad_id", "risk", *(f"p_{label}" for label in labels)])
    rows = slice(first, first + len(scores))
    taxonomy = load_taxonomy()
    # Nearly all ads are clear for the same reason; words are only made for the others.
    spoken = np.flatnonzero(
        (queue.levels[rows] > 0) | queue.audit[rows] | queue.over_capacity[rows]
    )
    clear = [f"below the review threshold {policy.review_at:.2f}"]
    words: list[list[str]] = [clear] * len(scores)
    for at in spoken:
        ad = scores.slice(int(at), 1).to_pylist()[0]
        words[at] = reasons(
            policy,
            queue,
            first + int(at),
            ad["risk"],
            {label: ad[f"p_{label}"] for label in labels},
            linked.campaigns["campaign_size"][first + int(at)].as_py(),
            taxonomy,
            linked.words[int(linked.numbers[first + at])].as_py(),
        )
    ranks = queue.ranks[rows]
    return pa.table(
        {
            "ad_id": scores["ad_id"],
            "campaign_id": linked.campaigns["campaign_id"].slice(first, len(scores)),
            "level": pa.array(_LEVELS[queue.levels[rows]], pa.string()),
            "reasons": pa.array(words, schema.FLAGS.field("reasons").type),
            "rank": pa.array(ranks, pa.int32(), mask=ranks == 0),
            "policy_id": pa.repeat(policy.policy_id, len(scores)),
        },
        schema=schema.FLAGS,
    )


def _counts(
    policy: Policy, risk: np.ndarray, campaigns: np.ndarray, queue: Queue
) -> dict[str, Any]:
    levels = np.bincount(queue.levels, minlength=len(_LEVELS))
    over = np.unique(campaigns[queue.over_capacity])
    return {
        **{str(level): int(n) for level, n in zip(_LEVELS, levels, strict=True)},
        "incomplete": 0,
        "campaigns": int(campaigns.max()) + 1,
        "queued_campaigns": len(np.unique(queue.ranks[queue.ranks > 0])),
        "audited": int(queue.audit.sum()),
        "over_capacity": len(over),
        "over_threshold": int((risk >= np.float32(policy.review_at)).sum()),
    }
