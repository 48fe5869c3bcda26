"""Sidecars of the parts of a run: each is written by `write_part` and read by one later step.

In `.work`, for each part: `signatures` and `contacts` of its unique texts (link); `texts`, the
number of each ad's text (link); `facts` of each ad (facts); `apart`, ads that escalate or are not
judged (flag); `candidates`, texts that may be flagged (explain, seal). The scores file is written
last: a part without it does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
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

_REREAD = b"reread"
"""Metadata key of the apart file: how many ads of the part were read twice."""
# The stubs of write_table know only True and False.
_REPETITIVE = cast("bool", ["language", "model", "model_version", "run_id"])


@dataclass(frozen=True, slots=True)
class CandidateText:
    """A text that may be flagged, with the rows of its ads."""

    rows: IntArray
    text: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Scores and sidecars of a batch.

    Attributes:
        scores, facts: one row an ad.
        text_of: shape (n,), the number of each ad's text.
        signatures: shape (m, `WIDTH`), one row a text.
        contacts: `CONTACTS`, by text.
        candidates: with rows of the batch.
        apart: `APART`.
        reread: how many ads were read twice.
    """

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
    """Batches of a part; texts and rows are numbered through the part."""

    scores: list[pa.Table] = field(default_factory=list)
    facts: list[pa.Table] = field(default_factory=list)
    text_of: list[IntArray] = field(default_factory=list)
    signatures: list[NDArray[np.uint32]] = field(default_factory=list)
    contacts: list[pa.Table] = field(default_factory=list)
    candidates: list[CandidateText] = field(default_factory=list)
    apart: list[pa.Table] = field(default_factory=list)
    reread: int = 0
    rows: int = 0
    texts: int = 0

    def add(self, batch: ScoredBatch) -> None:
        """Append a batch."""
        self.scores.append(batch.scores)
        self.facts.append(batch.facts)
        self.text_of.append(batch.text_of + self.texts)
        self.signatures.append(batch.signatures)
        self.contacts.append(_shifted(batch.contacts, self.texts))
        self.candidates += [replace(one, rows=one.rows + self.rows) for one in batch.candidates]
        self.apart.append(_shifted(batch.apart, self.rows))
        self.reread += batch.reread
        self.rows += len(batch.scores)
        self.texts += len(batch.signatures)


def _shifted(table: pa.Table, rows: int) -> pa.Table:
    """The table with `rows` added to its row numbers."""
    shifted = pc.add(table["row"], pa.scalar(rows, pa.int32()))
    return table.set_column(0, table.schema.field(0), shifted)


def write_part(folder: RunFolder, number: int, part: PartBuffer) -> None:
    """Write all files of a part, its scores last; none for a part without ads."""
    if not part.rows:
        return
    path = folder.part_file(number)
    for ending, array in (
        ("signatures", np.concatenate(part.signatures)),
        ("texts", np.concatenate(part.text_of).astype(np.int32)),
    ):
        with replacing(folder.sidecar(path.stem, ending), private=True) as draft:
            array.tofile(draft)
    apart = pa.concat_tables(part.apart).replace_schema_metadata({_REREAD: str(part.reread)})
    for ending, table in (
        ("facts", pa.concat_tables(part.facts)),
        ("contacts", pa.concat_tables(part.contacts).combine_chunks()),
        ("candidates", _candidates_table(part.candidates)),
        ("apart", apart.combine_chunks()),
    ):
        with replacing(folder.sidecar(path.stem, ending), private=True) as draft:
            pq.write_table(table, draft, compression="zstd")
    write_scores(path, pa.concat_tables(part.scores))


def write_scores(path: Path, scores: pa.Table) -> None:
    """Write a scores file; equal tables give equal bytes."""
    with replacing(path) as draft:
        pq.write_table(scores, draft, compression="zstd", use_dictionary=_REPETITIVE)


