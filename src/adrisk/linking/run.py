"""Ads to campaigns without a model: `adrisk link` for sources, `link_texts` for a table.

Every ad is read once and every unique text signed once, on processes where there are many. Contacts
are read in the region that an ad's place and language give, here as in training and scoring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk import layout
from adrisk.batch import cut
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.layout import LINKS_ENDING
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import DAYS, Memory, remember
from adrisk.linking.signing import PURPOSE, Signed, Signer, SignerSpec, concat_signed
from adrisk.linking.unique_texts import TextNumbers, UniqueTexts, unique_texts
from adrisk.parallel import cores, in_order, in_processes
from adrisk.progress import say, track
from adrisk.types import ArrowArray, ArrowColumn, IntArray

_TEXTS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Campaigns:
    """What was written, as references and counts.

    Attributes:
        path: of the campaigns.
        links: of the links.
        ads: how many.
        campaigns: how many, those of a single ad included.
        joined: ads that are not alone.
        notes: what a person should be told.
        quarantined: rows that could not be ads.
        quarantine: their file.
    """

    path: Path
    links: Path
    ads: int
    campaigns: int
    joined: int
    notes: tuple[str, ...]
    quarantined: int
    quarantine: Path


def link_ads(
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    workspace: Path,
    *,
    name: str | None = None,
    days: int | None = None,
    workers: int = 0,
) -> Campaigns:
    """Join the ads of sources into campaigns.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the campaigns.
        mapping: canonical column -> the files' column.
        workspace: where the contact key is kept, and what is remembered.
        name: join the campaigns remembered under this name, and remember these; none if left out.
        days: forget ads that were not seen for so long.
        workers: threads or processes, 0 for one a core.
    """
    links = out.with_name(out.stem + LINKS_ENDING)
    quarantine = Quarantine.beside(output(out))
    stream = open_ads(sources, ReadOptions(mapping), quarantine)
    for path in (out, links):
        output(path, stream.files)
    with remembering(workspace, name, days) as memory:
        for note in stream.notes:
            say(note)
        with quarantine:
            ids, text_of, signed = _signed(stream, workspace, workers)
            if not stream.accepted:
                raise no_ads(sources, quarantine)
        step = link if memory is None else memory.link
        linked = step(ids, signed.signatures, signed.contacts, text_of=text_of)
        write_campaigns(linked, out, links)
    for note in linked.notes:
        say(note)
    return Campaigns(
        out,
        links,
        len(linked.campaigns),
        pc.count_distinct(linked.campaigns["campaign_id"]).as_py(),
        pc.sum(pc.not_equal(linked.campaigns["reason"], "single")).as_py() or 0,
        (*stream.notes, *linked.notes),
        quarantine.count,
        quarantine.path,
    )


def link_texts(ads: pa.Table, *, similarity: float = 0.7) -> Linked:
    """The campaign of every ad of a table with the columns `ad_id` and `text`.

    Where there are also `location` and `language`, phones are read as those of the region.

    Contacts are compared under a key that is forgotten on return.
    """
    texts = TextNumbers()
    found = _as_read(ads)
    text_of, new = texts.add(found)
    signed = Signer(Pseudonymiser.ephemeral())(_some(found, new))
    return link(
        ads["ad_id"], signed.signatures, signed.contacts, text_of=text_of, similarity=similarity
    )


def write_campaigns(linked: Linked, campaigns: Path, links: Path) -> None:
    """Write both tables, one beside the other."""

    def write(named: tuple[Path, pa.Table]) -> None:
        path, table = named
        with replacing(path) as draft:
            pq.write_table(table, draft, compression="zstd")

    for _ in in_order(write, ((campaigns, linked.campaigns), (links, linked.links))):
        pass


def remembering(
    workspace: Path, name: str | None, days: int | None
) -> AbstractContextManager[Memory | None]:
    """What is remembered under a name; nothing without one."""
    if name is None:
        return nullcontext()
    return remember(workspace, name, days=DAYS if days is None else days)


def _signed(
    stream: AdStream, workspace: Path, workers: int
) -> tuple[ArrowColumn, IntArray, Signed]:
    """The ads' ids, the text of each, and the unique texts, signed."""
    texts = TextNumbers()
    ids: list[ArrowArray] = []
    text_of: list[IntArray] = []

    def batches() -> Iterator[tuple[ArrowArray, list[str | None]]]:
        waiting: list[ArrowArray] = []
        where: list[str | None] = []
        with track("link", stream.total_rows) as advance:
            for ads in stream:
                found = _as_read(ads)
                numbers, new = texts.add(found)
                ids.extend(ads["ad_id"].chunks)
                text_of.append(numbers)
                some, regions = _some(found, new)
                waiting.append(some)
                where += regions
                if len(where) >= _TEXTS_AT_ONCE:
                    yield pa.concat_arrays(waiting), where
                    waiting, where = [], []
                advance(len(ads))
        if where:
            yield pa.concat_arrays(waiting), where

    if (stream.total_rows or 0) >= layout.MANY_ADS and (workers or cores()) > 1:
        Pseudonymiser.open(workspace, PURPOSE)  # a damaged key is told here, not by a worker
        done = in_processes(SignerSpec(workspace), batches(), workers)
    else:
        done = in_order(Signer(Pseudonymiser.open(workspace, PURPOSE)), batches(), workers)
    signed = concat_signed(list(done))
    nothing = np.zeros(0, dtype=np.int64)
    return pa.chunked_array(ids, pa.string()), np.concatenate([nothing, *text_of]), signed


def _as_read(ads: pa.Table) -> UniqueTexts:
    """The unique texts of ads as every model reads them: the beginning of an endless one."""
    place = ads.schema.get_field_index("text")
    return unique_texts(ads.set_column(place, "text", cut(ads["text"])[0]))


def _some(found: UniqueTexts, rows: IntArray) -> tuple[ArrowArray, list[str | None]]:
    return found.texts.take(rows), [found.regions[row] for row in rows.tolist()]
