"""Standard output of the commands: lines for people, or with `--json` one JSON document.

`Output` escapes every printed line, so that no file name, source or id from outside can steer a
terminal. With `--json` nothing but the document reaches standard output.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from adrisk.escaping import one_line, safe

if TYPE_CHECKING:
    from adrisk.metrics.figures import Figure


class Output:
    """The standard output of one command.

    Args:
        as_json: print nothing but one JSON document, at the end.
        stream: where to; standard output if left out.
    """

    def __init__(self, *, as_json: bool = False, stream: IO[str] | None = None) -> None:
        self._as_json = as_json
        self._stream = stream or sys.stdout
        self._document: dict[str, object] = {}

    def line(self, text: str = "") -> None:
        """Print one line; a line break inside it is escaped."""
        self._write(one_line(text))

    def block(self, text: str) -> None:
        """Print several lines; line breaks in values from outside must be escaped before."""
        self._write(safe(text))

    def marked(self, parts: Sequence[tuple[str, bool]]) -> None:
        """Print text with its marked parts between « and », or in reverse video on a terminal."""
        on, off = ("\x1b[7m", "\x1b[0m") if self._stream.isatty() else ("«", "»")
        self._write("".join(f"{on}{safe(t)}{off}" if mark else safe(t) for t, mark in parts))

    def add(self, **values: object) -> None:
        """Add values to the JSON document."""
        self._document.update(values)

    def finish(self) -> None:
        """Print the document with `--json`, and flush."""
        if self._as_json:
            content = json.dumps(_plain(self._document), indent=2, allow_nan=False)
            self._stream.write(content + "\n")
        self._stream.flush()

    def _write(self, text: str) -> None:
        if not self._as_json:
            self._stream.write(text + "\n")


def print_notes(notes: Sequence[str], output: Output) -> None:
    """Add the notes of a run to the document; print them where progress is off (pipe, cron)."""
    from adrisk.progress import progress_mode  # tqdm: 0.1 s that `adrisk --help` does not need

    output.add(notes=notes)
    if progress_mode() == "off":
        for note in notes:
            output.line(f"note        {note}")


def quarantined_rows(count: int, reasons: Mapping[str, int] | None = None) -> str:
    """Number of quarantined rows with the reasons, as text."""
    if not count:
        return "0 rows"
    named = ", ".join(f"{n:,} {why}" for why, n in (reasons or {}).items())
    return f"{count:,} rows" + (f" ({named})" if named else "")


def print_quarantined(count: int, quarantine: Path, output: Output) -> None:
    """Print how many rows were quarantined and the file with the reasons; nothing for none."""
    output.add(quarantined=count, quarantine=quarantine if count else None)
    if count:
        output.line(f"left out {count:,} rows that are not ads; the reasons are in {quarantine}")


def interval(figure: Figure) -> str:
    """A figure with its interval, as text."""
    if figure.value is None:
        return "undefined"
    if figure.low is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _plain(value: object) -> object:
    """A value as JSON has it: null for NaN and infinity, text for dates and paths."""
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
    if hasattr(value, "item"):  # a numpy number
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a document cannot hold a value of type {type(value).__name__}")
