"""Parsers of untrusted YAML and JSON.

A few lines of YAML can expand to more values than fit in memory, and deep nesting exhausts the
stack. In YAML both are found before any value is built, in time linear in the file. JSON has no
aliases; its depth and numbers are checked after parsing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from adrisk.errors import ConfigError

MAX_BYTES = 8 << 20
"""The largest YAML file that is read; the largest of adrisk has 0.13 MB."""

MAX_DEPTH = 64
"""Nesting of lists and mappings in YAML."""

MAX_VALUES = 1_000_000
"""Keys and values of a YAML file, counted again for every alias."""

# The C parser takes a tenth of the time; PyYAML may be built without it.
Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_STRICT_DEPTH = 32
"""Nesting of the JSON of a model folder."""


def read_yaml(path: Path, loader: type[Any] = Loader) -> Any:
    """The value in a YAML file; its structure is not checked.

    Raises:
        ConfigError: if it cannot be read, is not YAML, or is too large with its aliases expanded;
            names file and line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES >> 20} MiB; expected a file of keys "
                          "and values")  # fmt: skip
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8; save it as such") from error
    try:
        _check(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)  # noqa: S506, every loader given is a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ConfigError(f"{path}{line}: not valid YAML ({problem})") from error
    except (ValueError, OverflowError, RecursionError) as error:  # an invalid date or number
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML ({problem})") from error


def parse_json(content: str | bytes) -> Any:
    """The value in a JSON text.

    Raises:
        ValueError: if it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_strict_json(content: str | bytes) -> Any:
    """JSON with finite numbers, unique keys and at most `MAX_STRICT_DEPTH` levels.

    Raises:
        ValueError: for any other.
    """
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(MAX_STRICT_DEPTH):
        if any(isinstance(v, float) and not math.isfinite(v) for v in level):
            raise ValueError("a number that is not finite")
        inner = [v for v in level if isinstance(v, dict | list)]
        level = [v for one in inner for v in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return value
    raise ValueError(f"nested more than {MAX_STRICT_DEPTH} levels deep")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return unique


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _check(events: Iterator[yaml.Event]) -> None:
    """Raise for content that would be too deep or too large, without building it."""
    sizes: dict[str | None, int] = {}  # values below an anchor, aliases expanded
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _error(event, f"the anchor {event.anchor!r} contains itself")
            total += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
            elif event.anchor is not None:
                sizes[event.anchor] = 1
            total += 1
        if len(open_nodes) > MAX_DEPTH:
            raise _error(event, f"nested more than {MAX_DEPTH} deep")
        if total > MAX_VALUES:
            raise _error(event, f"more than {MAX_VALUES:,} values, aliases expanded")


def _error(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # of either parser
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
