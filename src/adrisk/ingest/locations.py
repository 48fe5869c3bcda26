"""Locations of ads: SOURCE arguments, the files they name, and the bytes of files and stdin.

In: an argument such as `emscad:jobs.csv`, `synthetic:20000?seed=7`, `s3://bucket/*.parquet`. Out: a
`Spec` (`parse`); its `SourceFile`s in a stable order, each with the format and compression of its
name (`find_files`); and their bytes, probed, decompressed and fingerprinted. The content is parsed
by the readers.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import sys
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import parse_qsl

import fsspec
import pyarrow as pa
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import get_protocol

from adrisk.errors import SourceError, did_you_mean

PLAIN = "file"
"""The adapter of sources without a scheme: files, globs, folders, URLs, -."""

# Two letters at least, so that C:\ads.csv is a path; s3:// and memory:// are URLs, not schemes.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9_+.-]+):(?!//)(.*)", flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed SOURCE argument: its text, adapter, target and parameters."""

    text: str
    scheme: str
    target: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(text: str, schemes: Collection[str]) -> Spec:
    """The spec of one argument.

    Raises:
        SourceError: if it is empty or its scheme does not exist.
    """
    if not text.strip():
        raise SourceError("a source is empty; expected a file, folder, URL, - or scheme:place")
    match = _SCHEME.fullmatch(text)
    if match is None:
        return Spec(text, PLAIN, text)
    scheme, target = match.group(1).lower(), match.group(2)
    if scheme in schemes and scheme != PLAIN:
        return Spec(text, scheme, target)
    if Path(text).exists():
        return Spec(text, PLAIN, text)
    known = sorted(name for name in schemes if name != PLAIN)
    raise SourceError(
        f"{text!r}: there is no source named {scheme!r}{did_you_mean(scheme, known)}; "
        f"the sources are {', '.join(known)}, or a path or URL without a scheme"
    )


def split_parameters(spec: Spec, allowed: Collection[str]) -> Spec:
    """The spec with `?name=value&...` moved from its target to its parameters.

    Raises:
        SourceError: if the source does not have a parameter.
    """
    target, _, query = spec.target.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    for name in parameters:
        if name not in allowed:
            raise SourceError(
                f"{spec.text!r}: {spec.scheme} has no parameter {name!r}"
                f"{did_you_mean(name, allowed)}; it has {', '.join(sorted(allowed))}"
            )
    return Spec(spec.text, spec.scheme, target, parameters)


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
    """The files of a target, sorted by path, and notes about skipped files.

    A folder stands for all files below it with a known ending, except hidden ones.

    Raises:
        SourceError: for a missing path, an empty glob or folder, an unsupported ending.
    """
    fs, root = _filesystem(target)
    try:
        paths, searched = _matches(fs, root, target)
        chosen = _ad_files(paths) if searched else paths
        files = [_source_file(fs, path, root, target) for path in chosen]
    except (OSError, ImportError) as error:
        raise SourceError(f"{target}: cannot be listed ({describe(error)})") from error
    if not files:
        raise SourceError(
            f"{target}: has no file with a known ending; expected {_endings()}, alone or with "
            f"{', '.join(COMPRESSIONS)}"
        )
    skipped = len(paths) - len(chosen)
    notes = [f"{target}: skipped {skipped} files of other kinds"] if skipped else []
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
    """The paths of a target, and whether they come from a folder or glob."""
    if fs.isfile(root):
        return [root], False
    if fs.isdir(root):
        below = [str(path) for path in fs.find(root)]
        return sorted(path for path in below if not _hidden(path[len(root) :])), True
    if _MAGIC & set(root):
        # As in a shell, a star does not match hidden files.
        fixed = min(root.index(sign) for sign in _MAGIC & set(root))
        shown = [path for path in map(str, fs.glob(root)) if "/." not in path[max(0, fixed - 1) :]]
        found = sorted(path for path in shown if fs.isfile(path))
        if not found:
            raise SourceError(f"{target}: no file matches; check the pattern (quote it in a shell)")
        return found, True
    parent, _, name = root.rstrip("/").rpartition("/")
    siblings = [str(path) for path in fs.ls(parent, detail=False)] if fs.isdir(parent) else []
    hint = did_you_mean(name, [path.rstrip("/").rpartition("/")[2] for path in siblings])
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


def _ad_files(paths: list[str]) -> list[str]:
    """The paths with a known ending; a .json next to other files is a manifest, not ads."""
    known = [path for path in paths if _kind(path)[0]]
    return [path for path in known if not path.lower().endswith(".json")] or known


def _kind(path: str) -> tuple[str, str]:
    """Format and compression by the name; an unknown format is empty."""
    stem, suffix = os.path.splitext(path.lower())
    if suffix in COMPRESSIONS:
        return FORMATS.get(os.path.splitext(stem)[1], ""), suffix
    return FORMATS.get(suffix, ""), ""


