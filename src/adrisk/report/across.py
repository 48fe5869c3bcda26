"""What only shows across the ads of a campaign, made ready to be shown: when, where, by whom, why.

In: the facts and links of a campaign as they lie in the scored folder. Out: frozen values in words
and coordinates. There is no ad text here and no contact, only short pseudonyms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from adrisk.layout import NEAR_COPY, SHARED_CONTACT
from adrisk.report.terms import Term, term
from adrisk.rules.taxonomy import Taxonomy

MAX_WHY = 6
"""Links told one by one; the others are counted."""

COLUMNS = (14, 140, 258)
"""Where accounts, texts and contacts stand in the network, of 360 units from left to right."""

ROW_HEIGHT = 22
_TOP = 30
_LABEL = 8  # characters of a contact's pseudonym, so that its ads fit beside it on a phone


@dataclass(frozen=True, slots=True)
class Node:
    """An account, a text or a contact of the network, with the ads it stands in."""

    x: int
    y: int
    label: str
    ads: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A line of the network; `width` grows with the ads behind it."""

    x1: int
    y1: int
    x2: int
    y2: int
    width: float


@dataclass(frozen=True, slots=True)
class Network:
    """Accounts, texts and contacts in three columns. `left_out` counts those beyond the busiest."""

    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Across:
    """A campaign as a whole; `signs` are indicators with the facts that made each show.

    Counts are exact; names are of the most frequent. `timeline` has the ads in equal parts of the
    span from `first_posted` to `last_posted`; it is empty where there is no span.
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
    signs: tuple[tuple[Term, str], ...]
    network: Network | None


def across_ads(facts: Mapping[str, Any], taxonomy: Taxonomy) -> Across:
    """The facts of a campaign, from a row of campaign_facts.parquet."""
    known = {field.name: facts[field.name] for field in fields(Across) if field.name in facts}
    named = ("timeline", "place_names", "languages", "sectors", "contact_names")
    told = zip(facts["indicators"], facts["words"], strict=True)
    return Across(
        **{**known, **{name: tuple(facts[name] or ()) for name in named}},
        signs=tuple((term(indicator, taxonomy), words) for indicator, words in told),
        network=network(facts),
    )


def why_linked(links: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Why the ads of a campaign are together, the links that hold the most ads first."""
    said = [_why(link) for link in links[:MAX_WHY]]
    if len(links) > MAX_WHY:
        rest = sum(link["ads"] for link in links[MAX_WHY:])
        said.append(f"{rest:,} more {_plural(rest, 'link')} of these kinds")
    return tuple(said)


def _why(link: Mapping[str, Any]) -> str:
    ads = link["ads"]
    if link["kind"] == NEAR_COPY:
        alike = "" if link["weakest"] is None else f", at least {100 * link['weakest']:.0f} % alike"
        return f"{ads:,} {_plural(ads, 'near-copy', 'near-copies')} of ad {link['by']}{alike}"
    if link["kind"] == SHARED_CONTACT:
        return f"{ads + 1:,} texts that are no copies of each other share the contact {link['by']}"
    return f"{ads:,} {_plural(ads, 'part')} joined with ad {link['by']} at an earlier time"


def network(facts: Mapping[str, Any]) -> Network | None:
    """The network of a campaign; None where it would show nothing: one of each."""
    ties = facts["ties"] or ()
    texts = sorted({tie["text"] for tie in ties})
    accounts = sorted({tie["account"] for tie in ties if tie["account"] is not None})
    contacts = list(dict.fromkeys(tie["contact"] for tie in ties if tie["contact"] is not None))
    if max(len(texts), len(accounts), len(contacts)) < 2:
        return None
    rows = max(len(texts), len(accounts), len(contacts))
    height = _TOP + rows * ROW_HEIGHT
    columns = [
        [(("account", name), f"account {name}") for name in accounts],
        [(("text", name), f"text {name}") for name in texts],
        [(("contact", name), name[:_LABEL]) for name in contacts],
    ]
    ads: dict[tuple[str, Any], int] = {}
    for tie in ties:
        ads[_side(tie)] = ads.get(_side(tie), 0) + tie["ads"]
    nodes: dict[tuple[str, Any], Node] = {}
    for x, column in zip(COLUMNS, columns, strict=True):
        # Short columns stand in the middle, so that lines stay short.
        start = _TOP + (rows - len(column)) * ROW_HEIGHT // 2 + ROW_HEIGHT // 2
        for row, (key, label) in enumerate(column):
            nodes[key] = Node(x, start + row * ROW_HEIGHT, label, ads.get(key, 0))
    most = max(tie["ads"] for tie in ties)
    edges = []
    for tie in ties:
        ends = nodes["text", tie["text"]], nodes[_side(tie)]
        left, right = sorted(ends, key=lambda node: node.x)
        width = round(1 + 4 * (tie["ads"] / most) ** 0.5, 1)
        edges.append(Edge(left.x, left.y, right.x, right.y, width))
    shown = {"texts": texts, "accounts": accounts, "contacts": contacts}
    left_out = sum(max(0, facts[name] - len(names)) for name, names in shown.items())
    return Network(height, tuple(nodes.values()), tuple(edges), left_out)


def _side(tie: Mapping[str, Any]) -> tuple[str, Any]:
    """The account or the contact that a text is tied to."""
    if tie["account"] is None:
        return "contact", tie["contact"]
    return "account", tie["account"]


def _plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or one + "s"
