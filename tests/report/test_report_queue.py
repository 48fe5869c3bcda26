"""The queue and the figures, from small folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adrisk.errors import UsageError
from adrisk.report.queue import QueueIndex, read_queue
from adrisk.report.render import write_report
from adrisk.report.summarise import Summary, summarise
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.scoring.outputs import AdView
from adrisk.types import Level

Make = Callable[..., Any]


@pytest.fixture
def summary(
    tmp_path: Path, make_folder: Make, corpus: list[dict[str, Any]], views: Make
) -> Summary:
    bad = [{"source": "a.csv", "line": n, "reason": "no text", "action": "add one"} for n in (3, 9)]
    folder = make_folder(tmp_path, corpus, parts=3, quarantine=bad)
    return summarise(folder, views(corpus), load_taxonomy())


def test_the_queue_is_in_rank_order_with_one_item_a_campaign(summary: Summary) -> None:
    assert [(i.rank, i.level, i.size) for i in summary.items] == [
        (1, Level.URGENT, 3),
        (2, Level.REVIEW, 1),
        (3, Level.INCOMPLETE, 1),
        (4, Level.CLEAR, 1),
    ]


def test_a_campaign_is_shown_by_its_riskiest_ads_and_exact_copies_once(summary: Summary) -> None:
    assert [ad.ad_id for ad in summary.items[0].ads] == ["ad-0", "ad-1"]
    assert summary.items[0].risk == pytest.approx(0.91)


def test_a_campaign_tells_when_and_where_it_was_seen(summary: Summary) -> None:
    hotel = summary.items[0]
    assert hotel.first_seen == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert hotel.last_seen == datetime(2026, 3, 21, 8, tzinfo=UTC)
    assert hotel.places == ("Riverton", "Lakeside")
    assert hotel.linked_by == ("near-copy",)


def test_a_campaign_tells_its_template_its_signs_and_why_it_is_one(summary: Summary) -> None:
    hotel = summary.items[0]
    assert hotel.template is not None
    (slot,) = hotel.template.slots
    assert [(value.pieces[0].text, value.texts) for value in slot.values] == [
        ("Hotel", 1),
        ("Resort", 1),
    ]
    assert hotel.facts is not None
    assert (hotel.facts.texts, hotel.facts.accounts, hotel.facts.contacts) == (1, 3, 1)
    assert hotel.facts.contact_names == ("001122334455",)
    assert hotel.link_reasons == ("2 near-copies of ad ad-0, at least 85 % alike",)
    assert summary.items[1].template is None


def test_a_folder_without_facts_and_links_is_shown_from_its_ads(
    tmp_path: Path, make_folder: Make, corpus: list[dict[str, Any]], views: Make
) -> None:
    folder = make_folder(tmp_path, corpus, facts=False)
    hotel = summarise(folder, views(corpus), load_taxonomy()).items[0]
    assert (hotel.facts, hotel.link_reasons, hotel.size) == (None, (), 3)
    assert hotel.places == ("Riverton", "Lakeside")
    assert hotel.template is not None


def test_the_template_of_a_campaign_never_shows_a_contact(
    tmp_path: Path, make_folder: Make, ad: Make, views: Make
) -> None:
    ads = [
        ad(f"a{n}", f"Harvest work in {town}, call +1 202 555 014{n} or ann{n}@example.org today",
           risk=0.9, level="urgent", rank=1, campaign_id="c")
        for n, town in enumerate(("Hull", "York"))
    ]  # fmt: skip
    (item,) = summarise(make_folder(tmp_path, ads), views(ads), load_taxonomy()).items
    assert item.template is not None
    assert len(item.template.slots) == 1  # the town; both contacts are blotted out alike
    assert "014" not in str(item.template)
    assert "ann" not in str(item.template)


def test_a_cross_ad_indicator_is_listed_once(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    words = "posted in 5 places within 3 days from 5 accounts"
    ads = [
        ad(f"a{n}", risk=0.9, level="urgent", rank=1, campaign_id="c", location=f"Town {n}",
           account=f"u{n}", reasons=["risk 0.90", words])
        for n in range(5)
    ]  # fmt: skip
    (item,) = summarise(make_folder(tmp_path, ads), {}, load_taxonomy()).items
    assert item.facts is not None
    assert [(sign.id, said) for sign, said in item.facts.cross_ad] == [
        ("multi_location_velocity", words)
    ]
    assert item.reasons == ("risk 0.90",)


def test_likely_indicators_come_first_and_counter_evidence_last(summary: Summary) -> None:
    likely = summary.items[1].indicators
    assert [(entry.term.id, entry.term.lowers) for entry in likely] == [
        ("off_platform_contact", False),
        ("worker_protection", True),
    ]


def test_counts_by_language_and_indicator_cover_every_scored_ad(summary: Summary) -> None:
    assert sum(row.scored for row in summary.languages) == summary.scored == 10
    assert sum(row.flagged for row in summary.languages) == summary.flagged == 4
    assert sum(summary.histogram) == 10
    by_id = {row.term.id: (row.flagged, row.scored) for row in summary.indicators}
    assert by_id["recruitment_fee"] == (3, 3)


def test_quarantined_rows_are_grouped_by_reason(summary: Summary) -> None:
    (row,) = summary.quarantine
    assert (row.reason, row.action, row.count, row.first) == (
        "no text", "add one", 2, "a.csv, line 3",
    )  # fmt: skip


def test_an_ad_whose_text_is_gone_says_why(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    ads = [ad("a", risk=0.9, level="urgent", rank=1), ad("b", risk=0.8, level="urgent", rank=2)]
    texts = {"b": AdView(None, missing_because="its source could not be read again")}
    first, second = summarise(make_folder(tmp_path, ads), texts, load_taxonomy()).items
    assert "not found" in first.ads[0].missing_because
    assert second.ads[0].missing_because == "its source could not be read again"


def test_evidence_that_does_not_fit_the_text_is_not_marked(
    tmp_path: Path, make_folder: Make, ad: Make, evidence: Make, views: Make
) -> None:
    text = "Pay a deposit first."
    spans = [evidence(text, "deposit first", "recruitment_fee")]
    ads = [ad("a", text, risk=0.9, level="urgent", rank=1, evidence=spans)]
    folder = make_folder(tmp_path, ads)
    (item,) = summarise(folder, {"a": AdView("Shorter.")}, load_taxonomy()).items
    assert item.ads[0].marks == ()
    assert "changed since it was scored" in item.ads[0].note


def test_the_queue_names_which_ads_need_their_text(
    tmp_path: Path, make_folder: Make, ad: Make
) -> None:
    ads = [
        ad(f"a{n}", f"text {n}", risk=0.5 + n / 100, level="review", rank=1, campaign_id="c")
        for n in range(9)
    ] + [ad("clear", risk=0.1)]
    index = read_queue(make_folder(tmp_path, ads))
    assert index.items[0].examples == ("a8", "a7", "a6")
    # Its template is made from all that are worded differently.
    assert index.items[0].distinct_texts == tuple(f"a{n}" for n in range(8, -1, -1))
    assert index.texts == index.members
    assert index.members == {f"a{n}" for n in range(9)}


def test_reasons_are_those_of_the_riskiest_queued_ad(
    tmp_path: Path, make_folder: Make, ad: Make
) -> None:
    ads = [
        ad("low", risk=0.4, level="review", rank=1, campaign_id="c", reasons=["low"]),
        ad("high", risk=0.7, level="review", rank=1, campaign_id="c", reasons=["high"]),
    ]
    assert read_queue(make_folder(tmp_path, ads)).items[0].reasons == ("high",)


def test_a_long_queue_is_cut_and_counted(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    ads = [ad(f"a{n}", risk=0.9, level="review", rank=n + 1) for n in range(7)]
    index = read_queue(make_folder(tmp_path, ads), max_items=5)
    assert [item.rank for item in index.items] == [1, 2, 3, 4, 5]
    assert index.total == 7


def test_an_empty_night_is_a_normal_answer(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    folder = make_folder(tmp_path, [ad("a")])
    assert read_queue(folder) == QueueIndex((), 0)
    assert summarise(folder, {}, load_taxonomy()).items == ()


def test_languages_the_model_never_saw_are_named(
    tmp_path: Path, make_folder: Make, ad: Make
) -> None:
    ads = [ad("a", language="en"), ad("b", language="tl"), ad("c", language=None)]
    rows = summarise(make_folder(tmp_path, ads), {}, load_taxonomy()).languages
    assert {row.language: row.trained for row in rows} == {"en": True, "tl": False, "unknown": None}


def test_many_languages_keep_their_sum(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    ads = [ad(f"a{n}", language=f"l{n}") for n in range(40)]
    rows = summarise(make_folder(tmp_path, ads), {}, load_taxonomy()).languages
    assert len(rows) == 15
    assert sum(row.scored for row in rows) == 40


def test_a_manifest_of_four_keys_is_enough(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    folder = make_folder(tmp_path, [ad("a", risk=0.9, level="urgent", rank=1)])
    content = json.loads((folder / "manifest.json").read_text())
    least = {"run_id": "r", "model": {"name": "m", "version": "1"}, "policy": {"policy_id": "p"}}
    least["counts"] = content["counts"]
    (folder / "manifest.json").write_text(json.dumps(least))
    (folder / "quarantine.jsonl").unlink()
    page = write_report(folder, {}, tmp_path / "report.html").read_text("utf-8")
    assert "does not state what the model was trained to find" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "adrisk score"), ("{", "Invalid JSON"), ("{}", "run_id"), ("[]", "object")],
)
def test_a_folder_that_no_run_finished_is_refused(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UsageError, match=words):
        read_queue(tmp_path)


@pytest.mark.parametrize("name", ["flags.parquet", "scores/part-00000.parquet"])
def test_a_missing_table_is_named(tmp_path: Path, make_folder: Make, ad: Make, name: str) -> None:
    folder = make_folder(tmp_path, [ad("a", rank=1)])
    (folder / name).unlink()
    with pytest.raises(UsageError, match=name):
        write_report(folder, {}, tmp_path / "report.html")
