"""Counts over all scores in one pass: histogram, languages, indicators, rows of queued campaigns.

Memory does not grow with the number of ads, only with the flagged and the queued.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.scoring.outputs import batches
from adrisk.types import ArrowArray, IntArray, Level

BINS = 50
"""Bins of the risk histogram over [0, 1], 2 percentage points each."""

PRESENT_FROM = 0.5
"""Calibrated probability from which an indicator counts as likely present."""


@dataclass(slots=True)
class ScoreCounts:
    """Counts over all scored ads; a null language counts as `unknown`."""

    scored: int = 0
    histogram: IntArray = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))
    languages: Counter[str] = field(default_factory=Counter)
    flagged_languages: Counter[str] = field(default_factory=Counter)
    indicators: Counter[str] = field(default_factory=Counter)
    flagged_indicators: Counter[str] = field(default_factory=Counter)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


def flagged_ids(flags: Path) -> ArrowArray:
    """Ids of the ads flagged for review or as urgent."""
    levels = pa.array([Level.REVIEW.value, Level.URGENT.value])
    pieces = [
        batch.column("ad_id").filter(pc.is_in(batch.column("level"), value_set=levels))
        for batch in batches([flags], ("ad_id", "level"))
    ]
    return pa.chunked_array(pieces, pa.string()).combine_chunks()


def count_scores(
    files: Sequence[Path], labels: Sequence[str], flagged: ArrowArray, shown: Collection[str]
) -> ScoreCounts:
    """Count the scores, and keep the rows of the `shown` ads.

    Args:
        files: the score files, in order.
        labels: the model's indicators.
        flagged: ids of the ads flagged for review or as urgent.
        shown: ids of the ads whose rows are kept.
    """
    counts = ScoreCounts()
    shown_ids = pa.array(sorted(shown), pa.string())
    columns = ["ad_id", "risk", "language", "obscured", "truncated", "evidence"]
    for batch in batches(files, [*columns, *(f"p_{name}" for name in labels)]):
        ids = batch.column("ad_id")
        is_flagged = pc.is_in(ids, value_set=flagged)
        risk = batch.column("risk").to_numpy(zero_copy_only=False)
        counts.scored += batch.num_rows
        counts.histogram += np.histogram(risk[np.isfinite(risk)], bins=BINS, range=(0, 1))[0]
        languages = pc.fill_null(batch.column("language"), "unknown")
        _count(counts.languages, languages)
        _count(counts.flagged_languages, languages.filter(is_flagged))
        for name in labels:
            if f"p_{name}" in batch.schema.names:
                likely = pc.greater_equal(batch.column(f"p_{name}"), PRESENT_FROM)
                counts.indicators[name] += pc.sum(likely).as_py() or 0
                counts.flagged_indicators[name] += pc.sum(pc.and_(likely, is_flagged)).as_py() or 0
        for row in batch.filter(pc.is_in(ids, value_set=shown_ids)).to_pylist():
            counts.rows[row["ad_id"]] = row
    return counts


def _count(counter: Counter[str], values: ArrowArray) -> None:
    for entry in pc.value_counts(values).to_pylist():
        counter[entry["values"]] += entry["counts"]
