"""Ads to parts of scores, in order, each part written whole or not at all.

Copies are read once, and where there are many ads, on processes. A resumed run redoes what has no
scores file, and makes sure that the other parts are of the ads it reads now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adrisk import layout
from adrisk.batch import cut
from adrisk.ingest.stream import AdStream
from adrisk.layout import FACT_COLUMNS
from adrisk.linking.link import CONTACTS
from adrisk.linking.unique_texts import UniqueTexts, unique_texts
from adrisk.model.model import Model, Predictions
from adrisk.parallel import WorkerPool, cores, in_order, start_pool
from adrisk.policy.abstention import abstain_reasons, known_languages
from adrisk.progress import track
from adrisk.scoring.dedupe import CacheLookup, Records, ResultCache, TextNotes
from adrisk.scoring.finished_parts import FinishedParts
from adrisk.scoring.sidecars import APART, CandidateText, PartBuffer, ScoredBatch, write_part
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import (
    ReaderSpec,
    TextReader,
    TextRequest,
    concat,
    may_be_flagged,
    record_of,
)
from adrisk.text.arrow import text_list

_BATCH_BYTES = 1 << 23  # of ads at once, about; what is made of them takes several times as much
_TEXTS_AT_ONCE = 2_048  # to be read, about: reading has a price a time beside that a text,
_BATCHES_AT_ONCE = 4  # and where most ads are copies, a batch has few
_AHEAD = 32  # readings made ready while the processes start
_PRELOADED = ("adrisk.scoring.worker",)
_PRELOADED_LAST = "adrisk.scoring.preload"
"""Imported once for all processes, behind what the family needs, and nowhere else."""

COLUMNS = ("ad_id", "text", *FACT_COLUMNS, "risk")
"""What is read of a source. A risk that is none refuses its row here as everywhere."""


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch whose texts are not all read yet.

    Attributes:
        ads: its rows, without their texts.
        unique: their texts.
        asked: what is known of those.
    """

    ads: pa.Table
    unique: UniqueTexts
    asked: CacheLookup


class Scorer:
    """Makes scores of ads and of what was read in their texts, copies among them only once."""

    def __init__(self, model: Model, review_at: float, run_id: str) -> None:
        self._model = model
        self._review_at = np.float32(review_at)
        self._run_id = run_id
        self._known = known_languages(model.manifest.trained_on.languages)
        self._record = record_of(model.labels)
        self._copies = ResultCache(self._record)

    def begin(self, ads: pa.Table) -> tuple[PendingBatch, TextRequest]:
        """Find out what of a batch is to be read."""
        found = unique_texts(ads)
        asked = self._copies.lookup(found.keys)
        unread = TextRequest(
            found.texts.take(asked.rows),
            [found.regions[row] for row in asked.rows],
            [found.languages[row] for row in asked.rows],
        )
        return PendingBatch(ads.drop_columns(["text"]), found, asked), unread

    def finish(
        self, begun: PendingBatch, fresh: Records, fresh_notes: list[TextNotes]
    ) -> ScoredBatch:
        """The scores of a batch, and what linking and explaining will need of it.

        Args:
            begun: the earliest of those that are not finished.
            fresh: what is in its unread texts.
            fresh_notes: of each.
        """
        ads, unique = begun.ads, begun.unique
        of = unique.number
        found, notes = self._copies.store(begun.asked, fresh, fresh_notes)
        incomplete = abstain_reasons(
            found["unreadable"], pa.array(unique.languages, pa.string()), self._known
        )
        scores = self._model.tabulate(
            ads,
            Predictions(found["risk"][of], found["level"][of], found["indicators"][of]),
            pa.array(unique.digests).take(of),
            found["obscured"][of],
            found["truncated"][of],
            run_id=self._run_id,
        )
        shown = [text for text, note in enumerate(notes) for _ in note.names]
        apart = np.flatnonzero(((found["escalate"] > 0) | (incomplete > 0))[of])
        return ScoredBatch(
            scores=scores.table,
            facts=ads.select(FACT_COLUMNS),
            text_of=of,
            signatures=found["signature"],
            contacts=pa.table(
                [pa.array(shown, pa.int32()), [name for note in notes for name in note.names]],
                schema=CONTACTS,
            ),
            candidates=self._candidates(unique, found, notes),
            apart=pa.table(
                [apart, found["escalate"][of[apart]], incomplete[of[apart]]], schema=APART
            ),
            reread=int(found["reread"][of].sum()),
        )

    def _candidates(
        self, unique: UniqueTexts, found: Records, notes: list[TextNotes]
    ) -> list[CandidateText]:
        likely = np.flatnonzero(may_be_flagged(found, self._review_at))
        raw = text_list(cut(unique.texts.take(likely))[0])
        by_text = np.argsort(unique.number, kind="stable")
        first, last = np.searchsorted(unique.number[by_text], [likely, likely + 1])
        return [
            CandidateText(by_text[begin:end], words, candidate)
            for text, begin, end, words in zip(
                likely.tolist(), first.tolist(), last.tolist(), raw, strict=True
            )
            if (candidate := notes[text].candidate) is not None
        ]


