"""What the page says of one queued campaign, and of the ads that stand for it.

In: the campaign, the scores of its members and what is known of its ads. Out: frozen values in
words and pieces that a template only has to escape.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adrisk.policy.reasons import LIKELY
from adrisk.report.across import Across, across_ads, why_linked
from adrisk.report.queue import Queued
from adrisk.report.shape import Shape, shape_of
from adrisk.report.tally import PRESENT_FROM
from adrisk.report.terms import Term, term
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.masking import Segment, marked
from adrisk.scoring.outputs import AdView
from adrisk.types import Evidence, Level

LEAD_LIMIT = 5_000
"""Characters of the first ad of a campaign that are shown whole."""

FURTHER_LIMIT = 1_500
"""The same for further examples."""

_NOT_FOUND = "the ad was not found in the sources that were read again for this report"
_CHANGED = "The text has changed since it was scored, so the evidence cannot be marked in it."


@dataclass(frozen=True, slots=True)
class Likely:
    """An indicator of a campaign, with the highest calibrated probability among its ads."""

    term: Term
    probability: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """One numbered entry of the key below a text, and who found it."""

    number: int
    term: Term
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownAd:
    """An ad on the page. Without `segments`, `missing_because` says why there is no text."""

    ad_id: str
    risk: float | None
    language: str
    view: AdView
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    note: str
    missing_because: str
    cut_by_model: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A campaign in the queue. `dated` and `placed` count the ads behind time span and places.

    `across` is what shows across its ads, None in a folder written before there were such facts;
    `why` says what holds them together, and `shape` is the template behind their texts.
    """

    campaign_id: str
    rank: int
    level: Level
    size: int
    risk: float | None
    reasons: tuple[str, ...]
    linked_by: tuple[str, ...]
    indicators: tuple[Likely, ...]
    languages: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    dated: int
    places: tuple[str, ...]
    placed: int
    obscured: int
    ads: tuple[ShownAd, ...]
    across: Across | None = None
    why: tuple[str, ...] = ()
    shape: Shape | None = None


def build_item(
    queued: Queued,
    rows: Mapping[str, Mapping[str, Any]],
    views: Mapping[str, AdView],
    labels: Sequence[str],
    taxonomy: Taxonomy,
) -> Item:
    """One campaign of the queue.

    Args:
        queued: the campaign.
        rows: score rows by ad.
        views: what is known of the ads, by ad.
        labels: the model's indicators.
        taxonomy: titles and definitions.
    """
    scored = [rows[ad_id] for ad_id in queued.members if ad_id in rows]
    known = [views[ad_id] for ad_id in queued.members if ad_id in views]
    dates = sorted(view.posted_at for view in known if view.posted_at is not None)
    places = Counter(view.location for view in known if view.location)
    risks = [row["risk"] for row in scored if math.isfinite(row["risk"])]
    across = across_ads(queued.facts, taxonomy) if queued.facts else None
    texts = [views[ad_id].text for ad_id in queued.wordings if ad_id in views]
    languages = Counter(row["language"] or "unknown" for row in scored)
    shown = Item(
        campaign_id=queued.campaign_id,
        rank=queued.rank,
        level=queued.level,
        size=queued.size,
        risk=max(risks, default=None),
        reasons=tuple(r for r in queued.reasons if not r.startswith(LIKELY)),
        linked_by=queued.linked_by,
        indicators=_likely(scored, _evidenced(queued, rows), labels, taxonomy),
        languages=tuple(name for name, _ in languages.most_common()),
        first_seen=dates[0] if dates else None,
        last_seen=dates[-1] if dates else None,
        dated=len(dates),
        places=tuple(place for place, _ in places.most_common()),
        placed=places.total(),
        obscured=sum(bool(row["obscured"]) for row in scored),
        ads=_examples(queued, rows, views, taxonomy),
        across=across,
        why=why_linked(queued.links),
        shape=shape_of([text for text in texts if text]),
    )
    if across is None:
        return shown
    told = {*(words for _, words in across.signs)}
    return replace(
        shown,
        risk=across.risk if across.risk is not None else shown.risk,
        reasons=tuple(reason for reason in shown.reasons if reason not in told),
        languages=across.languages or shown.languages,
        first_seen=across.first_posted,
        last_seen=across.last_posted,
        dated=across.dated,
        places=across.place_names,
    )


