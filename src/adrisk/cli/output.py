"""What the commands share: how arguments are understood, and how results are told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from os.path import exists, isfile  # of a text too long for a path, as of none, they say no
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.errors import UsageError

if TYPE_CHECKING:
    from adrisk.cli.printing import Output
    from adrisk.model.model import Model
    from adrisk.rules.ruleset import Ruleset


def column_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """The columns that `--map NAME=COLUMN` names."""
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (equals and name and column):
            raise UsageError(f"--map {pair}: expected NAME=COLUMN, such as --map body=description")
        mapping[name.strip()] = column.strip()
    return mapping


def workspace() -> Path:
    """The folder that everything a run writes goes below."""
    from adrisk.files import workspace

    return workspace()


def looks_like_model(text: str) -> bool:
    """Whether an argument can only be a model."""
    return text.startswith(("models:/", "runs:/")) or isfile(Path(text) / "model.json")


def looks_like_source(text: str) -> bool:
    """Whether an argument can be a source."""
    return text == "-" or ":" in text or any(c in text for c in "*?[") or exists(text)


def rules_of(args: argparse.Namespace) -> Ruleset:
    """The rules that a command is to use: those of adrisk, and of the platform's file if any."""
    from adrisk.cli.taxonomy import rules_in_use

    return rules_in_use(getattr(args, "taxonomy", None))


def loaded(reference: str | None, rules: Ruleset) -> Model:
    """The model that is called so, or the champion; all its indicators are known here.

    Raises:
        ModelError: if there is none.
        UsageError: if it needs a platform's taxonomy file that was not given.
    """
    from adrisk.api import find_model
    from adrisk.policy.abstention import check_indicators

    model = find_model(reference, workspace(), rules)
    check_indicators(model)
    return model


def named_model(given: list[str]) -> tuple[str | None, list[str]]:
    """What the model is called, None for the champion, and the arguments behind it."""
    named = looks_like_model(given[0]) or (len(given) > 1 and not looks_like_source(given[0]))
    rest = given[1:] if named else given
    if not rest:
        raise UsageError(f"{given[0]} is a model; what it is to work on is missing")
    return given[0] if named else None, rest


def print_notes(notes: Sequence[str], output: Output) -> None:
    """What was said while the work ran, for those who could not hear it: in a pipe, from cron."""
    from adrisk.progress import wanted

    output.add(notes=notes)
    if wanted() == "off":
        for note in notes:
            output.line(f"note        {note}")


def reasons(count: int, reasons: object = None) -> str:
    """How many rows were quarantined, and why."""
    if not count:
        return "0 rows"
    named = ", ".join(f"{n:,} {why}" for why, n in dict(reasons or {}).items())  # type: ignore[call-overload]
    return f"{count:,} rows" + (f" ({named})" if named else "")


def print_quarantined(count: int, quarantine: Path, output: Output) -> None:
    """Say how many rows could not become ads, and which file holds the reasons; else nothing."""
    output.add(quarantined=count, quarantine=quarantine if count else None)
    if count:
        output.line(f"left out {count:,} rows that cannot be ads: {quarantine} says why for each")


def interval(figure: dict[str, float | None]) -> str:
    """A figure with its interval, as text."""
    if figure["value"] is None:
        return "undefined"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def days(args: argparse.Namespace) -> int | None:
    """How long `--remember` remembers; None where it was not said."""
    if args.days is not None and args.remember is None:
        raise UsageError("--days says how long to remember; it goes with --remember NAME")
    days: int | None = args.days
    return days
