"""Workload against recall as one self-contained page: how much is found for how much work.

In: the values of a simulation. Out: SVG, or a page around it with the figures as a table. The page
loads nothing and runs nothing.
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


def workload_chart(found: Mapping[str, Any]) -> Markup:
    """Recall by campaigns to look at, with its interval, the capacity and today's threshold."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    points = sorted(found["points"], key=lambda point: point["campaigns"])
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
        axes.set_xlabel(f"campaigns to look at, of {found['campaigns']:,}")
        axes.set_ylabel("recall to expect")
        if found["capacity"]:
            axes.axvline(found["capacity"], color=_MARK, linestyle="--", linewidth=1)
            axes.text(found["capacity"], 0.02, " capacity", color=_MARK, rotation=90, va="bottom")
        now = _at(points, found["review_at"])
        if now is not None:
            axes.plot([max(now["campaigns"], 0.5)], [now["recall"]], "o", color=_MARK)
            axes.annotate(
                "threshold of the run",
                (max(now["campaigns"], 0.5), now["recall"]),
                textcoords="offset points",
                xytext=(8, -14),
                color=_MARK,
            )
        text = io.StringIO()
        canvas.print_svg(text, metadata={"Date": None})
    return Markup(text.getvalue()[text.getvalue().index("<svg") :])  # noqa: S704  # our own drawing


def workload_page(found: Mapping[str, Any]) -> Markup:
    """The drawing, what it rests on, and the least work for round figures of recall."""
    rows = "".join(
        f"<tr><td>{recall:.0%}</td><td>{p['campaigns']:,}</td><td>{p['ads']:,}</td>"
        f"<td>{p['recall']:.0%} ({p['low']:.0%} to {p['high']:.0%})</td>"
        f"<td>{p['threshold']:.4f}</td></tr>"
        for recall, p in _least_work(found["points"])
    )
    return Markup(  # noqa: S704  # numbers, and one name that is escaped
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Workload against recall</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{_STYLE}</style></head><body>
<h1>Workload against recall</h1>
<p>Work is counted on the {found["ads"]:,} ads in {found["campaigns"]:,} campaigns that model
{escape(str(found["model"]))} scored. Recall is estimated on {found["positives"]:,} risky of
{found["held"]:,} campaigns that the model set its thresholds on, one ad each; the band is a 95 %
interval. If the new ads are not like those, recall is another.</p>
{workload_chart(found)}
<table><caption>The least work for a recall</caption>
<thead><tr><th scope="col">recall</th><th scope="col">campaigns</th><th scope="col">ads</th>
<th scope="col">seen, with interval</th><th scope="col">threshold</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>A flag asks a person to look. It does not say that a crime happened.</p>
</body></html>
"""
    )


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
