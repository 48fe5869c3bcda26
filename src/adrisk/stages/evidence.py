"""Evidence for the flagged ads of a scored folder, written into their rows of the scores."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.engine import Crew, in_order
from adrisk.explain import evidence_of
from adrisk.model import Model
from adrisk.progress import track
from adrisk.scoring.texts import TextReader
from adrisk.stages.parts import candidate_texts, part_files, write_scores
from adrisk.types import Level, State

_SAME_TEXTS = 4096  # copies are explained once, if no more than so many stand between

_Ad = tuple[str, str | None, tuple[tuple[str, float], ...]]  # text, language, probabilities
_Evidence = list[dict[str, Any]]


def write_evidence(
    model: Model, out: Path, workers: int, helpers: Crew[TextReader] | None = None
) -> None:
    """Explain every ad whose level is review or urgent; the others keep none.

    Args:
        model: that scored.
        out: with `scores/`, `.work/` and `flags.parquet`.
        workers: threads where there are no helpers, 0 for one a core.
        helpers: processes that hold the model too.
    """
    levels = pq.read_table(out / "flags.parquet", columns=["level"])["level"]
    asked = pc.is_in(levels, value_set=pa.array([Level.REVIEW, Level.URGENT], pa.string()))
    flagged = asked.to_numpy()

    def explained() -> Iterator[tuple[Path, list[int], list[_Evidence]]]:
        """The parts with flagged ads, their rows, and the evidence of each."""
        first = 0
        known: dict[_Ad, _Evidence] = {}
        for path in part_files(out):
            count = pq.read_metadata(path).num_rows
            rows = np.flatnonzero(flagged[first : first + count]).tolist()
            first += count
            if not rows:
                continue
            ads = _arguments(path, candidate_texts(out, path), rows, model.labels)
            if len(known) > _SAME_TEXTS:
                known.clear()
            new = [ad for ad in dict.fromkeys(ads) if ad not in known]
            if helpers is None:
                found = in_order(partial(_explain, model), new, workers)
            else:
                found = helpers.in_order(_explain_there, new)
            known.update(zip(new, found, strict=True))
            advance(len(ads))
            yield path, rows, [known[ad] for ad in ads]

    with track("explain", int(flagged.sum())) as advance:
        for _ in in_order(_write, explained(), workers):  # while the next part is explained
            pass


def _write(part: tuple[Path, list[int], list[_Evidence]]) -> None:
    """Put the evidence of some rows into a scores file."""
    path, rows, found = part
    scores = pq.read_table(path)
    values: list[_Evidence | None] = [None] * len(scores)
    for row, evidence in zip(rows, found, strict=True):
        values[row] = evidence
    form = scores.schema.field("evidence")
    column = scores.schema.get_field_index("evidence")
    write_scores(path, scores.set_column(column, form, pa.array(values, form.type)))


def _explain(model: Model, ad: _Ad) -> _Evidence:
    """Evidence of one ad as values of the evidence column."""
    text, language, likely = ad
    return [
        {
            "indicator": e.indicator,
            "start": e.start,
            "end": e.end,
            "strength": e.strength,
            "found_by": e.found_by,
        }
        for e in evidence_of(model, text, dict(likely), language)
        if e.state is State.PRESENT
    ]


def _explain_there(reader: TextReader, ad: _Ad) -> _Evidence:
    return _explain(reader.model, ad)


def _arguments(
    path: Path, texts: dict[int, str], rows: list[int], labels: tuple[str, ...]
) -> list[_Ad]:
    scores = pq.read_table(path, columns=["language", *(f"p_{label}" for label in labels)])
    return [
        (texts[row], ad["language"], tuple((label, ad[f"p_{label}"]) for label in labels))
        for row, ad in zip(rows, scores.take(pa.array(rows)).to_pylist(), strict=True)
    ]
