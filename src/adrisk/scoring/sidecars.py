"""What a run keeps of every part until it is done: each file is written once and read once.

A part has, in `.work`, of each unique text its signature and its contacts; of each ad its facts and
the number of its text; the ads that escalate or are not judged; and what explaining and sealing
need of the texts that may be flagged. Its scores come last: a part without them does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.files import replacing
from adrisk.layout import FACT_COLUMNS
from adrisk.linking.link import CONTACTS
from adrisk.linking.minhash import WIDTH
from adrisk.scoring.dedupe import Candidate
from adrisk.scoring.manifest import PartFile
from adrisk.scoring.workdir import RunFolder
from adrisk.types import ArrowArray, ArrowColumn, IntArray

APART = pa.schema([("row", pa.int32()), ("escalate", pa.uint64()), ("incomplete", pa.int8())])
"""Ads that escalate or are not judged; bit i of `escalate` is the i-th escalating indicator."""

_FINDING = pa.struct(
    [("indicator", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("rule", pa.string())]
)
_CONTACT = pa.struct([("name", pa.string()), ("kind", pa.string()), ("value", pa.string())])
_CANDIDATES = pa.schema(
    [
        ("rows", pa.list_(pa.int32())),
        ("text", pa.large_string()),
        ("folded", pa.large_string()),
        ("hits", pa.binary()),
        ("findings", pa.list_(_FINDING)),
        ("contacts", pa.list_(_CONTACT)),
    ]
)

_TEXT = "text_number"
"""Beside the facts of an ad: the number of its text, from 0 in every part."""
_REREAD = b"reread"
"""Under this key the file of what stands apart says how many ads of its part were read twice."""
# The stubs of write_table know only True and False.
_REPETITIVE = cast("bool", ["language", "model", "model_version", "run_id"])


@dataclass(frozen=True, slots=True)
class CandidateText:
    """A text that may be flagged: the rows of the ads that have it, and what is kept of it."""

    rows: IntArray
    text: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Rows of the scores table with their facts and the number of their texts; a signature for each
    text, contacts by text; candidates and what stands apart by row of the batch."""

    scores: pa.Table
    facts: pa.Table
    text_of: IntArray
    signatures: NDArray[np.uint32]
    contacts: pa.Table
    candidates: list[CandidateText]
    apart: pa.Table
    reread: int


@dataclass(slots=True)
class PartBuffer:
    """Batches put together; texts are numbered, and rows counted, through the part."""

    scores: list[pa.Table] = field(default_factory=list)
    facts: list[pa.Table] = field(default_factory=list)
    signatures: list[NDArray[np.uint32]] = field(default_factory=list)
    contacts: list[pa.Table] = field(default_factory=list)
    candidates: list[CandidateText] = field(default_factory=list)
    apart: list[pa.Table] = field(default_factory=list)
    reread: int = 0
    rows: int = 0
    texts: int = 0

    def add(self, batch: ScoredBatch) -> None:
        """Put a batch behind the others."""
        self.facts.append(
            batch.facts.append_column(_TEXT, pa.array(batch.text_of + self.texts, pa.int32()))
        )
        self.contacts.append(_further(batch.contacts, self.texts))
        self.candidates += [
            CandidateText(some.rows + self.rows, some.text, some.candidate)
            for some in batch.candidates
        ]
        self.apart.append(_further(batch.apart, self.rows))
        self.scores.append(batch.scores)
        self.signatures.append(batch.signatures)
        self.reread += batch.reread
        self.rows += len(batch.scores)
        self.texts += len(batch.signatures)


def _further(table: pa.Table, rows: int) -> pa.Table:
    """The table with its row numbers moved on."""
    moved = pc.add(table["row"], pa.scalar(rows, pa.int32()))
    return table.set_column(0, table.schema.field(0), moved)


def write_part(folder: RunFolder, number: int, part: PartBuffer) -> None:
    """Write all files of a part, its scores last; none for a part without ads."""
    if not part.rows:
        return
    place = folder.part_file(number)
    with replacing(folder.sidecar(place.stem, "signatures"), private=True) as draft:
        np.concatenate(part.signatures).tofile(draft)
    apart = pa.concat_tables(part.apart).replace_schema_metadata({_REREAD: str(part.reread)})
    for ending, table in (
        ("facts", pa.concat_tables(part.facts)),
        ("contacts", pa.concat_tables(part.contacts).combine_chunks()),
        ("candidates", _candidates_table(part.candidates)),
        ("apart", apart.combine_chunks()),
    ):
        with replacing(folder.sidecar(place.stem, ending), private=True) as draft:
            pq.write_table(table, draft, compression="zstd")
    write_scores(place, pa.concat_tables(part.scores))


def write_scores(path: Path, scores: pa.Table) -> None:
    """Write a scores file; equal tables give equal bytes."""
    with replacing(path) as draft:
        pq.write_table(scores, draft, compression="zstd", use_dictionary=_REPETITIVE)


def _candidates_table(some: Sequence[CandidateText]) -> pa.Table:
    kept = [one.candidate for one in some]
    return pa.table(
        [
            [one.rows for one in some],
            [one.text for one in some],
            [one.folded for one in kept],
            [one.hits for one in kept],
            [[dict(zip(_FINDING.names, f, strict=True)) for f in one.findings] for one in kept],
            [[dict(zip(_CONTACT.names, c, strict=True)) for c in one.contacts] for one in kept],
        ],
        schema=_CANDIDATES,
    )


