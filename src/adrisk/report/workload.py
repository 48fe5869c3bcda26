"""Chart and page of expected recall by number of campaigns to review.

In: a simulation. Out: an SVG, or a page with the chart and a table. The page loads
and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from markupsafe import Markup

from adrisk.report.charts import Chart, Dot, Text, count_axis, draw, marked, share_axis, steps
from adrisk.report.page import asset, environment, sha256
from adrisk.report.simulation import Point, Simulation

_RECALLS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_LABEL_WIDTH = 80  # pixels, with the gap beside the point
_NONE = 0.5
"""Position of 0 campaigns on the logarithmic axis."""


def workload_chart(
    simulation: Simulation, *, width_px: int = 760, name: str = "wide", alone: bool = True
) -> Markup:
    """Expected recall by campaigns to review, with interval, capacity and the run's threshold.

    Args:
        simulation: one point per review threshold.
        width_px: width of the drawing; text keeps its size.
        name: prefix of the ids inside, unique on the page.
        alone: as a file of its own, with a visible title.
    """
    points = sorted(simulation.points, key=lambda point: (point.campaigns, point.recall))
    capacity = simulation.capacity
    work = [max(count, _NONE) for count in (*(p.campaigns for p in points), capacity or 1)]
    chart = Chart(
        name=name,
        title="Recall by workload",
        description=_description(simulation),
        x=count_axis(f"campaigns to review, of {simulation.campaigns:,}", min(work), max(work)),
        y=share_axis("expected recall"),
        width=width_px,
        height=380,
    )
    chart = marked(chart, [(capacity, f"capacity {capacity:,}", "review")] if capacity else [])

    def curve(recalls: Iterable[float]) -> list[tuple[float, float]]:
        across = (chart.across(max(point.campaigns, _NONE)) for point in points)
        return list(zip(across, map(chart.down, recalls), strict=True))

    return draw(
        replace(
            chart,
            line=steps(curve(p.recall for p in points)),
            band=_between(curve(p.low for p in points), curve(p.high for p in points)),
            dots=_run_threshold(chart, _at(points, simulation.review_at)),
        ),
        alone=alone,
    )


def workload_page(simulation: Simulation) -> Markup:
    """Page with the chart, the data behind it, and the least workload for round recalls."""
    css = asset("report.css")
    page = (
        environment()
        .get_template("workload.html")
        .render(
            simulation=simulation,
            charts=[
                workload_chart(simulation, width_px=width, name=name, alone=False)
                for width, name in ((760, "wide"), (340, "narrow"))
            ],
            rows=_least_work(simulation.points),
            css=Markup(css),  # noqa: S704 - shipped with adrisk
            css_hash=sha256(css),
        )
    )
    return Markup(page)  # noqa: S704 - the template escapes


def _description(simulation: Simulation) -> str:
    parts = [
        f"recall {recall:.0%} for {point.campaigns:,} campaigns"
        for recall, point in _least_work(simulation.points)
    ]
    return "Least workload for a given recall: " + "; ".join(parts) + "."


def _between(low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]]) -> str:
    """The path around the band: along the upper edge, and back along the lower one."""
    if not low:
        return ""
    x, y = low[-1]
    back = [f"V{below:g}H{left:g}" for left, below in reversed(low[:-1])]
    return f"{steps(high)}H{x:g}V{y:g}{''.join(back)}Z"


def _run_threshold(chart: Chart, now: Point | None) -> tuple[Dot, ...]:
    if now is None:
        return ()
    x, y = chart.across(max(now.campaigns, _NONE)), chart.down(now.recall)
    # The curve rises, so there is room below it to the right, and above it to the left.
    end = x + _LABEL_WIDTH
    below = (
        end < chart.right and y + 30 < chart.bottom and not any(x < m.x < end for m in chart.marks)
    )
    words = "threshold"
    label = Text(x + 9, y + 18, "start", words) if below else Text(x - 9, y - 9, "end", words)
    return (Dot(x, y, "urgent", label),)


def _at(points: Sequence[Point], threshold: float | None) -> Point | None:
    """The point with the nearest threshold."""
    if threshold is None or not points:
        return None
    return min(points, key=lambda point: abs(point.threshold - threshold))


def _least_work(
    points: Sequence[Point],
) -> list[tuple[float, Point]]:
    least = []
    for recall in _RECALLS:
        enough = [point for point in points if point.recall >= recall]
        if enough:
            least.append((recall, min(enough, key=lambda p: (p.campaigns, -p.threshold))))
    return least
