"""Evidence for the flagged ads of a scored folder, written into their rows of the scores."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.engine import in_order
from adrisk.explain import evidence_of
from adrisk.model import Model
from adrisk.progress import track
from adrisk.stages.parts import candidate_texts, part_files, write_scores
from adrisk.types import Level, State

_SAME_TEXTS = 4096  # copies are explained once


def write_evidence(model: Model, out: Path, workers: int) -> None:
    """Explain every ad whose level is review or urgent; the others keep none.

    Args:
        model: that scored.
        out: with `scores/`, `.work/` and `flags.parquet`.
        workers: threads, 0 for one a core.
    """
    levels = pq.read_table(out / "flags.parquet", columns=["level"])["level"]
    asked = pc.is_in(levels, value_set=pa.array([Level.REVIEW, Level.URGENT], pa.string()))
    flagged = asked.to_numpy()
    first = 0
    explain = lru_cache(_SAME_TEXTS)(_Explainer(model))
    with track("explain", int(flagged.sum())) as advance:
        for path in part_files(out):
            count = pq.read_metadata(path).num_rows
            rows = np.flatnonzero(flagged[first : first + count]).tolist()
            first += count
            if not rows:
                continue
            scores, texts = pq.read_table(path), candidate_texts(out, path)
            values: list[list[dict[str, Any]] | None] = [None] * count
            found = in_order(
                lambda ad: explain(*ad), _arguments(scores, texts, rows, model.labels), workers
            )
            for row, evidence in zip(rows, found, strict=True):
                values[row] = evidence
                advance()
            form = scores.schema.field("evidence")
            column = scores.schema.get_field_index("evidence")
            write_scores(path, scores.set_column(column, form, pa.array(values, form.type)))


class _Explainer:
    """Evidence of one ad as values of the evidence column; arguments can be cached."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(
        self, text: str, language: str | None, likely: tuple[tuple[str, float], ...]
    ) -> list[dict[str, Any]]:
        return [
            {
                "indicator": e.indicator,
                "start": e.start,
                "end": e.end,
                "strength": e.strength,
                "found_by": e.found_by,
            }
            for e in evidence_of(self.model, text, dict(likely), language)
            if e.state is State.PRESENT
        ]


def _arguments(
    scores: pa.Table, texts: dict[int, str], rows: list[int], labels: tuple[str, ...]
) -> list[tuple[str, str | None, tuple[tuple[str, float], ...]]]:
    names = ["language", *(f"p_{label}" for label in labels)]
    ads = scores.select(names).take(pa.array(rows)).to_pylist()
    return [
        (texts[row], ad["language"], tuple((label, ad[f"p_{label}"]) for label in labels))
        for row, ad in zip(rows, ads, strict=True)
    ]
