"""The slices that figures are given for: language, kind, length, source and month of an ad."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_LENGTHS = ((0, 200, "under 200"), (200, 600, "200-599"), (600, 1500, "600-1499"))


def slices_of(ads: pa.Table) -> dict[str, NDArray[np.str_]]:
    """Language, kind, length, source and month of each ad, as far as the table knows them."""
    names = set(ads.column_names)
    found: dict[str, NDArray[np.str_]] = {}
    for name, column in (("language", "language"), ("kind", "kind"), ("source", "source")):
        if column in names:
            found[name] = _strings(ads[column])
    characters = pc.utf8_length(ads["text"]).to_numpy()
    length = np.full(len(ads), "1500 and more", dtype=object)
    for low, high, name in _LENGTHS:
        length[(characters >= low) & (characters < high)] = name
    found["length"] = length.astype(np.str_)
    if "posted_at" in names:
        found["month"] = _strings(pc.strftime(ads["posted_at"], format="%Y-%m"))
    return found


def _strings(column: pa.ChunkedArray) -> NDArray[np.str_]:
    return np.array([value or "" for value in column.to_pylist()], dtype=np.str_)
