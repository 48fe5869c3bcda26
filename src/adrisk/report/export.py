"""Campaigns for other tools: their facts as Parquet, or as GraphML with ads, links and contacts.

In: the folder of a scoring run and the campaigns wanted. Out: a file with ids, facts and short
pseudonyms. No text and no plain contact is at hand here; names of places are those of the facts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.errors import MissingExtraError
from adrisk.report.queue import Queued
from adrisk.scoring.masking import visible
from adrisk.scoring.outputs import FACTS_FILE, LINKS_FILE, batches, table_file

EVERY = 10_000_000
"""More campaigns than a queue has."""

_FACTS = (
    *("risk", "ads", "texts", "dated", "places", "accounts", "contacts", "contact_changes"),
    *("first_posted", "last_posted", "place_names", "languages", "sectors"),
    *("indicators", "words"),
)


def write_parquet(folder: Path, items: Sequence[Queued], out: Path) -> None:
    """The facts of these campaigns after `rank` and `level`; the rank is null if not queued."""
    facts = _rows(folder, FACTS_FILE, schema.CAMPAIGN_FACTS, items)
    placed = {item.campaign_id: item for item in items}
    queued = [placed[campaign_id] for campaign_id in facts["campaign_id"].to_pylist()]
    ranks = pa.array([item.rank or None for item in queued], pa.int32())
    levels = pa.array([item.level.value for item in queued], pa.string())
    table = facts.add_column(0, "level", levels).add_column(0, "rank", ranks)
    pq.write_table(table.sort_by("rank"), out, compression="zstd")


def write_graphml(folder: Path, items: Sequence[Queued], out: Path) -> None:
    """Campaigns, their ads and contacts as nodes; links, membership and contacts given as edges.

    A contact is one node however many campaigns give it, so shared ones join them.

    Raises:
        MissingExtraError: without the extra `graph`.
    """
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError("networkx", "graph", "an export as GraphML") from error

    graph = networkx.Graph()
    for facts, item in _with_facts(folder, items):
        campaign = f"campaign {visible(item.campaign_id)}"
        known = {name: _attribute(facts[name]) for name in _FACTS}
        graph.add_node(
            campaign,
            kind="campaign",
            rank=item.rank,
            level=item.level.value,
            **{name: value for name, value in known.items() if value is not None},
        )
        given = Counter(dict.fromkeys(facts["contact_names"], 0))
        for tie in facts["ties"]:
            if tie["contact"] is not None:
                given[tie["contact"]] += tie["ads"]
        for name, ads in given.items():
            contact = f"contact {visible(name)}"
            graph.add_node(contact, kind="contact")
            graph.add_edge(campaign, contact, kind="gives", ads=max(ads, 1))
    for row in _rows(folder, "campaigns.parquet", schema.CAMPAIGNS, items).to_pylist():
        ad = f"ad {visible(row['ad_id'])}"
        graph.add_node(ad, kind="ad", reason=visible(row["reason"]))
        graph.add_edge(f"campaign {visible(row['campaign_id'])}", ad, kind="has")
    for row in _rows(folder, LINKS_FILE, schema.LINKS, items).to_pylist():
        known = {name: _attribute(row[name]) for name in ("kind", "strength", "contact")}
        graph.add_edge(
            f"ad {visible(row['ad_id'])}",
            f"ad {visible(row['other_ad_id'])}",
            **{name: value for name, value in known.items() if value is not None},
        )
    networkx.write_graphml_xml(graph, out, encoding="utf-8")


WRITERS: Mapping[str, Callable[[Path, Sequence[Queued], Path], None]] = {
    ".parquet": write_parquet,
    ".graphml": write_graphml,
}
"""By the ending of the file."""


def _with_facts(folder: Path, items: Sequence[Queued]) -> list[tuple[dict[str, Any], Queued]]:
    placed = {item.campaign_id: item for item in items}
    rows = _rows(folder, FACTS_FILE, schema.CAMPAIGN_FACTS, items).to_pylist()
    return [(row, placed[row["campaign_id"]]) for row in rows]


def _rows(folder: Path, name: str, form: pa.Schema, items: Sequence[Queued]) -> pa.Table:
    wanted = pa.array([item.campaign_id for item in items], pa.string())
    only = ds.field("campaign_id").isin(wanted)
    return pa.Table.from_batches(batches([table_file(folder, name)], form.names, only), schema=form)


def _attribute(value: Any) -> str | int | float | None:
    """A value as GraphML has them: numbers, words, lists as words; None where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, list):
        return "; ".join(visible(str(one)) for one in value)
    if isinstance(value, (int, float)):
        return value
    return visible(value.isoformat() if hasattr(value, "isoformat") else str(value))
