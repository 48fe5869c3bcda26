"""One campaign of the queue for display, with its example ads and their marked evidence.

In: the campaign, the scores of its ads and their texts and places. Out: frozen values and pieces of
text that a template only has to escape.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from adrisk.policy.reasons import LIKELY
from adrisk.report.campaign_facts import (
    CampaignFacts,
    Term,
    campaign_facts,
    link_reasons,
    term,
)
from adrisk.report.campaign_template import CampaignTemplate, template_of_texts
from adrisk.report.queue import QueuedCampaign
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.masking import Segment, marked
from adrisk.scoring.outputs import AdView
from adrisk.types import Evidence, Level

PRESENT_FROM = 0.5
"""Calibrated probability from which an indicator counts as likely present."""

SCORE_COLUMNS = ("ad_id", "risk", "language", "obscured", "truncated", "evidence")
"""Columns of a score file that an ad is shown with, beside one `p_` column per indicator."""

LEAD_LIMIT = 5_000
"""Characters of the first ad of a campaign that are shown whole."""

FURTHER_LIMIT = 1_500
"""Characters shown of its further ads."""

_NOT_FOUND = "the ad was not found when the sources were read again for this report"
_CHANGED = "The text has changed since it was scored, so its evidence cannot be marked."


@dataclass(frozen=True, slots=True)
class ScoredAd:
    """A row of a score file; `probabilities` are by indicator."""

    ad_id: str
    risk: float
    language: str | None
    obscured: bool
    truncated: bool
    evidence: tuple[Evidence, ...]
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LikelyIndicator:
    """An indicator of a campaign, with the highest calibrated probability among its ads."""

    term: Term
    probability: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A numbered entry of the list below a text: an indicator and the rules or model behind it."""

    number: int
    term: Term
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownAd:
    """An ad for display; `missing_because` is the reason why there is no text."""

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
    """A campaign for display. `dated` and `placed` count the ads with a date and a place.

    `facts` is None in a folder of an old version without campaign facts; `link_reasons` are the
    reasons why its ads are linked, and `template` is shared by their texts.
    """

    campaign_id: str
    rank: int
    level: Level
    size: int
    risk: float | None
    reasons: tuple[str, ...]
    linked_by: tuple[str, ...]
    indicators: tuple[LikelyIndicator, ...]
    languages: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    dated: int
    places: tuple[str, ...]
    placed: int
    obscured: int
    ads: tuple[ShownAd, ...]
    facts: CampaignFacts | None = None
    link_reasons: tuple[str, ...] = ()
    template: CampaignTemplate | None = None


def scored_ads(rows: pa.RecordBatch) -> Iterator[ScoredAd]:
    """The ads of rows of a score file, in order."""
    for row in rows.to_pylist():
        yield ScoredAd(
            ad_id=row["ad_id"],
            risk=row["risk"],
            language=row["language"],
            obscured=bool(row["obscured"]),
            truncated=bool(row["truncated"]),
            evidence=tuple(
                Evidence(
                    piece["indicator"],
                    piece["start"],
                    piece["end"],
                    piece["found_by"],
                    strength=piece["strength"] or 0.0,
                )
                for piece in row["evidence"] or ()
            ),
            probabilities={
                name.removeprefix("p_"): value
                for name, value in row.items()
                if name.startswith("p_")
            },
        )


