"""A drift report in words: a page in Markdown, and a short table for the terminal.

In: the plain values that `adrisk.stages.drift` writes as drift.json. Out: text, in which nothing of
an ad stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_SHOWN = 10
"""Shares shown of an aspect at most; drift.json has all."""


def drift_table(found: Mapping[str, Any]) -> str:
    """One line an aspect: its verdict, effect, chance, and whether it bears on the model."""
    rows = [("", "verdict", "effect", "chance", "matters")]
    rows += [
        (
            aspect["name"],
            aspect["verdict"],
            f"{aspect['measure']} {_figure(aspect['effect'])}",
            _figure(aspect["chance"]),
            "yes" if aspect["matters"] else "no",
        )
        for aspect in found["aspects"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def drift_page(found: Mapping[str, Any]) -> str:
    """The page: what matters and what to do first, then every aspect with its shares."""
    model, batch = found["model"], found["batch"]
    lines = [
        "# Drift report",
        "",
        f"{batch['ads']:,} ads of {_quoted(batch['sources'])}, against the "
        f"{found['training']['ads']:,} ads that {model['family']} {model['version']} was trained "
        f"on ({model['target']}).",
        "",
        *_conclusion(found),
        "",
        "| what is compared | verdict | measure | effect | some from | much from | chance |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for aspect in found["aspects"]:
        limit = found["limits"][aspect["measure"]]
        lines.append(
            f"| {aspect['title']} | {aspect['verdict']} | {limit['name']} | "
            f"{_figure(aspect['effect'])} | {limit['some']:g} | {limit['much']:g} | "
            f"{_figure(aspect['chance'])} |"
        )
    for aspect in found["aspects"]:
        if aspect["changes"]:
            lines += ["", *_shares(aspect)]
    if found["unsupported_languages"]:
        told = ", ".join(f"{name} {n:,}" for name, n in found["unsupported_languages"].items())
        lines += ["", f"Ads in languages the model was not trained on: {told}."]
    lines += ["", "## How to read this", "", *_notes(found), ""]
    return "\n".join(lines)


def _conclusion(found: Mapping[str, Any]) -> list[str]:
    """What matters, what is merely different, and what cannot be told; each with its advice."""
    aspects = found["aspects"]
    groups = (
        ("Matters for the model", [a for a in aspects if a["matters"]]),
        ("Merely different", [a for a in aspects if a["drifted"] and not a["matters"]]),
        ("Cannot be told", [a for a in aspects if a["untold"]]),
    )
    lines = []
    for heading, those in groups:
        if those:
            lines += [f"**{heading}**", ""]
            lines += [f"- {a['title']}: {a['verdict']}{_named(a)}. {a['advice']}" for a in those]
            lines.append("")
    if not any(those for _, those in groups):
        return ["Nothing drifted: as far as this can be seen without labels, the batch is like "
                "the training data."]  # fmt: skip
    return lines[:-1]


def _named(aspect: Mapping[str, Any]) -> str:
    """The shares that moved, the furthest first."""
    moved = aspect["moved"][:MOST_SHOWN]
    by_name = {change["name"]: change for change in aspect["changes"]}
    told = [
        f"{name} {by_name[name]['training']:.1%} to {by_name[name]['batch']:.1%}" for name in moved
    ]
    return f" ({', '.join(told)})" if told else ""


def _shares(aspect: Mapping[str, Any]) -> list[str]:
    """A table of shares; of many, those that changed most."""
    changes: Sequence[Mapping[str, Any]] = aspect["changes"]
    lines = [f"## {aspect['title'][0].upper()}{aspect['title'][1:]}", ""]
    if len(changes) > MOST_SHOWN:
        kept = sorted(changes, key=lambda change: -change["h"])[:MOST_SHOWN]
        lines += [f"The {MOST_SHOWN} of {len(changes)} that changed most.", ""]
        changes = [change for change in changes if change in kept]
    lines += ["| | training | batch | difference, 95 % interval |", "|---|---:|---:|---|"]
    lines += [
        f"| {c['name']} | {c['training']:.1%} | {c['batch']:.1%} | "
        f"{_points(c['batch'] - c['training'])} [{_points(c['low'])}, {_points(c['high'])}] |"
        for c in changes
    ]
    return lines


def _notes(found: Mapping[str, Any]) -> list[str]:
    training = found["training"]
    limits = [
        f"- {limit['name']}: some drift from {limit['some']:g}, much from {limit['much']:g}; "
        f"{limit['reason']}."
        for limit in found["limits"].values()
    ]
    return [
        "- Drift counts where the effect is large enough and larger than chance: the effect that "
        "99 of 100 batches of this size and with as many copies would stay below, were there no "
        "drift. A large effect within chance is called too few ads to tell.",
        "- With fewer ads than a hundred, or with two ads in five or more from one template, "
        "nothing is said; save of ads the model cannot read, which are so many ads, copies or not.",
        *limits,
        f"- Risk, indicators and unknown words are compared with the {training['judged']:,} "
        "training ads the model was not fitted on. Words are those of the "
        f"{training['words']:,} most frequent in training that stand in ads of several campaigns; "
        "all others are unknown words.",
        "- Without labels nothing here says whether the model is right on these ads.",
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _quoted(sources: Sequence[str]) -> str:
    """Names from outside, as code, so that none can be read as markup."""
    told = (" ".join(source.split()).replace("`", "'") for source in sources)
    return ", ".join(f"`{source}`" for source in told)
