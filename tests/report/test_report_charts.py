"""The chart: the same bytes each time, and nothing that a strict content policy refuses."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from adrisk.evaluation.curves import evaluation_curves
from adrisk.metrics.results import Curves
from adrisk.report.charts import count_axis, linear_axis, risk_histogram, share_axis, steps


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


def test_a_screen_reader_is_told_the_title_the_counts_and_the_thresholds() -> None:
    svg = ET.fromstring(draw([900, 40, 0, 3]))
    assert svg.get("role") == "img"
    named = [svg.find(f"*[@id='{one}']") for one in str(svg.get("aria-labelledby")).split()]
    assert [element.text for element in named if element is not None] == [
        "Ads by calibrated risk",
        "943 ads in 4 bars; the highest is 900 ads at a risk of 0–25 %; review from 31 %; "
        "urgent from 80 %.",
    ]


def test_each_bar_tells_its_count_and_ten_times_more_is_one_step_higher() -> None:
    svg = ET.fromstring(draw([1000, 100, 0, 10]))
    bars = svg.findall(".//rect")
    titles = [bar.findtext("title") for bar in bars]
    assert titles == ["risk 0–25 %: 1,000", "risk 25–50 %: 100", "risk 75–100 %: 10"]
    first, second, third = (float(bar.get("height", "")) for bar in bars)
    assert first - second == pytest.approx(second - third, abs=0.2)


@pytest.mark.parametrize("width_px", [340, 760])
@pytest.mark.parametrize(
    ("review_at", "urgent_at"), [(0.0, 0.02), (0.04, 0.07), (0.31, 0.8), (0.58, 0.65), (0.98, 1.0)]
)
def test_no_threshold_crosses_the_label_of_another_or_leaves_the_chart(
    review_at: float, urgent_at: float, width_px: int
) -> None:
    counts = [10**6] * 50
    page = risk_histogram(counts, review_at, urgent_at, width_px=width_px, name="wide")
    svg = ET.fromstring(str(page))
    spans, lines = [], []
    for label in svg.iter("text"):
        if " from " in str(label.text):
            width = 6.5 * len(str(label.text))
            x, y = float(label.get("x", "")), float(label.get("y", ""))
            start = x - width if label.get("text-anchor") == "end" else x
            spans.append((start, start + width, y))
    for path in svg.iter("path"):
        if path.get("stroke-dasharray"):
            x, top = re.findall(r"[\d.]+", path.get("d", ""))[:2]
            lines.append((float(x), float(top)))
    assert len(spans) == len(lines) == 2
    for start, end, y in spans:
        assert 0 <= start < end <= width_px
        assert not any(start < x < end and top < y for x, top in lines)


def test_axes_have_round_ticks_and_hold_every_value() -> None:
    assert count_axis("n", 0.5, 2000).ticks == (1, 10, 100, 1000)
    assert count_axis("n", 12, 60).ticks == (20, 50, 100)
    assert linear_axis("p", 0.27).ticks == pytest.approx((0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3))
    assert linear_axis("p", 1.0).high == 1.0
    assert [share_axis("p").share(value) for value in (-1, 0.25, 2)] == [0, 0.25, 1]
    logarithmic = count_axis("n", 1, 1000)
    assert [logarithmic.share(n) for n in (0, 10, 1000)] == pytest.approx([0, 1 / 3, 1])


def test_a_step_keeps_its_height_up_to_the_next_point() -> None:
    assert steps([(0, 10), (5, 8), (5, 8), (9, 2)]) == "M0 10H5V8H9V2"
    assert steps([]) == ""


def test_the_curves_of_an_evaluation_are_files_with_the_points_in_place() -> None:
    points = [{"stated": 0.1, "observed": 0.1, "n": 8}, {"stated": 0.5, "observed": 0.25, "n": 8}]
    given = Curves.model_validate(
        {"precision_recall": [(0.0, 1.0), (1.0, 0.5)], "reliability": points}
    )
    files = evaluation_curves(given)
    assert files == evaluation_curves(given)
    drawn = {name: ET.fromstring(svg) for name, svg in files.items()}
    assert all(svg.tag == "{http://www.w3.org/2000/svg}svg" for svg in drawn.values())
    dots = list(drawn["reliability.svg"].iter("{http://www.w3.org/2000/svg}circle"))
    (low_x, low_y), (high_x, high_y) = (
        (float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots
    )
    assert low_x < high_x
    assert low_y > high_y
