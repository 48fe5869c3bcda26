"""Markdown pages from templates, figures as `value [low, high]`, tables for the terminal.

Names of files, corpora and labels come from outside. Templates escape every value that is not
`Markdown`, so such a name cannot end a table cell or become a link, an image or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from adrisk.escaping import code, plain
from adrisk.metrics.figures import Figure, Rate

_NO_INTERVAL = " [no interval]"


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def render(template: str, **values: object) -> str:
    """A page from a file in `templates` and its values, escaped unless they are `Markdown`."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("adrisk.evaluation"),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markdown) else plain(value),
        autoescape=False,  # noqa: S701 - this is Markdown; `finalize` escapes
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "change": change,
        "code": lambda text: Markdown(code(text)),
        "count": lambda number: f"{number:,}",
        "figure": figure,
        "number": fixed,
        "percent": percent,
        "percent_of": lambda budget: f"{100 * float(budget):g}",
        "share": share,
        "short": _short,
        "to_heading": to_heading,
    }
    return made


def to_heading(name: str) -> Markdown:
    """A link to the heading of this name; the name alone where it is not that of a plain file.

    >>> to_heading("real-ngram"), to_heading("a](b)")
    ('[real-ngram](#real-ngram)', 'a\\\\](b)')
    """
    shown = plain(name)
    whole = shown == name and re.fullmatch(r"[\w.-]+", name)
    return Markdown(f"[{name}](#{name})" if whole else shown)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, a blank line before it; none without rows. Cells are Markdown."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["", *("| " + " | ".join(cells) + " |" for cells in lines)]


def text_table(rows: Sequence[Sequence[str]], align: Callable[[str, int], str] = str.ljust) -> str:
    """Lines for the terminal in columns, the first to the left and the others as `align` does.

    >>> text_table([["all", "9"], ["en", "10"]], str.rjust)
    'all   9\\nen   10'
    """
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = ([row[0].ljust(first), *map(align, row[1:], others)] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in lines)


def figure(found: Figure | None, digits: int = 3) -> Markdown:
    """A figure with its interval.

    >>> figure(Figure(value=0.5, low=0.25, high=0.75, n=9, positives=3, campaigns=4), 2)
    '0.50 [0.25, 0.75]'
    """
    return _with_interval(found, lambda value: _rounded(value, digits), "undefined", _NO_INTERVAL)


def change(
    found: Figure, digits: int = 3, missing: str = "undefined", no_interval: str = _NO_INTERVAL
) -> Markdown:
    """A difference with its interval, each with its sign.

    >>> change(Figure(value=0.5, low=-0.25, high=0.75, n=9, positives=3, campaigns=4), 2)
    '+0.50 [-0.25, +0.75]'
    """
    return _with_interval(found, lambda value: f"{value:+.{digits}f}", missing, no_interval)


def share(found: Figure | None, digits: int = 2) -> Markdown:
    """A share in per cent with its interval; empty where there is none.

    >>> share(Figure(value=0.0123, low=0.01, high=0.015, n=9, positives=3, campaigns=4))
    '1.23 [1.00, 1.50]'
    """
    return _with_interval(found, lambda value: _rounded(100 * value, digits))


def percent(rate: Rate | None) -> Markdown:
    """A pass rate in whole per cent, with its interval and the number of cases.

    >>> percent(Rate(share=0.5, low=0.25, high=0.75, passed=4, n=8, unjudged=0))
    '50 % [25, 75] of 8'
    """
    if rate is None or rate.share is None or rate.low is None or rate.high is None:
        return Markdown("none judged")
    interval = f"[{100 * rate.low:.0f}, {100 * rate.high:.0f}]"
    return Markdown(f"{100 * rate.share:.0f} % {interval} of {rate.n:,}")


def fixed(value: float | None, digits: int = 3) -> str:
    """Rounded; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _short(found: Figure | None) -> Markdown:
    """A figure with two digits; a dash where there is none."""
    return _with_interval(found, lambda value: f"{value:.2f}", "-")


def _with_interval(
    found: Figure | None, form: Callable[[float], str], missing: str = "", no_interval: str = ""
) -> Markdown:
    """Value and interval in this form; `missing` where undefined."""
    if found is None or found.value is None:
        return Markdown(missing)
    if found.low is None or found.high is None:
        return Markdown(form(found.value) + no_interval)
    return Markdown(f"{form(found.value)} [{form(found.low)}, {form(found.high)}]")


def _rounded(value: float, digits: int) -> str:
    """Rounded, without the sign of a zero.

    >>> _rounded(-0.0001, 2)
    '0.00'
    """
    return f"{round(value, digits) + 0.0:,.{digits}f}"
