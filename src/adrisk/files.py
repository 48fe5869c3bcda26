"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import getpass
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adrisk.errors import RunError, UsageError


def workspace(given: Path | None = None) -> Path:
    """The folder everything a run writes goes below: ADRISK_WORKSPACE, or ./workspace."""
    return given or Path(os.environ.get("ADRISK_WORKSPACE") or "workspace")


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A draft beside `path` that takes its place on success and is removed on any failure.

    Args:
        path: written as a whole or not at all.
        private: nobody but the owner may read it, nor its draft.

    Raises:
        UsageError: if the folder cannot be written to.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    writable(path.parent)
    try:
        if private:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield draft
        draft.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def output(path: Path, inputs: Iterable[Path] = ()) -> Path:
    """A file that may be written: in a folder that can be, and none of the files being read.

    Raises:
        UsageError: otherwise; nothing was written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write, such as {path / 'out'}")
    writable(path.parent)
    if path.exists() and any(file.exists() and path.samefile(file) for file in inputs):
        raise UsageError(f"{path} is also read here; write to another file with -o")
    return path


def new_folder(folder: Path, *, apart_from: str = "") -> Path:
    """A folder that a command may fill: one that is not there yet, or is empty.

    Every command with a folder behind `-o` asks here, before it writes anything.

    Args:
        folder: not made yet.
        apart_from: a name that may be in it all the same.

    Raises:
        UsageError: if there is something in it, or it is a file.
    """
    if folder.exists() and (
        not folder.is_dir() or any(found.name != apart_from for found in folder.iterdir())
    ):
        raise UsageError(
            f"{folder} exists and is not empty; choose a new folder with -o, or remove it first"
        )
    return folder


def writable(folder: Path) -> Path:
    """Make a folder if need be, and make sure that files can be written there.

    Raises:
        UsageError: if they cannot; says why and what to do.
    """
    probe = folder / f".{secrets.token_hex(4)}.draft"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be written to ({error.strerror or error}); "
            "choose another, or change its rights"
        ) from error
    return folder


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that is equal for equal content."""
    with replacing(path) as draft:
        draft.write_text(
            json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )


def log_access(workspace: Path, what: str) -> None:
    """Append who opened plain contacts, when, and where they went: never a contact itself."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": getpass.getuser(),
        "what": what,
    }
    writable(workspace)
    # Appended in one piece, so that several processes may log at once; for the owner's eyes.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(workspace / "access.jsonl", flags, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")
