"""Drift report: a page in Markdown, and a short table for the terminal.

In: a `DriftResult`. Out: text without a word of an ad.
"""

from __future__ import annotations

from adrisk.evaluation.drift.results import AspectResult, ChangeResult, DriftResult
from adrisk.evaluation.markdown import Markdown, render

MOST_SHOWN = 10
"""Shares shown of an aspect at most; drift.json has all."""


def drift_table(found: DriftResult) -> str:
    """One line an aspect: its verdict, effect, chance, and whether it bears on the model."""
    rows = [("", "verdict", "effect", "chance", "matters")]
    rows += [
        (
            aspect.name,
            aspect.verdict,
            f"{aspect.measure} {_figure(aspect.effect)}",
            _figure(aspect.chance),
            "yes" if aspect.matters else "no",
        )
        for aspect in found.aspects
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def drift_page(found: DriftResult) -> str:
    """The page: what matters and what to do first, then every aspect with its shares."""
    groups = (
        ("Matters for the model", [a for a in found.aspects if a.matters]),
        ("Merely different", [a for a in found.aspects if a.drifted and not a.matters]),
        ("Cannot be told", [a for a in found.aspects if a.untold]),
    )
    return render(
        "drift.md.j2",
        found=found,
        conclusions=[(heading, aspects) for heading, aspects in groups if aspects],
        most_shown=MOST_SHOWN,
        shown=_shown,
        moved=_moved,
        figure=_figure,
        advice=_advice,
    )


def _advice(aspect: AspectResult) -> Markdown:
    """What to do; adrisk's own words, with commands as code."""
    return Markdown(aspect.advice)


def _moved(aspect: AspectResult) -> str:
    """The shares that moved, the furthest first."""
    by_name = {change.name: change for change in aspect.changes}
    moved = [by_name[name] for name in aspect.moved[:MOST_SHOWN]]
    return ", ".join(f"{c.name} {c.training:.1%} to {c.batch:.1%}" for c in moved)


def _shown(aspect: AspectResult) -> list[ChangeResult]:
    """The shares of an aspect in their order; of many, those that changed most."""
    furthest = sorted(aspect.changes, key=lambda change: -change.h)[:MOST_SHOWN]
    return [change for change in aspect.changes if change in furthest]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
