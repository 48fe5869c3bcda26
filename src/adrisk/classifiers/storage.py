"""Read and write a model's files without running code: safetensors, every name and shape checked,
and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from adrisk.documents import parse_json
from adrisk.errors import ModelError

_SHOWN = 6


def write_tensors(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write named arrays to one file."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_tensors(
    path: Path, **expected: tuple[DTypeLike, tuple[int | None, ...]]
) -> dict[str, Any]:
    """Read arrays that must have these types and shapes; None matches any length.

    Raises:
        ModelError: if the file is missing, damaged, or holds something else.
    """
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read as model weights ({error}); the model folder is incomplete or "
            "damaged: copy it again or train anew"
        ) from error
    if set(found) != set(expected):
        raise ModelError(
            f"{path} holds {_some(found)}, expected {_some(expected)}; it lacks "
            f"{_some(set(expected) - set(found))}: it is the file of another kind of model"
        )
    for name, (dtype, shape) in expected.items():
        array = found[name]
        fits = len(array.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not fits:
            raise ModelError(
                f"{path}: {name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} "
                f"{shape}; the weights and the manifest belong to different models"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"{path}: {name} holds values that are not finite; train anew")
    return dict(found)


def read_text(path: Path) -> str:
    """A text of a model folder.

    Raises:
        ModelError: if the file is missing or is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}); the model folder is incomplete or "
            "damaged: copy it again or train anew"
        ) from error


def read_json(path: Path) -> Any:
    """A JSON file of a model folder, its content not checked yet.

    Raises:
        ModelError: if the file is missing or is not JSON.
    """
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({error}); copy the model again") from error


def _some(names: Iterable[str]) -> str:
    """Names in order, the first of them where there are many."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (", ".join(listed[:_SHOWN]) or "nothing") + more
