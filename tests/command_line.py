"""Commands for the tests: run in this process, or started in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """What a command left behind: its exit code and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Told]


def start(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start Python on a few lines that end in a call of `main`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *(str(a) for a in arguments)],
        stdin=options.pop("stdin", subprocess.DEVNULL),  # type: ignore[call-overload]
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **options},  # type: ignore[dict-item]
    )


MAIN = "import sys; from adrisk.cli import main; sys.exit(main(sys.argv[1:]))"


def separately(*arguments: object, given: str | None = None, **variables: str) -> Told:
    """Run a command in a process of its own."""
    with start(MAIN, *arguments, stdin=subprocess.PIPE, **variables) as process:
        out, err = process.communicate(given or "", timeout=120)
    return Told(process.returncode, out, err)


def one_line(told: Told) -> str:
    """The only line on standard error."""
    lines = told.err.splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("adrisk")
    assert "Traceback" not in told.err
    return lines[0]
