"""Review queue of a scored folder: campaigns in rank order, with the ads to show of each.

In: flags, campaigns, their facts and links, and scores. Out: the campaigns, and the ads whose text
one pass over the sources has to fetch. Only the queue is held in memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypedDict, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from adrisk import schema
from adrisk.errors import UsageError
from adrisk.layout import CAMPAIGNS_FILE, FACTS_FILE, FLAGS_FILE, LINKS_FILE
from adrisk.scoring.manifest import Manifest, read_manifest
from adrisk.scoring.outputs import batches, score_files, table_file
from adrisk.types import Level

MAX_MEMBERS = 1_000
"""Ads of a campaign that are read one by one; its facts cover all."""

MAX_TEXTS = 24
"""Distinct texts of a campaign that its template is made from."""

_SEVERITY = (Level.URGENT, Level.REVIEW, Level.INCOMPLETE, Level.CLEAR)
"""Order of levels; a campaign is shown at the first that one of its ads has."""


class Tie(TypedDict):
    """Number of ads with a text and a contact or an account."""

    text: int
    contact: str | None
    account: int | None
    ads: int


class FactsRow(TypedDict):
    """A row of campaign_facts.parquet; see `adrisk.schema.CAMPAIGN_FACTS`."""

    campaign_id: str
    risk: float | None
    ads: int
    texts: int
    dated: int
    first_posted: datetime | None
    last_posted: datetime | None
    timeline: list[int] | None
    places: int
    place_names: list[str]
    languages: list[str]
    accounts: int
    sectors: list[str]
    contacts: int
    contact_names: list[str]
    contact_changes: int
    indicators: list[str]
    words: list[str]
    ties: list[Tie]


@dataclass(frozen=True, slots=True)
class LinkCount:
    """Links of one kind by the same ad or contact; `weakest` is the least of their strengths."""

    kind: str
    by: str
    ads: int
    weakest: float | None


@dataclass(frozen=True, slots=True)
class QueuedCampaign:
    """A campaign of a scored folder; rank 0 is outside the queue, level `clear` an audit sample.

    `reasons` are those of its riskiest queued ad, `examples` the ads to show, riskiest first, and
    `distinct_texts` the ads that its template is made from. `facts` is its row of
    campaign_facts.parquet, None without that file; `links` are counted by kind and by ad or
    contact.
    """

    campaign_id: str
    rank: int
    level: Level
    size: int
    reasons: tuple[str, ...]
    linked_by: tuple[str, ...]
    members: tuple[str, ...]
    examples: tuple[str, ...]
    distinct_texts: tuple[str, ...] = ()
    facts: FactsRow | None = None
    links: tuple[LinkCount, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueIndex:
    """The campaigns to show, in rank order, of `total` queued."""

    items: tuple[QueuedCampaign, ...]
    total: int

    @property
    def texts(self) -> frozenset[str]:
        """The ads whose text is needed."""
        return frozenset(
            ad_id for item in self.items for ad_id in (*item.examples, *item.distinct_texts)
        )

    @property
    def members(self) -> frozenset[str]:
        """The ads whose dates and places are needed, but not their text."""
        return frozenset(ad_id for item in self.items for ad_id in item.members)


@dataclass(slots=True)
class _Draft:
    rank: int
    levels: set[Level] = field(default_factory=set)
    reasons: dict[str, tuple[str, ...]] = field(default_factory=dict)
    linked_by: set[str] = field(default_factory=set)
    members: dict[str, None] = field(default_factory=dict)
    size: int = 1


def read_queue(folder: Path, *, max_items: int = 500, examples: int = 3) -> QueueIndex:
    """The queue of a scored folder, with the ads of highest risk of each campaign.

    Args:
        folder: the output of `adrisk score`.
        max_items: campaigns to show; `total` counts all.
        examples: ads to show of a campaign; exact copies of another come last.

    Raises:
        UsageError: if the folder is not the output of a finished scoring run.
    """
    manifest = read_manifest(folder)
    drafts = _from_flags(folder)
    total = len(drafts)
    drafts = dict(sorted(drafts.items(), key=lambda pair: (pair[1].rank, pair[0]))[:max_items])
    return QueueIndex(_items(folder, manifest, drafts, examples), total)


def read_campaign(folder: Path, campaign_id: str, *, examples: int = 3) -> QueuedCampaign:
    """One campaign of a scored folder, in the queue or not.

    Args:
        folder: the output of `adrisk score`.
        campaign_id: the full id.
        examples: ads to show of it.

    Raises:
        UsageError: if the folder is not the output of a finished run, or has no such campaign.
    """
    manifest = read_manifest(folder)
    draft = _from_flags(folder, campaign_id).get(campaign_id, _Draft(0))
    (item,) = _items(folder, manifest, {campaign_id: draft}, examples)
    if not item.members:
        raise UsageError(
            f"{folder} has no campaign {campaign_id!r}; `adrisk campaigns {folder}` lists the queue"
        )
    return item


def _items(
    folder: Path, manifest: Manifest, drafts: Mapping[str, _Draft], examples: int
) -> tuple[QueuedCampaign, ...]:
    """The campaigns with their members, facts and links, in the order given."""
    _add_members(folder, drafts)
    facts = _facts(folder, drafts)
    links = _links(folder, drafts)
    members = {ad_id for draft in drafts.values() for ad_id in draft.members}
    columns = ("ad_id", "risk", "input_sha256")
    scored = {
        row["ad_id"]: (-1.0 if math.isnan(row["risk"]) else row["risk"], row["input_sha256"])
        for batch in batches_of(score_files(folder, manifest), members, columns)
        for row in batch.to_pylist()
    }
    items: list[QueuedCampaign] = []
    for campaign_id, draft in drafts.items():
        by_risk = _by_risk(draft.members, scored)
        flagged = next((ad_id for ad_id in by_risk if ad_id in draft.reasons), None)
        items.append(
            QueuedCampaign(
                campaign_id=campaign_id,
                rank=draft.rank,
                level=next((level for level in _SEVERITY if level in draft.levels), Level.CLEAR),
                size=max(draft.size, len(draft.members)),
                reasons=draft.reasons[flagged] if flagged else (),
                linked_by=tuple(sorted(draft.linked_by)),
                members=tuple(draft.members),
                examples=by_risk[:examples],
                distinct_texts=_distinct_texts(by_risk, scored),
                facts=facts.get(campaign_id),
                links=tuple(links.get(campaign_id, ())),
            )
        )
    return tuple(items)


def batches_of(
    files: Sequence[Path], ad_ids: Collection[str], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of these ads, in file order."""
    if ad_ids:
        only = ds.field("ad_id").isin(pa.array(sorted(ad_ids), pa.string()))
        yield from batches(files, columns, only)


