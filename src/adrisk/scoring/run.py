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

from adrisk import layout, schema
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import open_ads
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import Memory
from adrisk.linking.run import remembering, write_campaigns
from adrisk.linking.signing import PURPOSE
from adrisk.model.model import Model
from adrisk.parallel import release_memory
from adrisk.policy.policy import Policy, PolicyConfig, resolve_policy
from adrisk.progress import say, track
from adrisk.scoring.evidence import write_evidence
from adrisk.scoring.facts import write_facts
from adrisk.scoring.flags import write_exceptions, write_flags
from adrisk.scoring.inputs import run_inputs
from adrisk.scoring.manifest import Counts, ScorePart, run_manifest, write_manifest
from adrisk.scoring.parts import COLUMNS, Scorer, score_parts, worker_pool
from adrisk.scoring.sealing import seal_contacts
from adrisk.scoring.second_pass import second_pass_counts, second_pass_warnings
from adrisk.scoring.sidecars import ScoredAds, read_apart, read_scored, read_signatures
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
            the folder cannot be written to.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file says why.
    """
    folder, settled = RunFolder(out), resolve_policy(policy, model)
    folder.check_use(sources, resume)
    options = ReadOptions(mapping or {}, batch_rows=layout.BATCH_ROWS, columns=frozenset(COLUMNS))
    quarantine = Quarantine(folder.quarantine)
    stream = open_ads(sources, options, quarantine)
    if not folder.begun:
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
        recipe = ReaderSpec(saved, model.version, workspace, settled.review_at)
        helpers = until_explained.enter_context(worker_pool(recipe, stream, workers))
        scorer = Scorer(model, settled.review_at, inputs.run_id)
        with quarantine:
            score_parts(scorer, recipe.reader(model), stream, folder, workers, helpers)
            if stream.accepted == 0:
                folder.abandon()
                raise no_ads(sources, quarantine)
        folder.check_sources(inputs, stream)
        release_memory()
        scored = read_scored(folder)
        with remembering(workspace, remember, days) as memory:
            linked = _link(folder, scored, memory)
        release_memory()
        found = read_apart(folder, scored)
        noted = write_exceptions(folder, found, scored.ids)
        facts = write_facts(folder, linked, scored, model.pooling, noted.apart.incomplete)
        release_memory()
        flagged = write_flags(folder, model, settled, linked.campaigns, facts, scored, noted)
        contacts = write_evidence(model, folder, scored, flagged.ads, workers, helpers)
    sealed = seal_contacts(contacts, workspace)
    counts = Counts(
        read=stream.read,
        scored=stream.accepted,
        quarantined=quarantine.count,
        quarantined_because=dict(quarantine.by_reason),
        **second_pass_counts(model, found.reread, stream.accepted).model_dump(exclude_unset=True),
        **flagged.counts.model_dump(),
        contacts_sealed=sealed,
        truncated=scored.truncated,
        obscured=scored.obscured,
        languages=dict(scored.languages.most_common()),
    )
    written = tuple(
        ScorePart(file=f"{folder.scores.name}/{part.path.name}", rows=part.rows)
        for part in scored.parts
    )
    write_manifest(
        folder.manifest,
        run_manifest(inputs.run_id, model, settled, stream, inputs.map, counts, written),
    )
    folder.finish()
    notes = (*warnings, *stream.notes, *linked.notes)
    return Scored(out, folder.manifest, counts, inputs.run_id, notes)


def _link(folder: RunFolder, scored: ScoredAds, memory: Memory | None) -> Linked:
    """Join all ads into campaigns, and with a memory those remembered there; writes them and why.

    Returns:
        What was found; the links, as large as all the rest, are in their file alone.
    """
    with track("campaigns", None) as advance:
        linked = (link if memory is None else memory.link)(
            scored.ids, read_signatures(folder, scored), scored.contacts, text_of=scored.text_of
        )
        write_campaigns(linked, folder.campaigns, folder.links)
        advance(len(linked.campaigns), total=len(linked.campaigns))
    for note in linked.notes:
        say(note)
    return replace(linked, links=schema.LINKS.empty_table())


def _guarantee(policy: Policy) -> tuple[str, ...]:
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
