"""All values of the report page: queue, counts by language and indicator, quarantined rows.

In: a finished scored folder, the texts to show and the taxonomy. Nothing is drawn or written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adrisk.layout import FLAGS_FILE
from adrisk.report.items import Item, build_item
from adrisk.report.queue import QueueIndex, read_queue
from adrisk.report.score_counts import ScoreCounts, count_scores, flagged_ids
from adrisk.report.terms import Term, term
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.manifest import Manifest, read_manifest
from adrisk.scoring.outputs import AdView, read_quarantine, score_files, table_file

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
    scores = count_scores(
        score_files(folder, manifest),
        labels,
        flagged_ids(table_file(folder, FLAGS_FILE)),
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
