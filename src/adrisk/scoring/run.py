"""Sources to scores, campaigns and flags: the steps of a scoring run, in order.

Leaves scores/part-*.parquet, campaigns.parquet, links.parquet, campaign_facts.parquet,
apart.parquet, flags.parquet, quarantine.jsonl and, last of all, manifest.json: a folder without it
is not finished. Equal sources, model, policy and key give equal bytes, however often the run was
stopped and resumed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from adrisk import layout
from adrisk.classifiers.base import libraries_of
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import AdStream, open_ads
from adrisk.linking.run import remembering
from adrisk.linking.signing import PURPOSE
from adrisk.model.model import Model
from adrisk.parallel import release_memory
from adrisk.policy.abstention import check_indicators
from adrisk.policy.policy import Policy, PolicyConfig, resolve_policy
from adrisk.progress import say
from adrisk.scoring.evidence import write_evidence
from adrisk.scoring.flagging import FlaggedAds, flag_parts
from adrisk.scoring.inputs import run_inputs
from adrisk.scoring.manifest import Counts, run_manifest, write_manifest
from adrisk.scoring.parts import COLUMNS, Scorer, score_parts, worker_pool
from adrisk.scoring.sealing import seal_contacts
from adrisk.scoring.second_pass import second_pass_counts, second_pass_warnings
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import ReaderSpec


@dataclass(frozen=True, slots=True)
class Scored:
    """What was written, as references and counts."""

    folder: Path
    manifest: Path
    counts: Counts
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
        UsageError: if `out` is in use by another run, an input of a stopped run has changed, or
            the folder cannot be written to; or if the taxonomy lacks an indicator of the model.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file says why.
    """
    check_indicators(model)
    folder, settled = RunFolder(out), resolve_policy(policy, model)
    folder.check_use(sources, resume)
    options = ReadOptions(mapping or {}, batch_rows=layout.BATCH_ROWS, columns=frozenset(COLUMNS))
    quarantine = Quarantine(folder.quarantine)
    stream = open_ads(sources, options, quarantine)
    if not folder.begun and not folder.manifest.exists():
        Pseudonymiser.open(workspace, PURPOSE)  # made here if there is no key yet
    inputs = run_inputs(
        stream,
        sources,
        options.mapping,
        model,
        settled,
        workspace,
        part_rows=layout.PART_ROWS,
        remember=remember,
    )
    if resume and (manifest := folder.finished(inputs)):
        say(f"{out} is finished already")
        return Scored(out, folder.manifest, manifest.counts, inputs.run_id)
    folder.check_inputs(inputs)
    folder.claim(inputs)

    warnings = (*_guarantee(settled), *second_pass_warnings(model, settled))
    for note in (*warnings, *stream.notes):
        say(note)
    with ExitStack() as until_explained:
        saved = until_explained.enter_context(_on_disk(model))
        recipe = ReaderSpec(
            saved.folder or out,
            model.version,
            saved.fingerprint,
            workspace,
            settled.review_at,
            model.rules.platform_file,
            model.rules.fingerprint,
        )
        libraries = libraries_of(type(model.classifier))
        helpers = until_explained.enter_context(worker_pool(recipe, stream, workers, libraries))
        scorer = Scorer(model, settled.review_at, inputs.run_id)
        with quarantine:
            score_parts(scorer, recipe.reader(model), stream, folder, workers, helpers)
            if stream.accepted == 0:
                folder.abandon()
                raise no_ads(sources, quarantine)
        folder.check_sources(inputs, stream)
        release_memory()
        with remembering(workspace, remember, days) as memory:
            found = flag_parts(folder, model, settled, memory)
        flagged = found.flagged.ads
        contacts = write_evidence(model, folder, found.scored, flagged, workers, helpers)
    sealed = seal_contacts(contacts, workspace)
    counts = _counts(model, stream, quarantine, found, sealed)
    write_manifest(
        folder.manifest, run_manifest(inputs, model, settled, stream, counts, found.scored.parts)
    )
    folder.finish()
    notes = (*warnings, *stream.notes, *found.notes)
    return Scored(out, folder.manifest, counts, inputs.run_id, notes)


def _counts(
    model: Model, stream: AdStream, quarantine: Quarantine, found: FlaggedAds, sealed: int
) -> Counts:
    scored = found.scored
    reread = second_pass_counts(model, found.reread, stream.accepted)
    return Counts(
        read=stream.read,
        scored=stream.accepted,
        quarantined=quarantine.count,
        quarantined_because=dict(quarantine.by_reason),
        **reread.model_dump(exclude_unset=True),
        **found.flagged.counts.model_dump(),
        contacts_sealed=sealed,
        truncated=scored.truncated,
        obscured=scored.obscured,
        languages=dict(scored.languages.most_common()),
    )


def _guarantee(policy: Policy) -> tuple[str, ...]:
    """What a policy's threshold promises, or that it promises nothing."""
    if policy.guarantee is None:
        return ()
    return (f"review threshold {policy.review_at:.3f}: {policy.guarantee.words}",)


@contextmanager
def _on_disk(model: Model) -> Iterator[Model]:
    """The model with a folder, from which worker processes load it."""
    if model.folder is not None:
        yield model
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield replace(model.save(Path(scratch)), folder=Path(scratch))
