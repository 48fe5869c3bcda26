"""Model files without code execution: checked safetensors, text and strict JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from adrisk.documents import parse_strict_json
from adrisk.errors import ModelError

MOST_TEXT_BYTES = 64 << 20
"""Size limit of a text or JSON file of a model; the largest tokenisers take 20 MB."""

_SHOWN = 6
_DTYPES = {
    np.dtype(numpy_name): stored
    for numpy_name, stored in (
        *(("float64", "F64"), ("float32", "F32"), ("float16", "F16"), ("bool", "BOOL")),
        *(("int8", "I8"), ("int16", "I16"), ("int32", "I32"), ("int64", "I64")),
        *(("uint8", "U8"), ("uint16", "U16"), ("uint32", "U32"), ("uint64", "U64")),
    )
}

Form = tuple[DTypeLike, tuple[int | None, ...]]


def write_tensors(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write named arrays to one file."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_tensors(path: Path, **expected: Form) -> dict[str, Any]:
    """Read arrays that must have these types and shapes; None matches any length.

    Names, types and shapes are checked in the header before any array is read.

    Raises:
        ModelError: if the file is missing, damaged, or has other arrays.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            forms = {name: (s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}
            _check_forms(path, forms, expected)
            arrays = {name: file.get_tensor(name) for name in expected}
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read as model weights ({error}); the model folder is incomplete or "
            "damaged: copy it again or train anew"
        ) from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelError(f"{path}: {name} holds values that are not finite; train anew")
    return arrays


def _check_forms(
    path: Path, found: Mapping[str, tuple[str, tuple[int, ...]]], expected: Mapping[str, Form]
) -> None:
    """Refuse a file whose header lists other arrays, types or shapes than expected."""
    if set(found) != set(expected):
        raise ModelError(
            f"{path} holds {_some(found)}, expected {_some(expected)}; it lacks "
            f"{_some(set(expected) - set(found))}: it is the file of another kind of model"
        )
    for name, (dtype, shape) in expected.items():
        stored, have = found[name]
        fits = len(have) == len(shape) and all(
            want in (None, length) for want, length in zip(shape, have, strict=True)
        )
        if stored != _DTYPES[np.dtype(dtype)] or not fits:
            raise ModelError(
                f"{path}: {name} is {stored} {have}, expected {_DTYPES[np.dtype(dtype)]} "
                f"{shape}; the weights and the manifest belong to different models"
            )


def size_of(path: Path) -> int:
    """Bytes of a file of a model folder.

    Raises:
        ModelError: if it is missing.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({type(error).__name__}); {_DAMAGED}") from error


def read_text(path: Path) -> str:
    """A text of a model folder.

    Raises:
        ModelError: if the file is missing, too large, or is not UTF-8.
    """
    try:
        if size_of(path) > MOST_TEXT_BYTES:
            raise ModelError(f"{path} has more than {MOST_TEXT_BYTES >> 20} MB; {_DAMAGED}")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({type(error).__name__}); {_DAMAGED}") from error


def read_json(path: Path) -> Any:
    """A JSON file of a model folder: finite numbers, limited depth, unique keys.

    Raises:
        ModelError: if the file is missing or is not such JSON.
    """
    try:
        return parse_strict_json(read_text(path))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({error}); copy the model again") from error


_DAMAGED = "the model folder is incomplete or damaged: copy it again or train anew"


def _some(names: Iterable[str]) -> str:
    """The first names in order, and the number of the rest."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (", ".join(listed[:_SHOWN]) or "nothing") + more
