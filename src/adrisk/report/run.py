"""Report of a scored folder as one HTML file; ad texts are read from the sources again."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.errors import AdriskError
from adrisk.files import output
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine
from adrisk.ingest.stream import open_ads
from adrisk.layout import QUARANTINE_FILE, REPORT_FILE
from adrisk.progress import say, track
from adrisk.report.queue import read_queue
from adrisk.report.render import write_report
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.manifest import read_manifest
from adrisk.scoring.outputs import AdView

_COLUMNS = ("language", "posted_at", "location", "category", "source", "url")


def report(folder: Path, out: Path | None = None, taxonomy: Taxonomy | None = None) -> Path:
    """Render the report of a scored folder.

    Scores hold no text, so the sources are read again for the ads in the queue. If they are gone or
    have changed, the report shows the queue without text and gives the reason.

    Args:
        folder: the output of `score`.
        out: the HTML file; `report.html` in the folder if left out.
        taxonomy: the indicators in words; adrisk's own if left out.

    Raises:
        UsageError: if the folder holds no finished run.
    """
    index = read_queue(folder)
    taxonomy = taxonomy or load_taxonomy()
    unknown = sorted(set(read_manifest(folder).model.labels) - set(taxonomy.ids))
    if unknown:
        say(
            f"the taxonomy does not have {', '.join(unknown)}, so the report shows their ids; "
            "--taxonomy OUR.yaml gives their titles"
        )
    output(out or folder / REPORT_FILE)
    views = views_of(folder, index.members | index.texts, index.texts)
    return write_report(folder, views, out or folder / REPORT_FILE, taxonomy=taxonomy)


def views_of(folder: Path, members: Collection[str], texts: Collection[str]) -> dict[str, AdView]:
    """Dates, places and texts of ads, read from the sources again.

    Args:
        folder: the output of `score`.
        members: the ads to read.
        texts: those of them whose text is needed.
    """
    manifest = read_manifest(folder)
    sources = [source.spec or "" for source in manifest.sources]
    if "-" in sources:
        why = "the ads came from standard input, which cannot be read again"
        return {ad_id: AdView(None, missing_because=why) for ad_id in members}
    ids = pa.array(sorted(members), pa.string())
    views: dict[str, AdView] = {}
    try:
        with (
            tempfile.TemporaryDirectory() as scratch,
            Quarantine(Path(scratch) / QUARANTINE_FILE) as quarantine,
            track("texts", manifest.counts.scored) as advance,
        ):
            stream = open_ads(sources, ReadOptions(manifest.map, detect_language=False), quarantine)
            for ads in stream:
                chosen = ads.filter(pc.is_in(ads["ad_id"], value_set=ids))
                for ad in chosen.to_pylist():
                    text = ad["text"] if ad["ad_id"] in texts else None
                    views[ad["ad_id"]] = AdView(text, **{name: ad[name] for name in _COLUMNS})
                advance(len(ads))
    except AdriskError as error:
        say(f"the report shows no texts: {error}")
        why = "its source could not be read again"
        return {ad_id: views.get(ad_id, AdView(None, missing_because=why)) for ad_id in members}
    if stream.fingerprint != manifest.input_fingerprint:
        say("the sources have changed since they were scored, so the report shows no texts")
        why = "its source has changed since it was scored"
        return {ad_id: AdView(None, missing_because=why) for ad_id in members}
    return views
