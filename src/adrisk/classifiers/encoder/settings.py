"""How to learn: the numbers that a training is given, checked by the classifier before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to learn; `longest` and `filler` are the tokeniser's."""

    epochs: int
    batch: int
    learning_rate: float
    patience: int
    smoothing: float
    half: bool
    seed: int
    longest: int
    filler: int
