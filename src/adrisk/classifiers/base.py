"""Protocol of the classifier families, and what they share: margins, training context, parameters.

In: a `TextBatch` (`adrisk.batch`) and, for training, `Targets`. Out: margins (log-odds), one an
indicator learned and three for "risk is at least 1, 2, 3", not increasing. Calibration,
thresholds, files and tracking are done once, around every family, by `adrisk.model.model`.

A family reads texts from `batch.folded` only: there every contact is masked by a placeholder. It
must not read `batch.raw` or `batch.unmasked`, or the model would learn contacts by heart.

To add a family: write one file with a class like `Classifier`, and one line in
`classifiers/__init__.py`. Its parameters are the keyword arguments of its `__init__`; an unknown
one is refused with the nearest name. Values are checked where they are used.
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
"""The ordinal risk is modelled by three cumulative heads: risk is at least 1, 2, 3."""

RISK_HEADS = len(THRESHOLDS)
RISKY_COLUMN = THRESHOLDS.index(RISKY)

IMPOSSIBLE = -30.0
"""Margin of a risk level that training never saw: a probability of about 1e-13."""


def enforce_monotone(risk: FloatArray) -> FloatArray:
    """Shape (n, 3), clipped to be non-increasing along a row; the middle column is kept."""
    middle = risk[:, RISKY_COLUMN : RISKY_COLUMN + 1]
    left = np.maximum(risk[:, :RISKY_COLUMN], middle)
    right = np.minimum(risk[:, RISKY_COLUMN + 1 :], middle)
    return np.concatenate([left, middle, right], axis=1)


@dataclass(frozen=True, slots=True)
class Margins:
    """Log-odds for n ads: `indicators` (n, k), `risk` (n, 3) not increasing along a row.

    `reread`, shape (n,), marks ads scored by the encoder too; None for families of one pass.
    """

    indicators: FloatArray
    risk: FloatArray
    reread: NDArray[np.bool_] | None = None


@runtime_checkable
class Classifier(Protocol):
    """Classifier family. Parameters are keyword arguments of `__init__`, kept untouched.

    Texts are read from `batch.folded`, where contacts are masked, never from `raw` or `unmasked`.
    """

    family: ClassVar[str]
    labels_: tuple[str, ...]

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Fit on labelled ads; rows without a known label are ignored. Returns itself.

        Raises:
            CorpusError: if no row has a known risk, or all known rows are of one class.
        """
        ...

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds of each ad; no ads give shapes (0, k) and (0, 3)."""
        ...

    def contributions(self, batch: TextBatch) -> FloatArray:
        """Contribution of each character of one ad to the log-odds: shape (1 + k, characters).

        Row 0 is the risk margin, the others follow `labels_`. Each row and its intercept sum
        to the margin.
        """
        ...

    def parameters(self) -> dict[str, object]:
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
    """Services for a long training: checkpoints and a metrics callback.

    Attributes:
        checkpoints: a folder that outlives a killed training, or None to keep nothing.
        log_metrics: called during training with metrics by name and their step.
        every_seconds: time between checkpoints.
    """

    checkpoints: Path | None = None
    log_metrics: Callable[[Mapping[str, float], int], None] = lambda metrics, step: None
    every_seconds: float = 60.0


@runtime_checkable
class LongTraining(Protocol):
    """Family whose training takes minutes: it resumes from checkpoints and logs metrics."""

    def set_context(self, context: TrainContext) -> Self:
        """Set the context of the next `fit`. Returns itself."""
        ...


@runtime_checkable
class Threaded(Protocol):
    """Family whose library computes on its own threads."""

    def use_threads(self, count: int) -> None:
        """Set the number of threads for this process."""
        ...


def libraries_of(family: type[Classifier]) -> tuple[str, ...]:
    """Libraries a family needs besides those of the core: its `libraries`, if any.

    They are imported once for all processes of a scoring run; manifests record their versions.
    """
    return tuple(getattr(family, "libraries", ()))


@runtime_checkable
class NeedsTuning(Protocol):
    """Family with parameters tuned on ads that none of its parts was fitted on."""

    def calibrate_band(self, batch: TextBatch, targets: Targets) -> Self:
        """Tune on the calibration set; called once, after `fit`. Returns itself."""
        ...


def tune(classifier: Classifier, batch: TextBatch, targets: Targets) -> None:
    """Tune a fitted classifier on the calibration set, if its family needs it."""
    if isinstance(classifier, NeedsTuning):
        classifier.calibrate_band(batch, targets)


@runtime_checkable
class ReportsFacts(Protocol):
    """Family that reports facts about its fitting, for the manifest and the tracked run."""

    def facts(self) -> dict[str, object]:
        """JSON values by name."""
        ...


@runtime_checkable
class Selective(Protocol):
    """Family that can explain some heads without the cost of all."""

    def contributions_to(self, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
        """These rows of `contributions`, in this order."""
        ...


def contributions_to(classifier: Classifier, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
    """Selected rows of the classifier's contributions, computed alone where the family can."""
    if isinstance(classifier, Selective):
        return classifier.contributions_to(batch, rows)
    return classifier.contributions(batch)[list(rows)]


def defaults_of(kind: Callable[..., object]) -> Mapping[str, object]:
    """The parameters of a family, each with its default."""
    return getattr(kind.__init__, "__kwdefaults__", None) or {}


def parameters_of(classifier: Classifier) -> dict[str, object]:
    """The keyword arguments a classifier was made with, kept as attributes of the same names."""
    return {name: getattr(classifier, name) for name in defaults_of(type(classifier))}


def check_names(name: str, kind: Callable[..., object], given: Mapping[str, object]) -> None:
    """Refuse an unknown parameter of the family with this name.

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
