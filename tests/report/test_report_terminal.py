"""Campaigns at the terminal: nothing steers it, contacts are blotted out, nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adrisk.report.summarise import summarise
from adrisk.report.terminal import campaign_text, queue_text, sparkline
from adrisk.rules.taxonomy import load_taxonomy

Make = Callable[..., Any]


@pytest.fixture
def items(tmp_path: Path, make_folder: Make, corpus: list[dict[str, Any]], views: Make) -> Any:
    return summarise(make_folder(tmp_path, corpus), views(corpus), load_taxonomy()).items


def test_the_list_has_a_line_a_campaign_and_no_text(items: Any) -> None:
    lines = queue_text(items, 7).splitlines()
    assert lines[1].split()[:5] == ["1", "urgent", "91", "%", "3"]
    assert lines[1].endswith("c-hotel  2026-03-03 to 2026-03-21; Riverton, Lakeside")
    assert lines[-1].strip() == "and 3 more campaigns"
    assert "deposit" not in "".join(lines)


def test_one_campaign_is_shown_with_facts_links_and_template(items: Any) -> None:
    text = campaign_text(items[0])
    assert "places     2: Riverton, Lakeside" in text
    assert "accounts   3" in text
    assert "contacts   1: 001122334455" in text
    assert "2 near-copies of ad ad-0, at least 85 % alike" in text
    assert "[1: Hotel | Resort] staff wanted abroad. Pay a deposit of 300" in text
    assert "«Pay a »«deposit of 300»" in text
    assert "2026-03-03 |" in text


def test_contacts_are_blotted_out(items: Any) -> None:
    text = campaign_text(items[0])
    assert "0143" not in text
    assert "jobs@example.org" not in text
    assert "account-of" not in text


def test_what_is_not_known_is_said(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    ads = [ad("a", risk=0.9, level="urgent", rank=1, posted_at=None)]
    (item,) = summarise(make_folder(tmp_path, ads), {}, load_taxonomy()).items
    text = campaign_text(item)
    assert "places     not known" in text
    assert "time       not known" in text
    assert "accounts   not known" in text
    assert "no text: the ad was not found" in text


@pytest.mark.parametrize("attack", ["\x1b[2J\x1b[31m", "\u202e\u2066", "\x07\x08\r", "\x9b31m"])
def test_hostile_text_cannot_steer_a_terminal(
    tmp_path: Path, make_folder: Make, ad: Make, views: Make, attack: str
) -> None:
    ads = [
        ad(f"a{n}{attack}", f"Harvest work in {town} now {attack}", risk=0.9, level="urgent",
           rank=1, campaign_id=f"c{attack}", location=f"{town}{attack}", category=attack,
           reasons=[attack], reason=attack, language=f"en{attack}")
        for n, town in enumerate(("Hull", f"York{attack}"))
    ]  # fmt: skip
    items = summarise(make_folder(tmp_path, ads), views(ads), load_taxonomy()).items
    for text in (campaign_text(items[0]), queue_text(items, 1)):
        assert not {c for c in text if not c.isprintable()} - {"\n"}


def test_an_empty_queue_is_a_normal_answer() -> None:
    assert "no campaign is in the queue" in queue_text([], 0)


@pytest.mark.parametrize(("counts", "bars"), [([], ""), ([0, 0], "  "), ([1, 1000], "▁█")])
def test_a_sparkline_shows_every_count_above_nothing(counts: list[int], bars: str) -> None:
    assert sparkline(counts) == bars
