"""Steps of a scoring run, from sources to scores, campaigns and flags.

read → predict (a part at a time) → link → facts → flag → explain → seal → manifest.

Out: scores/part-*.parquet, campaigns.parquet, links.parquet, campaign_facts.parquet, apart.parquet,
flags.parquet, quarantine.jsonl and, last of all, manifest.json: a folder without it is not
finished. Equal sources, model, policy and key give equal bytes, however often the run was stopped
and resumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adrisk import layout, schema
from adrisk.extract.pseudonyms import LINKING, Pseudonymiser
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import open_ads
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import Memory
from adrisk.linking.run import remembering, write_campaigns
from adrisk.model.model import Model
from adrisk.parallel import release_memory
from adrisk.policy.abstention import check_indicators
from adrisk.policy.policy import Policy, PolicyConfig, resolve_policy, threshold_notes
from adrisk.progress import say, track
from adrisk.scoring.evidence import seal_contacts, write_evidence
from adrisk.scoring.facts import write_facts
from adrisk.scoring.flags import Flags, write_exceptions, write_flags
from adrisk.scoring.inputs import run_inputs
from adrisk.scoring.manifest import Counts, reread_counts, run_manifest, write_manifest
from adrisk.scoring.parts import COLUMNS, Scorer, score_parts
from adrisk.scoring.sidecars import ScoredAds, read_apart, read_scored, read_signatures
from adrisk.scoring.workdir import RunFolder
from adrisk.scoring.worker import text_workers


@dataclass(frozen=True, slots=True)
class Scored:
    """References to the files of a run, counts of its ads, and notes for the user."""

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
        model: of any family.
        sources: SOURCE arguments, in order.
        out: folder to write; new or empty, or an unfinished run with `resume`.
        workspace: holds the contact key, the remembered campaigns and the review store.
        policy: thresholds and capacity.
        mapping: canonical column -> the files' column.
        resume: continue a stopped run of the same sources, model and policy.
        workers: threads or processes, 0 for one a core.
        remember: join the campaigns remembered under this name, and remember these; none if left
            out.
        days: forget remembered ads that were not seen for so long.

    Raises:
        UsageError: if `out` is in use by another run, an input of a stopped run has changed, or
            the folder cannot be written to; or if the taxonomy lacks an indicator of the model.
        SourceError: if a source cannot be opened; nothing is written.
        CorpusError: if there are no ads; the quarantine file holds the reasons.
        RunError: if a source or the model was replaced meanwhile.
    """
    check_indicators(model)
    folder, settled = RunFolder(out), resolve_policy(policy, model)
    folder.check_use(sources, resume)
    mapping, quarantine = mapping or {}, Quarantine(folder.quarantine)
    options = ReadOptions(mapping, batch_rows=layout.BATCH_ROWS, columns=frozenset(COLUMNS))
    stream = open_ads(sources, options, quarantine)
    if not folder.begun and not folder.manifest.exists():
        Pseudonymiser.open(workspace, LINKING)  # made here if there is no key yet
    inputs = run_inputs(stream, sources, mapping, model, settled, workspace, remember)
    if resume and (manifest := folder.finished(inputs)):
        say(f"{out} is finished already")
        return Scored(out, folder.manifest, manifest.counts, inputs.run_id)
    folder.check_inputs(inputs)
    folder.claim(inputs)
    notes = (*threshold_notes(settled, model), *stream.notes)
    for note in notes:
        say(note)

    with text_workers(model, workspace, settled.review_at, stream.total_rows, workers) as pool:
        with quarantine:
            scorer = Scorer(model, settled.review_at, inputs.run_id)
            score_parts(scorer, stream, folder, pool)
            if stream.accepted == 0:
                folder.abandon()
                raise no_ads(sources, quarantine)
        folder.check_sources(inputs, stream)
        release_memory()
        with remembering(workspace, remember, days) as memory:
            flagged = flag_parts(folder, model, settled, memory)
        scored, flags = flagged.scored, flagged.flags
        contacts = write_evidence(model.labels, folder, scored, flags.flagged, pool)
    sealed = seal_contacts(contacts, workspace)

    reread = reread_counts(model, flagged.reread, stream.accepted)
    if reread.reread_because is not None:
        say(
            f"read a second time: {flagged.reread:,} of {stream.accepted:,} ads; "
            f"{reread.reread_because}"
        )
    counts = Counts(
        read=stream.read,
        scored=stream.accepted,
        quarantined=quarantine.count,
        quarantined_because=dict(quarantine.by_reason),
        **reread.model_dump(exclude_unset=True),
        **flags.counts.model_dump(),
        contacts_sealed=sealed,
        truncated=scored.truncated,
        obscured=scored.obscured,
        languages=dict(scored.languages.most_common()),
    )
    write_manifest(
        folder.manifest, run_manifest(inputs, model, settled, stream, counts, scored.parts)
    )
    folder.finish()
    return Scored(out, folder.manifest, counts, inputs.run_id, (*notes, *flagged.notes))


@dataclass(frozen=True, slots=True)
class FlaggedAds:
    """The scored ads of a run, their flags, how many were read twice, and the notes of linking."""

    scored: ScoredAds
    flags: Flags
    reread: int
    notes: tuple[str, ...]


def flag_parts(
    folder: RunFolder, model: Model, policy: Policy, memory: Memory | None = None
) -> FlaggedAds:
    """The steps once all ads are scored: link, facts, flag.

    Args:
        folder: of the run, all parts complete.
        model: that scored.
        policy: resolved.
        memory: campaigns that these ads join and are remembered with; none if left out.
    """
    scored = read_scored(folder)
    linked = _link(folder, scored, memory)
    release_memory()
    apart = read_apart(folder, scored)
    exceptions = write_exceptions(folder, apart, scored.ids, model.rules.taxonomy)
    facts = write_facts(folder, linked, scored, model.pooling, exceptions.apart.incomplete)
    release_memory()
    flags = write_flags(folder, model, policy, linked.campaigns, facts, scored, exceptions)
    return FlaggedAds(scored, flags, apart.reread, linked.notes)


def _link(folder: RunFolder, scored: ScoredAds, memory: Memory | None) -> Linked:
    """Link all ads into campaigns, with the remembered ones if any, and write them.

    Returns:
        The result without its links, which take as much memory as all the rest.
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
