"""Hashed ids of the training ads, and the threshold set as numbers.

In: ids of ads and campaigns; risk, label and campaign of the threshold set. Out: two files of a
model folder. The first excludes training ads from evaluation; with the second a policy can set
thresholds later. Neither holds an id or a text.
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

TRAINING_IDS_FILE, THRESHOLD_SET_FILE = "seen.safetensors", "threshold.safetensors"
"""Files of a model folder."""

PARTS = (0, 1, 2)
"""Fit, calibrate and set thresholds."""


@dataclass(frozen=True, slots=True)
class TrainingIds:
    """Sorted 64-bit hashes of the ids of the ads and campaigns used in training.

    `parts[i]` is 0 where the id was used to fit, 1 to calibrate, 2 to set thresholds.
    """

    hashes: NDArray[np.uint64]
    parts: NDArray[np.int8]

    def part_of(self, ids: ArrowValues) -> NDArray[np.int8]:
        """The part of each id, -1 where it was not used in training."""
        hashes = hash_ids(ids)
        if len(self.hashes) == 0:
            return np.full(len(hashes), -1, dtype=np.int8)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, self.parts[at], -1).astype(np.int8)


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """The ads of the threshold set as numbers, from which a policy sets its threshold.

    Attributes:
        risk: shape (n,), calibrated.
        risky: shape (n,), 1 where labelled risk 2 or 3, 0 where less, -1 where not labelled.
        campaigns: shape (n,), a number for each campaign.
    """

    risk: NDArray[np.float32]
    risky: NDArray[np.int8]
    campaigns: NDArray[np.int32]


def write_training_ids(folder: Path, training: TrainingIds) -> None:
    """Write the hashed ids to a model folder."""
    storage.write_tensors(folder / TRAINING_IDS_FILE, hashes=training.hashes, parts=training.parts)


def read_training_ids(folder: Path) -> TrainingIds:
    """Read the hashed ids from a model folder.

    Raises:
        ModelError: if it is damaged: hashes not ascending, or unknown parts.
    """
    path = folder / TRAINING_IDS_FILE
    arrays = storage.read_tensors(path, hashes=(np.uint64, (None,)), parts=(np.int8, (None,)))
    training = TrainingIds(arrays["hashes"], arrays["parts"])
    ascending = bool((training.hashes[1:] > training.hashes[:-1]).all())
    if (
        len(training.hashes) != len(training.parts)
        or not ascending
        or not np.isin(training.parts, PARTS).all()
    ):
        raise ModelError(f"{path}: not the sorted ids of a training; copy the model again")
    return training


def write_threshold_set(folder: Path, threshold_set: ThresholdSet) -> None:
    """Write the threshold set to a model folder."""
    storage.write_tensors(
        folder / THRESHOLD_SET_FILE,
        risk=threshold_set.risk,
        risky=threshold_set.risky,
        campaigns=threshold_set.campaigns,
    )


def read_threshold_set(folder: Path) -> ThresholdSet:
    """Read the threshold set from a model folder.

    Raises:
        ModelError: if it is damaged: unequal lengths, or a risk that is no probability.
    """
    path = folder / THRESHOLD_SET_FILE
    arrays = storage.read_tensors(
        path, risk=(np.float32, (None,)), risky=(np.int8, (None,)), campaigns=(np.int32, (None,))
    )
    threshold_set = ThresholdSet(arrays["risk"], arrays["risky"], arrays["campaigns"])
    equal = len(threshold_set.risk) == len(threshold_set.risky) == len(threshold_set.campaigns)
    proper = bool(((threshold_set.risk >= 0) & (threshold_set.risk <= 1)).all()) and bool(
        (threshold_set.campaigns >= 0).all()
    )
    if not equal or not proper or not np.isin(threshold_set.risky, (-1, 0, 1)).all():
        raise ModelError(f"{path}: not the numbers of a threshold set; copy the model again")
    return threshold_set


def hash_ids(ids: ArrowValues) -> NDArray[np.uint64]:
    """The first 64 bits of each id's SHA-256: the same on every machine."""
    digests = b"".join(hashlib.sha256(i.encode()).digest()[:8] for i in text_list(ids))
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def training_ids(parts: Sequence[tuple[int, ArrowColumn]]) -> TrainingIds:
    """`TrainingIds` of (part number, ids) pairs; an id in several parts gets the first."""
    hashes = np.concatenate([hash_ids(ids) for _, ids in parts])
    numbers = np.concatenate([np.full(len(ids), n, dtype=np.int8) for n, ids in parts])
    unique, first = np.unique(hashes, return_index=True)
    return TrainingIds(unique, numbers[first])
