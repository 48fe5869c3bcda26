"""Why an ad has its level, in words for a reviewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adrisk.policy.policy import Policy
from adrisk.policy.queue import Queue
from adrisk.rules.taxonomy import Taxonomy
from adrisk.types import Level

LIKELY = "likely: "
"""How the reason that lists indicators begins; a page that shows them otherwise leaves it out."""

_LIKELY_AT = 0.5


def reasons(
    policy: Policy,
    queue: Queue,
    row: int,
    risk: float,
    indicators: Mapping[str, float],
    campaign_size: int,
    taxonomy: Taxonomy,
    across_ads: Sequence[str] = (),
    escalated: Sequence[str] = (),
) -> list[str]:
    """Why an ad has its level, in words for a reviewer; never empty.

    `across_ads` are the facts of its campaign, in words, that only show across ads; `escalated` the
    escalate-only indicators it shows.
    """
    if not escalated and queue.audit[row]:
        return [
            "audit: drawn at random from the ads below the review threshold, "
            "to measure what it misses"
        ]
    if not escalated and queue.over_capacity[row]:
        return [
            f"risk {risk:.2f} passes the review threshold {policy.review_at:.2f}, but campaigns "
            f"with a higher risk fill today's capacity of {policy.capacity}"
        ]
    linked = [f"one of {campaign_size} linked ads"] if campaign_size > 1 else []
    likely = [
        f"{taxonomy.get(label).title['en'].lower()} ({p:.2f})"
        for label, p in _strongest(indicators)
    ]
    listed = [LIKELY + ", ".join(likely)] if likely else []
    if escalated:
        named = ", ".join(taxonomy.get(name).title["en"].lower() for name in escalated)
        first = f"shows what is always looked at first, whatever its risk: {named}"
        return [first, *listed, *linked, *across_ads]
    level = queue.level(row)
    if level is Level.CLEAR:
        return [f"below the review threshold {policy.review_at:.2f}"]
    name, bar = (
        ("urgent", policy.urgent_at) if level is Level.URGENT else ("review", policy.review_at)
    )
    return [
        f"risk {risk:.2f} is at or above the {name} threshold {bar:.2f}",
        *listed,
        *linked,
        *across_ads,
    ]


def abstain_reason_lines(because: str, queued: bool) -> list[str]:
    """Why an ad is incomplete, and what becomes of it."""
    told = [f"not judged: {because}"]
    if not queued:
        told.append("a person should read it, but the places kept for such ads are taken")
    return told


def _strongest(indicators: Mapping[str, float], most: int = 5) -> Sequence[tuple[str, float]]:
    likely = [(label, p) for label, p in indicators.items() if p >= _LIKELY_AT]
    return sorted(likely, key=lambda pair: -pair[1])[:most]
