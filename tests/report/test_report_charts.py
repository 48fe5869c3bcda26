"""The chart: the same bytes each time, and nothing that a strict content policy refuses."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from adrisk.report.charts import risk_histogram


def draw(counts: list[int], review_at: float | None = 0.31, urgent_at: float | None = 0.8) -> str:
    return str(risk_histogram(counts, review_at, urgent_at, width_px=760, name="wide"))


def test_the_same_counts_give_the_same_bytes() -> None:
    assert draw([900, 40, 0, 3]) == draw([900, 40, 0, 3])


def test_the_chart_needs_no_inline_style_and_loads_nothing() -> None:
    svg = draw([900, 40, 0, 3])
    assert "style" not in svg
    assert "<script" not in svg
    assert not re.search(r'href="(?!#)', svg)
    HTMLParser().feed(svg)


def test_both_thresholds_are_named_on_the_chart() -> None:
    svg = draw([900, 40, 0, 3])
    assert "review from 31 %" in svg
    assert "urgent from 80 %" in svg


def test_a_threshold_that_does_not_exist_is_not_drawn() -> None:
    svg = draw([900, 40, 0, 3], review_at=None, urgent_at=None)
    assert "from" not in svg


@pytest.mark.parametrize("counts", [[0] * 50, [1] * 50, [10**9] + [0] * 49])
def test_any_counts_can_be_drawn(counts: list[int]) -> None:
    assert draw(counts).startswith("<svg")


def test_ids_carry_the_name_so_that_two_charts_share_a_page() -> None:
    ids = re.findall(r'\bid="([^"]+)"', draw([1, 2, 3]))
    assert ids
    assert all(identifier.startswith("wide-") for identifier in ids)
