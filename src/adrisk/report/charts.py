"""Histogram of risk as inline SVG that a strict content security policy accepts.

matplotlib draws it; its `style` attributes become plain attributes, and its colours also classes,
so that the style sheet can change them in dark mode. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from markupsafe import Markup

_COLOURS = {"#3f6488": "bar", "#8a5a00": "review", "#a3262a": "urgent", "#4a4f57": "ink"}
_BAR, _REVIEW, _URGENT, _INK = _COLOURS
_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "adrisk", "font.size": 11}
_STYLE = re.compile(r' style="([^"]*)"')
_REMOVED = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)


def risk_histogram(
    counts: Sequence[int],
    review_at: float | None,
    urgent_at: float | None,
    *,
    width_px: int,
    name: str,
) -> Markup:
    """Ads by calibrated risk, on a logarithmic count axis, with the thresholds of the policy.

    Args:
        counts: ads in each of equally wide bins over [0, 1].
        review_at: the review threshold, None if no threshold qualified.
        urgent_at: likewise, the urgent threshold.
        width_px: width of the drawing; text keeps its size.
        name: prefix of the ids inside, unique on the page.
    """
    # Imported here: matplotlib searches for fonts on import, and importing adrisk does nothing.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(width_px / 72, 240 / 72), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.subplots()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        width = 1 / len(counts)
        bars = [(i * width, count) for i, count in enumerate(counts) if count > 0]
        axes.bar(
            [left for left, _ in bars],
            [count for _, count in bars],
            width=width * 0.86,
            align="edge",
            color=_BAR,
        )
        top = max(counts, default=0)
        axes.set_xlim(0, 1)
        axes.set_yscale("log")
        axes.set_ylim(0.7, max(10.0, top * 8.0))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel("calibrated risk", color=_INK)
        axes.set_ylabel("ads (log scale)", color=_INK)
        axes.tick_params(which="both", colors=_INK)
        axes.tick_params(axis="y", which="minor", left=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_INK)
        for at, colour, label, height in (
            (review_at, _REVIEW, "review", 0.97),
            (urgent_at, _URGENT, "urgent", 0.87),
        ):
            if at is not None:
                axes.axvline(at, color=colour, linewidth=1.6, linestyle=(0, (5, 3)))
                before = at > 0.6  # room for the label on the left only
                axes.text(
                    at - 0.01 if before else at + 0.01,
                    height,
                    f"{label} from {100 * at:.0f} %",
                    color=colour,
                    transform=axes.get_xaxis_transform(),
                    ha="right" if before else "left",
                    va="top",
                )
        written = io.StringIO()
        canvas.print_svg(written, metadata={"Date": None, "Creator": None})
    return Markup(_inline(written.getvalue(), width_px, name))  # noqa: S704 - drawn from numbers


def _inline(svg: str, width_px: int, name: str) -> str:
    """The svg element alone, without styles and hidden from screen readers (a table follows)."""
    body = _REMOVED.sub("", svg[svg.index("<svg") :])
    body = body[body.index(">") + 1 :]
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # nothing refers to groups
    body = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = _STYLE.sub(_as_attributes, body)
    opening = f'<svg class="chart {name}" viewBox="0 0 {width_px} 240" aria-hidden="true">'
    return opening + re.sub(r"\s*\n\s*", "\n", body).strip()


def _as_attributes(match: re.Match[str]) -> str:
    attributes: list[str] = []
    classes: list[str] = []
    for declaration in match.group(1).split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if not key or key in ("font", "font-family"):
            continue
        attributes.append(f'{key}="{value}"')
        if value in _COLOURS:
            classes.append(f"{key}-{_COLOURS[value]}")
    if classes:
        attributes.append(f'class="{" ".join(classes)}"')
    return "".join(f" {attribute}" for attribute in attributes)
