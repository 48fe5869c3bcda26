"""Parsing of arguments that several commands share: models, sources, columns, days."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from os.path import exists, isfile  # False, not an error, for a text too long for a path
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.errors import UsageError
from adrisk.files import workspace

if TYPE_CHECKING:
    from adrisk.model.model import Model
    from adrisk.rules.ruleset import Ruleset


def column_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Columns of the source by canonical name, from `--map NAME=COLUMN`."""
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (equals and name and column):
            raise UsageError(f"--map {pair}: expected NAME=COLUMN, such as --map body=description")
        mapping[name.strip()] = column.strip()
    return mapping


def looks_like_model(text: str) -> bool:
    """Whether an argument can only be a model."""
    return text.startswith(("models:/", "runs:/")) or isfile(Path(text) / "model.json")


def looks_like_source(text: str) -> bool:
    """Whether an argument can be a source."""
    return text == "-" or ":" in text or any(c in text for c in "*?[") or exists(text)


def rules_of(args: argparse.Namespace) -> Ruleset:
    """The rules of a command: those of adrisk, and of the platform's file if one is given."""
    from adrisk.cli.taxonomy import rules_in_use

    return rules_in_use(getattr(args, "taxonomy", None))


def load_model(reference: str | None, rules: Ruleset) -> Model:
    """The model of this reference, or the champion; the taxonomy has all its indicators.

    Raises:
        ModelError: if there is no such model.
        UsageError: if it needs a platform's taxonomy file that was not given.
    """
    from adrisk.api import find_model
    from adrisk.policy.abstention import check_indicators

    model = find_model(reference, workspace(), rules)
    check_indicators(model)
    return model


def split_model(given: list[str]) -> tuple[str | None, list[str]]:
    """The reference of the model (None for the champion) and the arguments after it."""
    has_model = looks_like_model(given[0]) or (len(given) > 1 and not looks_like_source(given[0]))
    rest = given[1:] if has_model else given
    if not rest:
        raise UsageError(f"{given[0]} is a model; name the ads after it")
    return given[0] if has_model else None, rest


def days_kept(args: argparse.Namespace) -> int | None:
    """Days that `--remember NAME` keeps ads; None for the default."""
    if args.days is not None and args.remember is None:
        raise UsageError("--days needs --remember NAME, the campaigns to keep for that long")
    days: int | None = args.days
    return days
