"""Small builders: a scored folder as `adrisk score` leaves it, from a list of ads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk import schema
from adrisk.linking.facts import campaign_facts
from adrisk.linking.grouped import AdFacts, Column
from adrisk.scoring.outputs import AdView

LABELS = ("recruitment_fee", "document_retention", "off_platform_contact", "worker_protection")

MANIFEST: dict[str, Any] = {
    "adrisk_version": "0.1.0",
    "run_id": "20261124T020000-demo",
    "started_at": "2026-11-24T02:00:00Z",
    "seconds": 12.3,
    "model": {
        "name": "adrisk",
        "version": "3",
        "family": "ngram",
        "fingerprint": "0f" * 32,
        "labels": list(LABELS),
        "target": "risk of trafficking (synthetic labels)",
        "trained_on": {
            "sources": ["synthetic:8000"],
            "ads": 8000,
            "fingerprint": "1e" * 32,
            "languages": {"en": 4000, "es": 4000},
        },
        "metrics": {
            "average_precision": {
                "value": 0.61, "low": 0.5, "high": 0.7, "n": 1600, "positives": 48,
            }
        },
    },
    "policy": {
        "policy_id": "first-review-200",
        "review_at": 0.31,
        "urgent_at": 0.8,
        "capacity": 200,
        "audit_share": 0.05,
        "review_at_reason": "the threshold that flags 1 % of the threshold set",
        "seed": 0,
    },
    "sources": [{"spec": "synthetic:20000", "kind": "synthetic", "files": [], "columns": {}}],
}  # fmt: skip


def make_ad(ad_id: str, text: str | None = "Fruit pickers wanted.", **facts: Any) -> dict[str, Any]:
    """An ad with its score and its flag; every fact can be set, the rest is unremarkable."""
    return {
        "ad_id": ad_id,
        "text": text,
        "risk": 0.02,
        "p": {},
        "language": "en",
        "evidence": [],
        "level": "clear",
        "rank": None,
        "reasons": [],
        "campaign_id": f"c-{ad_id}",
        "reason": "single",
        "obscured": False,
        "truncated": False,
        "posted_at": datetime(2026, 3, 1, tzinfo=UTC),
        "location": None,
        "category": None,
        "source": None,
        "url": None,
        "account": None,
        "contacts": (),
        **facts,
    }


def span(text: str, words: str, indicator: str, **facts: Any) -> dict[str, Any]:
    """Evidence for the first place where the words stand."""
    start = text.index(words)
    return {
        "indicator": indicator,
        "start": start,
        "end": start + len(words),
        "strength": 0.0,
        "found_by": "en.rule.1",
        **facts,
    }


def write_folder(
    folder: Path,
    ads: Sequence[Mapping[str, Any]],
    *,
    parts: int = 1,
    quarantine: Sequence[Mapping[str, Any]] = (),
    manifest: Mapping[str, Any] | None = None,
    counts: Mapping[str, Any] | None = None,
    labels: Sequence[str] = LABELS,
    facts: bool = True,
) -> Path:
    """Write the folder of a finished scoring run; without facts, as runs before them left it."""
    (folder / "scores").mkdir(parents=True, exist_ok=True)
    sizes = {ad["campaign_id"]: 0 for ad in ads}
    for ad in ads:
        sizes[ad["campaign_id"]] += 1
    scores = [
        {
            "ad_id": ad["ad_id"],
            "risk": ad["risk"],
            "level": 0,
            **{f"p_{name}": ad["p"].get(name, 0.01) for name in labels},
            "language": ad["language"],
            "obscured": ad["obscured"],
            "truncated": ad["truncated"],
            "model": "adrisk",
            "model_version": "3",
            "input_sha256": hashlib.sha256((ad["text"] or "").encode()).hexdigest(),
            "run_id": "r",
            "evidence": ad["evidence"] or None,
        }
        for ad in ads
    ]
    flags = [
        {**{name: ad[name] for name in ("ad_id", "campaign_id", "level", "reasons", "rank")},
         "policy_id": "first-review-200"}
        for ad in ads
    ]  # fmt: skip
    campaigns = [
        {
            "ad_id": ad["ad_id"],
            "campaign_id": ad["campaign_id"],
            "campaign_size": sizes[ad["campaign_id"]],
            "reason": ad["reason"],
        }
        for ad in ads
    ]
    listed = []
    for part in range(parts):
        rows = scores[part::parts]
        file = f"scores/part-{part:05d}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema.scores(labels)), folder / file)
        listed.append({"file": file, "rows": len(rows)})
    pq.write_table(pa.Table.from_pylist(flags, schema.FLAGS), folder / "flags.parquet")
    pq.write_table(pa.Table.from_pylist(campaigns, schema.CAMPAIGNS), folder / "campaigns.parquet")
    if facts:
        pq.write_table(facts_of(ads), folder / "campaign_facts.parquet")
        pq.write_table(links_of(ads), folder / "links.parquet")
    (folder / "quarantine.jsonl").write_text(
        "".join(json.dumps(dict(row)) + "\n" for row in quarantine), encoding="utf-8"
    )
    levels = [ad["level"] for ad in ads]
    whole = {
        **MANIFEST,
        "model": {**MANIFEST["model"], "labels": list(labels)},
        "parts": listed,
        "counts": {
            "read": len(ads) + len(quarantine),
            "scored": len(ads),
            "quarantined": len(quarantine),
            **{level: levels.count(level) for level in ("clear", "review", "urgent", "incomplete")},
            "campaigns": len(sizes),
            "queued_campaigns": len({a["campaign_id"] for a in ads if a["rank"] is not None}),
            **(counts or {}),
        },
        **(manifest or {}),
    }
    (folder / "manifest.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def facts_of(ads: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The facts of the campaigns; the ads of one are near-copies, its risk is its highest."""

    def column(name: str) -> Column:
        # Half characters reach the page from the sources, and no table.
        values = [ad[name] and ad[name].encode("utf-8", "replace").decode() for ad in ads]
        return Column.of(pa.array(values, pa.string()))

    posted = [ad["posted_at"] and ad["posted_at"].replace(tzinfo=None) for ad in ads]
    shown = [(row, name) for row, ad in enumerate(ads) for name in ad["contacts"]]
    campaigns = Column.of(pa.array([ad["campaign_id"] for ad in ads], pa.string()))
    known = AdFacts(
        posted=np.array(posted, dtype="datetime64[us]"),
        places=column("location"),
        languages=column("language"),
        accounts=column("account"),
        categories=column("category"),
        contact_rows=np.array([row for row, _ in shown], dtype=np.int64),
        contacts=Column.of(pa.array([name for _, name in shown], pa.string())),
    )
    ids = pa.array([ad["campaign_id"] for ad in ads], pa.string())
    table = campaign_facts(ids, campaigns.codes, known)
    highest = np.zeros(len(table), dtype=np.float32)
    np.maximum.at(highest, campaigns.codes, np.array([ad["risk"] for ad in ads], np.float32))
    return table.set_column(1, schema.CAMPAIGN_FACTS.field("risk"), pa.array(highest))


