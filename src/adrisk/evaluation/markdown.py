"""Markdown pages: templates, figures as `value [low, high]`, escaped text.

Names of files, corpora and labels come from elsewhere. They are shown as they are written, and can
neither end a table cell nor become a link, an image or HTML: a template escapes every value that
is not Markdown already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from adrisk.metrics.estimates import Figure

_ACTIVE = re.compile(r"[\\`*\[\]<>|~#&!$@{}]|(?<=:)/(?=/)|(?<=[wW])\.|(?<!\w)_|_(?!\w)")
"""What GitHub's Markdown gives a meaning inside a line; `_` only at the edge of a word."""

_AS_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def render(
    template: str, package: str = "adrisk.report", folder: str = "templates", **values: object
) -> str:
    """A page from a template, such as `results.md.j2`, and the values that it names.

    Args:
        template: name of the file.
        package: that brings the template.
        folder: of the package, in which the template is.
        values: escaped where they are written, unless they are `Markdown`.
    """
    return _environment(package, folder).get_template(template).render(**values)


@lru_cache
def _environment(package: str, folder: str) -> Environment:
    made = Environment(
        loader=PackageLoader(package, folder),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markdown) else plain(value),
        autoescape=False,  # noqa: S701 - this is Markdown; `finalize` escapes
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"code": code, "figure": figure, "percent": percent, "share": share}
    made.filters |= {"count": lambda number: f"{number:,}", "change": change}
    made.filters |= {"number": _known, "short": _short}
    return made


def plain(text: object) -> str:
    """Foreign text for a sentence or a table cell, on one line.

    >>> plain("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else f"(U+{ord(c):04X})" for c in line)
    return _ACTIVE.sub(lambda found: _AS_ENTITY.get(found[0], "\\" + found[0]), shown)


def code(text: object) -> Markdown:
    """The same in a code span, where nothing in it needs escaping.

    >>> code("ngram"), code("a|b")
    ('`ngram`', 'a\\\\|b')
    """
    shown = plain(text)
    return Markdown(f"`{shown}`" if shown == str(text) else shown)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, a blank line before it; none without rows. Cells are Markdown."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["", *("| " + " | ".join(cells) + " |" for cells in lines)]


def figure(found: Figure | Mapping[str, Any] | None, digits: int = 3) -> Markdown:
    """A figure with its interval.

    >>> figure({"value": 0.5, "low": 0.25, "high": 0.75}, 2)
    '0.50 [0.25, 0.75]'
    """
    value, low, high = _bounds(found)
    if value is None:
        return Markdown("undefined")
    if low is None or high is None:
        return Markdown(f"{_number(value, digits)} [no interval]")
    return Markdown(f"{_number(value, digits)} [{_number(low, digits)}, {_number(high, digits)}]")


def change(found: Figure, digits: int = 3) -> Markdown:
    """A difference with its interval, each with its sign.

    >>> change(Figure(value=0.5, low=-0.25, high=0.75, n=9, positives=3, campaigns=4), 2)
    '+0.50 [-0.25, +0.75]'
    """
    if found.value is None:
        return Markdown("undefined")
    if found.low is None or found.high is None:
        return Markdown(f"{found.value:+.{digits}f} [no interval]")
    interval = f"[{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
    return Markdown(f"{found.value:+.{digits}f} {interval}")


def share(found: Figure | Mapping[str, Any] | None, digits: int = 2) -> Markdown:
    """A share in per cent with its interval; empty where there is none.

    >>> share({"value": 0.0123, "low": 0.01, "high": 0.015})
    '1.23 [1.00, 1.50]'
    """
    value, low, high = _bounds(found)
    if value is None:
        return Markdown("")
    shown = _number(100 * value, digits)
    if low is None or high is None:
        return Markdown(shown)
    return Markdown(f"{shown} [{_number(100 * low, digits)}, {_number(100 * high, digits)}]")


def percent(rate: Mapping[str, Any] | None) -> Markdown:
    """A pass rate in whole percent, with its interval and what it was counted on.

    >>> percent({"share": 0.5, "low": 0.25, "high": 0.75, "passed": 4, "n": 8})
    '50 % [25, 75] of 8'
    """
    if not rate or not rate["n"]:
        return Markdown("none judged")
    low, high = 100 * rate["low"], 100 * rate["high"]
    return Markdown(f"{100 * rate['share']:.0f} % [{low:.0f}, {high:.0f}] of {rate['n']:,}")


def _bounds(
    found: Figure | Mapping[str, Any] | None,
) -> tuple[float | None, float | None, float | None]:
    """Value, low and high; None where there is none."""
    if isinstance(found, Figure):
        return found.value, found.low, found.high
    return (None, None, None) if not found else (found["value"], found["low"], found["high"])


def _number(value: float, digits: int) -> str:
    """Rounded, without the sign of a zero.

    >>> _number(-0.0001, 2)
    '0.00'
    """
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def _known(value: float | None, digits: int = 3) -> str:
    """Rounded; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _short(found: Figure | None) -> Markdown:
    """A figure with two digits; a dash where there is none, no word where there is no interval."""
    if found is None or found.value is None:
        return Markdown("-")
    if found.low is None or found.high is None:
        return Markdown(f"{found.value:.2f}")
    return Markdown(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]")
