"""What a classifier family is: the Protocol every family fulfils, and what it learns from.

A family turns folded ad texts into margins (log-odds): one for each indicator it learned, and
three for "risk is at least 1, 2, 3" that never cross. Calibration, thresholds, files and tracking
are done once, around every family, by `adrisk.model`.

To add a family: write one file with a class like this, and one line in `classifiers/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa

from adrisk.labels import Targets
from adrisk.types import RISKY, FloatArray

THRESHOLDS = (1, 2, 3)
"""The ordinal risk is told by three cumulative questions: is it at least 1, 2, 3?"""

RISKY_COLUMN = THRESHOLDS.index(RISKY)

IMPOSSIBLE = -30.0
"""Margin of a risk level that training never saw: a probability of about 1e-13."""


def uncrossed(risk: FloatArray) -> FloatArray:
    """Shape (n, 3) made not increasing along a row; the middle column, risk 2 or more, is kept."""
    middle = risk[:, RISKY_COLUMN : RISKY_COLUMN + 1]
    left = np.maximum(risk[:, :RISKY_COLUMN], middle)
    right = np.minimum(risk[:, RISKY_COLUMN + 1 :], middle)
    return np.concatenate([left, middle, right], axis=1)


@dataclass(frozen=True, slots=True)
class Margins:
    """Log-odds for n ads: `indicators` (n, k), `risk` (n, 3) not increasing along a row."""

    indicators: FloatArray
    risk: FloatArray


@runtime_checkable
class Classifier(Protocol):
    """A family of classifiers. Parameters are keyword arguments of `__init__`, kept untouched."""

    family: ClassVar[str]
    labels_: tuple[str, ...]

    def fit(self, folded: pa.Array, targets: Targets) -> Self:
        """Learn from folded texts; rows with nothing known are ignored. Returns itself.

        Raises:
            CorpusError: if risk is known of no row, or all known rows are of one class.
        """
        ...

    def margins(self, folded: pa.Array) -> Margins:
        """Log-odds of each ad; no ads give shapes (0, k) and (0, 3)."""
        ...

    def contributions(self, folded: str) -> FloatArray:
        """What each character adds to the log-odds: shape (1 + k, len(folded)).

        Row 0 is the risk margin, the others follow `labels_`. Each row and its intercept sum
        to the margin.
        """
        ...

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of `__init__`, JSON values."""
        ...

    def save(self, folder: Path) -> None:
        """Write the learned state below an existing folder: safetensors and JSON, never pickle."""
        ...

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            ModelError: if a file is missing or is not what its kind of model needs.
        """
        ...