def links_of(ads: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Every ad of a campaign linked to its first, by what it says it is linked by."""
    first: dict[str, str] = {}
    rows = []
    for ad in ads:
        head = first.setdefault(ad["campaign_id"], ad["ad_id"])
        if head != ad["ad_id"]:
            contact = "0123456789ab" if ad["reason"] == "shared contact" else None
            rows.append({
                "campaign_id": ad["campaign_id"], "ad_id": ad["ad_id"], "other_ad_id": head,
                "kind": "shared contact" if contact else "near-copy",
                "strength": None if contact else 0.85, "contact": contact,
            })  # fmt: skip
    return pa.Table.from_pylist(rows, schema.LINKS)


def views_of(ads: Sequence[Mapping[str, Any]]) -> dict[str, AdView]:
    """What the page may see of the ads."""
    fields = ("text", "language", "posted_at", "location", "category", "source", "url")
    return {ad["ad_id"]: AdView(**{name: ad[name] for name in fields}) for ad in ads}


def small_corpus() -> list[dict[str, Any]]:
    """Ten ads: an urgent campaign of three, a review, an incomplete one, an audit, clear ones."""
    fee = (
        "Hotel staff wanted abroad. Pay a deposit of 300 before you travel; "
        "the agency keeps your passport. Write to jobs@example.org or call +1 202 555 0143."
    )
    start = datetime(2026, 3, 3, 8, tzinfo=UTC)
    copies = [
        make_ad(
            f"ad-{number}",
            text,
            risk=0.91 - number / 100,
            level="urgent",
            rank=1,
            campaign_id="c-hotel",
            reason="near-copy",
            reasons=["risk 0.91 is above the urgent threshold", "Recruitment fee: “deposit”"],
            p={"recruitment_fee": 0.93, "document_retention": 0.88},
            posted_at=start + timedelta(days=9 * number),
            location=("Riverton", "Lakeside", "Riverton")[number],
            account=f"account-of-{number}",
            contacts=("00112233445566778899aabbccddeeff",),
            evidence=[
                span(text, "Pay a deposit of 300", "recruitment_fee"),
                span(
                    text, "deposit of 300 before you travel", "risk", found_by="ngram", strength=1.2
                ),
                span(text, "keeps your passport", "document_retention"),
            ],
        )
        for number, text in enumerate((fee, fee.replace("Hotel", "Resort"), fee))
    ]
    kept = "Care work in a family home. You keep your passport. Message only."
    return [
        *copies,
        make_ad(
            "ad-3",
            kept,
            risk=0.41,
            level="review",
            rank=2,
            language="es",
            reasons=["risk 0.41 is above the review threshold"],
            p={"off_platform_contact": 0.71, "worker_protection": 0.66},
            evidence=[
                span(kept, "Message only", "off_platform_contact"),
                span(kept, "You keep your passport", "worker_protection", strength=-0.8),
            ],
            location="Porttown",
            category="jobs",
            source="board-a",
            url="https://ads.example.org/item/3",
        ),
        make_ad("ad-4", None, risk=0.2, level="incomplete", rank=3, reasons=["a step failed"]),
        make_ad("ad-5", "Piano lessons on Sundays.", rank=4, risk=0.01),
        *(make_ad(f"ad-{n}", "Garden tools for sale.", risk=n / 100) for n in range(6, 10)),
    ]


@pytest.fixture
def make_folder() -> Callable[..., Path]:
    return write_folder


@pytest.fixture
def ad() -> Callable[..., dict[str, Any]]:
    return make_ad


@pytest.fixture
def evidence() -> Callable[..., dict[str, Any]]:
    return span


@pytest.fixture
def views() -> Callable[..., dict[str, AdView]]:
    return views_of


@pytest.fixture
def corpus() -> list[dict[str, Any]]:
    return small_corpus()
