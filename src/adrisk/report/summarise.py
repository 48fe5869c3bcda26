"""Everything the page says, as frozen values: the queue, the slices, what was left out.

In: the folder of a finished scoring run, the texts to show and the taxonomy. It computes and
names; it draws nothing and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adrisk.layout import FLAGS_FILE
from adrisk.report.items import Item, build_item
from adrisk.report.queue import QueueIndex, queued
from adrisk.report.tally import ScoreCounts, flagged_ids, tally_scores
from adrisk.report.terms import Term, term
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.manifest import Manifest, read_manifest
from adrisk.scoring.outputs import AdView, read_quarantine, score_files, table_file

MAX_LANGUAGES = 15


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """Ads of a language. `trained` is None where the manifest does not say what was learned."""

    language: str
    scored: int
    flagged: int
    trained: bool | None


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """Ads in which an indicator is likely present."""

    term: Term
    scored: int
    flagged: int


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Rows that could not become ads, by reason, and where the first stood."""

    reason: str
    action: str
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The page in values. `total_queued` may exceed the items shown."""

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
    """The report of a scored folder.

    Args:
        folder: what `adrisk score` wrote.
        texts: views of the ads that `queued(folder)` names; missing ones are shown without text.
        taxonomy: titles and definitions of the indicators.
        queue: the result of `queued(folder)` if it is at hand, to save a pass over the scores.

    Raises:
        UsageError: if the folder is not the output of a finished scoring run.
    """
    manifest = read_manifest(folder)
    queue = queued(folder) if queue is None else queue
    labels = manifest.model.labels
    tally = tally_scores(
        score_files(folder, manifest),
        labels,
        flagged_ids(table_file(folder, FLAGS_FILE)),
        queue.members,
    )
    return Summary(
        manifest=manifest,
        items=tuple(build_item(item, tally.rows, texts, labels, taxonomy) for item in queue.items),
        total_queued=queue.total,
        scored=tally.scored,
        flagged=tally.flagged_languages.total(),
        histogram=tuple(tally.histogram.tolist()),
        languages=_languages(tally, manifest),
        indicators=tuple(
            IndicatorRow(term(name, taxonomy), tally.indicators[name], flagged)
            for name, flagged in tally.flagged_indicators.most_common()
        ),
        quarantine=_quarantine(folder),
    )


def _languages(tally: ScoreCounts, manifest: Manifest) -> tuple[LanguageRow, ...]:
    """The languages by size; the smallest beyond `MAX_LANGUAGES` together as "other"."""
    learned = manifest.model.trained_on.languages
    named = [name for name, _ in tally.languages.most_common()]
    if len(named) > MAX_LANGUAGES:
        named = named[: MAX_LANGUAGES - 1]
    rows = [
        LanguageRow(
            name,
            tally.languages[name],
            tally.flagged_languages[name],
            name in learned if learned and name != "unknown" else None,
        )
        for name in named
    ]
    scored, flagged = sum(row.scored for row in rows), sum(row.flagged for row in rows)
    if scored < tally.scored:
        rest = tally.scored - scored, tally.flagged_languages.total() - flagged
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
