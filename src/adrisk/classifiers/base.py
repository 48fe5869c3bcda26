"""What a classifier family is: the Protocol every family fulfils, and what it learns from.

A family turns ads, as `adrisk.batch` gives them, into margins (log-odds): one for each indicator
it learned, and three for "risk is at least 1, 2, 3" that never cross. Calibration, thresholds,
files and tracking are done once, around every family, by `adrisk.model.model`.

To add a family: write one file with a class like this, and one line in `classifiers/__init__.py`.

The parameters of a family by name: the keyword arguments of its `__init__`.

In: a family's class, and the parameters given to it. Out: its parameters and their defaults; an
unknown name is refused with the nearest one that exists. Values are checked where they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from adrisk.batch import TextBatch
from adrisk.errors import did_you_mean
from adrisk.labels.targets import Targets
from adrisk.types import RISKY, FloatArray

THRESHOLDS = (1, 2, 3)
"""The ordinal risk is told by three cumulative questions: is it at least 1, 2, 3?"""

RISKY_COLUMN = THRESHOLDS.index(RISKY)

IMPOSSIBLE = -30.0
"""Margin of a risk level that training never saw: a probability of about 1e-13."""


def enforce_monotone(risk: FloatArray) -> FloatArray:
    """Shape (n, 3) made not increasing along a row; the middle column, risk 2 or more, is kept."""
    middle = risk[:, RISKY_COLUMN : RISKY_COLUMN + 1]
    left = np.maximum(risk[:, :RISKY_COLUMN], middle)
    right = np.minimum(risk[:, RISKY_COLUMN + 1 :], middle)
    return np.concatenate([left, middle, right], axis=1)


@dataclass(frozen=True, slots=True)
class Margins:
    """Log-odds for n ads: `indicators` (n, k), `risk` (n, 3) not increasing along a row.

    `reread`, of shape (n,), says which ads were read a second time, by a family that does so.
    """

    indicators: FloatArray
    risk: FloatArray
    reread: NDArray[np.bool_] | None = None


@runtime_checkable
class Classifier(Protocol):
    """A family of classifiers. Parameters are keyword arguments of `__init__`, kept untouched."""

    family: ClassVar[str]
    labels_: tuple[str, ...]

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Learn from ads; rows with nothing known are ignored. Returns itself.

        Raises:
            CorpusError: if risk is known of no row, or all known rows are of one class.
        """
        ...

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds of each ad; no ads give shapes (0, k) and (0, 3)."""
        ...

    def contributions(self, batch: TextBatch) -> FloatArray:
        """What each character of one ad adds to the log-odds: shape (1 + k, folded characters).

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


@dataclass(frozen=True, slots=True)
class TrainContext:
    """What a long training may use beside its data.

    Attributes:
        checkpoints: a folder that outlives a killed training, or None to keep nothing.
        measured: told metrics by name and the step they belong to, while training goes on.
        every_seconds: how often a checkpoint is written.
    """

    checkpoints: Path | None = None
    measured: Callable[[Mapping[str, float], int], None] = lambda metrics, step: None
    every_seconds: float = 60.0


@runtime_checkable
class LongTraining(Protocol):
    """A family whose training takes minutes: it resumes, and tells its metrics as it goes."""

    def set_context(self, workshop: TrainContext) -> Self:
        """Use a workshop for the next `fit`. Returns itself."""
        ...


@runtime_checkable
class Threaded(Protocol):
    """A family whose library computes on threads of its own."""

    def use_threads(self, count: int) -> None:
        """Compute on so many threads from now on, in this process."""
        ...


def libraries_of(family: type[Classifier]) -> tuple[str, ...]:
    """Libraries that a family computes with beside those of the core: its `libraries`, if any.

    They are imported once for all processes of a scoring run, and a manifest names their versions.
    """
    return tuple(getattr(family, "libraries", ()))


@runtime_checkable
class NeedsTuning(Protocol):
    """A family with a choice to make on ads that none of its parts was fitted on."""

    def calibrate_band(self, batch: TextBatch, targets: Targets) -> Self:
        """Choose on the calibration set; to be called once, after `fit`. Returns itself."""
        ...


def tune(classifier: Classifier, batch: TextBatch, targets: Targets) -> None:
    """Let a fitted classifier make its choice on the calibration set, if it has one to make."""
    if isinstance(classifier, NeedsTuning):
        classifier.calibrate_band(batch, targets)


@runtime_checkable
class ReportsFacts(Protocol):
    """A family with something to say of its fitting, for the manifest and the run."""

    def facts(self) -> dict[str, Any]:
        """JSON values by name."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A family for which explaining every head costs too much."""

    def contributions_to(self, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
        """These rows of `contributions`, in this order."""
        ...


def contributions_to(classifier: Classifier, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
    """These rows of the classifier's contributions, at no more cost than need be."""
    if isinstance(classifier, Selective):
        return classifier.contributions_to(batch, rows)
    return classifier.contributions(batch)[list(rows)]


def defaults_of(kind: Callable[..., Any]) -> Mapping[str, Any]:
    """The parameters of a family, each with its default."""
    return getattr(kind.__init__, "__kwdefaults__", None) or {}


def check_names(name: str, kind: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse a parameter that the family, called by this name, does not have.

    Raises:
        ValueError: naming the parameter, the nearest one, and all there are.
    """
    known = defaults_of(kind)
    for parameter in given:
        if parameter not in known:
            raise ValueError(
                f"{name} has no parameter {parameter!r}{did_you_mean(parameter, known)}; "
                f"it has {', '.join(sorted(known))}"
            )
