"""Sources to scores, campaigns and flags, in parts, to be resumed where it stopped.

Leaves scores/part-*.parquet, campaigns.parquet, links.parquet, campaign_facts.parquet,
apart.parquet, flags.parquet, quarantine.jsonl and, last of all, manifest.json: a folder without it
is not finished. What a resumed run needs lies in `.work` until then. Equal sources, model and
policy give equal bytes, however often the run was stopped.

What a cascade reads a second time: how much of a run, and whether that is near the threshold.

In: a model, and a policy or a scored run. Out: counts for its manifest, and words to tell; nothing
of a model that reads every ad once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.special import logit

from adrisk.classifiers.base import RISKY_COLUMN, THRESHOLDS, Margins, libraries_of
from adrisk.documents import parse_json
from adrisk.errors import UsageError
from adrisk.files import new_folder, writable, write_json
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.model.model import Model
from adrisk.parallel import release_memory
from adrisk.policy.abstention import check_indicators
from adrisk.policy.policy import Policy, PolicyConfig, describe, resolve_policy
from adrisk.progress import say
from adrisk.scoring import parts
from adrisk.scoring.evidence import write_evidence
from adrisk.scoring.facts import write_facts
from adrisk.scoring.flags import write_exceptions, write_flags
from adrisk.scoring.linking import link_parts, remembering
from adrisk.scoring.parts import Scorer, score_parts, worker_pool
from adrisk.scoring.sealing import seal_contacts
from adrisk.scoring.workdir import WORK, part_files, reread_ads
from adrisk.scoring.worker import ReaderSpec
from adrisk.version import __version__


@dataclass(frozen=True, slots=True)
class Scored:
    """What was written, as references and counts."""

    folder: Path
    manifest: Path
    counts: Mapping[str, Any]
    run_id: str
    notes: tuple[str, ...] = ()


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
    remember: str | None = None,
    days: int | None = None,
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
        remember: join the campaigns remembered under this name, and remember these; none if left
            out.
        days: forget remembered ads that were not seen for so long.

    Raises:
        UsageError: if `out` is in use by another run, or cannot be written to; or if the taxonomy
            lacks an indicator of the model.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file says why.
    """
    check_indicators(model)
    settled = resolve_policy(policy, model)
    told = (*_told(settled), *second_pass_warnings(model, settled))
    key = _key(model, settled, sources, mapping or {})
    if remember is not None:
        key["remember"] = remember
    run_id = "r" + hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    if (out / "manifest.json").exists() and resume and _state(out / "manifest.json") == run_id:
        say(f"{out} is finished already")
        return _finished(out, run_id)
    _check_free(out, run_id, resume, sources)
    # Opened once before anything is written, so that a wrong path leaves no folder behind.
    options = ReadOptions(
        mapping or {}, batch_rows=parts.BATCH_ROWS, columns=frozenset(parts.COLUMNS)
    )
    quarantine = Quarantine(_claim(out, run_id, sources, options) / "quarantine.jsonl")
    with ExitStack() as until_explained:
        with quarantine:
            stream = open_ads(sources, options, quarantine)
            for note in (*told, *stream.notes):
                say(note)
            folder = until_explained.enter_context(_on_disk(model))
            recipe = ReaderSpec(
                folder,
                model.version,
                workspace,
                model.rules.platform_file,
                model.rules.fingerprint,
            )
            libraries = libraries_of(type(model.classifier))
            helpers = until_explained.enter_context(worker_pool(recipe, stream, workers, libraries))
            score_parts(
                Scorer(model, settled.review_at, run_id),
                recipe.reader(model),
                stream,
                out,
                workers,
                helpers,
            )
            if stream.accepted == 0:
                _abandon(out)
                raise no_ads(sources, quarantine)
        release_memory()
        with remembering(workspace, remember, days) as memory:
            linked = link_parts(out, memory)
        release_memory()
        for note in linked.notes:
            say(note)
        noted = write_exceptions(out, model.rules.taxonomy)
        facts = write_facts(out, linked, model.pooling, noted.apart.incomplete)
        release_memory()
        counts = write_flags(out, model, settled, linked.campaigns, facts, noted)
        with ThreadPoolExecutor(1, thread_name_prefix="adrisk") as beside:
            sealing = beside.submit(seal_contacts, out, workspace)
            write_evidence(model, out, workers, helpers)
            sealed = sealing.result()
    counts = {
        "read": stream.read,
        "scored": stream.accepted,
        "quarantined": quarantine.count,
        "quarantined_because": dict(quarantine.by_reason),
        **second_pass_counts(out, model, stream.accepted),
        **counts,
        "contacts_sealed": sealed,
    }
    _write_manifest(out, model, settled, stream, mapping or {}, counts, run_id)
    shutil.rmtree(out / WORK)
    notes = (*told, *stream.notes, *linked.notes)
    return Scored(out, out / "manifest.json", counts, run_id, notes)


