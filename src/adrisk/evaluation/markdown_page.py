"""Markdown pages from templates: every value is escaped unless a function made it Markdown.

In: a template below `templates/` and what it shows. Out: the text of the page. Values and texts go
through `plain`, so that a name from elsewhere can neither end a table cell nor become a link, an
image or HTML; tables, code spans and the results of `written` functions are Markdown already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adrisk.evaluation import markdown

T = TypeVar("T")


def render_markdown(template: str, **values: object) -> str:
    """The page; equal values give an equal page."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("adrisk.report"),
        autoescape=True,  # which keeps apart what is Markdown (Markup) and what is not (str)
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        code=written(markdown.code),
        count=lambda number: f"{number:,}",
        percent_of=lambda budget: f"{100 * float(budget):g}",
    )
    environment.globals["table"] = _table
    return environment


def escaped(value: object) -> Markup:
    """A value as Markdown; what is Markdown stays.

    >>> escaped("a|b"), escaped(Markup("**a**"))
    (Markup('a\\\\|b'), Markup('**a**'))
    """
    return value if isinstance(value, Markup) else Markup(markdown.plain(value))  # noqa: S704


def written(form: Callable[[T], str]) -> Callable[[T], Markup]:
    """A function that gives Markdown, for a template, which does not escape its result again."""
    return lambda value: Markup(form(value))  # noqa: S704 - the function escapes what it shows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table of Markdown cells below the line it is written on; nothing without rows."""
    lines = markdown.table(head, rows)
    return Markup("".join(f"\n{line}" for line in lines))  # noqa: S704 - cells are Markdown