def _likely(
    scored: Sequence[Mapping[str, Any]],
    evidenced: set[str],
    labels: Sequence[str],
    taxonomy: Taxonomy,
) -> tuple[Likely, ...]:
    """Indicators that are probable, or shown by a span: the most probable first, counters last."""
    highest = {
        name: max((row[f"p_{name}"] for row in scored if f"p_{name}" in row), default=math.nan)
        for name in labels
    }
    likely = [name for name in labels if highest[name] >= PRESENT_FROM or name in evidenced]
    likely.sort(key=lambda name: -highest[name] if math.isfinite(highest[name]) else 0.0)
    found = [Likely(term(name, taxonomy), _finite(highest[name])) for name in likely]
    found += [Likely(term(name, taxonomy), None) for name in sorted(evidenced - {*labels, "risk"})]
    return tuple(sorted(found, key=lambda likely: likely.term.lowers))


def _evidenced(queued: Queued, rows: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {
        piece["indicator"]
        for ad_id in queued.examples
        for piece in (rows[ad_id]["evidence"] or () if ad_id in rows else ())
    }


def _examples(
    queued: Queued,
    rows: Mapping[str, Mapping[str, Any]],
    views: Mapping[str, AdView],
    taxonomy: Taxonomy,
) -> tuple[ShownAd, ...]:
    """The ads to show; of several with the same text, the first."""
    shown: list[ShownAd] = []
    texts: set[str] = set()
    for ad_id in queued.examples:
        view = views.get(ad_id) or AdView(text=None, missing_because=_NOT_FOUND)
        if view.text is not None and view.text in texts:
            continue
        texts.add(view.text or "")
        limit = FURTHER_LIMIT if shown else LEAD_LIMIT
        shown.append(_shown_ad(ad_id, rows.get(ad_id), view, limit, taxonomy))
    return tuple(shown)


def _shown_ad(
    ad_id: str,
    row: Mapping[str, Any] | None,
    view: AdView,
    limit: int,
    taxonomy: Taxonomy,
) -> ShownAd:
    evidence = [
        Evidence(e["indicator"], e["start"], e["end"], e["found_by"], strength=e["strength"] or 0.0)
        for e in (row["evidence"] if row else None) or ()
    ]
    note = ""
    if view.text is not None and any(not 0 <= e.start <= e.end <= len(view.text) for e in evidence):
        note, evidence = _CHANGED, []
    marks = _marks(evidence, taxonomy)
    numbers = {indicator: mark.number for indicator, mark in marks.items()}
    return ShownAd(
        ad_id=ad_id,
        risk=_finite(row["risk"]) if row else None,
        language=(row["language"] if row else view.language) or "unknown",
        view=view,
        segments=() if view.text is None else marked(view.text, evidence, numbers, limit),
        marks=tuple(marks.values()) if view.text is not None else (),
        note=note,
        missing_because="" if view.text is not None else view.missing_because or _NOT_FOUND,
        cut_by_model=bool(row and row["truncated"]),
    )


def _marks(evidence: Sequence[Evidence], taxonomy: Taxonomy) -> dict[str, Mark]:
    """Number the indicators in the order in which the text shows them."""
    found: dict[str, dict[str, None]] = {}
    for piece in sorted(evidence, key=lambda e: (e.start, e.end, e.indicator)):
        found.setdefault(piece.indicator, {})[piece.found_by or "unknown"] = None
    return {
        indicator: Mark(number, term(indicator, taxonomy), tuple(finders))
        for number, (indicator, finders) in enumerate(found.items(), start=1)
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
