"""Flags of a scoring run: the policy applied to scores and campaigns.

In: scores, campaigns and facts. Out: flags.parquet, one row an ad, and apart.parquet, one row an ad
that escalates or is not judged, from which a policy can be applied again later.
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
from adrisk.types import ArrowColumn, IntArray, Level


@dataclass(frozen=True, slots=True)
class NotedExceptions:
    """Escalating and not judged ads among the n ads of a scored folder.

    Attributes:
        escalate: the escalating indicators of the ads that show any, by row.
        incomplete: shape (n,), `AbstainReason`.
    """

    escalate: dict[int, tuple[str, ...]]
    incomplete: NDArray[np.int8]

    @property
    def apart(self) -> AdExceptions:
        """The exceptions in the form that a policy takes."""
        escalated = np.zeros(len(self.incomplete), dtype=np.bool_)
        escalated[list(self.escalate)] = True
        return AdExceptions(escalated, (self.incomplete > 0) & ~escalated)


def write_exceptions(
    folder: RunFolder, found: ApartAds, ids: ArrowColumn, taxonomy: Taxonomy
) -> NotedExceptions:
    """Write the ads that escalate or are not judged."""
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


def read_exceptions(folder: Path, ids: ArrowColumn) -> NotedExceptions:
    """The exceptions among these ads; none in a folder of an older adrisk."""
    path = folder / APART_FILE
    if not path.is_file():
        return _noted([], [], [], len(ids))
    table = pq.read_table(path, schema=schema.APART)
    place = {ad_id: row for row, ad_id in enumerate(ids.to_pylist())} if len(table) else {}
    rows = [place[ad_id] for ad_id in table["ad_id"].to_pylist()]
    codes = [AbstainReason[name.upper()] if name else 0 for name in table["incomplete"].to_pylist()]
    return _noted(
        rows, [tuple(names or ()) for names in table["escalate"].to_pylist()], codes, len(ids)
    )


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
        policy: resolved.
        campaigns: schema CAMPAIGNS, rows in the order of the scores.
        facts: schema CAMPAIGN_FACTS, in the order of the campaigns' first ads.
        scored: the ads.
        noted: which of them escalate or are not judged.
    """
    numbers = campaign_rows(campaigns["campaign_id"]).astype(np.int32)
    queue = apply_policy(policy, scored.risk, numbers, facts["risk"].to_numpy(), noted.apart)
    given = _Reasons(
        policy,
        queue,
        model.labels,
        model.rules.taxonomy,
        campaigns,
        numbers,
        facts["words"],
        noted,
        known_languages(model.manifest.trained_on.languages),
    )
    with (
        replacing(folder.flags) as draft,
        track("flag", len(numbers)) as advance,
        pq.ParquetWriter(draft, schema.FLAGS, compression="zstd") as writer,
    ):
        for table in in_order(partial(_flags, given), scored.parts, min(cores(), _READERS)):
            writer.write_table(table)
            advance(len(table))
    levels = [LEVELS.index(level) for level in (Level.REVIEW, Level.URGENT)]
    counts = _counts(policy, scored.risk, numbers, queue, noted)
    return Flags(np.isin(queue.levels, levels), counts)


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Inputs of the reasons of single ads.

    `campaigns` and `numbers` (of the campaign) are by ad, `words` (of the indicators across ads) by
    campaign; `languages` are those the model knows.
    """

    policy: Policy
    queue: Queue
    labels: tuple[str, ...]
    taxonomy: Taxonomy
    campaigns: pa.Table
    numbers: NDArray[np.int32]
    words: ArrowColumn
    noted: NotedExceptions
    languages: frozenset[str]

    def of(self, rows: IntArray, scores: pa.Table) -> Iterator[list[str]]:
        """The reasons of some ads, given their rows and their scores."""
        sizes = self.campaigns["campaign_size"].to_numpy()[rows].tolist()
        across: list[Any] = self.words.take(self.numbers[rows]).to_pylist()
        for row, ad, size, words in zip(
            rows.tolist(), scores.to_pylist(), sizes, across, strict=True
        ):
            if self.queue.levels[row] == _INCOMPLETE:
                code = AbstainReason(int(self.noted.incomplete[row]))
                because = abstain_text(code, ad["language"], self.languages)
                yield abstain_reason_lines(because, self.queue.ranks[row] > 0)
                continue
            yield reasons(
                self.policy,
                self.queue,
                row,
                ad["risk"],
                {label: ad[f"p_{label}"] for label in self.labels},
                size,
                self.taxonomy,
                words,
                self.noted.escalate.get(row, ()),
            )


def _flags(given: _Reasons, part: PartFile) -> pa.Table:
    """The flags of a part; nearly all ads are clear for one reason, which is written once."""
    queue, policy = given.queue, given.policy
    rows = slice(part.first, part.first + part.rows)
    notable = np.flatnonzero(
        (queue.levels[rows] > 0) | queue.audit[rows] | queue.over_capacity[rows]
    )
    columns = ["risk", "language", *(f"p_{label}" for label in given.labels)]
    scores = pq.read_table(part.path, columns=columns).take(pa.array(notable))
    lines = [[f"below the review threshold {policy.review_at:.2f}"]]
    lines += given.of(part.first + notable, scores)
    line_of = np.zeros(part.rows, dtype=np.int64)
    line_of[notable] = np.arange(1, len(lines))
    ranks = queue.ranks[rows]
    campaigns = given.campaigns.slice(part.first, part.rows)
    form = schema.FLAGS.field("reasons").type
    return pa.table(
        {
            "ad_id": campaigns["ad_id"],
            "campaign_id": campaigns["campaign_id"],
            "level": _LEVELS.take(queue.levels[rows]),
            "reasons": pa.array(lines, form).take(line_of),
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
