"""Workload against recall as one self-contained page: how much is found for how much work.

In: the values of a simulation. Out: SVG, or a page around it with the figures as a table. The page
loads nothing and runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from adrisk.report.charts import Chart, Dot, Text, count_axis, draw, marked, share_axis, steps
from adrisk.report.render import asset, environment, sha256

_RECALLS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_NONE = 0.5
"""Where no campaign stands on the logarithmic axis."""


def workload_chart(
    found: Mapping[str, Any], *, width_px: int = 760, name: str = "wide", alone: bool = True
) -> Markup:
    """Recall by campaigns to look at, with its interval, the capacity and today's threshold.

    Args:
        found: the values of a simulation.
        width_px: the width it is drawn for; text keeps its size.
        name: prefix of the ids inside, unique on the page.
        alone: for a file of its own instead of a page.
    """
    points = sorted(found["points"], key=lambda point: (point["campaigns"], point["recall"]))
    capacity = found["capacity"]
    work = [max(count, _NONE) for count in (*(p["campaigns"] for p in points), capacity or 1)]
    chart = Chart(
        name=name,
        title="Workload against recall",
        description=_in_words(found),
        x=count_axis(f"campaigns to look at, of {found['campaigns']:,}", min(work), max(work)),
        y=share_axis("recall to expect"),
        width=width_px,
        height=380,
    )
    chart = marked(chart, [(capacity, f"capacity {capacity:,}", "review")] if capacity else [])

    def curve(key: str) -> list[tuple[float, float]]:
        return [(chart.across(max(p["campaigns"], _NONE)), chart.down(p[key])) for p in points]

    return draw(
        replace(
            chart,
            line=steps(curve("recall")),
            band=_between(curve("low"), curve("high")),
            dots=_today(chart, _at(points, found["review_at"])),
        ),
        alone=alone,
    )


def workload_page(found: Mapping[str, Any]) -> Markup:
    """The drawing, what it rests on, and the least work for round figures of recall."""
    css = asset("report.css")
    page = (
        environment()
        .get_template("workload.html")
        .render(
            found=found,
            charts=[
                workload_chart(found, width_px=width, name=name, alone=False)
                for width, name in ((760, "wide"), (340, "narrow"))
            ],
            rows=_least_work(found["points"]),
            css=Markup(css),  # noqa: S704 - shipped with adrisk
            css_hash=sha256(css),
        )
    )
    return Markup(page)  # noqa: S704 - the template escapes


def _in_words(found: Mapping[str, Any]) -> str:
    said = [
        f"recall {recall:.0%} for {point['campaigns']:,} campaigns"
        for recall, point in _least_work(found["points"])
    ]
    return "The least work for a recall: " + "; ".join(said) + "."


def _between(low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]]) -> str:
    """The path around the band: along the upper edge, and back along the lower one."""
    if not low:
        return ""
    x, y = low[-1]
    back = [f"V{below:g}H{left:g}" for left, below in reversed(low[:-1])]
    return f"{steps(high)}H{x:g}V{y:g}{''.join(back)}Z"


def _today(chart: Chart, now: Mapping[str, Any] | None) -> tuple[Dot, ...]:
    if now is None:
        return ()
    x, y = chart.across(max(now["campaigns"], _NONE)), chart.down(now["recall"])
    # The curve rises, so there is room below it to the right, and above it to the left.
    below = chart.right - x > 140 and chart.bottom - y > 30
    words = "threshold of the run"
    label = Text(x + 9, y + 18, "start", words) if below else Text(x - 9, y - 9, "end", words)
    return (Dot(x, y, "urgent", label),)


def _at(points: Sequence[Mapping[str, Any]], threshold: float | None) -> Mapping[str, Any] | None:
    """The point whose threshold is nearest."""
    if threshold is None or not points:
        return None
    return min(points, key=lambda point: abs(float(point["threshold"]) - threshold))


def _least_work(
    points: Sequence[Mapping[str, Any]],
) -> list[tuple[float, Mapping[str, Any]]]:
    found = []
    for recall in _RECALLS:
        enough = [point for point in points if point["recall"] >= recall]
        if enough:
            found.append((recall, min(enough, key=lambda p: (p["campaigns"], -p["threshold"]))))
    return found