def _told(policy: Policy) -> tuple[str, ...]:
    """What a policy's threshold promises, or that it promises nothing."""
    if policy.guarantee is None:
        return ()
    return (f"review threshold {policy.review_at:.3f}: {policy.guarantee.words}",)


@contextmanager
def _on_disk(model: Model) -> Iterator[Path]:
    """The folder of a model, for processes that must load it too; a loaded one has its own."""
    if model.folder is not None:
        yield model.folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        model.save(Path(scratch))
        yield Path(scratch)


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
        "part_rows": parts.PART_ROWS,
    }


def _check_free(out: Path, run_id: str, resume: bool, sources: Sequence[str]) -> None:
    state = out / WORK / "state.json"
    if state.exists():
        if not resume:
            raise UsageError(
                f"{out} holds an unfinished run; add --resume to go on with it, "
                "or remove the folder"
            )
        if _state(state) != run_id:
            raise UsageError(
                f"{out} holds an unfinished run of other sources, another model or another policy; "
                "repeat that command with --resume, or choose another folder"
            )
        if "-" in sources:
            raise UsageError("standard input cannot be read again; score it into a new folder")
    else:
        new_folder(out, apart_from=WORK)


def _state(path: Path) -> str:
    try:
        return str(parse_json(path.read_text(encoding="utf-8"))["run_id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _claim(out: Path, run_id: str, sources: Sequence[str], options: ReadOptions) -> Path:
    """Make the folders of a run whose sources can be opened."""
    if "-" not in sources:
        open_ads(sources, options, Quarantine(out / "quarantine.jsonl"))
    writable(out / WORK).chmod(0o700)  # texts that may be flagged lie here until the run is done
    write_json(out / WORK / "state.json", {"run_id": run_id})
    writable(out / "scores")
    for draft in (*out.glob(".*.draft"), *out.glob("*/.*.draft")):  # of a run that was killed
        draft.unlink()
    return out


def _abandon(out: Path) -> None:
    """Leave only the quarantine of a run that found no ads."""
    shutil.rmtree(out / WORK)
    (out / "scores").rmdir()


def _finished(out: Path, run_id: str) -> Scored:
    shutil.rmtree(out / WORK, ignore_errors=True)  # a run killed in its last moment left it
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return Scored(out, out / "manifest.json", manifest["counts"], run_id)


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
    written = []
    for path in part_files(out):
        columns = pq.read_table(path, columns=["language", "obscured", "truncated"])
        for entry in pc.value_counts(columns["language"]).to_pylist():
            languages[entry["values"] or "unknown"] += entry["counts"]
        obscured += pc.sum(columns["obscured"]).as_py()
        truncated += pc.sum(columns["truncated"]).as_py()
        written.append({"file": f"scores/{path.name}", "rows": len(columns)})
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
                "facts": dict(manifest.facts),
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
            "parts": written,
        },
    )


def second_pass_counts(out: Path, model: Model, scored: int) -> dict[str, Any]:
    """How many of the ads scored were read twice, and why those; says it, too."""
    because = model.manifest.facts.get("reread_because")
    if because is None:
        return {}
    ads = reread_ads(out)
    say(f"read a second time: {ads:,} of {scored:,} ads; {because}")
    return {"reread": ads, "reread_share": ads / scored, "reread_because": because}


def second_pass_warnings(model: Model, policy: Policy) -> tuple[str, ...]:
    """Where no ad near the policy's threshold is read twice, that it is so.

    The band is of margins; each language may calibrate them by a curve of its own.
    """
    facts, calibration = model.manifest.facts, model.calibration
    if "reread_from" not in facts:
        return ()
    edges = logit([facts["reread_from"], facts["reread_to"]])
    margins = Margins(np.zeros((2, len(model.labels))), np.tile(edges[:, None], len(THRESHOLDS)))
    reached = [
        calibration.risk(margins, [language] * 2)[:, RISKY_COLUMN]
        for language in (None, *filter(None, calibration.risk_curves))
    ]
    if any(low <= policy.review_at <= high for low, high in reached):
        return ()
    low, high = reached[0]
    return (
        f"review threshold {policy.review_at:.3f} lies outside what this cascade reads a second "
        f"time (risk {low:.3f} to {high:.3f}): no ad near the threshold is reread, and rereading "
        "hardly changes which are flagged",
    )
