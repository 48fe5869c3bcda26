"""YAML and JSON from outside, parsed within limits of size, depth and aliases.

A few lines of YAML can stand for more values than any memory holds, and brackets nested deeply
enough exhaust the stack. Both are refused before a value is made, in time that grows with the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from adrisk.errors import ConfigError

MAX_BYTES = 8 << 20
"""The largest YAML file that is read; the largest that adrisk ships is an eighth of a megabyte."""

MAX_DEPTH = 64
"""Lists and mappings inside one another."""

MAX_VALUES = 1_000_000
"""Keys and values of a file, those that an alias repeats counted each time."""

# The C parser reads a file in a tenth of the time; PyYAML may be built without it.
Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


MAX_STRICT_DEPTH = 32
"""JSON of a model folder is nested no deeper."""


def read_yaml(path: Path, loader: type[Any] = Loader) -> Any:
    """The value in a YAML file, its form not checked yet.

    Raises:
        ConfigError: if it cannot be read, is no YAML, or is too large once its aliases are
            followed; names file and line.
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
        return yaml.load(text, Loader=loader)  # noqa: S506, all loaders given are safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ConfigError(f"{path}{line}: not valid YAML ({problem})") from error
    except (ValueError, OverflowError, RecursionError) as error:  # of a date, of a number
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML ({problem})") from error


def parse_json(content: str | bytes) -> Any:
    """The value in a JSON text.

    Raises:
        ValueError: if it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_strict_json(content: str | bytes) -> Any:
    """JSON with finite numbers, nested no deeper than `MAX_STRICT_DEPTH`, no key twice in an object.

    Raises:
        ValueError: if it is anything else.
    """
    try:
        found = json.loads(content, object_pairs_hook=_unique, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [found]
    for _ in range(MAX_STRICT_DEPTH):
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            raise ValueError("a number that is not finite")
        inner = [value for value in level if isinstance(value, dict | list)]
        level = [v for one in inner for v in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return found
    raise ValueError(f"nested more than {MAX_STRICT_DEPTH} levels deep")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _not_finite(name: str) -> Any:
    raise ValueError(f"{name} is not a finite number")


def _check(events: Iterator[yaml.Event]) -> None:
    """Refuse what would be too deep or too large, without making it."""
    sizes: dict[str | None, int] = {}  # of what an anchor names, aliases followed
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _refused(event, f"the anchor {event.anchor!r} holds itself")
            total += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
            elif event.anchor is not None:
                sizes[event.anchor] = 1
            total += 1
        if len(open_nodes) > MAX_DEPTH:
            raise _refused(event, f"nested more than {MAX_DEPTH} deep")
        if total > MAX_VALUES:
            raise _refused(event, f"more than {MAX_VALUES:,} values, aliases followed")


def _refused(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # of either parser
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
