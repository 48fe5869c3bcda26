"""Drift of sources from the training data of a model: `adrisk drift`.

In: a model and sources, of which every ad is read once and only counts are kept. Out: drift.json,
drift.md with the same figures for people, and quarantine.jsonl; no text of an ad is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from adrisk.batch import prepare_ads
from adrisk.errors import ModelError
from adrisk.evaluation.drift.comparison import compare, supported
from adrisk.evaluation.drift.results import (
    LIMITS,
    Aspect,
    BatchAds,
    Change,
    ComparedModel,
    DriftResult,
    TrainingAds,
)
from adrisk.evaluation.markdown import Markdown, fixed, render, text_table
from adrisk.files import replacing, writable, write_json
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.layout import QUARANTINE_FILE
from adrisk.linking.minhash import signatures
from adrisk.model.model import Model
from adrisk.model.profile import GROUPS, Histogram, TrainingProfile, count, empty
from adrisk.parallel import in_order
from adrisk.progress import say, track
from adrisk.types import ArrowArray, IntArray
from adrisk.version import __version__

MOST_SHOWN = 10
"""Shares shown of an aspect at most; drift.json has all."""

_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Drifted:
    """The results, and the files written."""

    results: DriftResult
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def drift(
    model: Model,
    sources: Sequence[str],
    out: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    workers: int = 0,
) -> Drifted:
    """Compare ads with what a model was trained on.

    Args:
        model: any family, with a summary of its training data.
        mapping: canonical column -> the files' column.
        workers: threads, 0 for one a core.

    Raises:
        ModelError: if the model carries no summary.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file says why.
    """
    summary = _summary(model)
    options = ReadOptions(mapping or {}, batch_rows=_AT_ONCE)
    quarantine = Quarantine(out / QUARANTINE_FILE)
    stream = open_ads(sources, options, quarantine)
    writable(out)
    for note in stream.notes:
        say(note)
    languages: Counter[str | None] = Counter()
    with quarantine:
        tally = _read(model, summary, stream, languages, workers)
        if not stream.accepted:
            raise no_ads(sources, quarantine)
    aspects = compare(summary, tally, model.labels)
    by_language = languages.most_common()
    known = supported(summary)
    found = DriftResult(
        adrisk_version=__version__,
        model=ComparedModel(
            family=model.manifest.family,
            version=model.version,
            fingerprint=model.fingerprint,
            target=model.manifest.trained_on.target,
        ),
        training=TrainingAds(
            ads=summary.counts.ads,
            judged=int(summary.counts.judged.sum()),
            words=len(summary.bins.words),
        ),
        batch=BatchAds(
            ads=tally.ads,
            sources=tuple(sources),
            quarantined=quarantine.count,
            input_fingerprint=stream.fingerprint,
            languages={name or "unknown": ads for name, ads in by_language},
        ),
        matters=tuple(aspect.name for aspect in aspects if aspect.matters),
        limits=LIMITS,
        aspects=aspects,
        unsupported_languages={n: ads for n, ads in by_language if n and n not in known},
    )
    files = (out / "drift.json", out / "drift.md")
    write_json(files[0], found.to_json())
    with replacing(files[1]) as draft:
        draft.write_text(drift_page(found), encoding="utf-8", newline="\n")
    return Drifted(found, files, tuple(stream.notes))


def _summary(model: Model) -> TrainingProfile:
    if model.profile is None:
        raise ModelError(
            f"the model {model.version} carries no summary of its training data, so nothing can be "
            "compared with it: it was saved by an earlier adrisk; train it again (adrisk train "
            "CONFIG ADS.parquet), and the new version will carry one"
        )
    return model.profile


def _read(
    model: Model,
    summary: TrainingProfile,
    stream: AdStream,
    languages: Counter[str | None],
    workers: int,
) -> Histogram:
    """Count all ads of a stream, and their languages by name."""

    def of_batch(ads: pa.Table) -> tuple[Histogram, list[str | None]]:
        codes = ads["language"].to_pylist()
        batch = prepare_ads(ads, model.rules)
        folded, answers = batch.folded, model.predict(batch)
        scores = (answers.risk, answers.indicators)
        return count(summary.bins, folded, codes, groups_of(batch.unmasked), scores), codes

    tally = empty(summary.bins)
    with track("drift", stream.total_rows) as advance:
        for counted, codes in in_order(of_batch, stream, workers):
            tally += counted
            languages.update(codes)
            advance(len(codes))
    return tally


def groups_of(folded: ArrowArray) -> IntArray:
    """A group, 0 to 31, for each text; near-copies are mostly of the same group.

    The share of equal columns in two MinHash signatures estimates the similarity of their texts:
    three columns are mostly equal for near-copies, and mostly not for texts that share a phrase.
    """
    signed = signatures(folded)[:, 1:4].astype(np.uint64)
    mixed = (signed * np.array([1, 0x9E3779B1, 0x85EBCA6B], dtype=np.uint64)).sum(axis=1)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(32)) % np.uint64(GROUPS), dtype=np.int64)


def drift_table(found: DriftResult) -> str:
    """One line an aspect: its verdict, effect, chance, and whether it affects the model."""
    rows = [["", "verdict", "effect", "chance", "matters"]]
    rows += [
        [
            aspect.name,
            aspect.verdict,
            f"{aspect.measure} {fixed(aspect.effect)}",
            fixed(aspect.chance),
            "yes" if aspect.matters else "no",
        ]
        for aspect in found.aspects
    ]
    return text_table(rows)


def drift_page(found: DriftResult) -> str:
    """The page: what matters and what to do first, then every aspect with its shares."""
    groups = (
        ("Matters for the model", [a for a in found.aspects if a.matters]),
        ("Merely different", [a for a in found.aspects if a.drifted and not a.matters]),
        ("Cannot be told", [a for a in found.aspects if a.untold]),
    )
    return render(
        "drift.md.j2",
        found=found,
        conclusions=[(heading, aspects) for heading, aspects in groups if aspects],
        most_shown=MOST_SHOWN,
        shown=_shown,
        moved=_moved,
        advice=lambda aspect: Markdown(aspect.advice),  # adrisk's own words, commands as code
    )


def _moved(aspect: Aspect) -> str:
    """The shares that moved, the furthest first."""
    by_name = {change.name: change for change in aspect.changes}
    moved = [by_name[name] for name in aspect.moved[:MOST_SHOWN]]
    return ", ".join(f"{c.name} {c.training:.1%} to {c.batch:.1%}" for c in moved)


def _shown(aspect: Aspect) -> list[Change]:
    """The shares of an aspect in their order; of many, those that changed most."""
    furthest = sorted(aspect.changes, key=lambda change: -change.h)[:MOST_SHOWN]
    return [change for change in aspect.changes if change in furthest]
