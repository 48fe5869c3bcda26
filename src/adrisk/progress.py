"""Progress of long work: a bar on a terminal, plain lines where asked for, silence otherwise.

The library is silent. `main()` and the flows call `show` once; every stage then reports through
`track`. Nothing but stage names and counts is ever shown.
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
    """Reports that `count` more units are done; `total` corrects the expected total.

    `note` is shown behind the figures, such as a loss.
    """

    def __call__(  # noqa: D102
        self, count: int = 1, *, total: int | None = None, note: str = ""
    ) -> None: ...


def wanted() -> Mode:
    """The mode for this process: ADRISK_PROGRESS if set, a bar on a terminal, else off."""
    asked = os.environ.get("ADRISK_PROGRESS", "")
    if asked in ("off", "bar", "lines"):
        return asked  # type: ignore[return-value]
    return "bar" if sys.stderr.isatty() else "off"


def show(mode: Mode) -> None:
    """Choose how this context reports progress."""
    _mode.set(mode)


def say(message: str) -> None:
    """One line beside the progress, on standard error; nothing when progress is off."""
    if _mode.get() != "off":
        tqdm.write(one_line(message), file=sys.stderr)


@contextmanager
def track(stage: str, total: int | None = None, unit: str = "ads") -> Iterator[Advance]:
    """Report a stage: its count, rate and time left while it runs, its duration at the end."""
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
    """The same facts as a bar, as a line every few seconds: for logs."""

    def __init__(self, stage: str, total: int | None, unit: str) -> None:
        self.stage, self.total, self.unit, self.done, self.told = stage, total, unit, 0, -1
        self.note = ""

    def __enter__(self) -> _Lines:
        self.started = self.last = time.monotonic()
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is None and self.told != self.done:
            self._write()

    def advance(self, count: int = 1, *, total: int | None = None, note: str = "") -> None:
        self.done += count
        self.note = note or self.note
        self.total = total if total is not None else self.total
        if time.monotonic() - self.last >= _LINE_EVERY_SECONDS:
            self.last = time.monotonic()
            self._write()

    def _write(self) -> None:
        self.told = self.done
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
