"""Ads to parts of scores, in order, each part written whole or not at all.

A part is three files of `.work` (signatures, contacts, texts of the ads that may be flagged) and,
last of all, its scores. A resumed run redoes what has no scores file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.campaigns import link, signatures
from adrisk.engine import cores, in_order, in_processes
from adrisk.extract import contacts_column, guess_regions
from adrisk.extract.pseudonym import Pseudonymiser
from adrisk.extract.tokens import tokenise
from adrisk.model import Model, prepare
from adrisk.policy import Policy
from adrisk.progress import track
from adrisk.sources import AdStream
from adrisk.stages.files import replacing

BATCH_ROWS = 2048
PART_ROWS = 51_200
WORK = ".work"
PURPOSE = "campaigns"

_CONTACTS = pa.schema([("row", pa.int32()), ("name", pa.string())])
_TEXTS = pa.schema([("row", pa.int32()), ("text", pa.large_string())])
_REPETITIVE = ["language", "model", "model_version", "run_id"]


MANY_ADS = 60_000
"""From so many ads on, starting processes pays; fewer are scored on threads."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker process makes a scorer of its own, from the model's folder and the key's."""

    folder: Path
    version: str
    policy: Policy
    workspace: Path
    run_id: str

    def __call__(self) -> Scorer:
        """Load what the batches need, and leave the other cores to the other processes."""
        import torch

        torch.set_num_threads(1)
        pa.set_cpu_count(1)
        model = Model.load(self.folder, self.version)
        return Scorer(model, self.policy, Pseudonymiser.open(self.workspace, PURPOSE), self.run_id)


