"""Sources, or the parts of a scored folder, to campaigns: `adrisk link` and scoring.

Reads every ad once and every different text once, on processes where there are many. Writes the
campaigns, one row an ad, and beside them, in a file ending in .links.parquet, why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.batch import MAX_CHARS
from adrisk.extract.places import guess_regions
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import DAYS, Memory, remember
from adrisk.linking.minhash import WIDTH
from adrisk.linking.signing import PURPOSE, Signed, Signer, SignerSpec, Texts, concat_signed
from adrisk.parallel import cores, in_order, in_processes
from adrisk.progress import say, track
from adrisk.scoring.workdir import WORK, part_files, read_text_index
from adrisk.types import IntArray

MANY_ADS = 60_000
"""From so many ads on, starting processes pays; fewer are read on threads."""

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
    """Join ads into campaigns.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the campaigns.
        mapping: canonical column -> the files' column.
        workspace: where the contact key is kept, and what is remembered.
        name: join the campaigns remembered under this name, and remember these; none if left out.
        days: forget ads that were not seen for so long.
        workers: threads or processes, 0 for one a core.
    """
    links = out.with_name(f"{out.stem}.links.parquet")
    quarantine = Quarantine.beside(output(out))
    # Nobody asks an ad's language here, and finding it would take longer than all the rest.
    stream = open_ads(sources, ReadOptions(mapping, detect_language=False), quarantine)
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
        _write(linked, out, links)
    for note in linked.notes:
        say(note)
    return _counted(linked, out, links, stream, quarantine)


def link_parts(out: Path, memory: Memory | None = None) -> Linked:
    """Join the ads of all parts into campaigns; writes them and the links that hold them.

    With a memory, they join the campaigns remembered there, and are remembered.

    Returns:
        What was found; the links, as large as all the rest, are in their file alone.
    """
    with track("campaigns", None) as advance:
        ids: list[pa.Array] = []
        signatures = []
        for path in part_files(out):
            ids += pq.read_table(path, columns=["ad_id"])["ad_id"].chunks
            signed = (out / WORK / path.stem).with_suffix(".signatures")
            signatures.append(np.fromfile(signed, dtype=np.uint32))
        worded = read_text_index(out)
        step = link if memory is None else memory.link
        linked = step(
            pa.chunked_array(ids),
            np.concatenate(signatures).reshape(worded.count, WIDTH),
            worded.contacts,
            text_of=worded.wording,
        )
        _write(linked, out / "campaigns.parquet", out / "links.parquet")
        advance(len(linked.campaigns), total=len(linked.campaigns))
    return replace(linked, links=schema.LINKS.empty_table())


def _write(linked: Linked, campaigns: Path, links: Path) -> None:
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
) -> tuple[pa.ChunkedArray, IntArray, Signed]:
    """The ads' ids, the text of each, and the different texts, signed."""
    texts = Texts()
    ids: list[pa.Array] = []
    text_of: list[IntArray] = []

    def batches() -> Iterator[tuple[pa.Array, list[str | None]]]:
        waiting: list[pa.Array] = []
        where: list[str | None] = []
        with track("link", stream.total_rows) as advance:
            for ads in stream:
                raw = _cut(ads["text"])
                regions = guess_regions(ads["location"].to_pylist(), ads["language"].to_pylist())
                numbers, new = texts.add(raw, regions)
                ids.extend(ads["ad_id"].chunks)
                text_of.append(numbers)
                waiting += raw.take(pa.array(new)).chunks
                where += [regions[row] for row in new]
                if len(where) >= _TEXTS_AT_ONCE:
                    yield pa.concat_arrays(waiting), where
                    waiting, where = [], []
                advance(len(ads))
        if where:
            yield pa.concat_arrays(waiting), where

    if (stream.total_rows or 0) >= MANY_ADS and (workers or cores()) > 1:
        Pseudonymiser.open(workspace, PURPOSE)  # a damaged key is told here, not by a worker
        done = in_processes(SignerSpec(workspace), batches(), workers)
    else:
        done = in_order(Signer(Pseudonymiser.open(workspace, PURPOSE)), batches(), workers)
    signed = concat_signed(list(done))
    nothing = np.zeros(0, dtype=np.int64)
    return pa.chunked_array(ids, pa.string()), np.concatenate([nothing, *text_of]), signed


def _cut(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts as every model reads them: the beginning of an endless one."""
    texts = texts.cast(pa.large_string())
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= MAX_CHARS:
        return texts
    return pc.utf8_slice_codeunits(texts, 0, MAX_CHARS)


def _counted(
    linked: Linked, out: Path, links: Path, stream: AdStream, quarantine: Quarantine
) -> Campaigns:
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
