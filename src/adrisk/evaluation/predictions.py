"""Scores of an evaluation, kept with its run so that two models can be compared in pairs later.

In: ad ids, campaigns, risk labels and scores of the ads a model was judged on. Out: bytes of a
safetensors file, and back. Ids are hashed; there is no text and no contact.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers import storage
from adrisk.errors import CorpusError, ModelError
from adrisk.labels.targets import Targets
from adrisk.metrics.comparison import Pair
from adrisk.types import FloatArray, IntArray

FILE = "predictions.safetensors"


@dataclass(frozen=True, slots=True)
class JudgedPredictions:
    """Risk that one model gives to n ads.

    Attributes:
        ads: shape (n,), hashes of the ids.
        campaigns: shape (n,), equal numbers are one campaign of the data set.
        labels: shape (n,), risk 0 to 3, -1 where not known.
        risk: shape (n,), probability that risk is 2 or 3.
    """

    ads: NDArray[np.uint64]
    campaigns: IntArray
    labels: IntArray
    risk: FloatArray

    def to_bytes(self) -> bytes:
        """The content of the file."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / FILE
            storage.write_tensors(
                path, ads=self.ads, campaigns=self.campaigns, labels=self.labels, risk=self.risk
            )
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> JudgedPredictions:
        """What `to_bytes` wrote.

        Raises:
            ModelError: if it is anything else.
        """
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / FILE
            path.write_bytes(content)
            found = storage.read_tensors(
                path,
                ads=(np.uint64, (None,)),
                campaigns=(np.int64, (None,)),
                labels=(np.int64, (None,)),
                risk=(np.float64, (None,)),
            )
        if len({len(column) for column in found.values()}) != 1:
            raise ModelError(f"{FILE} of an evaluation is damaged; evaluate the model again")
        return cls(**found)


def pair_of(first: JudgedPredictions, second: JudgedPredictions) -> Pair:
    """Both models on the ads that both were judged on, which neither learned from.

    Raises:
        CorpusError: if there is no such ad, or its labels changed between the evaluations.
    """
    _, mine, theirs = np.intersect1d(first.ads, second.ads, return_indices=True)
    if not len(mine):
        raise CorpusError(
            "the two evaluations have no ad in common that neither model learned from"
        )
    labels = first.labels[mine]
    if (labels != second.labels[theirs]).any():
        raise CorpusError("the labels of the ads changed between the two evaluations")
    nothing = np.zeros((len(mine), 0))
    return Pair(
        risk=(first.risk[mine], second.risk[theirs]),
        indicators=(nothing, nothing),
        labels=(),
        targets=Targets((), nothing, labels),
        campaigns=first.campaigns[mine],
    )
