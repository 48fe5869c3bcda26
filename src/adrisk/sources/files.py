"""Files at rest and standard input as bytes: looked at first, decompressed, fingerprinted.

What the bytes mean is the readers' business.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from adrisk.errors import SourceError

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line or record is not an ad, and is not held in memory."""

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What readers raise for a file that is truncated, corrupt or out of reach."""

_PROBE_BYTES = 256 * 1024
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Probe:
    """The first bytes of a file, at least one whole line, and whether they are all of it."""

    head: bytes
    whole: bool

    @property
    def lines(self) -> bytes:
        """The bytes without the half line at their end."""
        return self.head if self.whole else self.head[: self.head.rfind(b"\n") + 1] or self.head


class ByteFile(Protocol):
    """Bytes that can be looked at first and then read from the start."""

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
    """A file at rest, local or remote.

    Attributes:
        name: as shown to people.
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
        """Bytes of content, where the file is not compressed."""
        return None if self.compression else self.stored_bytes

    def open_raw(self) -> BinaryIO:
        """The bytes as they are stored."""
        return cast(BinaryIO, self.fs.open(self.path, "rb"))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes decompressed."""
        with self.open_raw() as raw, closing(_decompress(raw, self.compression)) as stream:
            yield _buffered(b"", stream)

    def probe(self) -> Probe:
        """A look at the content.

        Raises:
            SourceError: if they cannot be read.
        """
        try:
            with self.open() as stream:
                return _first_bytes(stream)
        except DAMAGED as error:
            raise SourceError(
                f"{self.name}: cannot be read ({describe(error)}); check that it exists, that you "
                f"may read it and that it is what its name says"
            ) from error

    def sha256(self) -> str:
        """The fingerprint of the stored bytes."""
        digest = hashlib.sha256()
        with self.open_raw() as stream:
            while block := stream.read(_BUFFER_BYTES):
                digest.update(block)
        return digest.hexdigest()


class StandardInput:
    """Standard input, recognised as JSONL or CSV by its first bytes; read once."""

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
        """A look at what arrived; it will be read again."""
        return self._probe

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """All bytes from the start; standard input itself stays open."""
        yield _buffered(self._probe.head, self._stream)


class _Replayed(io.RawIOBase):
    """Bytes already taken from a stream, and then the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def describe(error: BaseException) -> str:
    """An exception's own words on one line, or its class when it has none."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _decompress(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == ".zst":
        return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"))
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
