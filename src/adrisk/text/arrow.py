"""UTF-8 bytes and offsets of Arrow string columns as numpy arrays, without copying.

In: a string or large_string column. Out: its bytes, and the bounds of each string in them. The one
place where buffers of string arrays are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.types import ArrowArray, ArrowValues

Bounds = NDArray[np.signedinteger[Any]]


def as_large_strings(texts: ArrowValues) -> ArrowArray:
    """The column as one large_string array.

    Raises:
        ValueError: if a text is null.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        raise ValueError(f"expected texts without nulls, got {texts.null_count} nulls")
    return texts.cast(pa.large_string())


def text_list(texts: ArrowValues) -> list[str]:
    """The texts of a column without nulls, as Python strings."""
    return cast("list[str]", texts.to_pylist())


def string_buffers(values: ArrowArray) -> tuple[Bounds, NDArray[np.uint8]]:
    """The n + 1 bounds of n strings, and the buffer of bytes that they bound; nothing is copied.

    >>> bounds, content = string_buffers(pa.array(["cook", "driver", "tailor"]).slice(1))
    >>> bounds.tolist(), content[bounds[0] : bounds[-1]].tobytes()
    ([4, 10, 16], b'drivertailor')
    """
    width = np.dtype(np.int64 if pa.types.is_large_string(values.type) else np.int32)
    # A Buffer has the buffer protocol; its stubs lack it.
    _, offsets, content = cast("list[memoryview]", values.buffers())
    if not len(values) or not content:
        return np.zeros(len(values) + 1, width), np.zeros(0, np.uint8)
    bounds = np.frombuffer(offsets, width, len(values) + 1, values.offset * width.itemsize)
    return bounds, np.frombuffer(content, np.uint8)


def joined_bytes(values: ArrowArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of n strings end to end, and their n + 1 bounds, of which the first is 0.

    >>> content, bounds = joined_bytes(pa.array(["cook", "driver", "tailor"]).slice(1))
    >>> content.tobytes(), bounds.tolist()
    (b'drivertailor', [0, 6, 12])
    """
    bounds, content = string_buffers(values)
    return content[bounds[0] : bounds[-1]], (bounds - bounds[0]).astype(np.int64, copy=False)


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, lone surrogates among them."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def row_groups(bounds: Bounds, limit: int) -> Iterator[tuple[int, int]]:
    """First row and end of consecutive groups of rows of at most `limit` units together.

    A row of more than `limit` units is a group of its own.

    >>> list(row_groups(np.array([0, 2, 4, 9, 10]), 4))
    [(0, 2), (2, 3), (3, 4)]
    """
    first = 0
    while first < len(bounds) - 1:
        end = max(first + 1, int(np.searchsorted(bounds, bounds[first] + limit, side="right")) - 1)
        yield first, end
        first = end
