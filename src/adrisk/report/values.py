"""One campaign as JSON values for other programs, with contacts masked.

In: the same frozen values as for the page. Out: what JSON can hold. The text of the riskiest ad is
included where its source was read again, masked as on the page, with its evidence.
"""

from __future__ import annotations

from adrisk.report.items import Item, ShownAd
from adrisk.scoring.masking import mask_field


def campaign_values(item: Item) -> dict[str, object]:
    """One campaign of a scored folder; `rank` is None outside the queue."""
    facts = item.facts
    return {
        "campaign_id": item.campaign_id,
        "rank": item.rank or None,
        "level": str(item.level),
        "risk": item.risk,
        "ads": item.size,
        "texts": facts.texts if facts else None,
        "accounts": facts.accounts if facts else None,
        "contacts": list(facts.contact_names) if facts else [],
        "reasons": list(item.reasons),
        "signs": [reason for _, reason in facts.cross_ad] if facts else [],
        "indicators": [
            {"id": likely.term.id, "title": likely.term.title, "probability": likely.probability}
            for likely in item.indicators
        ],
        "why_together": list(item.link_reasons),
        "languages": list(item.languages),
        "places": [mask_field(place) for place in item.places],
        "first_posted": item.first_seen,
        "last_posted": item.last_seen,
        "riskiest_ad": _ad(item.ads[0]) if item.ads else None,
    }


def _ad(ad: ShownAd) -> dict[str, object]:
    return {
        "ad_id": ad.ad_id,
        "risk": ad.risk,
        "no_text_because": mask_field(ad.missing_because) if ad.missing_because else None,
        "text": [
            {
                "text": "".join(piece.text for piece in segment.pieces),
                "indicators": [m.term.id for m in ad.marks if m.number in segment.marks],
                "left_out": segment.left_out,
            }
            for segment in ad.segments
        ],
    }
