"""Scored parts to campaigns, facts and flags: the steps that follow once every ad is scored.

In: a folder whose parts are complete. Out: its tables, and what explaining and the manifest need.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adrisk import schema
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import Memory
from adrisk.linking.run import write_campaigns
from adrisk.model.model import Model
from adrisk.parallel import release_memory
from adrisk.policy.policy import Policy
from adrisk.progress import say, track
from adrisk.scoring.facts import write_facts
from adrisk.scoring.flags import Flagged, write_exceptions, write_flags
from adrisk.scoring.sidecars import ScoredAds, read_apart, read_scored, read_signatures
from adrisk.scoring.workdir import RunFolder


@dataclass(frozen=True, slots=True)
class FlaggedAds:
    """The ads of a run with their flags.

    Attributes:
        scored: what is known of them.
        flagged: which are put before people, and counts.
        reread: how many were read a second time.
        notes: of linking.
    """

    scored: ScoredAds
    flagged: Flagged
    reread: int
    notes: tuple[str, ...]


def flag_parts(
    folder: RunFolder, model: Model, policy: Policy, memory: Memory | None = None
) -> FlaggedAds:
    """Link, gather facts and apply a policy.

    Args:
        folder: of the run.
        model: that scored.
        policy: settled.
        memory: campaigns that these ads join and are remembered with; none if left out.
    """
    scored = read_scored(folder)
    linked = _link(folder, scored, memory)
    release_memory()
    apart = read_apart(folder, scored)
    noted = write_exceptions(folder, apart, scored.ids, model.rules.taxonomy)
    facts = write_facts(folder, linked, scored, model.pooling, noted.apart.incomplete)
    release_memory()
    flagged = write_flags(folder, model, policy, linked.campaigns, facts, scored, noted)
    return FlaggedAds(scored, flagged, apart.reread, linked.notes)


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
