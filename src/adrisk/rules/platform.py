"""A platform's own indicators, rules and restricted phrase lists, read from one YAML file.

In: the file that `ADRISK_TAXONOMY` names (`--taxonomy FILE` sets it for one command, the key
`taxonomy` in a configuration for one run). Out: a frozen `Extension`. Its keys, all optional:

    indicators:   entries as in adrisk/rules/taxonomy.yaml
    risk:         how indicators combine into risk 0 to 3, in place of the shipped rules
    rules:        by language (en, es, pt, fr, or any), as in adrisk/rules/books/en.yaml
    restricted:   indicator -> a text file of phrases, one a line; the indicator's kind must be x

Phrases of a restricted list stay in that file: they are never shown, logged or written, and neither
a negation nor a disclaimer cancels a match.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adrisk.documents import read_yaml
from adrisk.errors import ConfigError, did_you_mean

LANGUAGES = ("en", "es", "pt", "fr")
"""Languages in which every indicator has a title, a definition and rules."""

VARIABLE = "ADRISK_TAXONOMY"
"""The environment variable that names the file; child processes inherit it."""

_KEYS = ("indicators", "risk", "rules", "restricted")


@dataclass(frozen=True, slots=True)
class Extension:
    """The content of a platform's file.

    Attributes:
        indicators: entries, not yet checked.
        risk: replaces the shipped risk rules; None keeps them.
        rules: by language, then by indicator.
        restricted: phrases by indicator.
    """

    indicators: tuple[Mapping[str, Any], ...]
    risk: Any
    rules: Mapping[str, Mapping[str, Any]]
    restricted: Mapping[str, tuple[str, ...]]


def platform_file() -> Path | None:
    """The platform's file, or None if the environment names none."""
    name = os.environ.get(VARIABLE, "").strip()
    return Path(name) if name else None


def use_platform_file(path: Path) -> None:
    """Set the platform's file for this process and its child processes.

    Raises:
        ConfigError: if the file does not exist.
    """
    if not path.is_file():
        raise ConfigError(f"the taxonomy file {path} does not exist; check the path")
    os.environ[VARIABLE] = str(path.resolve())


@lru_cache(maxsize=8)
def load_extension(path: Path) -> Extension:
    """The content of a platform's file and the lists it names; cached.

    Raises:
        ConfigError: if a file cannot be read or has another form; the message names it.
    """
    content = _content(path)
    entries = content.get("indicators", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            f"{path}: expected under the key `indicators` a list of entries; "
            "see adrisk/rules/taxonomy.yaml for the form"
        )
    rules = _mapping(content, "rules", path)
    for language in rules:
        if language not in (*LANGUAGES, "any"):
            raise ConfigError(
                f"{path}: rules are by language, {', '.join(LANGUAGES)} or any, got {language!r}"
            )
    restricted = _mapping(content, "restricted", path)
    for name in restricted:
        if not isinstance(restricted[name], str):
            raise ConfigError(f"{path}: restricted.{name}: expected the path of a text file")
    return Extension(
        indicators=tuple(entries),
        risk=content.get("risk"),
        rules={language: _mapping(rules, language, path) for language in rules},
        restricted={
            name: _restricted(path.parent / str(file), f"{path}: restricted list of {name}")
            for name, file in restricted.items()
        },
    )


def _content(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{path}: expected one of the keys {', '.join(_KEYS)}")
    for key in content:
        if key not in _KEYS:
            raise ConfigError(
                f"{path}: unknown key {key!r}{did_you_mean(key, _KEYS)}; "
                f"there are {', '.join(_KEYS)}"
            )
    return content


def _mapping(content: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {key}: expected names with values below them")
    return value


def _restricted(file: Path, where: str) -> tuple[str, ...]:
    """The phrases of a list, without blank lines and lines that begin with #."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{where}: {file} cannot be read: {reason}") from error
    phrases = tuple(line.strip() for line in lines if line.strip() and line.lstrip()[0] != "#")
    if not phrases:
        raise ConfigError(f"{where}: {file} holds no phrases; write one a line")
    return phrases
