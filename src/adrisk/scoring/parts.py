"""Ads to parts of scores, in order, each part written whole or not at all (`kept`).

Copies are read once, and where there are many ads, on processes. A resumed run redoes what has no
scores file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from adrisk.batch import cut
from adrisk.ingest.stream import AdStream
from adrisk.linking.link import CONTACTS
from adrisk.model.model import Model, Predictions
from adrisk.parallel import WorkerPool, cores, in_order, start_pool
from adrisk.policy.abstention import abstain_reasons, known_languages
from adrisk.policy.policy import Policy
from adrisk.progress import track
from adrisk.scoring.dedupe import (
    CacheLookup,
    Names,
    Records,
    ResultCache,
    UniqueTexts,
    unique_texts,
)
from adrisk.scoring.workdir import (
    APART,
    FACTS,
    TEXTS,
    WORK,
    PartBuffer,
    ScoredBatch,
    part_files,
    part_name,
    write_part,
)
from adrisk.scoring.worker import ReaderSpec, TextReader, TextRequest, concat, record_of

BATCH_ROWS = 10_240
_BATCH_BYTES = 1 << 23  # of ads at once, about; what is made of them takes several times as much
PART_ROWS = 51_200
_TEXTS_AT_ONCE = 2_048  # to be read, about: reading has a price a time beside that a text,
_BATCHES_AT_ONCE = 4  # and where most ads are copies, a batch has few
_AHEAD = 32  # readings made ready while the processes start
_PRELOADED = ("adrisk.scoring.texts", "adrisk.scoring.evidence", "torch", "adrisk.scoring.shared")
"""What is imported once for all processes, the last of it nowhere else."""

COLUMNS = ("ad_id", "text", *FACTS, "risk")
"""What is read of a source. A risk that is none refuses its row here as everywhere."""
MANY_ADS = 60_000
"""From so many ads on, starting processes pays; fewer are scored on threads."""


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch whose texts are not all read yet.

    Attributes:
        ads: its rows, without their texts.
        wordings: their texts.
        asked: what is known of the wordings.
    """

    ads: pa.Table
    unique_texts: UniqueTexts
    asked: CacheLookup


class Scorer:
    """Makes scores of ads and of what was read in their texts, copies among them only once."""

    def __init__(self, model: Model, policy: Policy, run_id: str) -> None:
        self._model = model
        self._policy = policy
        self._run_id = run_id
        self._known = known_languages(model.manifest.trained_on.languages)
        self._record = record_of(model.labels)
        self._copies = ResultCache(self._record)

    def begin(self, ads: pa.Table) -> tuple[PendingBatch, TextRequest]:
        """Find out what of a batch is to be read."""
        found = unique_texts(ads)
        asked = self._copies.lookup(found.keys)
        unread = TextRequest(
            found.texts.take(pa.array(asked.rows)),
            [found.regions[row] for row in asked.rows],
            [found.languages[row] for row in asked.rows],
        )
        return PendingBatch(ads.drop_columns(["text"]), found, asked), unread

    def finish(self, begun: PendingBatch, fresh: Records, fresh_names: Names) -> ScoredBatch:
        """The scores of a batch, and what linking and explaining will need of it.

        Args:
            begun: the earliest of those that are not finished.
            fresh: what its unread texts say.
            fresh_names: of the contacts in each.
        """
        ads, worded = begun.ads, begun.unique_texts
        of = worded.number
        found, names = self._copies.store(begun.asked, fresh, fresh_names)
        incomplete = abstain_reasons(
            found["unreadable"], pa.array(worded.languages, pa.string()), self._known
        )
        scores = self._model.tabulate(
            ads,
            Predictions(found["risk"][of], found["level"][of], found["indicators"][of]),
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
        return ScoredBatch(
            scores=scores.table,
            facts=ads.select(FACTS),
            wording=of,
            signatures=found["signature"],
            contacts=pa.table(
                [pa.array(shown, pa.int32()), [name for of_row in names for name in of_row]],
                schema=CONTACTS,
            ),
            texts=pa.table([candidates, cut(texts)[0]], schema=TEXTS),
            apart=pa.table(
                [apart, found["escalate"][of[apart]], incomplete[of[apart]]], schema=APART
            ),
            reread=int(found["reread"][of].sum()),
        )


def worker_pool(
    recipe: ReaderSpec, stream: AdStream, workers: int
) -> AbstractContextManager[WorkerPool[TextReader] | None]:
    """Processes that read texts, where there are so many ads that starting them pays.

    Args:
        recipe: makes the readers.
        stream: not read yet.
        workers: processes, 0 for one a core.
    """
    if (stream.total_rows or 0) < MANY_ADS or (workers or cores()) == 1:
        return nullcontext()
    return start_pool(recipe, workers, preload=_PRELOADED)


def score_parts(
    scorer: Scorer,
    reader: TextReader,
    stream: AdStream,
    out: Path,
    workers: int,
    helpers: WorkerPool[TextReader] | None,
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
            if part_name(part) not in done:
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
    gathered, current = PartBuffer(), 0
    with track("score", stream.total_rows) as advance:
        for fresh, names in readings:
            first = 0
            for part, rows, begun in under_way.popleft():
                if part != current:
                    gathered, current = PartBuffer(), part
                if begun is not None:
                    its = slice(first, first + len(begun.asked.rows))
                    gathered.add(scorer.finish(begun, fresh[its], names[its]))
                    first = its.stop
                    if gathered.rows == PART_ROWS:
                        write_part(out, current, gathered)
                        gathered = PartBuffer()
                advance(rows)
        write_part(out, current, gathered)


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
