"""Scores of ads, part by part: each part is written whole or not at all.

Equal texts are read once. A resumed run scores the parts without a scores file, and compares the
others with the ads it reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk import layout
from adrisk.batch import cut
from adrisk.errors import UsageError
from adrisk.ingest.stream import AdStream
from adrisk.layout import FACT_COLUMNS
from adrisk.linking.link import CONTACTS
from adrisk.linking.unique_texts import UniqueTexts, unique_texts
from adrisk.model.model import Model, Predictions
from adrisk.policy.abstention import abstain_reasons, known_languages
from adrisk.progress import track
from adrisk.scoring.dedupe import CacheLookup, Records, ResultCache, TextNotes
from adrisk.scoring.sidecars import APART, CandidateText, PartBuffer, ScoredBatch, write_part
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import (
    TextReader,
    TextRequest,
    TextWorkers,
    concat,
    may_be_flagged,
    record_of,
)
from adrisk.text.arrow import text_list

_BATCH_BYTES = 1 << 23  # about the size of a batch of ads; its results take several times as much
_TEXTS_AT_ONCE = 2_048  # each call has a fixed overhead, so small batches are merged up to about
_BATCHES_AT_ONCE = 4  # this many texts or batches
_AHEAD = 32  # requests prepared while the processes start

COLUMNS = ("ad_id", "text", *FACT_COLUMNS, "risk")
"""Columns read of a source. A row with an impossible risk is rejected here as everywhere."""


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch whose texts are not all read yet.

    Attributes:
        ads: its rows, without their texts.
        unique: their unique texts.
        lookup: the results of those that are known.
    """

    ads: pa.Table
    unique: UniqueTexts
    lookup: CacheLookup


