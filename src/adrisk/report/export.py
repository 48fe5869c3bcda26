"""Export of campaigns: facts as Parquet, or a network of ads, links and contacts as GraphML.

In: a scored folder and the campaigns to export. Out: a file with ids, facts and short pseudonyms.
Ad texts and plain contacts are never read here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.errors import MissingExtraError
from adrisk.layout import CAMPAIGNS_FILE, FACTS_FILE, LINKS_FILE
from adrisk.report.queue import QueuedCampaign
from adrisk.scoring.masking import visible
from adrisk.scoring.outputs import batches, table_file
from adrisk.text.arrow import text_list

EVERY = 10_000_000
"""Limit for a whole queue; none is longer."""

_FACTS = (
    *("risk", "ads", "texts", "dated", "places", "accounts", "contacts", "contact_changes"),
    *("first_posted", "last_posted", "place_names", "languages", "sectors"),
    *("indicators", "words"),
)


def write_parquet(folder: Path, items: Sequence[QueuedCampaign], out: Path) -> None:
    """Write `rank`, `level` and the facts of these campaigns; rank is null if not queued."""
    facts = _rows(folder, FACTS_FILE, schema.CAMPAIGN_FACTS, items)
    by_id = {item.campaign_id: item for item in items}
    queued = [by_id[campaign_id] for campaign_id in text_list(facts["campaign_id"])]
    ranks = pa.array([item.rank or None for item in queued], pa.int32())
    levels = pa.array([item.level.value for item in queued], pa.string())
    table = facts.add_column(0, "level", levels).add_column(0, "rank", ranks)
    pq.write_table(table.sort_by("rank"), out, compression="zstd")


def write_graphml(folder: Path, items: Sequence[QueuedCampaign], out: Path) -> None:
    """Write campaigns, ads and contacts as nodes; links, membership and contact use as edges.

    A contact is one node, so campaigns that share it are connected.

    Raises:
        MissingExtraError: without the extra `graph`.
    """
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError("networkx", "graph", "an export as GraphML") from error

    graph = networkx.Graph()
    by_id = {item.campaign_id: item for item in items}
    for facts in _rows(folder, FACTS_FILE, schema.CAMPAIGN_FACTS, items).to_pylist():
        item = by_id[facts["campaign_id"]]
        campaign = f"campaign {visible(item.campaign_id)}"
        values = {name: _attribute(facts[name]) for name in _FACTS}
        graph.add_node(
            campaign,
            kind="campaign",
            rank=item.rank,
            level=item.level.value,
            **{name: value for name, value in values.items() if value is not None},
        )
        contact_ads = Counter(dict.fromkeys(facts["contact_names"], 0))
        for tie in facts["ties"]:
            if tie["contact"] is not None:
                contact_ads[tie["contact"]] += tie["ads"]
        for name, ads in contact_ads.items():
            contact = f"contact {visible(name)}"
            graph.add_node(contact, kind="contact")
            graph.add_edge(campaign, contact, kind="gives", ads=max(ads, 1))
    for row in _rows(folder, CAMPAIGNS_FILE, schema.CAMPAIGNS, items).to_pylist():
        ad = f"ad {visible(row['ad_id'])}"
        graph.add_node(ad, kind="ad", reason=visible(row["reason"]))
        graph.add_edge(f"campaign {visible(row['campaign_id'])}", ad, kind="has")
    for row in _rows(folder, LINKS_FILE, schema.LINKS, items).to_pylist():
        values = {name: _attribute(row[name]) for name in ("kind", "strength", "contact")}
        graph.add_edge(
            f"ad {visible(row['ad_id'])}",
            f"ad {visible(row['other_ad_id'])}",
            **{name: value for name, value in values.items() if value is not None},
        )
    networkx.write_graphml_xml(graph, out, encoding="utf-8")


WRITERS: Mapping[str, Callable[[Path, Sequence[QueuedCampaign], Path], None]] = {
    ".parquet": write_parquet,
    ".graphml": write_graphml,
}
"""Writer by file ending."""


def _rows(folder: Path, name: str, columns: pa.Schema, items: Sequence[QueuedCampaign]) -> pa.Table:
    ids = pa.array([item.campaign_id for item in items], pa.string())
    only = ds.field("campaign_id").isin(ids)
    return pa.Table.from_batches(
        batches([table_file(folder, name)], columns.names, only), schema=columns
    )


def _attribute(value: object) -> str | int | float | None:
    """A value as a GraphML attribute: a number or text, a list joined; None for no value."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, list):
        return "; ".join(visible(str(item)) for item in value)
    if isinstance(value, (int, float)):
        return value
    return visible(value.isoformat() if isinstance(value, datetime) else str(value))