def _candidates_table(texts: Sequence[CandidateText]) -> pa.Table:
    kept = [text.candidate for text in texts]
    return pa.table(
        [
            [text.rows for text in texts],
            [text.text for text in texts],
            [one.folded for one in kept],
            [one.hits for one in kept],
            [[dict(zip(_FINDING.names, f, strict=True)) for f in one.findings] for one in kept],
            [[dict(zip(_CONTACT.names, c, strict=True)) for c in one.contacts] for one in kept],
        ],
        schema=_CANDIDATES,
    )


@dataclass(frozen=True, slots=True)
class ScoredAds:
    """The n scored ads of all parts and their m unique texts.

    Attributes:
        parts: the scores files.
        ids: of the ads.
        risk: shape (n,).
        text_of: shape (n,), the number of each ad's text.
        texts: m.
        contacts: `CONTACTS`, by text, in order.
        languages: ads by language, the parts' most frequent first.
        obscured, truncated: how many ads are so marked.
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
    """The scores, texts and contacts of all parts; the other sidecars are read by later steps."""
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
        numbers = np.fromfile(folder.sidecar(path.stem, "texts"), dtype=np.int32)
        text_of.append(numbers.astype(np.int64) + texts)
        by_text = pq.read_table(folder.sidecar(path.stem, "contacts"), schema=CONTACTS)
        contacts.append(_shifted(by_text, texts))
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
    by_part = [
        np.fromfile(folder.sidecar(part.path.stem, "signatures"), dtype=np.uint32)
        for part in scored.parts
    ]
    return np.concatenate(by_part).reshape(scored.texts, WIDTH)


def read_facts(folder: RunFolder, scored: ScoredAds) -> pa.Table:
    """The facts of every ad, in the columns `FACT_COLUMNS`."""
    return pa.concat_tables(
        pq.read_table(
            folder.sidecar(part.path.stem, "facts"), read_dictionary=list(FACT_COLUMNS[1:])
        )
        for part in scored.parts
    )


@dataclass(frozen=True, slots=True)
class ApartAds:
    """Ads of all parts that escalate or are not judged, by row; how many ads were read twice."""

    rows: list[int]
    escalate: list[int]
    incomplete: list[int]
    reread: int


def read_apart(folder: RunFolder, scored: ScoredAds) -> ApartAds:
    """The apart ads of all parts."""
    rows: list[int] = []
    escalate: list[int] = []
    incomplete: list[int] = []
    reread = 0
    for part in scored.parts:
        table = pq.read_table(folder.sidecar(part.path.stem, "apart"))
        reread += int(table.schema.metadata[_REREAD])
        rows += (table["row"].to_numpy() + part.first).tolist()
        escalate += table["escalate"].to_numpy().tolist()
        incomplete += table["incomplete"].to_numpy().tolist()
    return ApartAds(rows, escalate, incomplete, reread)


def read_candidates(
    folder: RunFolder, part: PartFile, rows: Sequence[int]
) -> Iterator[CandidateText]:
    """The texts of some rows of a part, each with those of the rows that have it.

    Raises:
        KeyError: for a row that is no candidate.
    """
    table = pq.read_table(folder.sidecar(part.path.stem, "candidates"))
    text_of = {row: text for text, ads in enumerate(table["rows"].to_pylist()) for row in ads or ()}
    rows_of: dict[int, list[int]] = {}
    for row in rows:
        rows_of.setdefault(text_of[row], []).append(row)
    kept = table.drop_columns(["rows"]).take(pa.array(list(rows_of), pa.int64())).to_pylist()
    for ads, text in zip(rows_of.values(), kept, strict=True):
        candidate = Candidate(
            text["folded"],
            text["hits"],
            tuple(tuple(finding.values()) for finding in text["findings"]),
            tuple(tuple(contact.values()) for contact in text["contacts"]),
        )
        yield CandidateText(np.array(ads), text["text"], candidate)