def _shown(fs: fsspec.AbstractFileSystem, path: str, root: str, target: str) -> str:
    """The path as the user would write it: relative if the target is."""
    if path == root:
        return target
    if not isinstance(fs, LocalFileSystem):
        return str(fs.unstrip_protocol(path))
    return path if os.path.isabs(target) or "://" in target else os.path.relpath(path)


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.strip("/").split("/"))


def _endings() -> str:
    return ", ".join(FORMATS)


MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longer lines and records are rejected without being held in memory."""

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""Exceptions of readers for a file that is truncated, corrupt or out of reach."""

_PROBE_BYTES = 256 * 1024
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Probe:
    """The first bytes of a file, at least one whole line, and whether they are the whole file."""

    head: bytes
    whole: bool

    @property
    def lines(self) -> bytes:
        """The bytes without the incomplete line at their end."""
        return self.head if self.whole else self.head[: self.head.rfind(b"\n") + 1] or self.head


class ByteFile(Protocol):
    """Bytes that can be probed and then read from the start."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int | None: ...  # noqa: D102
    def probe(self) -> Probe: ...  # noqa: D102
    def open(self) -> AbstractContextManager[BinaryIO]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A stored file, local or remote.

    Attributes:
        name: as shown in messages.
        format: csv, tsv, jsonl or parquet.
        compression: the suffix, such as .gz; empty when there is none.
    """

    fs: fsspec.AbstractFileSystem
    path: str
    name: str
    format: str
    compression: str
    stored_bytes: int

    @property
    def local(self) -> bool:
        """Whether the file is on this machine's disk."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def size(self) -> int | None:
        """Bytes of content; None if the file is compressed."""
        return None if self.compression else self.stored_bytes

    def open_raw(self) -> BinaryIO:
        """The stored bytes."""
        return cast(BinaryIO, self.fs.open(self.path, "rb"))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes decompressed."""
        with self.open_raw() as raw, closing(_decompress(raw, self.compression)) as stream:
            yield _buffered(b"", stream)

    def probe(self) -> Probe:
        """The first bytes of the content.

        Raises:
            SourceError: if they cannot be read.
        """
        try:
            with self.open() as stream:
                return _first_bytes(stream)
        except DAMAGED as error:
            raise SourceError(
                f"{self.name}: cannot be read ({describe(error)}); check that it exists, that you "
                f"may read it and that its ending fits its content"
            ) from error

    def sha256(self) -> str:
        """The SHA-256 of the stored bytes."""
        digest = hashlib.sha256()
        with self.open_raw() as stream:
            while block := stream.read(_BUFFER_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def version(self) -> str:
        """What changes with the content: its fingerprint, or of a remote file what its store says.

        A store says the size, and a time, an ETag or a checksum where it has them.
        """
        if self.local:
            return self.sha256()
        known = {name: str(value) for name, value in self.fs.info(self.path).items()}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


class StandardInput:
    """Standard input, JSONL or CSV by its first bytes; it is read once."""

    name = "-"
    size = None

    def __init__(self) -> None:
        self._stream = cast(BinaryIO, sys.stdin.buffer)
        self._probe = _first_bytes(self._stream)
        head = self._probe.head
        if head[:4] == b"PAR1" or head[:2] == b"\x1f\x8b":
            raise SourceError(
                "-: standard input must be JSONL or CSV text, but it starts like a Parquet or "
                "gzip file; name the file as the source instead, or decompress it on the way"
            )
        text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        self.format = "jsonl" if text[:1] in (b"{", b"[") else "csv"

    def probe(self) -> Probe:
        """The first bytes; `open` returns them again."""
        return self._probe

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """All bytes from the start; standard input itself stays open."""
        yield _buffered(self._probe.head, self._stream)


class _Replayed(io.RawIOBase):
    """A stream that replays bytes already read before the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def describe(error: BaseException) -> str:
    """The message of an exception on one line, or its class if it has none."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _decompress(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == ".zst":
        return cast(
            BinaryIO, pa.CompressedInputStream(pa.PythonFile(cast("io.IOBase", raw), "r"), "zstd")
        )
    if compression == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb"))
    if compression == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    return cast(BinaryIO, lzma.LZMAFile(raw)) if compression == ".xz" else raw


def _buffered(head: bytes, rest: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Replayed(head, rest), _BUFFER_BYTES)


def _first_bytes(stream: BinaryIO) -> Probe:
    head = piece = stream.read(_PROBE_BYTES)
    while len(piece) == _PROBE_BYTES and b"\n" not in head and len(head) < MAX_LINE_BYTES:
        piece = stream.read(_PROBE_BYTES)
        head += piece
    return Probe(head, whole=len(piece) < _PROBE_BYTES)
