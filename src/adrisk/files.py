"""Files and folders: atomic writes, checks before a command writes, the access log."""

from __future__ import annotations

import getpass
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from adrisk.errors import RunError, UsageError


def workspace(given: Path | None = None) -> Path:
    """The folder for all that runs write: ADRISK_WORKSPACE, or ./workspace."""
    return given or Path(os.environ.get("ADRISK_WORKSPACE") or "workspace")


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A draft in the folder of `path` that replaces it on success and is removed on failure.

    Args:
        path: written as a whole or not at all.
        private: only the owner may read the file and its draft.

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
    """Check that a file can be written and is not one of the inputs.

    Raises:
        UsageError: if not; nothing was written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write, such as {path / 'out'}")
    writable(path.parent)
    if path.exists() and any(file.exists() and path.samefile(file) for file in inputs):
        raise UsageError(f"{path} is also an input; name another file with -o")
    return path


def new_folder(folder: Path, *, apart_from: str = "") -> Path:
    """Check that a folder does not exist or is empty, before a command with `-o` writes to it.

    Args:
        folder: is not created here.
        apart_from: a name that may be in it.

    Raises:
        UsageError: if it has anything else in it, or is a file.
    """
    if folder.exists() and (
        not folder.is_dir() or any(entry.name != apart_from for entry in folder.iterdir())
    ):
        raise UsageError(
            f"{folder} exists and is not empty; choose a new folder with -o, or remove it first"
        )
    return folder


def writable(folder: Path) -> Path:
    """Create a folder if needed, and check that files can be written there.

    Raises:
        UsageError: if not, with the reason.
    """
    probe = folder / f".{secrets.token_hex(4)}.draft"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be written to ({error.strerror or error}); "
            "choose another, or change its permissions"
        ) from error
    return folder


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON; equal content gives equal bytes."""
    with replacing(path) as draft:
        draft.write_text(
            json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )


def log_access(workspace: Path, what: str) -> None:
    """Append to the access log who wrote or opened plain contacts and when; never a contact."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": getpass.getuser(),
        "what": what,
    }
    writable(workspace)
    # One write per line, so that several processes can log at once; only the owner can read it.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(workspace / "access.jsonl", flags, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")
