"""Sources against the training data of a model: `adrisk drift`.

Reads every ad once and keeps counts only. Writes drift.json, drift.md for people, and
quarantine.jsonl; that there is drift is a result, not an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk import __version__
from adrisk.batch import make_batch
from adrisk.errors import ModelError
from adrisk.evaluation.drift.aspects import Aspect, Drift
from adrisk.evaluation.drift.comparison import compare, supported
from adrisk.evaluation.drift.limits import LIMITS, Verdict
from adrisk.evaluation.drift.page import drift_page
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
from adrisk.types import IntArray

_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Drifted:
    """The report as plain values, and the files written."""

    results: Mapping[str, Any]
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
        sources: SOURCE arguments, in order.
        out: folder to write.
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
    found = results(model, summary, compare(summary, tally, model.labels))
    known = supported(summary)
    found["unsupported_languages"] = {
        name: ads for name, ads in languages.most_common() if name and name not in known
    }
    found["batch"] |= {
        "sources": list(sources),
        "quarantined": quarantine.count,
        "input_fingerprint": stream.fingerprint,
        "languages": {name or "unknown": ads for name, ads in languages.most_common()},
    }
    files = (out / "drift.json", out / "drift.md")
    write_json(files[0], found)
    with replacing(files[1]) as draft:
        draft.write_text(drift_page(found), encoding="utf-8", newline="\n")
    return Drifted(found, files, tuple(stream.notes))


def results(model: Model, summary: TrainingProfile, drifted: Drift) -> dict[str, Any]:
    """A comparison as plain values, with the limits it was judged by."""
    return {
        "adrisk_version": __version__,
        "model": {
            "family": model.manifest.family,
            "version": model.version,
            "fingerprint": model.fingerprint,
            "target": model.manifest.trained_on.target,
        },
        "training": {
            "ads": drifted.training_ads,
            "judged": int(summary.tally.judged.sum()),
            "words": len(summary.frame.words),
        },
        "batch": {"ads": drifted.batch_ads},
        "matters": [aspect.name for aspect in drifted.matters],
        "limits": {name: asdict(limit) for name, limit in LIMITS.items()},
        "aspects": [_plain(aspect) for aspect in drifted.aspects],
    }


def _plain(aspect: Aspect) -> dict[str, Any]:
    return {
        "name": aspect.name,
        "title": aspect.kind.title,
        "measure": aspect.kind.measure,
        "effect": _rounded(aspect.effect),
        "chance": _rounded(aspect.chance),
        "verdict": str(aspect.verdict),
        "drifted": aspect.verdict in (Verdict.SOME, Verdict.MUCH),
        "untold": aspect.verdict is Verdict.TOO_FEW,
        "matters": aspect.matters,
        "advice": aspect.advice,
        "moved": [change.name for change in aspect.moved],
        "changes": [
            {
                "name": change.name,
                "training": _rounded(change.training),
                "batch": _rounded(change.batch),
                "low": _rounded(change.low),
                "high": _rounded(change.high),
                "h": _rounded(change.effect),
            }
            for change in aspect.changes
        ],
    }


def _summary(model: Model) -> TrainingProfile:
    if model.summary is None:
        raise ModelError(
            f"the model {model.version} carries no summary of its training data, so nothing can be "
            "compared with it: it was saved by an earlier adrisk; train it again (adrisk train "
            "CONFIG ADS.parquet), and the new version will carry one"
        )
    return model.summary


def _read(
    model: Model,
    summary: TrainingProfile,
    stream: AdStream,
    languages: Counter[str | None],
    workers: int,
) -> Histogram:
    """Count all ads of a stream, and their languages by name."""

    def of_batch(ads: pa.Table) -> tuple[Histogram, list[str | None]]:
        spoken = ads["language"].to_pylist()
        batch = make_batch(ads["text"], spoken)
        folded, answers = batch.folded, model.predict(batch)
        told = (answers.risk, answers.indicators)
        return count(summary.frame, folded, spoken, groups_of(folded), told), spoken

    tally = empty(summary.frame)
    with track("drift", stream.total_rows) as advance:
        for counted, spoken in in_order(of_batch, stream, workers):
            tally += counted
            languages.update(spoken)
            advance(len(spoken))
    return tally


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def groups_of(folded: pa.Array) -> IntArray:
    """A group, 0 to 31, for each text; that of a near-copy is mostly the same.

    Two texts agree in a column of their signatures as often as they are alike, so in three of them
    near-copies mostly do, and texts that share a phrase mostly do not.
    """
    signed = signatures(folded)[:, 1:4].astype(np.uint64)
    mixed = (signed * np.array([1, 0x9E3779B1, 0x85EBCA6B], dtype=np.uint64)).sum(axis=1)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(32)) % np.uint64(GROUPS), dtype=np.int64)
