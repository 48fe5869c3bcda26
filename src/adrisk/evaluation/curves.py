"""The curves of an evaluation, precision against recall and stated against observed, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence

from adrisk.metrics.results import Curves

_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "adrisk", "font.size": 11}


def evaluation_curves(curves: Curves) -> dict[str, str]:
    """File name -> SVG of each curve of an evaluation.

    The same figures give the same bytes.
    """
    recall, precision = zip(*curves.precision_recall, strict=True)
    stated = [point.stated for point in curves.reliability]
    observed = [point.observed for point in curves.reliability]
    return {
        "precision_recall.svg": _plot(
            recall, precision, "recall", "precision", "Precision as the queue is worked down"
        ),
        "reliability.svg": _plot(
            stated, observed, "stated probability", "observed share", "Reliability", diagonal=True
        ),
    }


def _plot(
    x: Sequence[float],
    y: Sequence[float],
    x_label: str,
    y_label: str,
    title: str,
    *,
    diagonal: bool = False,
) -> str:
    # Here and not above: matplotlib looks for fonts on import, and importing adrisk does nothing.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(5.2, 4.2), layout="constrained")
        axes = figure.subplots()
        if diagonal:
            top = max(*x, *y, 0.01) * 1.05
            axes.plot([0, top], [0, top], color="#9aa0a8", linewidth=1, linestyle="--")
            axes.plot(x, y, color="#3f6488", marker="o", markersize=5)
        else:
            axes.step(x, y, where="post", color="#3f6488")
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.02)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_title(title)
        axes.grid(color="#e3e5e8", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
