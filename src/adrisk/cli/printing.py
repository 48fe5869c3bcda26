"""What a command prints: lines for people, or with `--json` one document for programs.

Every line that any command prints passes here, so that no file name, source or id from outside can
steer a terminal, and nothing but the document reaches standard output with `--json`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from adrisk.escaping import one_line, safe


class Output:
    """The standard output of one command.

    Args:
        as_json: print nothing but one JSON document, at the end.
        stream: where to; standard output if left out.
    """

    def __init__(self, *, as_json: bool = False, stream: IO[str] | None = None) -> None:
        self._as_json = as_json
        self._stream = stream or sys.stdout
        self._document: dict[str, Any] = {}

    def line(self, text: str = "") -> None:
        """One line for people; a line break in it is shown, not obeyed."""
        self._write(one_line(text))

    def block(self, text: str) -> None:
        """Several lines, whose values from outside hold no line breaks any more."""
        self._write(safe(text))

    def marked(self, parts: Sequence[tuple[str, bool]]) -> None:
        """Text in parts, those that are marked between « and », or in reverse video."""
        on, off = ("\x1b[7m", "\x1b[0m") if self._stream.isatty() else ("«", "»")
        self._write("".join(f"{on}{safe(t)}{off}" if mark else safe(t) for t, mark in parts))

    def add(self, **values: Any) -> None:
        """Values for the document."""
        self._document.update(values)

    def finish(self) -> None:
        """Print the document, where there is to be one, and flush."""
        if self._as_json:
            content = json.dumps(_plain(self._document), indent=2, allow_nan=False)
            self._stream.write(content + "\n")
        self._stream.flush()

    def _write(self, text: str) -> None:
        if not self._as_json:
            self._stream.write(text + "\n")


def _plain(value: Any) -> Any:
    """A value as JSON has it: what is not a number is null, what JSON does not know is text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "item"):  # a number of numpy
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no value of a document")