def _from_flags(folder: Path, campaign_id: str | None = None) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    columns = ("ad_id", "campaign_id", "level", "reasons", "rank")
    file = table_file(folder, FLAGS_FILE)
    only = ds.field("rank").is_valid()
    if campaign_id is not None:
        only &= ds.field("campaign_id") == campaign_id
    for batch in batches([file], columns, only):
        for row in batch.to_pylist():
            draft = drafts.setdefault(row["campaign_id"], _Draft(row["rank"]))
            draft.rank = min(draft.rank, row["rank"])
            draft.levels.add(Level(row["level"]))
            if len(draft.members) < MAX_MEMBERS:
                draft.members[row["ad_id"]] = None
                draft.reasons[row["ad_id"]] = tuple(row["reasons"] or ())
    return drafts


def _add_members(folder: Path, drafts: Mapping[str, _Draft]) -> None:
    """Add sizes, link kinds and the members that are not flagged."""
    if not drafts:
        return
    only = ds.field("campaign_id").isin(pa.array(list(drafts), pa.string()))
    columns = ("ad_id", "campaign_id", "campaign_size", "reason")
    for batch in batches([table_file(folder, CAMPAIGNS_FILE)], columns, only):
        for row in batch.to_pylist():
            draft = drafts[row["campaign_id"]]
            draft.size = max(draft.size, row["campaign_size"])
            if row["reason"] != "single":
                draft.linked_by.update(row["reason"].split(" and "))
            if len(draft.members) < MAX_MEMBERS:
                draft.members.setdefault(row["ad_id"], None)


def _facts(folder: Path, drafts: Mapping[str, _Draft]) -> dict[str, FactsRow]:
    """Facts by campaign; none in a folder of an old version without the file."""
    path = folder / FACTS_FILE
    if not path.is_file() or not drafts:
        return {}
    only = ds.field("campaign_id").isin(pa.array(list(drafts), pa.string()))
    rows = batches([path], schema.CAMPAIGN_FACTS.names, only)
    facts = (cast("FactsRow", row) for batch in rows for row in batch.to_pylist())
    return {row["campaign_id"]: row for row in facts}


def _links(folder: Path, drafts: Mapping[str, _Draft]) -> dict[str, list[LinkCount]]:
    """Links by campaign, counted by kind and by ad or contact, the most frequent first."""
    path = folder / LINKS_FILE
    links: dict[str, list[LinkCount]] = {}
    if not path.is_file() or not drafts:
        return links
    only = ds.field("campaign_id").isin(pa.array(list(drafts), pa.string()))
    table = pa.Table.from_batches(batches([path], schema.LINKS.names, only), schema=schema.LINKS)
    by = pc.coalesce(table["contact"], table["other_ad_id"])
    counted = (
        table.append_column("by", by)
        .group_by(["campaign_id", "kind", "by"], use_threads=False)
        .aggregate([("ad_id", "count"), ("strength", "min")])
        .rename_columns({"ad_id_count": "ads", "strength_min": "weakest"})
    )
    for row in counted.to_pylist():
        links.setdefault(row.pop("campaign_id"), []).append(LinkCount(**row))
    for counts in links.values():
        counts.sort(key=lambda link: (-link.ads, link.kind, link.by))
    return links


def _distinct_texts(
    by_risk: Sequence[str], scored: Mapping[str, tuple[float, str]]
) -> tuple[str, ...]:
    """One ad for each distinct text, at most `MAX_TEXTS`; none if there is only one."""
    by_content: dict[str, str] = {}
    for ad_id in by_risk:
        if ad_id in scored:
            by_content.setdefault(scored[ad_id][1], ad_id)
    ads = tuple(by_content.values())[:MAX_TEXTS]
    return ads if len(ads) > 1 else ()


def _by_risk(members: Iterable[str], scored: Mapping[str, tuple[float, str]]) -> tuple[str, ...]:
    """The members by risk, highest first; exact copies of another come last."""
    first: list[str] = []
    copies: list[str] = []
    seen: set[str] = set()
    unscored = (-1.0, "")
    for ad_id in sorted(members, key=lambda ad_id: (-scored.get(ad_id, unscored)[0], ad_id)):
        content = scored.get(ad_id, unscored)[1] or ad_id
        (copies if content in seen else first).append(ad_id)
        seen.add(content)
    return (*first, *copies)
