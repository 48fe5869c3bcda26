"""A classifier family in one file, as CONTRIBUTING.md describes: it counts given words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from adrisk.batch import TextBatch
from adrisk.classifiers.base import Margins
from adrisk.labels.targets import Targets, check_risk
from adrisk.types import FloatArray

_PER_WORD = 3.0


class KeywordClassifier:
    """More of the words, more risk. It learns only where to draw the line."""

    family: ClassVar[str] = "keyword"
    labels_: tuple[str, ...] = ()

    def __init__(self, *, words: Sequence[str] = (), seed: int = 0) -> None:
        self.words = words
        self.seed = seed

    def parameters(self) -> dict[str, Any]:
        return {"words": list(self.words), "seed": self.seed}

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        check_risk(targets.risk)
        risky = self._count(batch)[targets.risk >= 2]
        self.line_ = float(risky.mean()) / 2
        return self

    def _count(self, batch: TextBatch) -> FloatArray:
        texts = batch.folded.to_pylist()
        return np.array([[text.count(word) for word in self.words] for text in texts]).sum(axis=1)

    def margins(self, batch: TextBatch) -> Margins:
        count = np.zeros(0) if len(batch) == 0 else self._count(batch)
        risk = _PER_WORD * (count[:, None] - self.line_) - np.array([0.0, 1.0, 2.0])
        return Margins(np.zeros((len(batch), 0)), risk)

    def contributions(self, batch: TextBatch) -> FloatArray:
        folded = batch.folded[0].as_py()
        result = np.zeros((1, len(folded)))
        for word in self.words:
            start = folded.find(word)
            while start >= 0:
                result[0, start : start + len(word)] += _PER_WORD / len(word)
                start = folded.find(word, start + 1)
        return result

    def save(self, folder: Path) -> None:
        (folder / "line.json").write_text(json.dumps(self.line_))

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        model = cls(**parameters)
        model.line_ = json.loads((folder / "line.json").read_text())
        return model