class Scorer:
    """Scores of batches of ads, from results of their unique texts."""

    def __init__(self, model: Model, review_at: float, run_id: str) -> None:
        self._model = model
        self._review_at = np.float32(review_at)
        self._run_id = run_id
        self._known = known_languages(model.manifest.trained_on.languages)
        self._cache = ResultCache(record_of(model.labels))

    def begin(self, ads: pa.Table) -> tuple[PendingBatch, TextRequest]:
        """Look up the texts of a batch; returns those that have to be read."""
        unique = unique_texts(ads)
        lookup = self._cache.lookup(unique.keys)
        request = TextRequest(
            unique.texts.take(lookup.rows),
            [unique.regions[row] for row in lookup.rows],
            [unique.languages[row] for row in lookup.rows],
        )
        return PendingBatch(ads.drop_columns(["text"]), unique, lookup), request

    def finish(
        self, pending: PendingBatch, fresh: Records, fresh_notes: list[TextNotes]
    ) -> ScoredBatch:
        """The scores of a batch, and its share of the sidecars.

        Args:
            pending: the earliest batch that is not finished.
            fresh: records of the texts requested for it.
            fresh_notes: of each.
        """
        ads, unique = pending.ads, pending.unique
        text_of = unique.number
        records, notes = self._cache.store(pending.lookup, fresh, fresh_notes)
        incomplete = abstain_reasons(
            records["unreadable"], pa.array(unique.languages, pa.string()), self._known
        )
        scores = self._model.tabulate(
            ads,
            Predictions(
                records["risk"][text_of], records["level"][text_of], records["indicators"][text_of]
            ),
            pa.array(unique.digests).take(text_of),
            records["obscured"][text_of],
            records["truncated"][text_of],
            run_id=self._run_id,
        )
        contact_rows = [text for text, note in enumerate(notes) for _ in note.names]
        contact_names = [name for note in notes for name in note.names]
        apart = np.flatnonzero(((records["escalate"] > 0) | (incomplete > 0))[text_of])
        return ScoredBatch(
            scores=scores.table,
            facts=ads.select(FACT_COLUMNS),
            text_of=text_of,
            signatures=records["signature"],
            contacts=pa.table([pa.array(contact_rows, pa.int32()), contact_names], schema=CONTACTS),
            candidates=self._candidates(unique, records, notes),
            apart=pa.table(
                [apart, records["escalate"][text_of[apart]], incomplete[text_of[apart]]],
                schema=APART,
            ),
            reread=int(records["reread"][text_of].sum()),
        )

    def _candidates(
        self, unique: UniqueTexts, records: Records, notes: list[TextNotes]
    ) -> list[CandidateText]:
        likely = np.flatnonzero(may_be_flagged(records, self._review_at))
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


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch of ads on its way: its part and size; pending None where the part is finished."""

    part: int
    ads: int
    pending: PendingBatch | None


def score_parts(scorer: Scorer, stream: AdStream, folder: RunFolder, pool: TextWorkers) -> None:
    """Score and write the parts that are not finished.

    Args:
        scorer: that has scored no ad yet.
        stream: the ads, from the first.
        folder: of the run, claimed.
        pool: reads the texts.

    Raises:
        UsageError: if the ads of a finished part are not those read now.
    """
    done = folder.clear_unfinished()
    finished = _FinishedParts(folder)
    waiting: deque[list[_Batch]] = deque()  # the batches of each request, in order

    def requests() -> Iterator[TextRequest]:
        group: list[_Batch] = []
        texts: list[TextRequest] = []

        def merged() -> TextRequest:
            waiting.append(group.copy())
            request = concat(texts)
            group.clear()
            texts.clear()
            return request

        for part, ads in _numbered(stream):
            if group and part != group[-1].part:  # written even where the next part fails
                yield merged()
            pending = None
            if folder.part_file(part).stem in done:
                finished.check(ads)
            else:
                pending, request = scorer.begin(ads)
                texts.append(request)
            group.append(_Batch(part, len(ads), pending))
            if len(group) == _BATCHES_AT_ONCE or sum(map(len, texts)) >= _TEXTS_AT_ONCE:
                yield merged()
        finished.close()
        if group:
            yield merged()

    buffer, current = PartBuffer(), 0
    with track("score", stream.total_rows) as advance:
        for records, notes in pool.in_order(TextReader.__call__, requests(), ahead=_AHEAD):
            first = 0
            for batch in waiting.popleft():
                if batch.part != current:
                    buffer, current = PartBuffer(), batch.part
                if batch.pending is not None:
                    own = slice(first, first + len(batch.pending.lookup.rows))
                    buffer.add(scorer.finish(batch.pending, records[own], notes[own]))
                    first = own.stop
                    if buffer.rows == layout.PART_ROWS:
                        write_part(folder, current, buffer)
                        buffer = PartBuffer()
                advance(batch.ads)
        write_part(folder, current, buffer)


def _numbered(stream: AdStream) -> Iterator[tuple[int, pa.Table]]:
    """The ads in batches that do not straddle parts, with the number of their part."""
    row, rows = 0, layout.PART_ROWS
    for ads in stream:
        at, most = 0, max(1, len(ads) * _BATCH_BYTES // max(ads.nbytes, _BATCH_BYTES))
        while at < len(ads):
            count = min(most, len(ads) - at, rows - row % rows)
            # Taken, not sliced: a slice goes to another process with all it was cut from.
            some = ads if count == len(ads) else ads.take(pa.array(range(at, at + count)))
            yield row // rows, some
            row, at = row + count, at + count


class _FinishedParts:
    """Comparison of finished parts with the ads that a resumed run reads.

    Local sources are hashed before a run goes on; this covers every other kind. One part at a time
    is in memory.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._left = [path.stem for path in folder.part_files()]
        self._current: pa.Table | None = None
        self._row = 0

    def check(self, ads: pa.Table) -> None:
        """Compare the next ads, all of one part.

        Raises:
            UsageError: if they are not those that were scored.
        """
        if self._current is None or self._row == len(self._current):
            self._current, self._row = self._read(self._left.pop(0)), 0
        unique = unique_texts(ads)
        now = ads.select(["ad_id", *FACT_COLUMNS]).append_column(
            "input_sha256", pa.array(unique.digests, pa.string()).take(pa.array(unique.number))
        )
        before = self._current.slice(self._row, len(ads))
        if not all(now[name].equals(before[name]) for name in before.column_names):
            raise self._changed(f"ads {self._row + 1:,} to {self._row + len(ads):,} of a part")
        self._row += len(ads)

    def close(self) -> None:
        """Check that no finished part has more ads than were read.

        Raises:
            UsageError: if one has.
        """
        if self._left or (self._current is not None and self._row < len(self._current)):
            raise self._changed("ads at their end")

    def _read(self, part: str) -> pa.Table:
        columns = ["ad_id", "input_sha256"]
        scores = pq.read_table(self._folder.scores / f"{part}.parquet", columns=columns)
        facts = pq.read_table(self._folder.sidecar(part, "facts"))
        for name in FACT_COLUMNS:
            scores = scores.append_column(facts.schema.field(name), facts[name])
        return scores

    def _changed(self, what: str) -> UsageError:
        return UsageError(
            f"{self._folder.path} holds an unfinished run of sources that have changed since: "
            f"{what} are others now; score into a new folder with -o"
        )
