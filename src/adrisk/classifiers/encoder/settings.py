"""Training settings of the encoder family, checked by the classifier."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Numbers of a training; `longest` and `filler` (the padding token) are the tokeniser's."""

    epochs: int
    batch: int
    learning_rate: float
    patience: int
    smoothing: float
    half: bool
    seed: int
    longest: int
    filler: int
