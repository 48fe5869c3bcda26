"""Linking without a model: `adrisk link` for sources, `link_texts` for a table.

In: ads. Out: campaigns and links. Each unique text is signed once, on processes where there are
many: a MinHash signature and the pseudonyms of its contacts, no text. Phones are read in the region
that an ad's place and language give, as in scoring.
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
from numpy.typing import NDArray

from adrisk import layout
from adrisk.batch import cut
from adrisk.extract.contacts import contacts_column
from adrisk.extract.pseudonyms import LINKING, Pseudonymiser
from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.layout import LINKS_ENDING
from adrisk.linking.link import CONTACTS, link
from adrisk.linking.links import Linked
from adrisk.linking.memory import DAYS, Memory, remember
from adrisk.linking.minhash import WIDTH, signatures
from adrisk.linking.unique_texts import TextNumbers, UniqueTexts, unique_texts
from adrisk.parallel import cores, in_order, in_processes
from adrisk.progress import say, track
from adrisk.text.normalise import fold_column
from adrisk.types import ArrowArray, ArrowColumn, IntArray

_TEXTS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Campaigns:
    """References to the files written, counts, and notes for the user.

    Attributes:
        path: of the campaigns.
        links: of the links.
        ads: how many.
        campaigns: how many, those of a single ad included.
        joined: ads in a campaign of several.
        notes: a sentence each.
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
        workspace: holds the contact key and the remembered campaigns.
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

    With `location` and `language`, phones are read in the region these give. Contacts are compared
    under a key that is forgotten on return.
    """
    unique = _cut_unique(ads)
    text_of, new = TextNumbers().add(unique)
    signed = Signer(Pseudonymiser.ephemeral())(_taken(unique, new))
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
    """The memory of campaigns under a name; None without one."""
    if name is None:
        return nullcontext()
    return remember(workspace, name, days=DAYS if days is None else days)


def _signed(
    stream: AdStream, workspace: Path, workers: int
) -> tuple[ArrowColumn, IntArray, Signed]:
    """The ids of the ads, the number of each ad's text, and the unique texts, signed."""
    texts = TextNumbers()
    ids: list[ArrowArray] = []
    text_of: list[IntArray] = []

    def batches() -> Iterator[tuple[ArrowArray, list[str | None]]]:
        waiting: list[ArrowArray] = []
        regions: list[str | None] = []
        with track("link", stream.total_rows) as advance:
            for ads in stream:
                unique = _cut_unique(ads)
                numbers, new = texts.add(unique)
                ids.extend(ads["ad_id"].chunks)
                text_of.append(numbers)
                some, their_regions = _taken(unique, new)
                waiting.append(some)
                regions += their_regions
                if len(regions) >= _TEXTS_AT_ONCE:
                    yield pa.concat_arrays(waiting), regions
                    waiting, regions = [], []
                advance(len(ads))
        if regions:
            yield pa.concat_arrays(waiting), regions

    signer = Signer(Pseudonymiser.open(workspace, LINKING))
    if (stream.total_rows or 0) >= layout.MANY_ADS and (workers or cores()) > 1:
        done = in_processes(SignerSpec(workspace), batches(), workers)
    else:
        done = in_order(signer, batches(), workers)
    signed = concat_signed(list(done))
    nothing = np.zeros(0, dtype=np.int64)
    return pa.chunked_array(ids, pa.string()), np.concatenate([nothing, *text_of]), signed


def _cut_unique(ads: pa.Table) -> UniqueTexts:
    """The unique texts of ads, cut as every model reads them."""
    place = ads.schema.get_field_index("text")
    return unique_texts(ads.set_column(place, "text", cut(ads["text"])[0]))


def _taken(unique: UniqueTexts, rows: IntArray) -> tuple[ArrowArray, list[str | None]]:
    """Some of the unique texts, with their regions."""
    return unique.texts.take(rows), [unique.regions[row] for row in rows.tolist()]


@dataclass(frozen=True, slots=True)
class Signed:
    """Signatures of texts, and their contacts as pseudonyms (`CONTACTS`)."""

    signatures: NDArray[np.uint32]
    contacts: pa.Table


@dataclass(frozen=True, slots=True)
class Signer:
    """Signatures and contacts of texts, without a model; shared by threads."""

    pseudonyms: Pseudonymiser

    def __call__(self, given: tuple[ArrowArray, Sequence[str | None] | None]) -> Signed:
        """Sign texts; phones are read in the region of each text, None where it is unknown."""
        texts, regions = given
        folded = fold_column(texts)
        pairs = [
            (row, name)
            for row, contacts in enumerate(contacts_column(texts, folded, regions))
            for name in sorted({self.pseudonyms.of(contact) for contact in contacts})
        ]
        columns = [list(column) for column in zip(*pairs, strict=True)] or [[], []]
        return Signed(signatures(folded), pa.table(columns, schema=CONTACTS))


@dataclass(frozen=True, slots=True)
class SignerSpec:
    """Recipe by which a worker process makes its own signer."""

    workspace: Path

    def __call__(self) -> Signer:
        """Open the key; use one thread, as each core has its own process."""
        pa.set_cpu_count(1)
        return Signer(Pseudonymiser.open(self.workspace, LINKING))


def concat_signed(parts: Sequence[Signed]) -> Signed:
    """Signed texts of all parts, numbered through."""
    contacts, first = [CONTACTS.empty_table()], 0
    for part in parts:
        rows = pa.array(part.contacts["row"].to_numpy() + np.int32(first), pa.int32())
        contacts.append(pa.table([rows, part.contacts["name"]], schema=CONTACTS))
        first += len(part.signatures)
    empty = np.zeros((0, WIDTH), dtype=np.uint32)
    return Signed(
        np.concatenate([empty, *(part.signatures for part in parts)]), pa.concat_tables(contacts)
    )
