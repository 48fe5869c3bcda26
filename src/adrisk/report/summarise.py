"""All values of the report page: queue, counts by language and indicator, quarantined rows.

In: a finished scored folder, the texts to show and the taxonomy. Nothing is drawn or written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.layout import FLAGS_FILE
from adrisk.report.campaign_facts import Term, term
from adrisk.report.items import PRESENT_FROM, SCORE_COLUMNS, Item, ScoredAd, build_item, scored_ads
from adrisk.report.queue import QueueIndex, read_queue
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.manifest import Manifest, read_manifest
from adrisk.scoring.outputs import AdView, batches, read_quarantine, score_files, table_file
from adrisk.types import ArrowArray, IntArray, Level

BINS = 50
"""Bins of the risk histogram over [0, 1], 2 percentage points each."""

MAX_LANGUAGES = 15
"""Rows by language; the smallest languages share the last."""


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """Ads of a language; `trained` is None if the manifest does not list the training languages."""

    language: str
    scored: int
    flagged: int
    trained: bool | None


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """Numbers of ads in which an indicator is likely present."""

    term: Term
    scored: int
    flagged: int


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Quarantined rows with the same reason, and the location of the first."""

    reason: str
    action: str
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class Summary:
    """All values of the page; `total_queued` may exceed the number of items shown."""

    manifest: Manifest
    items: tuple[Item, ...]
    total_queued: int
    scored: int
    flagged: int
    histogram: tuple[int, ...]
    languages: tuple[LanguageRow, ...]
    indicators: tuple[IndicatorRow, ...]
    quarantine: tuple[QuarantineRow, ...]


@dataclass(slots=True)
class ScoreCounts:
    """Counts over all scored ads; a null language counts as `unknown`."""

    scored: int = 0
    histogram: IntArray = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))
    languages: Counter[str] = field(default_factory=Counter)
    flagged_languages: Counter[str] = field(default_factory=Counter)
    indicators: Counter[str] = field(default_factory=Counter)
    flagged_indicators: Counter[str] = field(default_factory=Counter)
    rows: dict[str, ScoredAd] = field(default_factory=dict)


def summarise(
    folder: Path,
    texts: Mapping[str, AdView],
    taxonomy: Taxonomy,
    *,
    queue: QueueIndex | None = None,
) -> Summary:
    """Summarise a scored folder.

    Args:
        folder: the output of `adrisk score`.
        texts: views of the ads in `read_queue(folder)`; missing ones are shown without text.
        taxonomy: titles and definitions of the indicators.
        queue: the result of `read_queue(folder)`, to save a pass over the scores.

    Raises:
        UsageError: if the folder is not the output of a finished scoring run.
    """
    manifest = read_manifest(folder)
    queue = read_queue(folder) if queue is None else queue
    labels = manifest.model.labels
    scores = _count_scores(
        score_files(folder, manifest),
        labels,
        _flagged_ids(table_file(folder, FLAGS_FILE)),
        queue.members,
    )
    return Summary(
        manifest=manifest,
        items=tuple(build_item(item, scores.rows, texts, labels, taxonomy) for item in queue.items),
        total_queued=queue.total,
        scored=scores.scored,
        flagged=scores.flagged_languages.total(),
        histogram=tuple(scores.histogram.tolist()),
        languages=_languages(scores, manifest),
        indicators=tuple(
            IndicatorRow(term(name, taxonomy), scores.indicators[name], flagged)
            for name, flagged in scores.flagged_indicators.most_common()
        ),
        quarantine=_quarantine(folder),
    )


def _flagged_ids(flags: Path) -> ArrowArray:
    """Ids of the ads flagged for review or as urgent."""
    levels = pa.array([Level.REVIEW.value, Level.URGENT.value])
    pieces = [
        batch.column("ad_id").filter(pc.is_in(batch.column("level"), value_set=levels))
        for batch in batches([flags], ("ad_id", "level"))
    ]
    return pa.chunked_array(pieces, pa.string()).combine_chunks()


def _count_scores(
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
    for batch in batches(files, [*SCORE_COLUMNS, *(f"p_{name}" for name in labels)]):
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
        kept = batch.filter(pc.is_in(ids, value_set=shown_ids))
        counts.rows.update((ad.ad_id, ad) for ad in scored_ads(kept))
    return counts


def _count(counter: Counter[str], values: ArrowArray) -> None:
    for entry in pc.value_counts(values).to_pylist():
        counter[entry["values"]] += entry["counts"]


def _languages(scores: ScoreCounts, manifest: Manifest) -> tuple[LanguageRow, ...]:
    """The languages by size; the smallest beyond `MAX_LANGUAGES` together as "other"."""
    trained = manifest.model.trained_on.languages
    named = [name for name, _ in scores.languages.most_common()]
    if len(named) > MAX_LANGUAGES:
        named = named[: MAX_LANGUAGES - 1]
    rows = [
        LanguageRow(
            name,
            scores.languages[name],
            scores.flagged_languages[name],
            name in trained if trained and name != "unknown" else None,
        )
        for name in named
    ]
    scored, flagged = sum(row.scored for row in rows), sum(row.flagged for row in rows)
    if scored < scores.scored:
        rest = scores.scored - scored, scores.flagged_languages.total() - flagged
        rows.append(LanguageRow("other", *rest, None))
    return tuple(rows)


def _quarantine(folder: Path) -> tuple[QuarantineRow, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for row in read_quarantine(folder):
        key = str(row.get("reason", "no reason given")), str(row.get("action", ""))
        counts[key] += 1
        first.setdefault(key, f"{row.get('source', 'unknown source')}, line {row.get('line', '?')}")
    return tuple(
        QuarantineRow(reason, action, count, first[reason, action])
        for (reason, action), count in counts.most_common()
    )
