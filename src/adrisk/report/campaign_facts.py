"""Facts of a campaign for display, with the layout of its graph of texts, contacts and accounts.

In: a row of campaign_facts.parquet, and the links of the campaign. Out: frozen values, sentences
and coordinates. No ad text and no contact, only short pseudonyms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adrisk.errors import UsageError
from adrisk.layout import NEAR_COPY, SHARED_CONTACT
from adrisk.report.queue import FactsRow, LinkCount, Tie
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.masking import visible
from adrisk.types import Kind

MAX_LINK_REASONS = 6
"""Links listed one by one; the others are counted."""

COLUMNS = (14, 140, 258)
"""Horizontal positions of accounts, texts and contacts in the network, of 360 units."""

ROW_HEIGHT = 22
_TOP = 30
_LABEL = 8  # characters of a pseudonym, so that the label fits on a phone


@dataclass(frozen=True, slots=True)
class Term:
    """An indicator for display; `lowers` marks counter-evidence, which lowers the risk."""

    id: str
    title: str
    definition: str
    weight: str
    lowers: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """An account, a text or a contact of the network, and its number of ads."""

    x: int
    y: int
    label: str
    ads: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A line of the network; `width` grows with its number of ads."""

    x1: int
    y1: int
    x2: int
    y2: int
    width: float


@dataclass(frozen=True, slots=True)
class Network:
    """Accounts, texts and contacts in three columns. `left_out` counts the less frequent."""

    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """Facts of a whole campaign; `cross_ad` holds its cross-ad indicators, each with its reason.

    Counts are exact; names are the most frequent. `timeline` counts the ads in equal parts of the
    span from `first_posted` to `last_posted`; it is empty without a span.
    """

    risk: float | None
    ads: int
    texts: int
    dated: int
    first_posted: datetime | None
    last_posted: datetime | None
    timeline: tuple[int, ...]
    places: int
    place_names: tuple[str, ...]
    languages: tuple[str, ...]
    accounts: int
    sectors: tuple[str, ...]
    contacts: int
    contact_names: tuple[str, ...]
    contact_changes: int
    cross_ad: tuple[tuple[Term, str], ...]
    network: Network | None


def term(indicator: str, taxonomy: Taxonomy) -> Term:
    """The indicator as the taxonomy has it; its id alone where the taxonomy does not have it."""
    if indicator == "risk":
        return Term(
            "risk", "Moved the risk score", "Words that raised or lowered the score.", "none"
        )
    try:
        entry = taxonomy.get(indicator)
    except UsageError:
        name = visible(indicator)
        return Term(name, name.replace("_", " ").capitalize(), "", "none")
    return Term(
        indicator,
        entry.title["en"],
        entry.definition["en"],
        entry.weight.name.lower(),
        entry.kind is Kind.COUNTER,
    )


def campaign_facts(facts: FactsRow, taxonomy: Taxonomy) -> CampaignFacts:
    """The facts of a campaign from its row of campaign_facts.parquet."""
    reasons = zip(facts["indicators"], facts["words"], strict=True)
    return CampaignFacts(
        risk=facts["risk"],
        ads=facts["ads"],
        texts=facts["texts"],
        dated=facts["dated"],
        first_posted=facts["first_posted"],
        last_posted=facts["last_posted"],
        timeline=tuple(facts["timeline"] or ()),
        places=facts["places"],
        place_names=tuple(facts["place_names"] or ()),
        languages=tuple(facts["languages"] or ()),
        accounts=facts["accounts"],
        sectors=tuple(facts["sectors"] or ()),
        contacts=facts["contacts"],
        contact_names=tuple(facts["contact_names"] or ()),
        contact_changes=facts["contact_changes"],
        cross_ad=tuple((term(indicator, taxonomy), words) for indicator, words in reasons),
        network=network(facts),
    )


def link_reasons(links: Sequence[LinkCount]) -> tuple[str, ...]:
    """Reasons why the ads of a campaign are linked, those with the most ads first."""
    reasons = [_reason(link) for link in links[:MAX_LINK_REASONS]]
    if len(links) > MAX_LINK_REASONS:
        rest = sum(link.ads for link in links[MAX_LINK_REASONS:])
        reasons.append(f"{rest:,} more {_plural(rest, 'link')} of these kinds")
    return tuple(reasons)


def _reason(link: LinkCount) -> str:
    ads = link.ads
    if link.kind == NEAR_COPY:
        alike = "" if link.weakest is None else f", at least {100 * link.weakest:.0f} % alike"
        return f"{ads:,} {_plural(ads, 'near-copy', 'near-copies')} of ad {link.by}{alike}"
    if link.kind == SHARED_CONTACT:
        return f"{ads + 1:,} texts, not near-copies of each other, share the contact {link.by}"
    return f"{ads:,} {_plural(ads, 'part')} linked with ad {link.by} in an earlier run"


def network(facts: FactsRow) -> Network | None:
    """The network of a campaign; None with at most one account, text and contact."""
    ties = facts["ties"] or ()
    texts = sorted({tie["text"] for tie in ties})
    accounts = sorted({tie["account"] for tie in ties if tie["account"] is not None})
    contacts = list(dict.fromkeys(tie["contact"] for tie in ties if tie["contact"] is not None))
    if max(len(texts), len(accounts), len(contacts)) < 2:
        return None
    rows = max(len(texts), len(accounts), len(contacts))
    height = _TOP + rows * ROW_HEIGHT
    columns: list[list[tuple[tuple[str, object], str]]] = [
        [(("account", name), f"account {name}") for name in accounts],
        [(("text", name), f"text {name}") for name in texts],
        [(("contact", name), name[:_LABEL]) for name in contacts],
    ]
    ads: dict[tuple[str, object], int] = {}
    for tie in ties:
        ads[_other_end(tie)] = ads.get(_other_end(tie), 0) + tie["ads"]
    nodes: dict[tuple[str, object], Node] = {}
    for x, column in zip(COLUMNS, columns, strict=True):
        # Short columns are centred, so that lines stay short.
        start = _TOP + (rows - len(column)) * ROW_HEIGHT // 2 + ROW_HEIGHT // 2
        for row, (key, label) in enumerate(column):
            nodes[key] = Node(x, start + row * ROW_HEIGHT, label, ads.get(key, 0))
    most = max(tie["ads"] for tie in ties)
    edges = []
    for tie in ties:
        ends = nodes["text", tie["text"]], nodes[_other_end(tie)]
        left, right = sorted(ends, key=lambda node: node.x)
        width = round(1 + 4 * (tie["ads"] / most) ** 0.5, 1)
        edges.append(Edge(left.x, left.y, right.x, right.y, width))
    left_out = (
        max(0, facts["texts"] - len(texts))
        + max(0, facts["accounts"] - len(accounts))
        + max(0, facts["contacts"] - len(contacts))
    )
    return Network(height, tuple(nodes.values()), tuple(edges), left_out)


def _other_end(tie: Tie) -> tuple[str, object]:
    """The account or the contact of a tie; its other end is a text."""
    if tie["account"] is None:
        return "contact", tie["contact"]
    return "account", tie["account"]


def _plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or one + "s"
