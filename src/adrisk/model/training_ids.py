"""Ads that a model learned from, as hashes, and the threshold set as numbers.

In: ids of ads and campaigns; risk, label and campaign of the threshold set. Out: two files of a
model folder. With the first nobody judges a model on its own training ads by mistake; with the
second a policy can set thresholds later. Neither holds an id or a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers import storage
from adrisk.errors import ModelError
from adrisk.text.arrow import text_list
from adrisk.types import ArrowColumn, ArrowValues

SEEN, HELD = "seen.safetensors", "threshold.safetensors"
"""Files of a model folder."""

PARTS = (0, 1, 2)
"""Fit, calibrate and set thresholds."""


@dataclass(frozen=True, slots=True)
class TrainingIds:
    """Which ads a model learned from, as 64-bit hashes of ad and campaign ids, sorted.

    `parts[i]` is 0 where the id was used to fit, 1 to calibrate, 2 to set thresholds.
    """

    hashes: NDArray[np.uint64]
    parts: NDArray[np.int8]

    def part_of(self, ids: ArrowValues) -> NDArray[np.int8]:
        """The part of each id, -1 where the model never saw it."""
        wanted = hash_ids(ids)
        if len(self.hashes) == 0:
            return np.full(len(wanted), -1, dtype=np.int8)
        at = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        return np.where(self.hashes[at] == wanted, self.parts[at], -1).astype(np.int8)


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """The ads of the threshold set as numbers alone, so that a policy can be settled later.

    Attributes:
        risk: shape (n,), calibrated.
        risky: shape (n,), 1 where labelled risk 2 or 3, 0 where less, -1 where not labelled.
        campaigns: shape (n,), a number for each campaign.
    """

    risk: NDArray[np.float32]
    risky: NDArray[np.int8]
    campaigns: NDArray[np.int32]


def write_seen(folder: Path, seen: TrainingIds) -> None:
    """Write the file of a model folder."""
    storage.write_tensors(folder / SEEN, hashes=seen.hashes, parts=seen.parts)


def read_seen(folder: Path) -> TrainingIds:
    """Read the file of a model folder.

    Raises:
        ModelError: if it is damaged: hashes not ascending, or parts that there are not.
    """
    path = folder / SEEN
    found = storage.read_tensors(path, hashes=(np.uint64, (None,)), parts=(np.int8, (None,)))
    seen = TrainingIds(found["hashes"], found["parts"])
    ascending = bool((seen.hashes[1:] > seen.hashes[:-1]).all())
    if len(seen.hashes) != len(seen.parts) or not ascending or not np.isin(seen.parts, PARTS).all():
        raise ModelError(f"{path}: not the sorted ids of a training; copy the model again")
    return seen


def write_held(folder: Path, held: ThresholdSet) -> None:
    """Write the file of a model folder."""
    storage.write_tensors(folder / HELD, risk=held.risk, risky=held.risky, campaigns=held.campaigns)


def read_held(folder: Path) -> ThresholdSet:
    """Read the file of a model folder.

    Raises:
        ModelError: if it is damaged: of unequal lengths, or a risk that is no probability.
    """
    path = folder / HELD
    found = storage.read_tensors(
        path, risk=(np.float32, (None,)), risky=(np.int8, (None,)), campaigns=(np.int32, (None,))
    )
    held = ThresholdSet(found["risk"], found["risky"], found["campaigns"])
    equal = len(held.risk) == len(held.risky) == len(held.campaigns)
    proper = bool(((held.risk >= 0) & (held.risk <= 1)).all()) and bool((held.campaigns >= 0).all())
    if not equal or not proper or not np.isin(held.risky, (-1, 0, 1)).all():
        raise ModelError(f"{path}: not the numbers of a threshold set; copy the model again")
    return held


def hash_ids(ids: ArrowValues) -> NDArray[np.uint64]:
    """The first 64 bits of each id's SHA-256: the same on every machine."""
    digests = b"".join(hashlib.sha256(i.encode()).digest()[:8] for i in text_list(ids))
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def training_ids(parts: Sequence[tuple[int, ArrowColumn]]) -> TrainingIds:
    """Pack (part number, ids) pairs; an id in several parts belongs to the first."""
    hashes = np.concatenate([hash_ids(ids) for _, ids in parts])
    numbers = np.concatenate([np.full(len(ids), n, dtype=np.int8) for n, ids in parts])
    unique, first = np.unique(hashes, return_index=True)
    return TrainingIds(unique, numbers[first])
