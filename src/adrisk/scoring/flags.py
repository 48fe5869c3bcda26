"""Flags of a scoring run: the policy applied to scores and campaigns, a part at a time.

Beside them the ads that escalate or are not judged, one row each and none for the others, so that
a policy can be applied again later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import schema
from adrisk.files import replacing
from adrisk.layout import APART_FILE
from adrisk.model.model import Model
from adrisk.parallel import cores, in_order
from adrisk.policy.abstention import AbstainReason, abstain_text, escalating_names, known_languages
from adrisk.policy.policy import Policy
from adrisk.policy.queue import LEVELS, AdExceptions, Queue, apply_policy
from adrisk.policy.reasons import abstain_reason_lines, reasons
from adrisk.progress import track
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.facts import campaign_rows
from adrisk.scoring.manifest import PartFile, QueueCounts
from adrisk.scoring.sidecars import ApartAds, ScoredAds
from adrisk.scoring.workdir import RunFolder
from adrisk.types import Level


@dataclass(frozen=True, slots=True)
class NotedExceptions:
    """What was noted of the n ads of a scored folder.

    Attributes:
        escalate: the escalating indicators of the ads that show any, by row.
        incomplete: shape (n,), `AbstainReason`.
    """

    escalate: dict[int, tuple[str, ...]]
    incomplete: NDArray[np.int8]

    @property
    def apart(self) -> AdExceptions:
        """In the form a policy takes."""
        escalated = np.zeros(len(self.incomplete), dtype=np.bool_)
        escalated[list(self.escalate)] = True
        return AdExceptions(escalated, (self.incomplete > 0) & ~escalated)


def write_exceptions(
    folder: RunFolder, found: ApartAds, ids: pa.ChunkedArray, taxonomy: Taxonomy
) -> NotedExceptions:
    """Write the ads that escalate or are not judged, beside the scores."""
    escalate = [escalating_names(bits, taxonomy) for bits in found.escalate]
    table = pa.table(
        {
            "ad_id": ids.take(pa.array(found.rows, pa.int64())),
            "escalate": pa.array(escalate, pa.list_(pa.string())),
            "incomplete": pa.array(
                [AbstainReason(code).name.lower() if code else None for code in found.incomplete],
                pa.string(),
            ),
        },
        schema=schema.APART,
    )
    with replacing(folder.apart) as draft:
        pq.write_table(table.combine_chunks(), draft, compression="zstd")
    return _noted(found.rows, escalate, found.incomplete, len(ids))


def read_exceptions(folder: Path, ids: pa.ChunkedArray) -> NotedExceptions:
    """What was noted of these ads, in their order; nothing in a folder of an older adrisk."""
    path = folder / APART_FILE
    if not path.is_file():
        return _noted([], [], [], len(ids))
    table = pq.read_table(path, schema=schema.APART)
    place = {ad_id: row for row, ad_id in enumerate(ids.to_pylist())} if len(table) else {}
    rows = [place[ad_id] for ad_id in table["ad_id"].to_pylist()]
    codes = [AbstainReason[name.upper()] if name else 0 for name in table["incomplete"].to_pylist()]
    return _noted(rows, [tuple(names) for names in table["escalate"].to_pylist()], codes, len(ids))


def _noted(
    rows: list[int], escalate: list[tuple[str, ...]], incomplete: list[int], count: int
) -> NotedExceptions:
    codes = np.zeros(count, dtype=np.int8)
    codes[rows] = incomplete
    return NotedExceptions(
        {row: names for row, names in zip(rows, escalate, strict=True) if names}, codes
    )


_LEVELS = pa.array(LEVELS, pa.string())
_READERS = 2  # threads; more would hold more parts in memory at once
_INCOMPLETE = LEVELS.index(Level.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Flags:
    """Mask of the ads under review, shape (n,), and the counts of all levels."""

    flagged: NDArray[np.bool_]
    counts: QueueCounts


def write_flags(
    folder: RunFolder,
    model: Model,
    policy: Policy,
    campaigns: pa.Table,
    facts: pa.Table,
    scored: ScoredAds,
    noted: NotedExceptions,
) -> Flags:
    """Write the flags, one row an ad in the order of the scores.

    Args:
        folder: of the run.
        model: that scored.
        policy: settled.
        campaigns: schema CAMPAIGNS, rows in the order of the scores.
        facts: schema CAMPAIGN_FACTS, in the order of the campaigns' first ads.
        scored: the ads.
        noted: which of them escalate or are not judged.
    """
    numbers = campaign_rows(campaigns["campaign_id"]).astype(np.int32)
    queue = apply_policy(policy, scored.risk, numbers, facts["risk"].to_numpy(), noted.apart)
    known = known_languages(model.manifest.trained_on.languages)
    linked = _Linked(campaigns, numbers, facts["words"], noted, known)
    flags = partial(
        _flags,
        labels=model.labels,
        policy=policy,
        queue=queue,
        linked=linked,
        taxonomy=model.rules.taxonomy,
    )
    with (
        replacing(folder.flags) as draft,
        track("flag", len(numbers)) as advance,
        pq.ParquetWriter(draft, schema.FLAGS, compression="zstd") as writer,
    ):
        for table in in_order(flags, scored.parts, min(cores(), _READERS)):
            writer.write_table(table)
            advance(len(table))
    levels = [LEVELS.index(level) for level in (Level.REVIEW, Level.URGENT)]
    counts = _counts(policy, scored.risk, numbers, queue, noted)
    return Flags(np.isin(queue.levels, levels), counts)


@dataclass(frozen=True, slots=True)
class _Linked:
    """Campaigns by ad, the number of each ad's campaign, by that number what shows across its ads,
    in words; what was noted of single ads; and the languages the model knows."""

    campaigns: pa.Table
    numbers: NDArray[np.int32]
    words: pa.ChunkedArray
    noted: NotedExceptions
    known: frozenset[str]

    def of(
        self, rows: NDArray[np.int64], scores: pa.Table
    ) -> Iterator[tuple[int, dict[str, Any], int, list[str]]]:
        """Row, score, size of the campaign and what shows across it, of some ads."""
        sizes = self.campaigns["campaign_size"].take(pa.array(rows)).to_pylist()
        across = self.words.take(pa.array(self.numbers[rows])).to_pylist()
        yield from zip(rows.tolist(), scores.to_pylist(), sizes, across, strict=True)

    def because(self, row: int, language: str | None) -> str:
        """Why an ad is not judged."""
        return abstain_text(AbstainReason(int(self.noted.incomplete[row])), language, self.known)


def _flags(
    part: PartFile,
    labels: tuple[str, ...],
    policy: Policy,
    queue: Queue,
    linked: _Linked,
    taxonomy: Taxonomy,
) -> pa.Table:
    rows = slice(part.first, part.first + part.rows)
    # Nearly all ads are clear for the same reason; words are only made for the others.
    spoken = np.flatnonzero(
        (queue.levels[rows] > 0) | queue.audit[rows] | queue.over_capacity[rows]
    )
    words = [[f"below the review threshold {policy.review_at:.2f}"]]
    columns = ["risk", "language", *(f"p_{label}" for label in labels)]
    scores = pq.read_table(part.path, columns=columns).take(pa.array(spoken))
    for row, ad, size, across in linked.of(part.first + spoken, scores):
        if queue.levels[row] == _INCOMPLETE:
            because = linked.because(row, ad["language"])
            words.append(abstain_reason_lines(because, queue.ranks[row] > 0))
            continue
        words.append(
            reasons(
                policy,
                queue,
                row,
                ad["risk"],
                {label: ad[f"p_{label}"] for label in labels},
                size,
                taxonomy,
                across,
                linked.noted.escalate.get(row, ()),
            )
        )
    said = np.zeros(part.rows, dtype=np.int64)
    said[spoken] = np.arange(1, len(words))
    ranks = queue.ranks[rows]
    campaigns = linked.campaigns.slice(part.first, part.rows)
    return pa.table(
        {
            "ad_id": campaigns["ad_id"],
            "campaign_id": campaigns["campaign_id"],
            "level": _LEVELS.take(pa.array(queue.levels[rows])),
            "reasons": pa.array(words, schema.FLAGS.field("reasons").type).take(pa.array(said)),
            "rank": pa.array(ranks, pa.int32(), mask=ranks == 0),
            "policy_id": pa.repeat(policy.policy_id, part.rows),
        },
        schema=schema.FLAGS,
    )


def _counts(
    policy: Policy,
    risk: NDArray[np.float32],
    campaigns: NDArray[np.int32],
    queue: Queue,
    noted: NotedExceptions,
) -> QueueCounts:
    incomplete = noted.apart.incomplete
    because = np.bincount(noted.incomplete[incomplete], minlength=len(AbstainReason))
    levels = dict(zip(LEVELS, np.bincount(queue.levels, minlength=len(LEVELS)), strict=True))
    return QueueCounts(
        clear=int(levels[Level.CLEAR]),
        review=int(levels[Level.REVIEW]),
        urgent=int(levels[Level.URGENT]),
        incomplete=int(levels[Level.INCOMPLETE]),
        incomplete_because={
            reason.name.lower(): int(because[reason]) for reason in AbstainReason if because[reason]
        },
        incomplete_queued=int((incomplete & (queue.ranks > 0)).sum()),
        escalated=len(noted.escalate),
        campaigns=int(campaigns.max()) + 1,
        queued_campaigns=len(np.unique(queue.ranks[queue.ranks > 0])),
        audited=int(queue.audit.sum()),
        over_capacity=len(np.unique(campaigns[queue.over_capacity])),
        over_threshold=int(((risk >= np.float32(policy.review_at)) & ~incomplete).sum()),
    )