@dataclass(frozen=True, slots=True)
class Scorer:
    """What every batch needs; shared by threads, changed by none."""

    model: Model
    policy: Policy
    names: Pseudonymiser
    run_id: str

    def __call__(self, ads: pa.Table | None) -> _Batch | None:
        """Score a batch, and note what linking and explaining will need of it."""
        if ads is None:
            return None
        prepared = prepare(ads["text"])
        tokens = list(tokenise(prepared.folded))
        regions = guess_regions(ads["location"].to_pylist(), ads["language"].to_pylist())
        contacts = contacts_column(prepared.raw, prepared.folded, regions)
        obscured = np.array([any(c.obscured for c in found) for found in contacts], dtype=np.bool_)
        scores = self.model.score(ads, run_id=self.run_id, prepared=prepared, obscured=obscured)
        rows = np.flatnonzero(scores.table["risk"].to_numpy() >= np.float32(self.policy.review_at))
        return _Batch(
            scores=scores.table,
            signatures=signatures(prepared.folded, tokens),
            contacts=[
                (row, name)
                for row, found in enumerate(contacts)
                for name in sorted({self.names.of(contact) for contact in found})
            ],
            texts=list(
                zip(rows.tolist(), prepared.raw.take(pa.array(rows)).to_pylist(), strict=True)
            ),
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of the scores table; contacts and texts by row of the batch."""

    scores: pa.Table
    signatures: NDArray[np.uint32]
    contacts: list[tuple[int, str]]
    texts: list[tuple[int, str]]


@dataclass(slots=True)
class _Part:
    """Batches put together; contacts and texts by row of the part."""

    tables: list[pa.Table] = field(default_factory=list)
    signatures: list[NDArray[np.uint32]] = field(default_factory=list)
    contacts: list[tuple[int, str]] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: _Batch) -> None:
        self.contacts += [(self.rows + row, name) for row, name in batch.contacts]
        self.texts += [(self.rows + row, text) for row, text in batch.texts]
        self.tables.append(batch.scores)
        self.signatures.append(batch.signatures)
        self.rows += len(batch.scores)


def score_parts(recipe: Recipe, model: Model, stream: AdStream, out: Path, workers: int) -> None:
    """Score what is not scored yet; `out` has the folders `scores` and `.work`.

    Args:
        recipe: makes scorers in other processes, where there are many ads.
        model: the one that is loaded here, where there are few.
        stream: the ads, from the first.
        out: of the run.
        workers: threads or processes, 0 for one a core.
    """
    done = {path.stem for path in part_files(out)}
    for path in [*(out / WORK).glob("part-*"), *(out / "scores").iterdir()]:
        if path.name.split(".")[0] not in done:
            path.unlink()
    read: deque[tuple[int, int]] = deque()  # part and number of ads of what is under way

    def to_score() -> Iterator[pa.Table | None]:
        for part, ads in _numbered(stream):
            read.append((part, len(ads)))
            yield None if _name(part) in done else ads

    if (stream.total_rows or 0) >= MANY_ADS and (workers or cores()) > 1:
        batches = in_processes(recipe, to_score(), workers)
    else:
        names = Pseudonymiser.open(recipe.workspace, PURPOSE)
        scorer = Scorer(model, recipe.policy, names, recipe.run_id)
        batches = in_order(scorer, to_score(), workers)
    gathered, current = _Part(), 0
    with track("score", stream.total_rows) as advance:
        for batch in batches:
            part, rows = read.popleft()
            if part != current:
                gathered, current = _Part(), part
            if batch is not None:
                gathered.add(batch)
                if gathered.rows == PART_ROWS:
                    _write_part(out, current, gathered)
                    gathered = _Part()
            advance(rows)
        _write_part(out, current, gathered)


def part_files(out: Path) -> list[Path]:
    """The scores files that are there, in order."""
    return sorted((out / "scores").glob("part-*.parquet"))


def write_scores(path: Path, scores: pa.Table) -> None:
    """Write a scores file; equal tables give equal bytes."""
    with replacing(path) as draft:
        pq.write_table(scores, draft, compression="zstd", use_dictionary=_REPETITIVE)


def candidate_texts(out: Path, part: Path) -> dict[int, str]:
    """Row of the part -> text, of the ads at or above the review threshold."""
    table = pq.read_table((out / WORK / part.stem).with_suffix(".texts"))
    return dict(zip(table["row"].to_pylist(), table["text"].to_pylist(), strict=True))


def link_parts(out: Path) -> pa.Table:
    """Join the ads of all parts into campaigns and write them; returns the table."""
    ids, contacts = [], []
    row = 0
    with track("campaigns", None) as advance:
        blocks = []
        for path in part_files(out):
            work = out / WORK / path.stem
            part = pq.read_table(path, columns=["ad_id"])["ad_id"]
            found = pq.read_table(work.with_suffix(".contacts"))
            contacts += [
                (row + at, name)
                for at, name in zip(
                    found["row"].to_pylist(), found["name"].to_pylist(), strict=True
                )
            ]
            blocks.append(np.fromfile(work.with_suffix(".signatures"), dtype=np.uint32))
            ids += part.chunks
            row += len(part)
        together = np.concatenate(blocks).reshape(row, -1)
        table = link(pa.chunked_array(ids), together, contacts)
        with replacing(out / "campaigns.parquet") as draft:
            pq.write_table(table, draft, compression="zstd")
        advance(row, total=row)
    return table


def _name(part: int) -> str:
    return f"part-{part:05d}"


def _numbered(stream: AdStream) -> Iterator[tuple[int, pa.Table]]:
    """The ads in batches that do not straddle parts, with the number of their part."""
    row = 0
    for ads in stream:
        while len(ads):
            room = PART_ROWS - row % PART_ROWS
            yield row // PART_ROWS, ads.slice(0, room)
            row += min(room, len(ads))
            ads = ads.slice(room)


def _write_part(out: Path, number: int, part: _Part) -> None:
    if not part.rows:
        return
    work = out / WORK / _name(number)
    with replacing(work.with_suffix(".signatures")) as draft:
        np.concatenate(part.signatures).tofile(draft)
    for suffix, rows, form in (
        (".contacts", part.contacts, _CONTACTS),
        (".texts", part.texts, _TEXTS),
    ):
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], []]
        with replacing(work.with_suffix(suffix)) as draft:
            pq.write_table(pa.table(columns, schema=form), draft, compression="zstd")
    write_scores(out / "scores" / f"{_name(number)}.parquet", pa.concat_tables(part.tables))
