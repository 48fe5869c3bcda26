"""Evidence for the flagged ads of a scored folder, written into their rows of the scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.model.model import Model
from adrisk.parallel import WorkerPool, cores, in_order
from adrisk.progress import track
from adrisk.scoring.workdir import candidate_texts, part_files, regions_of, write_scores
from adrisk.scoring.worker import Ad, Evidence, TextReader, evidence_in_worker, evidence_values
from adrisk.types import Level

_WRITERS = 2  # threads; more would hold more parts in memory at once
_SAME_TEXTS = 4096  # copies are explained once, if no more than so many stand between

_Part = tuple[Path, pa.Table, list[int], list[Evidence]]
"""A scores file, what is in it, some rows of that and the evidence of each."""


def write_evidence(
    model: Model, out: Path, workers: int, helpers: WorkerPool[TextReader] | None = None
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

    def explained() -> Iterator[_Part]:
        """The parts with flagged ads, those ads' rows, and the evidence of each."""
        first = 0
        known: dict[Ad, Evidence] = {}
        for path in part_files(out):
            count = pq.read_metadata(path).num_rows
            rows = np.flatnonzero(flagged[first : first + count]).tolist()
            first += count
            if not rows:
                continue
            scores, texts = pq.read_table(path), candidate_texts(out, path)
            regions = regions_of(out, path, rows)
            ads = arguments(scores, texts, regions, rows, model.labels)
            if len(known) > _SAME_TEXTS:
                known.clear()
            new = [ad for ad in dict.fromkeys(ads) if ad not in known]
            if helpers is None:
                found = in_order(partial(evidence_values, model), new, workers)
            else:
                found = helpers.in_order(evidence_in_worker, new)
            for ad, evidence in zip(new, found, strict=True):
                known[ad] = evidence
                advance()
            advance(len(ads) - len(new))
            yield path, scores, rows, [known[ad] for ad in ads]

    with track("explain", int(flagged.sum())) as advance:
        for _ in in_order(_write, explained(), min(workers or cores(), _WRITERS)):
            pass  # written while the next part is explained


def _write(part: _Part) -> None:
    """Put the evidence of some rows into a scores file."""
    path, scores, rows, found = part
    write_scores(path, with_evidence(scores, rows, found))


def with_evidence(scores: pa.Table, rows: list[int], found: Sequence[Evidence]) -> pa.Table:
    """A scores table with the evidence of some rows, the others having none."""
    values: list[Evidence | None] = [None] * len(scores)
    for row, evidence in zip(rows, found, strict=True):
        values[row] = evidence
    form = scores.schema.field("evidence")
    column = scores.schema.get_field_index("evidence")
    return scores.set_column(column, form, pa.array(values, form.type))


def arguments(
    scores: pa.Table,
    texts: dict[int, str],
    regions: list[str | None],
    rows: list[int],
    labels: tuple[str, ...],
) -> list[Ad]:
    """What explaining some rows of a scores table takes; `texts` has the text of each."""
    names = ["language", *(f"p_{label}" for label in labels)]
    ads = scores.select(names).take(pa.array(rows)).to_pylist()
    return [
        (texts[row], ad["language"], region, tuple((label, ad[f"p_{label}"]) for label in labels))
        for row, region, ad in zip(rows, regions, ads, strict=True)
    ]