@dataclass(frozen=True, slots=True)
class ScoredAds:
    """What later steps need of the n ads of all parts, and their m unique texts.

    Attributes:
        parts: their files.
        ids: of the ads.
        risk: shape (n,).
        text_of: shape (n,), the number of each ad's text.
        texts: m.
        contacts: `CONTACTS`, by text, in order.
        languages: ads by language, the parts' most frequent first.
        obscured, truncated: ads that are so marked.
    """

    parts: tuple[PartFile, ...]
    ids: ArrowColumn
    risk: NDArray[np.float32]
    text_of: IntArray
    texts: int
    contacts: pa.Table
    languages: Counter[str]
    obscured: int
    truncated: int


def read_scored(folder: RunFolder) -> ScoredAds:
    """What the parts hold, but for signatures, facts, candidates and what stands apart."""
    parts: list[PartFile] = []
    ids: list[ArrowArray] = []
    risk: list[NDArray[np.float32]] = []
    text_of: list[IntArray] = []
    contacts = [CONTACTS.empty_table()]
    languages: Counter[str] = Counter()
    obscured = truncated = first = texts = 0
    columns = ["ad_id", "risk", "language", "obscured", "truncated"]
    for path in folder.part_files():
        scores = pq.read_table(path, columns=columns)
        ids += scores["ad_id"].chunks
        risk.append(scores["risk"].to_numpy())
        for entry in pc.value_counts(scores["language"]).to_pylist():
            languages[entry["values"] or "unknown"] += entry["counts"]
        obscured += pc.sum(scores["obscured"]).as_py()
        truncated += pc.sum(scores["truncated"]).as_py()
        parts.append(PartFile(path, first, len(scores)))
        first += len(scores)
        numbers = pq.read_table(folder.sidecar(path.stem, "facts"), columns=[_TEXT])[_TEXT]
        text_of.append(numbers.to_numpy().astype(np.int64) + texts)
        shown = pq.read_table(folder.sidecar(path.stem, "contacts"), schema=CONTACTS)
        contacts.append(_further(shown, texts))
        texts = int(text_of[-1].max()) + 1
    return ScoredAds(
        parts=tuple(parts),
        ids=pa.chunked_array(ids, pa.string()),
        risk=np.concatenate(risk),
        text_of=np.concatenate(text_of),
        texts=texts,
        contacts=pa.concat_tables(contacts),
        languages=languages,
        obscured=obscured,
        truncated=truncated,
    )


def read_signatures(folder: RunFolder, scored: ScoredAds) -> NDArray[np.uint32]:
    """The signature of every text, shape (m, `WIDTH`)."""
    signed = [
        np.fromfile(folder.sidecar(part.path.stem, "signatures"), dtype=np.uint32)
        for part in scored.parts
    ]
    return np.concatenate(signed).reshape(scored.texts, WIDTH)


def read_facts(folder: RunFolder, scored: ScoredAds) -> pa.Table:
    """The facts of every ad, in the columns `FACT_COLUMNS`."""
    return pa.concat_tables(
        pq.read_table(
            folder.sidecar(part.path.stem, "facts"),
            columns=list(FACT_COLUMNS),
            read_dictionary=list(FACT_COLUMNS[1:]),
        )
        for part in scored.parts
    )


@dataclass(frozen=True, slots=True)
class ApartAds:
    """Ads of all parts that escalate or are not judged, by row; how many were read twice."""

    rows: list[int]
    escalate: list[int]
    incomplete: list[int]
    reread: int


def read_apart(folder: RunFolder, scored: ScoredAds) -> ApartAds:
    """What stands apart."""
    found = ApartAds([], [], [], 0)
    reread = 0
    for part in scored.parts:
        table = pq.read_table(folder.sidecar(part.path.stem, "apart"))
        reread += int(table.schema.metadata[_REREAD])
        found.rows.extend((table["row"].to_numpy() + part.first).tolist())
        found.escalate.extend(table["escalate"].to_numpy().tolist())
        found.incomplete.extend(table["incomplete"].to_numpy().tolist())
    return ApartAds(found.rows, found.escalate, found.incomplete, reread)


def read_candidates(
    folder: RunFolder, part: PartFile, rows: Sequence[int]
) -> Iterator[CandidateText]:
    """The texts of some rows of a part, with those of the rows that have each.

    Raises:
        KeyError: for a row that is no candidate.
    """
    table = pq.read_table(folder.sidecar(part.path.stem, "candidates"))
    owner = dict(
        zip(
            pc.list_flatten(table["rows"]).to_pylist(),
            pc.list_parent_indices(table["rows"]).to_pylist(),
            strict=True,
        )
    )
    rows_of: dict[int, list[int]] = {}
    for row in rows:
        rows_of.setdefault(owner[row], []).append(row)
    kept = table.drop_columns(["rows"]).take(pa.array(list(rows_of), pa.int64())).to_pylist()
    for places, one in zip(rows_of.values(), kept, strict=True):
        yield CandidateText(
            np.array(places),
            one["text"],
            Candidate(
                one["folded"],
                one["hits"],
                tuple(tuple(finding.values()) for finding in one["findings"]),
                tuple(tuple(contact.values()) for contact in one["contacts"]),
            ),
        )
