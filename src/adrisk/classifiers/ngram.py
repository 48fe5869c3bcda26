"""Fast family: hashed n-grams with linear heads in one weight table, plus rule features.

The inverse document frequency is folded into the weights, so that scoring a text is a sum of table
rows: no vocabulary, no sparse matrix, no Python per ad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from adrisk.batch import TextBatch
from adrisk.classifiers import storage
from adrisk.classifiers.base import RISK_HEADS, Margins, parameters_of
from adrisk.classifiers.linear_heads import LinearHeads, fit_heads
from adrisk.classifiers.rule_features import (
    RuleFeatureWeights,
    rule_feature_names,
    scale_beside,
    training_rule_features,
)
from adrisk.errors import ModelError
from adrisk.labels.targets import Targets, check_risk, learnable
from adrisk.text.ngrams import CHAR_ORDERS, bags, hashed_matrix
from adrisk.types import FloatArray

_MOST_BITS = 30
_compiled: Callable[..., None] | None
try:
    _compiled = import_module("adrisk.classifiers._row_sums").row_sums
except ImportError:  # installed without a C compiler
    _compiled = None

_LINE_BYTES = 64
_ALIGNED = _LINE_BYTES // 4  # floats: rows that start on a cache line are summed a third faster


class NgramClassifier:
    """Hashed byte 3-5-grams and word 1-2-grams with linear heads.

    Args:
        bits: the weight table has 2 ** bits rows; 20 makes collisions rare, 18 a model of 30 MB.
        strength: inverse of the regularisation.
        min_positives: an indicator needs as many present and absent ads to get a head.
        findings: whether rule hits are features besides the text.
        seed: of the solver.
    """

    family: ClassVar[str] = "ngram"
    labels_: tuple[str, ...]

    def __init__(
        self,
        *,
        bits: int = 18,
        strength: float = 4.0,
        min_positives: int = 8,
        findings: bool = True,
        seed: int = 0,
    ) -> None:
        self.bits = bits
        self.strength = strength
        self.min_positives = min_positives
        self.findings = findings
        self.seed = seed

    def parameters(self) -> dict[str, object]:
        """As given to `__init__`."""
        return parameters_of(self)

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Learn the heads; see `Classifier.fit`."""
        check_risk(targets.risk)
        features = hashed_matrix(batch.folded, self.bits)
        document_count = np.bincount(features.indices, minlength=features.shape[1])
        idf = np.log((1 + features.shape[0]) / (1 + document_count)) + 1
        weighted = sparse.csr_array(
            features.multiply(sparse.csr_array(idf[None, :].astype(np.float32)))
        )
        labels = learnable(targets, self.min_positives)
        names = rule_feature_names(batch.rules.taxonomy) if self.findings else ()
        blocks, scale = [weighted], scale_beside(weighted)
        if names:
            learned = training_rule_features(batch, names, targets, self.seed)
            blocks.append(sparse.csr_array(scale * learned))
        stacked = sparse.csr_array(sparse.hstack(blocks, format="csr"))
        heads = fit_heads(stacked, targets, labels, self.strength, self.seed)
        table, rule_weights = np.split(heads.weights, [len(idf)])
        return self._set_state(
            replace(heads, weights=table),
            table * idf[:, None].astype(np.float32),
            RuleFeatureWeights(names, scale * rule_weights),
        )

    def _set_state(
        self, heads: LinearHeads, table: NDArray[np.float32], rule_features: RuleFeatureWeights
    ) -> Self:
        self.labels_ = heads.labels
        self._heads = heads
        self._rule_features = rule_features
        # The last row stands for "no n-gram begins here"; its weights are 0.
        rows, columns = table.shape
        width = -columns % _ALIGNED + columns
        self._table = _aligned_zeros(rows + 1, width)
        self._table[:rows, :columns] = table
        self._width = columns
        return self

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        sums = [np.zeros((0, self._width))]
        for bag in bags(batch.folded, self.bits):
            total = np.zeros((len(bag.char_scale), self._width))
            for kinds, offsets, scale in (
                (bag.chars, bag.char_offsets, bag.char_scale),
                (bag.words, bag.word_offsets, bag.word_scale),
            ):
                for rows in kinds:
                    row_total = row_sums(self._table, rows, offsets)
                    total += row_total[:, : self._width] * scale[:, None]
            sums.append(total)
        return self._heads.margins(np.concatenate(sums) + self._rule_features.products(batch))

    def contributions(self, batch: TextBatch) -> FloatArray:
        """Exact contributions: every n-gram's weight spread evenly over its bytes."""
        folded = batch.folded[0].as_py()
        content = folded.encode()
        by_byte = np.zeros((len(content) + 1, self._width))
        weights = self._table[:, : self._width]
        for bag in bags(pa.array([folded], pa.large_string()), self.bits):
            for order, rows in zip(CHAR_ORDERS, bag.chars, strict=True):
                share = weights[rows] * (bag.char_scale[0] / order)
                for step in range(min(order, len(content))):
                    by_byte[step : len(content)] += share[: len(content) - step]
            singles, pairs = bag.words
            for at, start in enumerate(bag.word_starts):
                last = min(at + 1, len(singles) - 1)
                for row, end in (
                    (singles[at], bag.word_ends[at]),
                    (pairs[at], bag.word_ends[last]),
                ):
                    by_byte[start:end] += weights[row] * (bag.word_scale[0] / (end - start))
        # Sum the bytes of each character.
        lengths = [len(character.encode()) for character in folded]
        edges = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        totals = np.concatenate([np.zeros((1, by_byte.shape[1])), np.cumsum(by_byte, axis=0)])
        by_character = totals[edges[1:]] - totals[edges[:-1]]
        return self._heads.contributions(by_character + self._rule_features.places(batch))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and the weights of the rule features."""
        self._rule_features.save(folder)
        storage.write_tensors(
            folder / "weights.safetensors",
            table=self._table[:-1, : self._width],
            intercepts=self._heads.intercepts,
        )

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read the files of `save` and check every shape."""
        model = cls(**parameters)
        if not isinstance(model.bits, int) or not 1 <= model.bits <= _MOST_BITS:
            raise ModelError(f"{folder}: bits of the n-gram table must be 1 to {_MOST_BITS}")
        rows = 1 << model.bits
        read = storage.read_tensors(
            folder / "weights.safetensors",
            table=(np.float32, (rows, RISK_HEADS + len(labels))),
            intercepts=(np.float64, (RISK_HEADS + len(labels),)),
        )
        heads = LinearHeads(tuple(labels), read["table"], read["intercepts"])
        return model._set_state(
            heads, read["table"], RuleFeatureWeights.load(folder, RISK_HEADS + len(labels))
        )


