"""Evidence of the flagged ads, written into their scores; their contacts, sealed for review.

Rule matches and contacts were kept when the texts were read. The words that moved a score are
computed now, for flagged ads only, as attribution costs more than scoring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.errors import MissingExtraError
from adrisk.extract.pseudonyms import sealing_key
from adrisk.parallel import cores, in_order
from adrisk.progress import say, track
from adrisk.review.vault import KeptContact, Vault
from adrisk.scoring.manifest import PartFile
from adrisk.scoring.sidecars import CandidateText, ScoredAds, read_candidates, write_scores
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import EvidenceValues, FlaggedText, TextWorkers, evidence_values

_WRITERS = 2  # threads; more would hold more parts in memory at once
_SAME_TEXTS = 4096  # explained texts that are remembered, so that copies are explained once

_Part = tuple[PartFile, pa.Table, Mapping[int, EvidenceValues]]
"""A scores file, its table, and the evidence of some of its rows."""


def write_evidence(
    labels: Sequence[str],
    folder: RunFolder,
    scored: ScoredAds,
    flagged: NDArray[np.bool_],
    pool: TextWorkers,
) -> list[KeptContact]:
    """Explain the flagged ads; the others have no evidence.

    Args:
        labels: of the model.
        folder: of the run.
        scored: its ads.
        flagged: shape (n,).
        pool: explains the texts.

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
            candidates = list(read_candidates(folder, part, rows))
            texts = [_as_scored(scores, candidate, labels) for candidate in candidates]
            for text in texts:
                for name, kind, value in text.candidate.contacts:
                    contacts[name] = KeptContact(name, kind, value)
            if len(known) > _SAME_TEXTS:
                known.clear()
            new = [text for text in dict.fromkeys(texts) if text not in known]
            known.update(zip(new, pool.in_order(evidence_values, new), strict=True))
            advance(len(rows))
            evidence_of = {
                row: known[text]
                for candidate, text in zip(candidates, texts, strict=True)
                for row in candidate.rows.tolist()
            }
            yield part, scores, evidence_of

    with track("explain", int(flagged.sum())) as advance:
        for _ in in_order(_write, explained(), min(pool.workers or cores(), _WRITERS)):
            pass  # written while the next part is explained
    return list(contacts.values())


def _as_scored(scores: pa.Table, text: CandidateText, labels: Sequence[str]) -> FlaggedText:
    """A text with its language and probabilities, equal in all ads that have it."""
    names = ["language", *(f"p_{label}" for label in labels)]
    (ad,) = scores.select(names).slice(int(text.rows[0]), 1).to_pylist()
    likely = tuple((label, ad[f"p_{label}"]) for label in labels)
    return FlaggedText(text.text, ad["language"], likely, text.candidate)


def _write(part: _Part) -> None:
    file, scores, evidence = part
    write_scores(file.path, with_evidence(scores, evidence))


def with_evidence(scores: pa.Table, evidence: Mapping[int, EvidenceValues]) -> pa.Table:
    """A scores table with the evidence of some rows; null in the others."""
    values = [evidence.get(row) for row in range(len(scores))]
    column = scores.schema.get_field_index("evidence")
    form = scores.schema.field(column)
    return scores.set_column(column, form, pa.array(values, form.type))


def seal_contacts(contacts: Sequence[KeptContact], workspace: Path) -> int:
    """Seal contacts in the review store of a workspace; returns their number.

    Without the extra `review` none is kept, and a message says so.
    """
    try:
        vault = Vault(workspace, sealing_key(workspace))
    except MissingExtraError as error:
        say(f"contacts of flagged ads are not kept: {error}")
        return 0
    vault.keep(contacts)
    return len(contacts)
