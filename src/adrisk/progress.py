"""Progress of long work: a bar on a terminal, lines in a log, or nothing.

The library prints nothing until `main()` or a flow calls `set_progress`; every stage then reports
through `track`. Only stage names, counts and notes are printed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

from tqdm import tqdm

from adrisk.escaping import one_line

Mode = Literal["off", "bar", "lines"]

_mode: ContextVar[Mode] = ContextVar("adrisk_progress", default="off")
_LINE_EVERY_SECONDS = 3.0


class Advance(Protocol):
    """Function that adds `count` finished units; `total` corrects the expected total.

    `note`, such as a loss, is printed after the figures.
    """

    def __call__(  # noqa: D102
        self, count: int = 1, *, total: int | None = None, note: str = ""
    ) -> None: ...


def progress_mode() -> Mode:
    """The mode of this process: ADRISK_PROGRESS if set, a bar on a terminal, else off."""
    mode = os.environ.get("ADRISK_PROGRESS", "")
    if mode in ("off", "bar", "lines"):
        return mode  # type: ignore[return-value]
    return "bar" if sys.stderr.isatty() else "off"


def set_progress(mode: Mode) -> None:
    """Set how progress is reported in this context."""
    _mode.set(mode)


def say(message: str) -> None:
    """Print a note on standard error; nothing if progress is off."""
    if _mode.get() != "off":
        tqdm.write(one_line(message), file=sys.stderr)


@contextmanager
def track(stage: str, total: int | None = None, unit: str = "ads") -> Iterator[Advance]:
    """Report a stage with its count, rate and time left."""
    mode = _mode.get()
    if mode == "off":
        yield lambda count=1, *, total=None, note="": None
    elif mode == "bar":
        with tqdm(total=total, desc=stage, unit=f" {unit}", file=sys.stderr, leave=True) as bar:

            def advance(count: int = 1, *, total: int | None = None, note: str = "") -> None:
                if total is not None:
                    bar.total = total
                if note:
                    bar.set_postfix_str(note, refresh=False)
                bar.update(count)

            yield advance
    else:
        with _Lines(stage, total, unit) as lines:
            yield lines.advance


class _Lines:
    """Progress as a line every few seconds, for logs."""

    def __init__(self, stage: str, total: int | None, unit: str) -> None:
        self.stage, self.total, self.unit, self.done, self.printed = stage, total, unit, 0, -1
        self.note = ""

    def __enter__(self) -> _Lines:
        self.started = self.last = time.monotonic()
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is None and self.printed != self.done:
            self._write()

    def advance(self, count: int = 1, *, total: int | None = None, note: str = "") -> None:
        self.done += count
        self.note = note or self.note
        self.total = total if total is not None else self.total
        if time.monotonic() - self.last >= _LINE_EVERY_SECONDS:
            self.last = time.monotonic()
            self._write()

    def _write(self) -> None:
        self.printed = self.done
        elapsed = time.monotonic() - self.started
        meter = tqdm.format_meter(
            self.done,
            self.total or 0,
            elapsed,
            unit=f" {self.unit}",
            ncols=0,
            prefix=self.stage,
            postfix=self.note,
        )
        sys.stderr.write(meter + "\n")
        sys.stderr.flush()
