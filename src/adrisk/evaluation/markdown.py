"""Figures and foreign words as Markdown: tables, `value [low, high]`, nothing that steers the page.

Names of files, corpora and labels come from elsewhere. They are shown as they are written, and can
neither end a table cell nor become a link, an image or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adrisk.escaping import code, plain
from adrisk.metrics.figures import Figure

__all__ = ["code", "figure", "percent", "plain", "share", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, a blank line before it; none without rows. Cells are Markdown."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["", *("| " + " | ".join(cells) + " |" for cells in lines)]


def figure(found: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A figure with its interval.

    >>> figure({"value": 0.5, "low": 0.25, "high": 0.75}, 2)
    '0.50 [0.25, 0.75]'
    """
    if found is None or found.get("value") is None:
        return "undefined"
    value = _number(found["value"], digits)
    if found.get("low") is None:
        return f"{value} [no interval]"
    return f"{value} [{_number(found['low'], digits)}, {_number(found['high'], digits)}]"


def share(found: Figure | Mapping[str, Any] | None, digits: int = 2) -> str:
    """A share in per cent with its interval; empty where there is none.

    >>> share({"value": 0.0123, "low": 0.01, "high": 0.015})
    '1.23 [1.00, 1.50]'
    """
    if found is None:
        return ""
    if isinstance(found, Figure):
        ends = found.value, found.low, found.high
    else:
        ends = found["value"], found["low"], found["high"]
    value, low, high = (None if end is None else _number(100 * end, digits) for end in ends)
    if value is None:
        return ""
    return f"{value}" if low is None else f"{value} [{low}, {high}]"


def percent(rate: Mapping[str, Any] | None) -> str:
    """A pass rate in whole percent, with its interval and what it was counted on.

    >>> percent({"share": 0.5, "low": 0.25, "high": 0.75, "passed": 4, "n": 8})
    '50 % [25, 75] of 8'
    """
    if not rate or not rate["n"]:
        return "none judged"
    low, high = 100 * rate["low"], 100 * rate["high"]
    return f"{100 * rate['share']:.0f} % [{low:.0f}, {high:.0f}] of {rate['n']:,}"


def _number(value: float, digits: int) -> str:
    """Rounded, without the sign of a zero.

    >>> _number(-0.0001, 2)
    '0.00'
    """
    return f"{round(value, digits) + 0.0:,.{digits}f}"
