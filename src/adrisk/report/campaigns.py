"""Campaigns of a scored folder: the queue as a list, one campaign in full, or an export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.errors import UsageError, did_you_mean
from adrisk.files import output, replacing
from adrisk.layout import FACTS_FILE, FLAGS_FILE
from adrisk.report import export
from adrisk.report.items import SCORE_COLUMNS, Item, build_item, scored_ads
from adrisk.report.queue import QueuedCampaign, QueueIndex, batches_of, read_campaign, read_queue
from adrisk.report.run import views_of
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.manifest import read_manifest
from adrisk.scoring.outputs import AdView, score_files, table_file
from adrisk.text.arrow import text_list

MAX_LISTED = 500
"""Campaigns of the queue that are listed."""


def queue_items(folder: Path, taxonomy: Taxonomy | None = None) -> tuple[list[Item], int]:
    """The first campaigns of the queue, without ad text, and the number queued."""
    index = read_queue(folder, max_items=MAX_LISTED)
    return _items(folder, index, {}, taxonomy), index.total


def campaign_item(folder: Path, which: str, taxonomy: Taxonomy | None = None) -> Item:
    """One campaign in full; its texts are read from the sources again.

    Args:
        folder: what `score` wrote.
        which: the number in the queue, the id, or a unique beginning of the id.
        taxonomy: the indicators in words; adrisk's own if left out.
    """
    index = QueueIndex((find_campaign(folder, which),), 1)
    views = views_of(folder, index.members | index.texts, index.texts)
    (item,) = _items(folder, index, views, taxonomy)
    return item


def export_campaigns(folder: Path, out: Path, which: str | None = None) -> int:
    """Export the queued campaigns, or one; returns how many were written.

    The file has ids, facts and short pseudonyms, no text and no plain contact.

    Args:
        folder: what `score` wrote.
        out: a file ending in .parquet (facts) or .graphml (a network as well).
        which: as for `campaign_item`; left out, the whole queue.

    Raises:
        UsageError: for any other ending, or if the folder has no campaign facts.
    """
    if out.suffix not in export.WRITERS:
        raise UsageError(
            f"--export {out}: expected a name that ends in {' or '.join(export.WRITERS)}"
        )
    output(out)
    table_file(folder, FACTS_FILE)
    items = (
        [find_campaign(folder, which)]
        if which
        else read_queue(folder, max_items=export.EVERY).items
    )
    with replacing(out) as draft:
        export.WRITERS[out.suffix](folder, items, draft)
    return len(items)


def find_campaign(folder: Path, which: str) -> QueuedCampaign:
    """The campaign with this number in the queue, this id or this beginning of an id.

    Raises:
        UsageError: if there is none, or there are several.
    """
    read_manifest(folder)
    flags = pq.read_table(table_file(folder, FLAGS_FILE), columns=["campaign_id", "rank"])
    if which.isdecimal():
        ranked = flags.filter(pc.equal(flags["rank"], min(int(which), 2**31 - 1)))["campaign_id"]
        if len(ranked):
            return read_campaign(folder, ranked[0].as_py())
    ids = flags["campaign_id"].unique()
    matches = text_list(ids.filter(pc.starts_with(ids, which))) if which else []
    if which in matches:
        return read_campaign(folder, which)
    if len(matches) == 1:
        return read_campaign(folder, matches[0])
    if matches:
        raise UsageError(
            f"{len(matches):,} campaigns of {folder} begin with {which!r}; give more of the id"
        )
    hint = did_you_mean(which, text_list(ids.slice(0, 100_000)))
    raise UsageError(
        f"{folder} has no campaign {which!r}{hint}; `adrisk campaigns {folder}` lists the queue"
    )


def _items(
    folder: Path, index: QueueIndex, views: Mapping[str, AdView], taxonomy: Taxonomy | None
) -> list[Item]:
    manifest = read_manifest(folder)
    labels = manifest.model.labels
    columns = [*SCORE_COLUMNS, *(f"p_{name}" for name in labels)]
    shown = {ad_id for item in index.items for ad_id in item.members}
    found = batches_of(score_files(folder, manifest), shown, columns)
    rows = {ad.ad_id: ad for batch in found for ad in scored_ads(batch)}
    taxonomy = taxonomy or load_taxonomy()
    return [build_item(item, rows, views, labels, taxonomy) for item in index.items]
