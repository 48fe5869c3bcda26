"""Reasons for the level of an ad, as text for reviewers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adrisk.policy.policy import Policy
from adrisk.policy.queue import Queue
from adrisk.rules.taxonomy import Taxonomy
from adrisk.types import Level

LIKELY = "likely: "
"""Prefix of the reason that lists indicators; pages that show them elsewhere drop it."""

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
    """Reasons for the level of an ad, at least one.

    `across_ads` are sentences on indicators across the ads of its campaign; `escalated` its
    escalate-only indicators.
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
    """Reasons for an incomplete ad, and whether it is queued."""
    lines = [f"not judged: {because}"]
    if not queued:
        lines.append("a person should read it, but the places kept for such ads are taken")
    return lines


def _strongest(indicators: Mapping[str, float], most: int = 5) -> Sequence[tuple[str, float]]:
    likely = [(label, p) for label, p in indicators.items() if p >= _LIKELY_AT]
    return sorted(likely, key=lambda pair: -pair[1])[:most]
