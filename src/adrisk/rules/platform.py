"""A platform's own indicators, rules and restricted phrase lists, read from one YAML file.

In: the file that the command line or a configuration names. Out: a frozen `Extension`. Its keys,
all optional:

    indicators:   entries as in adrisk/rules/taxonomy.yaml
    risk:         how indicators combine into risk 0 to 3, in place of the shipped rules
    rules:        by language (en, es, pt, fr, or any), as in adrisk/rules/books/en.yaml
    restricted:   indicator -> a text file of phrases, one a line; the indicator's kind must be x

Phrases of a restricted list stay in that file: they are never shown, logged or written, and neither
a negation nor a disclaimer cancels a match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adrisk.documents import read_yaml
from adrisk.errors import ConfigError
from adrisk.rules.entries import PlatformFile, checked


@dataclass(frozen=True, slots=True)
class Extension:
    """The content of a platform's file. Equal files read from one path give equal values.

    Attributes:
        path: the file.
        digest: SHA-256 of the file.
        restricted: phrases by indicator.
        content: the file's other keys.
    """

    path: Path
    digest: bytes
    restricted: tuple[tuple[str, tuple[str, ...]], ...]
    content: PlatformFile = field(compare=False)

    @property
    def rules(self) -> Mapping[str, Mapping[str, object]]:
        """By language, then by indicator; not compiled yet."""
        return self.content.rules


def load_extension(path: Path) -> Extension:
    """Read a platform's file and the lists it names.

    Raises:
        ConfigError: if a file cannot be read or has another form; the message names it.
    """
    value = read_yaml(path)
    if not isinstance(value, dict) or not value:
        raise ConfigError(
            f"{path}: expected one of the keys {', '.join(PlatformFile.model_fields)}"
        )
    content = checked(PlatformFile, value, str(path))
    return Extension(
        path=path,
        digest=hashlib.sha256(path.read_bytes()).digest(),
        restricted=tuple(
            (name, _restricted(path.parent / file, f"{path}: restricted list of {name}"))
            for name, file in content.restricted.items()
        ),
        content=content,
    )


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
