"""Ads to parts of scores, in order, each part written whole or not at all.

A part is five files of `.work` (of each wording its signature and its contacts; of each ad its
facts and its wording; what stands apart, and texts of the ads that may be flagged) and, last of
all, its scores. A resumed run redoes what has no scores file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import schema
from adrisk.campaigns import CONTACTS, WIDTH, Linked, link
from adrisk.campaigns.memory import Memory
from adrisk.engine import Crew, cores, crew, in_order
from adrisk.model import Answers, Model
from adrisk.policy import Policy, languages_known, unjudged
from adrisk.progress import track
from adrisk.reading import cut
from adrisk.scoring.copies import Asked, Copies, Names, Records
from adrisk.scoring.texts import Recipe, TextReader, Unread, record_of, together
from adrisk.scoring.wordings import Wordings, wordings
from adrisk.sources import AdStream
from adrisk.stages.files import replacing
from adrisk.types import IntArray

BATCH_ROWS = 10_240
_BATCH_BYTES = 1 << 23  # of ads at once, about; what is made of them takes several times as much
PART_ROWS = 51_200
_TEXTS_AT_ONCE = 2_048  # to be read, about: reading has a price a time beside that a text,
_BATCHES_AT_ONCE = 4  # and where most ads are copies, a batch has few
_AHEAD = 32  # readings made ready while the processes start
WORK = ".work"
_PRELOADED = ("adrisk.scoring.texts", "adrisk.scoring.evidence", "torch", "adrisk.scoring.shared")
"""What is imported once for all processes, the last of it nowhere else."""

_TEXTS = pa.schema([("row", pa.int32()), ("text", pa.large_string())])
APART = pa.schema([("row", pa.int32()), ("escalate", pa.uint64()), ("incomplete", pa.int8())])
"""Ads that escalate or are not judged; bit i of `escalate` is the i-th escalating indicator."""
FACTS = ("posted_at", "language", "location", "category", "account_id")
"""What is kept of every ad for the facts of its campaign."""
_WORDING = "wording"
"""Beside the facts of an ad: the number of its wording, from 0 in every part."""
COLUMNS = ("ad_id", "text", *FACTS, "risk")
"""What is read of a source. A risk that is none refuses its row here as everywhere."""
_REREAD = b"reread"
"""Under this key the file of what stands apart says how many ads of its part were read twice."""
_REPETITIVE = ["language", "model", "model_version", "run_id"]

MANY_ADS = 60_000
"""From so many ads on, starting processes pays; fewer are scored on threads."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A batch whose texts are not all read yet.

    Attributes:
        ads: its rows, without their texts.
        wordings: their texts.
        asked: what is known of the wordings.
    """

    ads: pa.Table
    wordings: Wordings
    asked: Asked


class Scorer:
    """Makes scores of ads and of what was read in their texts, copies among them only once."""

    def __init__(self, model: Model, policy: Policy, run_id: str) -> None:
        self._model = model
        self._policy = policy
        self._run_id = run_id
        self._known = languages_known(model.manifest.trained_on.languages)
        self._record = record_of(model.labels)
        self._copies = Copies(self._record)

    def begin(self, ads: pa.Table) -> tuple[Begun, Unread]:
        """Find out what of a batch is to be read."""
        found = wordings(ads)
        asked = self._copies.ask(found.keys)
        unread = Unread(
            found.texts.take(pa.array(asked.rows)),
            [found.regions[row] for row in asked.rows],
            [found.languages[row] for row in asked.rows],
        )
        return Begun(ads.drop_columns(["text"]), found, asked), unread

    def finish(self, begun: Begun, fresh: Records, fresh_names: Names) -> Batch:
        """The scores of a batch, and what linking and explaining will need of it.

        Args:
            begun: the earliest of those that are not finished.
            fresh: what its unread texts say.
            fresh_names: of the contacts in each.
        """
        ads, worded = begun.ads, begun.wordings
        of = worded.number
        found, names = self._copies.tell(begun.asked, fresh, fresh_names)
        incomplete = unjudged(
            found["unreadable"], pa.array(worded.languages, pa.string()), self._known
        )
        scores = self._model.tabulate(
            ads,
            Answers(found["risk"][of], found["level"][of], found["indicators"][of]),
            pa.array(worded.digests).take(pa.array(of)),
            found["obscured"][of],
            found["truncated"][of],
            run_id=self._run_id,
        )
        shown = [row for row, of_row in enumerate(names) for _ in of_row]
        escalates = found["escalate"] > 0
        apart = np.flatnonzero((escalates | (incomplete > 0))[of])
        may_be_flagged = escalates | (found["risk"] >= np.float32(self._policy.review_at))
        candidates = np.flatnonzero(may_be_flagged[of])
        texts = worded.texts.take(pa.array(of[candidates]))
        return Batch(
            scores=scores.table,
            facts=ads.select(FACTS),
            wording=of,
            signatures=found["signature"],
            contacts=pa.table(
                [pa.array(shown, pa.int32()), [name for of_row in names for name in of_row]],
                schema=CONTACTS,
            ),
            texts=pa.table([candidates, cut(texts)[0]], schema=_TEXTS),
            apart=pa.table(
                [apart, found["escalate"][of[apart]], incomplete[of[apart]]], schema=APART
            ),
            reread=int(found["reread"][of].sum()),
        )


@dataclass(frozen=True, slots=True)
class Batch:
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
class _Part:
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

    def add(self, batch: Batch) -> None:
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


def hands(
    recipe: Recipe, stream: AdStream, workers: int
) -> AbstractContextManager[Crew[TextReader] | None]:
    """Processes that read texts, where there are so many ads that starting them pays.

    Args:
        recipe: makes the readers.
        stream: not read yet.
        workers: processes, 0 for one a core.
    """
    if (stream.total_rows or 0) < MANY_ADS or (workers or cores()) == 1:
        return nullcontext()
    return crew(recipe, workers, preload=_PRELOADED)


def score_parts(
    scorer: Scorer,
    reader: TextReader,
    stream: AdStream,
    out: Path,
    workers: int,
    helpers: Crew[TextReader] | None,
) -> None:
    """Score what is not scored yet; `out` has the folders `scores` and `.work`.

    Args:
        scorer: of no ad yet.
        reader: works here where there are no helpers.
        stream: the ads, from the first.
        out: of the run.
        workers: threads where there are no helpers, 0 for one a core.
        helpers: processes with readers like this one.
    """
    done = {path.stem for path in part_files(out)}
    for path in [*(out / WORK).glob("part-*"), *(out / "scores").iterdir()]:
        if path.name.split(".")[0] not in done:
            path.unlink()
    under_way: deque[list[tuple[int, int, Begun | None]]] = deque()  # part, ads, what is begun

    def to_read() -> Iterator[Unread]:
        some: list[tuple[int, int, Begun | None]] = []
        texts: list[Unread] = []

        def ready() -> Unread:
            under_way.append(some.copy())
            unread = together(texts)
            some.clear()
            texts.clear()
            return unread

        for part, ads in _numbered(stream):
            if some and part != some[-1][0]:  # what comes behind a part may fail; it does not wait
                yield ready()
            begun = None
            if _name(part) not in done:
                begun, unread = scorer.begin(ads)
                texts.append(unread)
            some.append((part, len(ads), begun))
            if len(some) == _BATCHES_AT_ONCE or sum(map(len, texts)) >= _TEXTS_AT_ONCE:
                yield ready()
        if some:
            yield ready()

    if helpers is None:
        readings = in_order(reader, to_read(), workers)
    else:
        readings = helpers.in_order(TextReader.__call__, to_read(), ahead=_AHEAD)
    gathered, current = _Part(), 0
    with track("score", stream.total_rows) as advance:
        for fresh, names in readings:
            first = 0
            for part, rows, begun in under_way.popleft():
                if part != current:
                    gathered, current = _Part(), part
                if begun is not None:
                    its = slice(first, first + len(begun.asked.rows))
                    gathered.add(scorer.finish(begun, fresh[its], names[its]))
                    first = its.stop
                    if gathered.rows == PART_ROWS:
                        _write_part(out, current, gathered)
                        gathered = _Part()
                advance(rows)
        _write_part(out, current, gathered)


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


@dataclass(frozen=True, slots=True)
class Worded:
    """The wordings of the n ads of all parts, numbered through.

    Attributes:
        wording: shape (n,), the number of each ad's.
        count: of wordings.
        contacts: `CONTACTS`, by wording, in order.
    """

    wording: IntArray
    count: int
    contacts: pa.Table


def read_worded(out: Path) -> Worded:
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
    return Worded(np.concatenate(wording), count, pa.concat_tables(contacts))


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
        worded = read_worded(out)
        step = link if memory is None else memory.link
        linked = step(
            pa.chunked_array(ids),
            np.concatenate(signatures).reshape(worded.count, WIDTH),
            worded.contacts,
            text_of=worded.wording,
        )
        written = {"campaigns.parquet": linked.campaigns, "links.parquet": linked.links}
        for _ in in_order(partial(_write_table, out), written.items()):
            pass
        advance(len(linked.campaigns), total=len(linked.campaigns))
    return replace(linked, links=schema.LINKS.empty_table())


def _write_table(out: Path, named: tuple[str, pa.Table]) -> None:
    name, table = named
    with replacing(out / name) as draft:
        pq.write_table(table, draft, compression="zstd")


def _name(part: int) -> str:
    return f"part-{part:05d}"


def _numbered(stream: AdStream) -> Iterator[tuple[int, pa.Table]]:
    """The ads in batches that do not straddle parts, with the number of their part."""
    row = 0
    for ads in stream:
        at, most = 0, max(1, len(ads) * _BATCH_BYTES // max(ads.nbytes, _BATCH_BYTES))
        while at < len(ads):
            count = min(most, len(ads) - at, PART_ROWS - row % PART_ROWS)
            whole = count == len(ads)
            # Taken, not sliced: a slice goes to another process with all it was cut from.
            yield row // PART_ROWS, ads if whole else ads.take(pa.array(range(at, at + count)))
            row, at = row + count, at + count


def _write_part(out: Path, number: int, part: _Part) -> None:
    if not part.rows:
        return
    work = out / WORK / _name(number)
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
        with replacing(work.with_suffix(suffix)) as draft:
            pq.write_table(table.combine_chunks(), draft, compression="zstd")
    write_scores(out / "scores" / f"{_name(number)}.parquet", pa.concat_tables(part.scores))
