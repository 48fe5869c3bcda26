"""Find the files that a path, glob, folder or URL means.

In: the target of a spec. Out: `SourceFile`s in a stable order, each with its format and
compression read off its name. It looks at names only, not inside.
"""

from __future__ import annotations

import os
from typing import cast

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import get_protocol

from adrisk.errors import SourceError, did_you_mean
from adrisk.sources.files import SourceFile, describe

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_MAGIC = frozenset("*?[")


def find_files(target: str) -> tuple[list[SourceFile], list[str]]:
    """The files that a target means, sorted by path, and notes on what was passed over.

    A folder means all files below it that have a known ending, hidden ones excepted.

    Raises:
        SourceError: for a missing path, an empty glob or folder, an unsupported ending.
    """
    fs, root = _filesystem(target)
    try:
        paths, gathered = _matches(fs, root, target)
        chosen = _ads_among(paths) if gathered else paths
        files = [_source_file(fs, path, root, target) for path in chosen]
    except (OSError, ImportError) as error:
        raise SourceError(f"{target}: cannot be looked into ({describe(error)})") from error
    if not files:
        raise SourceError(
            f"{target}: holds no file with a known ending; expected {_endings()}, alone or with "
            f"{', '.join(COMPRESSIONS)}"
        )
    passed_over = len(paths) - len(chosen)
    notes = [f"{target}: passed over {passed_over} files of other kinds"] if passed_over else []
    return files, notes


def _filesystem(target: str) -> tuple[fsspec.AbstractFileSystem, str]:
    try:
        return cast(tuple[fsspec.AbstractFileSystem, str], url_to_fs(target))
    except ImportError as error:
        raise SourceError(
            f"{target}: reading {get_protocol(target)}:// needs a package that is not installed "
            f"({describe(error)})"
        ) from error
    except (ValueError, OSError) as error:
        protocol = get_protocol(target)
        hint = did_you_mean(protocol, fsspec.available_protocols())
        raise SourceError(
            f"{target}: cannot open {protocol}://{hint} ({describe(error)})"
        ) from error


def _matches(fs: fsspec.AbstractFileSystem, root: str, target: str) -> tuple[list[str], bool]:
    """The paths meant, and whether they were gathered rather than named."""
    if fs.isfile(root):
        return [root], False
    if fs.isdir(root):
        below = [str(path) for path in fs.find(root)]
        return sorted(path for path in below if not _hidden(path[len(root) :])), True
    if _MAGIC & set(root):
        # As in a shell, a star does not mean hidden files.
        fixed = min(root.index(sign) for sign in _MAGIC & set(root))
        shown = [path for path in map(str, fs.glob(root)) if "/." not in path[max(0, fixed - 1) :]]
        found = sorted(path for path in shown if fs.isfile(path))
        if not found:
            raise SourceError(f"{target}: no file matches; check the pattern (quote it in a shell)")
        return found, True
    parent, _, name = root.rstrip("/").rpartition("/")
    beside = [str(path) for path in fs.ls(parent, detail=False)] if fs.isdir(parent) else []
    hint = did_you_mean(name, [path.rstrip("/").rpartition("/")[2] for path in beside])
    raise SourceError(f"{target}: no such file or folder{hint}")


def _source_file(fs: fsspec.AbstractFileSystem, path: str, root: str, target: str) -> SourceFile:
    form, compression = _kind(path)
    name = _shown(fs, path, root, target)
    if not form:
        raise SourceError(
            f"{name}: the ending is not one that adrisk reads; expected {_endings()}, alone or "
            f"with {', '.join(COMPRESSIONS)}. Rename or convert the file"
        )
    if form == "parquet" and compression:
        raise SourceError(
            f"{name}: Parquet is compressed inside and cannot be read through {compression}; "
            f"decompress the file first"
        )
    return SourceFile(fs, path, name, form, compression, int(fs.size(path) or 0))


def _ads_among(paths: list[str]) -> list[str]:
    """The paths with a known ending; .json beside others is about them (a manifest), not ads."""
    known = [path for path in paths if _kind(path)[0]]
    return [path for path in known if not path.lower().endswith(".json")] or known


def _kind(path: str) -> tuple[str, str]:
    """Format and compression by the name; an empty format where it is none of ours."""
    stem, suffix = os.path.splitext(path.lower())
    if suffix in COMPRESSIONS:
        return FORMATS.get(os.path.splitext(stem)[1], ""), suffix
    return FORMATS.get(suffix, ""), ""


def _shown(fs: fsspec.AbstractFileSystem, path: str, root: str, target: str) -> str:
    """The path as the user would write it: relative where the target was."""
    if path == root:
        return target
    if not isinstance(fs, LocalFileSystem):
        return str(fs.unstrip_protocol(path))
    return path if os.path.isabs(target) or "://" in target else os.path.relpath(path)


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.strip("/").split("/"))


def _endings() -> str:
    return ", ".join(FORMATS)
