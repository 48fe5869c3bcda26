"""Sources to scores, campaigns and flags, in parts, to be resumed where it stopped.

Leaves scores/part-*.parquet, campaigns.parquet, flags.parquet, quarantine.jsonl and, last of all,
manifest.json: a folder without it is not finished. What a resumed run needs lies in `.work` until
then. Equal sources, model and policy give equal bytes, however often the run was stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import __version__
from adrisk.campaigns import link, signatures
from adrisk.engine import in_order
from adrisk.errors import CorpusError, UsageError
from adrisk.explain import evidence_of
from adrisk.extract import contacts_column
from adrisk.extract.pseudonym import Pseudonymiser
from adrisk.model import Model, prepare
from adrisk.policy import Policy, PolicyConfig, describe, settle
from adrisk.progress import say, track
from adrisk.sources import AdStream, Quarantine, ReadOptions, open_ads
from adrisk.stages.files import replacing, writable, write_json
from adrisk.stages.flag import write_flags

BATCH_ROWS = 2048
PART_ROWS = 51_200
_WORK = ".work"
_PURPOSE = "campaigns"


@dataclass(frozen=True, slots=True)
class Scored:
    """What was written, as references and counts."""

    folder: Path
    manifest: Path
    counts: Mapping[str, Any]
    run_id: str


@dataclass(frozen=True, slots=True)
class _Batch:
    """A scored batch: its rows of the scores table, and what linking needs."""

    scores: pa.Table
    signatures: NDArray[np.uint32]
    contacts: list[tuple[int, str]]


@dataclass(slots=True)
class _Part:
    """A part while it is gathered."""

    tables: list[pa.Table] = field(default_factory=list)
    signatures: list[NDArray[np.uint32]] = field(default_factory=list)
    contacts: list[tuple[int, str]] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: _Batch) -> None:
        self.contacts += [(self.rows + row, name) for row, name in batch.contacts]
        self.tables.append(batch.scores)
        self.signatures.append(batch.signatures)
        self.rows += len(batch.scores)


def score(
    model: Model,
    sources: Sequence[str],
    out: Path,
    workspace: Path,
    *,
    policy: PolicyConfig,
    mapping: Mapping[str, str] | None = None,
    resume: bool = False,
    workers: int = 0,
) -> Scored:
    """Score ads, link them into campaigns, and apply a policy.

    Args:
        model: any family.
        sources: SOURCE arguments, in order.
        out: folder to write; must be new or empty, or an unfinished run with `resume`.
        workspace: where the contact key is kept.
        policy: thresholds and capacity.
        mapping: canonical column -> the files' column.
        resume: go on where an earlier run of the same sources, model and policy stopped.
        workers: threads, 0 for one a core.

    Raises:
        UsageError: if `out` is in use by another run, or cannot be written to.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file says why.
    """
    settled = settle(policy, model)
    key = _key(model, settled, sources, mapping or {})
    run_id = "r" + hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    if (out / "manifest.json").exists() and resume and _state(out / "manifest.json") == run_id:
        say(f"{out} is finished already")
        return _finished(out, run_id)
    _check_free(out, run_id, resume, sources)
    # Opened once before anything is written, so that a wrong path leaves no folder behind.
    options = ReadOptions(mapping or {}, batch_rows=BATCH_ROWS)
    with Quarantine(_claim(out, run_id, sources, options) / "quarantine.jsonl") as quarantine:
        stream = open_ads(sources, options, quarantine)
        for note in stream.notes:
            say(note)
        names = Pseudonymiser.open(workspace, _PURPOSE)
        _score_parts(model, stream, out, settled, names, run_id, workers)
        if stream.accepted == 0:
            _abandon(out)
            raise CorpusError(
                f"{', '.join(sources)} holds no ads"
                + (f"; all {quarantine.count:,} rows were quarantined, see {quarantine.path}"
                   if quarantine.count else "; check the path and the file")
            )
    campaigns = _link(out)
    counts = write_flags(out, model.labels, settled, campaigns)
    counts = {
        "read": stream.read,
        "scored": stream.accepted,
        "quarantined": quarantine.count,
        "quarantined_because": dict(quarantine.by_reason),
        **counts,
    }
    _write_manifest(out, model, settled, stream, mapping or {}, counts, run_id)
    shutil.rmtree(out / _WORK)
    return Scored(out, out / "manifest.json", counts, run_id)


def _key(
    model: Model, policy: Policy, sources: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, Any]:
    """What makes two runs the same run."""
    return {
        "adrisk": __version__,
        "model": [model.fingerprint, model.version],
        "policy": policy.policy_id,
        "sources": list(sources),
        "map": dict(mapping),
        "part_rows": PART_ROWS,
    }


def _check_free(out: Path, run_id: str, resume: bool, sources: Sequence[str]) -> None:
    state = out / _WORK / "state.json"
    if state.exists():
        if not resume:
            raise UsageError(
                f"{out} holds an unfinished run; add --resume to go on with it, or remove the folder"
            )
        if _state(state) != run_id:
            raise UsageError(
                f"{out} holds an unfinished run of other sources, another model or another policy; "
                "repeat that command with --resume, or choose another folder"
            )
        if "-" in sources:
            raise UsageError("standard input cannot be read again; score it into a new folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} exists and is not empty; choose a new folder with -o, or remove it first"
        )


def _state(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["run_id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _claim(out: Path, run_id: str, sources: Sequence[str], options: ReadOptions) -> Path:
    """Make the folders of a run whose sources can be opened."""
    if "-" not in sources:
        open_ads(sources, options, Quarantine(out / "quarantine.jsonl"))
    writable(out)
    writable(out / "scores")
    writable(out / _WORK)
    write_json(out / _WORK / "state.json", {"run_id": run_id})
    return out


def _abandon(out: Path) -> None:
    """Leave only the quarantine of a run that found no ads."""
    shutil.rmtree(out / _WORK)
    (out / "scores").rmdir()


def _finished(out: Path, run_id: str) -> Scored:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return Scored(out, out / "manifest.json", manifest["counts"], run_id)


def _score_parts(
    model: Model,
    stream: AdStream,
    out: Path,
    policy: Policy,
    names: Pseudonymiser,
    run_id: str,
    workers: int,
) -> None:
    """Score what is not scored yet, a part at a time."""
    done = _parts_done(out)
    for stale in set((out / "scores").iterdir()) | set((out / _WORK).glob("part-*")):
        if stale.name.split(".")[0] not in done:
            stale.unlink()
    with track("score", stream.total_rows) as advance:

        def work(item: tuple[int, pa.Table]) -> tuple[int, int, _Batch | None]:
            part, ads = item
            if f"part-{part:05d}" in done:
                return part, len(ads), None
            return part, len(ads), _score_batch(model, ads, policy, names, run_id)

        gathered, current = _Part(), 0
        for part, rows, batch in in_order(work, _numbered(stream), workers):
            if part != current:
                _write_part(out, current, gathered)
                gathered, current = _Part(), part
            if batch is not None:
                gathered.add(batch)
            advance(rows)
        _write_part(out, current, gathered)


def _parts_done(out: Path) -> set[str]:
    """Parts whose every file is there; the scores file is written last."""
    return {path.stem for path in (out / "scores").glob("part-*.parquet")}


def _numbered(stream: AdStream) -> Iterator[tuple[int, pa.Table]]:
    """The ads in batches that do not straddle parts, with the number of their part."""
    row = 0
    for ads in stream:
        while len(ads):
            room = PART_ROWS - row % PART_ROWS
            yield row // PART_ROWS, ads.slice(0, room)
            row += min(room, len(ads))
            ads = ads.slice(room)


def _score_batch(
    model: Model, ads: pa.Table, policy: Policy, names: Pseudonymiser, run_id: str
) -> _Batch:
    prepared = prepare(ads["text"])
    contacts = contacts_column(prepared.raw, prepared.folded)
    obscured = np.array([any(c.obscured for c in found) for found in contacts], dtype=np.bool_)
    scores = model.score(ads, run_id=run_id, prepared=prepared, obscured=obscured).table
    return _Batch(
        scores=_with_evidence(model, scores, prepared.raw, policy),
        signatures=signatures(prepared.folded),
        contacts=[
            (row, name)
            for row, found in enumerate(contacts)
            for name in sorted({names.of(contact) for contact in found})
        ],
    )


def _with_evidence(model: Model, scores: pa.Table, raw: pa.Array, policy: Policy) -> pa.Table:
    """Fill in the evidence of the ads at or above the review threshold."""
    flagged = np.flatnonzero(scores["risk"].to_numpy() >= np.float32(policy.review_at))
    if len(flagged) == 0:
        return scores
    column = scores.schema.get_field_index("evidence")
    values: list[list[dict[str, Any]] | None] = [None] * len(scores)
    for row in flagged:
        probabilities = {
            label: scores[f"p_{label}"][int(row)].as_py() for label in model.labels
        }
        language = scores["language"][int(row)].as_py()
        values[row] = [
            {
                "indicator": e.indicator,
                "start": e.start,
                "end": e.end,
                "strength": e.strength,
                "found_by": e.found_by if e.state == "present" else f"{e.found_by} ({e.state})",
            }
            for e in evidence_of(model, raw[int(row)].as_py(), probabilities, language)
        ]
    form = scores.schema.field("evidence")
    return scores.set_column(column, form, pa.array(values, form.type))


def _write_part(out: Path, number: int, part: _Part) -> None:
    if not part.rows:
        return
    name = f"part-{number:05d}"
    with replacing(out / _WORK / f"{name}.signatures") as draft:
        np.concatenate(part.signatures).tofile(draft)
    write_json(out / _WORK / f"{name}.contacts", {"contacts": part.contacts})
    table = pa.concat_tables(part.tables)
    with replacing(out / "scores" / f"{name}.parquet") as draft:
        pq.write_table(table, draft, compression="zstd", use_dictionary=_DICTIONARY)


_DICTIONARY = ["language", "model", "model_version", "run_id"]


def _link(out: Path) -> pa.Table:
    """Join all ads into campaigns and write them; returns the table."""
    ids, contacts, blocks = [], [], []
    row = 0
    with track("campaigns", None) as advance:
        for path in sorted((out / "scores").glob("part-*.parquet")):
            part = pq.read_table(path, columns=["ad_id"])["ad_id"]
            work = out / _WORK / path.stem
            found = json.loads(work.with_suffix(".contacts").read_text(encoding="utf-8"))
            contacts += [(row + at, name) for at, name in found["contacts"]]
            blocks.append(np.fromfile(work.with_suffix(".signatures"), dtype=np.uint32))
            ids.append(part)
            row += len(part)
        together = np.concatenate(blocks).reshape(row, -1)
        table = link(pa.chunked_array([c for part in ids for c in part.chunks]), together, contacts)
        with replacing(out / "campaigns.parquet") as draft:
            pq.write_table(table, draft, compression="zstd")
        advance(row, total=row)
    return table


def _write_manifest(
    out: Path,
    model: Model,
    policy: Policy,
    stream: AdStream,
    mapping: Mapping[str, str],
    counts: Mapping[str, Any],
    run_id: str,
) -> None:
    manifest = model.manifest
    languages: Counter[str] = Counter()
    obscured = truncated = 0
    parts = []
    for path in sorted((out / "scores").glob("part-*.parquet")):
        columns = pq.read_table(path, columns=["language", "obscured", "truncated"])
        for entry in pc.value_counts(columns["language"]).to_pylist():
            languages[entry["values"] or "unknown"] += entry["counts"]
        obscured += pc.sum(columns["obscured"]).as_py()
        truncated += pc.sum(columns["truncated"]).as_py()
        parts.append({"file": f"scores/{path.name}", "rows": len(columns)})
    write_json(
        out / "manifest.json",
        {
            "adrisk_version": __version__,
            "run_id": run_id,
            "model": {
                "name": manifest.name,
                "version": model.version,
                "family": manifest.family,
                "fingerprint": model.fingerprint,
                "labels": list(model.labels),
                "target": manifest.trained_on.target,
                "trained_on": manifest.trained_on.model_dump(mode="json"),
                "metrics": dict(manifest.metrics),
            },
            "policy": describe(policy),
            "sources": stream.description,
            "map": dict(mapping),
            "input_fingerprint": stream.fingerprint,
            "counts": {
                **counts,
                "truncated": truncated,
                "obscured": obscured,
                "languages": dict(languages.most_common()),
            },
            "parts": parts,
        },
    )