def row_sums(
    table: NDArray[np.float32], rows: NDArray[np.int32], offsets: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Sums of table rows, one a text, accumulated in float32 in the order of the rows.

    Args:
        table: shape (t, width).
        rows: numbers of table rows, concatenated over the texts.
        offsets: shape (n + 1,); text i owns `rows[offsets[i]:offsets[i + 1]]`.

    Returns:
        Shape (n, width).

    >>> table = np.arange(8, dtype=np.float32).reshape(4, 2)
    >>> row_sums(table, np.array([3, 1, 0], np.int32), np.array([0, 2, 2, 3], np.int32)).tolist()
    [[8.0, 10.0], [0.0, 0.0], [0.0, 1.0]]
    """
    if _compiled is None or table.shape[1] % _ALIGNED:
        return product_sums(table, rows, offsets)
    sums = np.empty((len(offsets) - 1, table.shape[1]), dtype=np.float32)
    _compiled(table, rows, offsets, sums, table.shape[1])
    return sums


def product_sums(
    table: NDArray[np.float32], rows: NDArray[np.int32], offsets: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Bit-identical `row_sums` without compiled code, three times as slow.

    A sparse product handles each row separately, so no text depends on its neighbours.
    """
    ones = np.ones(len(rows), dtype=np.float32)
    counts = sparse.csr_array((ones, rows, offsets), shape=(len(offsets) - 1, len(table)))
    return np.asarray(counts @ table)


def _aligned_zeros(rows: int, width: int) -> NDArray[np.float32]:
    """Zeros that start on a cache line; numpy aligns to 16 bytes only."""
    space = np.zeros(rows * width + _ALIGNED, dtype=np.float32)
    skipped = -space.ctypes.data % _LINE_BYTES // space.itemsize
    return space[skipped : skipped + rows * width].reshape(rows, width)
