"""Evidence of the flagged ads of a run, written into their rows of the scores.

What the rules found and the contacts were kept when the texts were read; the words that moved a
score are found now, as that costs too much for ads that nobody will look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.model.model import Model
from adrisk.parallel import WorkerPool, cores, in_order
from adrisk.progress import track
from adrisk.review.vault import KeptContact
from adrisk.scoring.manifest import PartFile
from adrisk.scoring.sidecars import (
    CandidateText,
    ScoredAds,
    read_candidates,
    write_scores,
)
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import (
    EvidenceValues,
    FlaggedText,
    TextReader,
    evidence_in_worker,
    evidence_values,
)

_WRITERS = 2  # threads; more would hold more parts in memory at once
_SAME_TEXTS = 4096  # copies are explained once, if no more than so many stand between


_Part = tuple[PartFile, pa.Table, dict[int, EvidenceValues]]
"""A scores file, what is in it, and the evidence of some of its rows."""


def write_evidence(
    model: Model,
    folder: RunFolder,
    scored: ScoredAds,
    flagged: NDArray[np.bool_],
    workers: int,
    helpers: WorkerPool[TextReader] | None,
) -> list[KeptContact]:
    """Explain the flagged ads; the others keep no evidence.

    Args:
        model: that scored.
        folder: of the run.
        scored: its ads.
        flagged: shape (n,).
        workers: threads where there are no helpers, 0 for one a core.
        helpers: processes that hold the model too.

    Returns:
        The contacts of the flagged ads, each once.
    """
    contacts: dict[str, KeptContact] = {}
    known: dict[FlaggedText, EvidenceValues] = {}

    def explained() -> Iterator[_Part]:
        for part in scored.parts:
            rows = np.flatnonzero(flagged[part.first : part.first + part.rows]).tolist()
            if not rows:
                continue
            scores = pq.read_table(part.path)
            texts = list(read_candidates(folder, part, rows))
            asked = [_as_scored(scores, text, model.labels) for text in texts]
            for text in texts:
                for name, kind, value in text.candidate.contacts:
                    contacts[name] = KeptContact(name, kind, value)
            if len(known) > _SAME_TEXTS:
                known.clear()
            new = [text for text in dict.fromkeys(asked) if text not in known]
            if helpers is None:
                found = in_order(partial(evidence_values, model), new, workers)
            else:
                found = helpers.in_order(evidence_in_worker, new)
            known.update(zip(new, found, strict=True))
            advance(len(rows))
            evidence_of = {
                row: known[one]
                for text, one in zip(texts, asked, strict=True)
                for row in text.rows.tolist()
            }
            yield part, scores, evidence_of

    with track("explain", int(flagged.sum())) as advance:
        for _ in in_order(_write, explained(), min(workers or cores(), _WRITERS)):
            pass  # written while the next part is explained
    return list(contacts.values())


def _as_scored(scores: pa.Table, text: CandidateText, labels: tuple[str, ...]) -> FlaggedText:
    """A text with its language and probabilities, which all ads that have it share."""
    names = ["language", *(f"p_{label}" for label in labels)]
    (ad,) = scores.select(names).slice(int(text.rows[0]), 1).to_pylist()
    likely = tuple((label, ad[f"p_{label}"]) for label in labels)
    return FlaggedText(text.text, ad["language"], likely, text.candidate)


def _write(part: _Part) -> None:
    """Put the evidence of some rows into a scores file."""
    file, scores, found = part
    write_scores(file.path, with_evidence(scores, found))


def with_evidence(scores: pa.Table, found: dict[int, EvidenceValues]) -> pa.Table:
    """A scores table with the evidence of some rows, the others having none."""
    values = [found.get(row) for row in range(len(scores))]
    form = scores.schema.field("evidence")
    column = scores.schema.get_field_index("evidence")
    return scores.set_column(column, form, pa.array(values, form.type))