def build_item(
    queued: QueuedCampaign,
    rows: Mapping[str, ScoredAd],
    views: Mapping[str, AdView],
    labels: Sequence[str],
    taxonomy: Taxonomy,
) -> Item:
    """One campaign of the queue.

    Args:
        queued: the campaign.
        rows: score rows by ad.
        views: texts, dates and places by ad.
        labels: the model's indicators.
        taxonomy: titles and definitions.
    """
    scored = [rows[ad_id] for ad_id in queued.members if ad_id in rows]
    available = [views[ad_id] for ad_id in queued.members if ad_id in views]
    dates = sorted(view.posted_at for view in available if view.posted_at is not None)
    places = Counter(view.location for view in available if view.location)
    risks = [ad.risk for ad in scored if math.isfinite(ad.risk)]
    facts = campaign_facts(queued.facts, taxonomy) if queued.facts else None
    texts = [views[ad_id].text for ad_id in queued.distinct_texts if ad_id in views]
    languages = Counter(ad.language or "unknown" for ad in scored)
    item = Item(
        campaign_id=queued.campaign_id,
        rank=queued.rank,
        level=queued.level,
        size=queued.size,
        risk=max(risks, default=None),
        reasons=tuple(r for r in queued.reasons if not r.startswith(LIKELY)),
        linked_by=queued.linked_by,
        indicators=_likely(scored, _with_evidence(queued, rows), labels, taxonomy),
        languages=tuple(name for name, _ in languages.most_common()),
        first_seen=dates[0] if dates else None,
        last_seen=dates[-1] if dates else None,
        dated=len(dates),
        places=tuple(place for place, _ in places.most_common()),
        placed=places.total(),
        obscured=sum(ad.obscured for ad in scored),
        ads=_examples(queued, rows, views, taxonomy),
        facts=facts,
        link_reasons=link_reasons(queued.links),
        template=template_of_texts([text for text in texts if text]),
    )
    if facts is None:
        return item
    cross_ad_reasons = {reason for _, reason in facts.cross_ad}
    return replace(
        item,
        risk=facts.risk if facts.risk is not None else item.risk,
        reasons=tuple(reason for reason in item.reasons if reason not in cross_ad_reasons),
        languages=facts.languages or item.languages,
        first_seen=facts.first_posted,
        last_seen=facts.last_posted,
        dated=facts.dated,
        places=facts.place_names,
    )


def _likely(
    scored: Sequence[ScoredAd],
    with_evidence: set[str],
    labels: Sequence[str],
    taxonomy: Taxonomy,
) -> tuple[LikelyIndicator, ...]:
    """Indicators that are probable or have evidence: most probable first, counter-evidence last."""
    probabilities = [ad.probabilities for ad in scored]
    highest = {
        name: max((p[name] for p in probabilities if name in p), default=math.nan)
        for name in labels
    }
    likely = [name for name in labels if highest[name] >= PRESENT_FROM or name in with_evidence]
    likely.sort(key=lambda name: -highest[name] if math.isfinite(highest[name]) else 0.0)
    indicators = [LikelyIndicator(term(name, taxonomy), _finite(highest[name])) for name in likely]
    indicators += [
        LikelyIndicator(term(name, taxonomy), None)
        for name in sorted(with_evidence - {*labels, "risk"})
    ]
    return tuple(sorted(indicators, key=lambda likely: likely.term.lowers))


def _with_evidence(queued: QueuedCampaign, rows: Mapping[str, ScoredAd]) -> set[str]:
    return {
        evidence.indicator
        for ad_id in queued.examples
        if ad_id in rows
        for evidence in rows[ad_id].evidence
    }


def _examples(
    queued: QueuedCampaign,
    rows: Mapping[str, ScoredAd],
    views: Mapping[str, AdView],
    taxonomy: Taxonomy,
) -> tuple[ShownAd, ...]:
    """The ads to show; the first of several with the same text."""
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
    scored: ScoredAd | None,
    view: AdView,
    limit: int,
    taxonomy: Taxonomy,
) -> ShownAd:
    evidence, note = (scored.evidence if scored else ()), ""
    if view.text is not None and any(not 0 <= e.start <= e.end <= len(view.text) for e in evidence):
        note, evidence = _CHANGED, ()
    marks = _marks(evidence, taxonomy)
    numbers = {indicator: mark.number for indicator, mark in marks.items()}
    return ShownAd(
        ad_id=ad_id,
        risk=_finite(scored.risk) if scored else None,
        language=(scored.language if scored else view.language) or "unknown",
        view=view,
        segments=() if view.text is None else marked(view.text, evidence, numbers, limit),
        marks=tuple(marks.values()) if view.text is not None else (),
        note=note,
        missing_because="" if view.text is not None else view.missing_because or _NOT_FOUND,
        cut_by_model=bool(scored and scored.truncated),
    )


def _marks(evidence: Sequence[Evidence], taxonomy: Taxonomy) -> dict[str, Mark]:
    """The indicators, numbered in the order of the text."""
    sources: dict[str, dict[str, None]] = {}
    for piece in sorted(evidence, key=lambda e: (e.start, e.end, e.indicator)):
        sources.setdefault(piece.indicator, {})[piece.found_by or "unknown"] = None
    return {
        indicator: Mark(number, term(indicator, taxonomy), tuple(names))
        for number, (indicator, names) in enumerate(sources.items(), start=1)
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
