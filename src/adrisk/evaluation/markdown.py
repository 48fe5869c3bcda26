"""Markdown pages: templates, figures as `value [low, high]`, escaped text.

Names of files, corpora and labels come from elsewhere. They are shown as they are written, and can
neither end a table cell nor become a link, an image or HTML: a template escapes every value that
is not Markdown already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from adrisk.escaping import code, plain
from adrisk.evaluation.behaviour.results import Rate
from adrisk.metrics.figures import Figure


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def render(template: str, **values: object) -> str:
    """A page from a template, such as `results.md.j2`, and the values that it names.

    Args:
        template: name of a file in `templates`.
        values: escaped where they are written, unless they are `Markdown`.
    """
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
        "number": _known,
        "percent": percent,
        "percent_of": lambda budget: f"{100 * float(budget):g}",
        "share": share,
        "short": _short,
        "to_heading": to_heading,
    }
    made.globals["table"] = _table
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


def figure(found: Figure | None, digits: int = 3) -> Markdown:
    """A figure with its interval.

    >>> figure(Figure(value=0.5, low=0.25, high=0.75, n=9, positives=3, campaigns=4), 2)
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


def share(found: Figure | None, digits: int = 2) -> Markdown:
    """A share in per cent with its interval; empty where there is none.

    >>> share(Figure(value=0.0123, low=0.01, high=0.015, n=9, positives=3, campaigns=4))
    '1.23 [1.00, 1.50]'
    """
    value, low, high = _bounds(found)
    if value is None:
        return Markdown("")
    shown = _number(100 * value, digits)
    if low is None or high is None:
        return Markdown(shown)
    return Markdown(f"{shown} [{_number(100 * low, digits)}, {_number(100 * high, digits)}]")


def percent(rate: Rate | None) -> Markdown:
    """A pass rate in whole percent, with its interval and what it was counted on.

    >>> percent(Rate(share=0.5, low=0.25, high=0.75, passed=4, n=8, unjudged=0))
    '50 % [25, 75] of 8'
    """
    if rate is None or rate.share is None or rate.low is None or rate.high is None:
        return Markdown("none judged")
    interval = f"[{100 * rate.low:.0f}, {100 * rate.high:.0f}]"
    return Markdown(f"{100 * rate.share:.0f} % {interval} of {rate.n:,}")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markdown:
    """A table of Markdown cells below the line it is written on; nothing without rows."""
    return Markdown("".join(f"\n{line}" for line in table(head, rows)))


def _bounds(found: Figure | None) -> tuple[float | None, float | None, float | None]:
    """Value, low and high; None where there is none."""
    return (None, None, None) if found is None else (found.value, found.low, found.high)


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
