"""What a run of scoring keeps of its ads, a part at a time, until it is done: written and read.

A part is five files of `.work` (of each wording its signature and its contacts; of each ad its
facts and its wording; what stands apart, and texts of the ads that may be flagged) and, last of
all, its scores: a part without these does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.extract.places import guess_regions
from adrisk.files import replacing
from adrisk.linking.link import CONTACTS
from adrisk.types import IntArray

WORK = ".work"
TEXTS = pa.schema([("row", pa.int32()), ("text", pa.large_string())])
APART = pa.schema([("row", pa.int32()), ("escalate", pa.uint64()), ("incomplete", pa.int8())])
"""Ads that escalate or are not judged; bit i of `escalate` is the i-th escalating indicator."""
FACTS = ("posted_at", "language", "location", "category", "account_id")
"""What is kept of every ad for the facts of its campaign."""
_WORDING = "wording"
"""Beside the facts of an ad: the number of its wording, from 0 in every part."""
_REREAD = b"reread"
"""Under this key the file of what stands apart says how many ads of its part were read twice."""
_REPETITIVE = ["language", "model", "model_version", "run_id"]


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Rows of the scores table with their facts and the number of their wordings; a signature for
    each wording, contacts by wording; texts and what stands apart by row of the batch."""

    scores: pa.Table
    facts: pa.Table
    wording: IntArray
    signatures: NDArray[np.uint32]
    contacts: pa.Table
    texts: pa.Table
    apart: pa.Table
    reread: int


@dataclass(slots=True)
class PartBuffer:
    """Batches put together; wordings are numbered, and rows counted, through the part."""

    scores: list[pa.Table] = field(default_factory=list)
    facts: list[pa.Table] = field(default_factory=list)
    signatures: list[NDArray[np.uint32]] = field(default_factory=list)
    contacts: list[pa.Table] = field(default_factory=list)
    texts: list[pa.Table] = field(default_factory=list)
    apart: list[pa.Table] = field(default_factory=list)
    reread: int = 0
    rows: int = 0
    wordings: int = 0

    def add(self, batch: ScoredBatch) -> None:
        """Put a batch behind the others."""
        wording = pa.array(batch.wording + self.wordings, pa.int32())
        self.facts.append(batch.facts.append_column(_WORDING, wording))
        self.contacts.append(_further(batch.contacts, self.wordings))
        self.texts.append(_further(batch.texts, self.rows))
        self.apart.append(_further(batch.apart, self.rows))
        self.scores.append(batch.scores)
        self.signatures.append(batch.signatures)
        self.reread += batch.reread
        self.rows += len(batch.scores)
        self.wordings += len(batch.signatures)


def _further(table: pa.Table, rows: int) -> pa.Table:
    """The table with its row numbers moved on."""
    moved = pc.add(table["row"], pa.scalar(rows, pa.int32()))
    return table.set_column(0, table.schema.field(0), moved)


def part_files(out: Path) -> list[Path]:
    """The scores files that are there, in order."""
    return sorted((out / "scores").glob("part-*.parquet"))


def reread_ads(out: Path) -> int:
    """How many ads of all parts were read a second time."""
    places = ((out / WORK / path.stem).with_suffix(".apart") for path in part_files(out))
    return sum(int(pq.read_schema(place).metadata[_REREAD]) for place in places)


def write_scores(path: Path, scores: pa.Table) -> None:
    """Write a scores file; equal tables give equal bytes."""
    with replacing(path) as draft:
        pq.write_table(scores, draft, compression="zstd", use_dictionary=_REPETITIVE)


def candidate_texts(out: Path, part: Path) -> dict[int, str]:
    """Row of the part -> text, of the ads that may be flagged."""
    table = pq.read_table((out / WORK / part.stem).with_suffix(".texts"))
    return dict(zip(table["row"].to_pylist(), table["text"].to_pylist(), strict=True))


def regions_of(out: Path, part: Path, rows: Sequence[int]) -> list[str | None]:
    """Where the phones of some ads of a part are likely from, as they were scored."""
    facts = pq.read_table(
        (out / WORK / part.stem).with_suffix(".facts"), columns=["location", "language"]
    ).take(pa.array(rows, pa.int64()))
    return guess_regions(facts["location"].to_pylist(), facts["language"].to_pylist())


@dataclass(frozen=True, slots=True)
class TextIndex:
    """The wordings of the n ads of all parts, numbered through.

    Attributes:
        wording: shape (n,), the number of each ad's.
        count: of wordings.
        contacts: `CONTACTS`, by wording, in order.
    """

    wording: IntArray
    count: int
    contacts: pa.Table


def read_text_index(out: Path) -> TextIndex:
    """Which wording each ad has, and the contacts in each."""
    wording, contacts = [], [CONTACTS.empty_table()]
    count = 0
    for path in part_files(out):
        work = out / WORK / path.stem
        numbers = pq.read_table(work.with_suffix(".facts"), columns=[_WORDING])[_WORDING]
        wording.append(numbers.to_numpy().astype(np.int64) + count)
        shown = pq.read_table(work.with_suffix(".contacts"), schema=CONTACTS)
        contacts.append(_further(shown, count))
        count = int(wording[-1].max()) + 1
    return TextIndex(np.concatenate(wording), count, pa.concat_tables(contacts))


def part_name(part: int) -> str:
    """How the files of a part are called, without what they end in."""
    return f"part-{part:05d}"


def write_part(out: Path, number: int, part: PartBuffer) -> None:
    """Write all files of a part, its scores last; none for a part without ads."""
    if not part.rows:
        return
    work = out / WORK / part_name(number)
    with replacing(work.with_suffix(".signatures")) as draft:
        np.concatenate(part.signatures).tofile(draft)
    with replacing(work.with_suffix(".facts")) as draft:
        pq.write_table(pa.concat_tables(part.facts), draft, compression="zstd")
    apart = pa.concat_tables(part.apart).replace_schema_metadata({_REREAD: str(part.reread)})
    for suffix, table in (
        (".contacts", pa.concat_tables(part.contacts)),
        (".texts", pa.concat_tables(part.texts)),
        (".apart", apart),
    ):
        with replacing(work.with_suffix(suffix), private=True) as draft:
            pq.write_table(table.combine_chunks(), draft, compression="zstd")
    write_scores(out / "scores" / f"{part_name(number)}.parquet", pa.concat_tables(part.scores))
