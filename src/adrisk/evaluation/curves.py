"""Curves of an evaluation as SVG: precision by recall, and observed share by probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adrisk.metrics.figures import ReliabilityBin
from adrisk.metrics.results import Curves
from adrisk.report.charts import (
    Axis,
    Chart,
    Dot,
    draw,
    linear_axis,
    share_axis,
    steps,
    straight,
)


def evaluation_curves(curves: Curves) -> dict[str, str]:
    """File name -> SVG of each curve of an evaluation.

    The same figures give the same bytes.
    """
    return {
        "precision_recall.svg": _precision_recall(curves.precision_recall),
        "reliability.svg": _reliability(curves.reliability),
    }


def _precision_recall(points: Sequence[tuple[float, float]]) -> str:
    chart = _chart(
        "precision_recall",
        "Precision as the queue is worked down",
        share_axis("recall"),
        share_axis("precision"),
    )
    line = steps((chart.across(recall), chart.down(precision)) for recall, precision in points)
    return draw(replace(chart, line=line), alone=True)


def _reliability(points: Sequence[ReliabilityBin]) -> str:
    top = max((max(point.stated, point.observed) for point in points), default=1.0)
    chart = _chart(
        "reliability",
        "Reliability",
        linear_axis("stated probability", max(top, 0.01)),
        linear_axis("observed share", max(top, 0.01)),
    )
    places = [(chart.across(p.stated), chart.down(p.observed)) for p in points]
    diagonal = [(chart.left, chart.bottom), (chart.right, chart.head)]
    return draw(
        replace(
            chart,
            line=straight(places),
            guide=straight(diagonal),
            dots=tuple(Dot(x, y, "bar") for x, y in places),
        ),
        alone=True,
    )


def _chart(name: str, title: str, x: Axis, y: Axis) -> Chart:
    description = f"{y.label} by {x.label}; results.json has the figures."
    return Chart(name, title, description, x, y, width=420, height=320)
