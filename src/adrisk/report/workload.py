"""Chart and page of expected recall by number of campaigns to review.

In: the values of a simulation. Out: an SVG, or a page with the chart and a table. The page loads
and runs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

_LINE, _MARK = "#3f6488", "#a3262a"
_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "adrisk", "font.size": 11}
_RECALLS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
  color: #20242a; background: #fff }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right;
  border-bottom: 1px solid #d5d9de }
"""


def workload_chart(simulation: Mapping[str, Any]) -> Markup:
    """Expected recall by campaigns to review, with interval, capacity and the run's threshold."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    points = sorted(simulation["points"], key=lambda point: point["campaigns"])
    work = [max(point["campaigns"], 0.5) for point in points]
    with rc_context(_SETTINGS):
        figure = Figure(figsize=(10, 5), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.subplots()
        low, high = ([point[name] for point in points] for name in ("low", "high"))
        axes.fill_between(work, low, high, step="post", color=_LINE, alpha=0.2, linewidth=0)
        axes.step(work, [p["recall"] for p in points], where="post", color=_LINE)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel(f"campaigns to review, of {simulation['campaigns']:,}")
        axes.set_ylabel("expected recall")
        if simulation["capacity"]:
            axes.axvline(simulation["capacity"], color=_MARK, linestyle="--", linewidth=1)
            axes.text(
                simulation["capacity"], 0.02, " capacity", color=_MARK, rotation=90, va="bottom"
            )
        current = _at(points, simulation["review_at"])
        if current is not None:
            axes.plot([max(current["campaigns"], 0.5)], [current["recall"]], "o", color=_MARK)
            axes.annotate(
                "threshold of the run",
                (max(current["campaigns"], 0.5), current["recall"]),
                textcoords="offset points",
                xytext=(8, -14),
                color=_MARK,
            )
        text = io.StringIO()
        canvas.print_svg(text, metadata={"Date": None})
    return Markup(text.getvalue()[text.getvalue().index("<svg") :])  # noqa: S704 - from numbers


def workload_page(simulation: Mapping[str, Any]) -> Markup:
    """Page with the chart, the data behind it, and the least workload for round recalls."""
    rows = "".join(
        f"<tr><td>{recall:.0%}</td><td>{p['campaigns']:,}</td><td>{p['ads']:,}</td>"
        f"<td>{p['recall']:.0%} ({p['low']:.0%} to {p['high']:.0%})</td>"
        f"<td>{p['threshold']:.4f}</td></tr>"
        for recall, p in _least_work(simulation["points"])
    )
    return Markup(  # noqa: S704  # numbers, and one name that is escaped
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recall by workload</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{_STYLE}</style></head><body>
<h1>Recall by workload</h1>
<p>Workload: the {simulation["ads"]:,} ads in {simulation["campaigns"]:,} campaigns scored by model
{escape(str(simulation["model"]))}. Recall: estimated on {simulation["positives"]:,} risky of
{simulation["held"]:,} campaigns of the model's threshold set, one ad each; the band is a 95 %
interval. Recall will differ if the new ads differ from those.</p>
{workload_chart(simulation)}
<table><caption>Least workload for a given recall</caption>
<thead><tr><th scope="col">recall</th><th scope="col">campaigns</th><th scope="col">ads</th>
<th scope="col">expected, with interval</th><th scope="col">threshold</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>A flag asks a person to look. It does not say that a crime happened.</p>
</body></html>
"""
    )


def _at(points: Sequence[Mapping[str, Any]], threshold: float | None) -> Mapping[str, Any] | None:
    """The point with the nearest threshold."""
    if threshold is None or not points:
        return None
    return min(points, key=lambda point: abs(float(point["threshold"]) - threshold))


def _least_work(
    points: Sequence[Mapping[str, Any]],
) -> list[tuple[float, Mapping[str, Any]]]:
    least = []
    for recall in _RECALLS:
        enough = [point for point in points if point["recall"] >= recall]
        if enough:
            least.append((recall, min(enough, key=lambda p: (p["campaigns"], -p["threshold"]))))
    return least
