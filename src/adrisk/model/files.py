"""Integrity of a model folder: allowed files, checksums and seal.

A folder holds `model.json`, the files it lists with their SHA-256, and `model.sha256`, the SHA-256
of `model.json` in the format of `sha256sum -c`. Everything is checked before use: unlisted files,
links and names outside the folder are refused. The check finds damage; against a rewritten folder
the fingerprint in the registry is compared (`adrisk.tracking`).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from adrisk.errors import ModelError
from adrisk.layout import MODEL_FILE

MANIFEST, SEAL = MODEL_FILE, "model.sha256"

MOST_FILES = 256
MOST_FOLDERS_DEEP = 4
MOST_BYTES = 16 << 30
"""Size limit of one file, above the weights of any usable encoder."""

MOST_MANIFEST_BYTES = 16 << 20

_AGAIN = "copy the model again from where it was registered"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_manifest_bytes(folder: Path) -> bytes:
    """The content of `model.json`, compared with its seal where the folder has one.

    Raises:
        ModelError: if there is no such regular file, or it was changed.
    """
    path = folder / MANIFEST
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ModelError(f"{path} is not a regular file; {_AGAIN}")
        if path.lstat().st_size > MOST_MANIFEST_BYTES:
            raise ModelError(f"{path} has more than {MOST_MANIFEST_BYTES >> 20} MB; {_AGAIN}")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{folder} is not a model: no readable model.json in it; give a model folder, "
            "models:/adrisk@champion or runs:/<run>/model"
        ) from error
    seal = folder / SEAL
    if seal.is_symlink() or (seal.exists() and not seal.is_file()):
        raise ModelError(f"{seal} is not a regular file; {_AGAIN}")
    if seal.exists() and _read(seal, 1024) != sealed(content):
        raise ModelError(
            f"{path} was changed since the model was saved, or {SEAL} belongs to another model; "
            f"do not use it, {_AGAIN}"
        )
    return content


def sealed(content: bytes) -> bytes:
    """Content of `model.sha256` for this content of `model.json`."""
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def check_files(folder: Path, listed: Mapping[str, str]) -> None:
    """Compare a folder with the files, and their SHA-256, that its manifest lists.

    Raises:
        ModelError: if a file is missing, altered, not listed, a link or too large.
    """
    for name, digest in listed.items():
        if not _is_plain(name) or not _SHA256.fullmatch(digest):
            raise ModelError(f"{folder}: {_shown(name)} is no file that a model lists; {_AGAIN}")
    present = set()
    for name in _files(folder):
        if name not in listed and name not in (MANIFEST, SEAL):
            raise ModelError(
                f"{folder}: {_shown(name)} is not listed in {MANIFEST}; a model folder holds its "
                f"own files only: take it away, or {_AGAIN}"
            )
        present.add(name)
    for name, digest in listed.items():
        if name not in present:
            raise ModelError(f"{folder}: the file {name} is missing; {_AGAIN}")
        if digest_of(folder / name) != digest:
            raise ModelError(
                f"{folder}: {name} was altered since the model was saved; do not use it, {_AGAIN}"
            )


def digests(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of every file of a folder that is being saved."""
    return {name: digest_of(folder / name) for name in sorted(_files(folder))}


def digest_of(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        ModelError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}); {_AGAIN}") from error


def _files(folder: Path) -> Iterator[str]:
    """Names of the files below a folder that holds only regular files and folders."""
    waiting, entries_read = [(folder, "", 0)], 0
    while waiting:
        place, prefix, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            raise ModelError(f"{place} cannot be read ({error.strerror or error})") from error
        for entry in entries:
            entries_read += 1
            name = prefix + entry.name
            if entries_read > MOST_FILES or depth > MOST_FOLDERS_DEEP:
                raise ModelError(f"{folder} holds more files or folders than a model has; {_AGAIN}")
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), f"{name}/", depth + 1))
                continue
            if not entry.is_file(follow_symlinks=False):
                raise ModelError(
                    f"{folder}: {_shown(name)} is a link or no regular file; put the file itself "
                    f"there, or {_AGAIN}"
                )
            if entry.stat(follow_symlinks=False).st_size > MOST_BYTES:
                raise ModelError(
                    f"{folder}: {_shown(name)} has more than {MOST_BYTES >> 30} GB; {_AGAIN}"
                )
            yield name


def _is_plain(name: str) -> bool:
    """Whether a listed name is a normalised path of a file below the folder."""
    path = PurePosixPath(name)
    plain = bool(name) and name.isprintable() and len(name) < 256 and "\\" not in name
    inside = not path.is_absolute() and ".." not in path.parts and path.as_posix() == name
    return plain and inside and name not in (MANIFEST, SEAL, ".")


def _shown(name: str) -> str:
    """An untrusted name, escaped and shortened to one line."""
    return ascii(name if len(name) <= 80 else name[:80] + "...")


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}); {_AGAIN}") from error