def worker_pool(
    recipe: ReaderSpec, stream: AdStream, workers: int, libraries: Sequence[str] = ()
) -> AbstractContextManager[WorkerPool[TextReader] | None]:
    """Processes that read texts, where there are so many ads that starting them pays.

    Args:
        recipe: makes the readers.
        stream: not read yet.
        workers: processes, 0 for one a core.
        libraries: that the model's family needs beside those of the core.
    """
    if (stream.total_rows or 0) < layout.MANY_ADS or (workers or cores()) == 1:
        return nullcontext()
    return start_pool(recipe, workers, preload=(*_PRELOADED, *libraries, _PRELOADED_LAST))


def score_parts(
    scorer: Scorer,
    reader: TextReader,
    stream: AdStream,
    folder: RunFolder,
    workers: int,
    helpers: WorkerPool[TextReader] | None,
) -> None:
    """Score what is not scored yet.

    Args:
        scorer: of no ad yet.
        reader: works here where there are no helpers.
        stream: the ads, from the first.
        folder: of the run, claimed.
        workers: threads where there are no helpers, 0 for one a core.
        helpers: processes with readers like this one.

    Raises:
        UsageError: if a part that is scored already is not of the ads read now.
    """
    done = folder.clear_unfinished()
    finished = FinishedParts(folder)
    under_way: deque[list[tuple[int, int, PendingBatch | None]]] = (
        deque()
    )  # part, ads, what is begun

    def to_read() -> Iterator[TextRequest]:
        some: list[tuple[int, int, PendingBatch | None]] = []
        texts: list[TextRequest] = []

        def ready() -> TextRequest:
            under_way.append(some.copy())
            unread = concat(texts)
            some.clear()
            texts.clear()
            return unread

        for part, ads in _numbered(stream):
            if some and part != some[-1][0]:  # what comes behind a part may fail; it does not wait
                yield ready()
            begun = None
            if folder.part_file(part).stem in done:
                finished.add(ads)
            else:
                begun, unread = scorer.begin(ads)
                texts.append(unread)
            some.append((part, len(ads), begun))
            if len(some) == _BATCHES_AT_ONCE or sum(map(len, texts)) >= _TEXTS_AT_ONCE:
                yield ready()
        finished.close()
        if some:
            yield ready()

    if helpers is None:
        readings = in_order(reader, to_read(), workers)
    else:
        readings = helpers.in_order(TextReader.__call__, to_read(), ahead=_AHEAD)
    gathered, current = PartBuffer(), 0
    with track("score", stream.total_rows) as advance:
        for fresh, notes in readings:
            first = 0
            for part, rows, begun in under_way.popleft():
                if part != current:
                    gathered, current = PartBuffer(), part
                if begun is not None:
                    its = slice(first, first + len(begun.asked.rows))
                    gathered.add(scorer.finish(begun, fresh[its], notes[its]))
                    first = its.stop
                    if gathered.rows == layout.PART_ROWS:
                        write_part(folder, current, gathered)
                        gathered = PartBuffer()
                advance(rows)
        write_part(folder, current, gathered)


def _numbered(stream: AdStream) -> Iterator[tuple[int, pa.Table]]:
    """The ads in batches that do not straddle parts, with the number of their part."""
    row, rows = 0, layout.PART_ROWS
    for ads in stream:
        at, most = 0, max(1, len(ads) * _BATCH_BYTES // max(ads.nbytes, _BATCH_BYTES))
        while at < len(ads):
            count = min(most, len(ads) - at, rows - row % rows)
            whole = count == len(ads)
            # Taken, not sliced: a slice goes to another process with all it was cut from.
            yield (
                row // layout.PART_ROWS,
                ads if whole else ads.take(pa.array(range(at, at + count))),
            )
            row, at = row + count, at + count
