"""Features from the evidence rules: which indicators are stated, denied, and the graded risk.

In: a `TextBatch`. Out: a matrix (n, 2 k + 3) of 0 and 1: each indicator present, each indicator
absent (both 0 where not stated), and the taxonomy's graded risk at least 1, 2, 3; and the weights
that linear families learn for them. In an explanation a column's contribution is spread over the
words matched by its rules.

Rule authors read training ads, so rules match nine in ten phrasings there and two in three of
held-out ones (`evaluation/protocol.md`). A model fitted on all of them would rely too much on the
absence of matches, so the features of three in ten training campaigns are set to 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adrisk.batch import TextBatch
from adrisk.classifiers import storage
from adrisk.errors import ModelError
from adrisk.labels.targets import Targets
from adrisk.rules.taxonomy import Taxonomy, graded_risk
from adrisk.types import FloatArray

SCALE = 0.4
"""Scale of a rule column relative to the mean norm of the text features: larger than an n-gram's,
so that its weight is regularised less."""

MISSED = 0.3
"""Share of the training campaigns whose rule features are set to 0."""

_GRADES = (1, 2, 3)
_PRESENT, _ABSENT, _GRADED = "present", "absent", "graded"


@dataclass(frozen=True, slots=True)
class RuleFeatureWeights:
    """Weight of each rule column in each of h margins.

    Attributes:
        names: the d columns; empty for a model without rule features.
        weights: shape (d, h), float32.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]

    def products(self, batch: TextBatch) -> FloatArray:
        """Contribution of the rule features to the margins of n ads, shape (n, h)."""
        if not self.names:
            return np.zeros((len(batch), self.weights.shape[1]))
        # A sparse product handles each row separately, so no ad depends on its neighbours.
        features = sparse.csr_array(rule_feature_matrix(batch, self.names))
        return np.asarray(features @ self.weights.astype(np.float64))

    def places(self, batch: TextBatch) -> FloatArray:
        """Contribution of the rule features of one ad by character, shape (characters, h)."""
        if not self.names:
            return np.zeros((len(batch.folded[0].as_py()), self.weights.shape[1]))
        features = rule_feature_matrix(batch, self.names)[0]
        return rule_feature_places(batch, self.names, features[:, None] * self.weights)

    def save(self, folder: Path) -> None:
        """Write `found.json` and `found.safetensors`, or nothing without rule features."""
        if self.names:
            (folder / "found.json").write_text(json.dumps(self.names) + "\n", encoding="utf-8")
            storage.write_tensors(folder / "found.safetensors", weights=self.weights)

    @classmethod
    def load(cls, folder: Path, heads: int) -> RuleFeatureWeights:
        """Read what `save` wrote for this number of margins.

        Raises:
            ModelError: if the files cannot be read or do not fit each other.
        """
        path = folder / "found.json"
        if not path.exists():
            return cls((), np.zeros((0, heads), dtype=np.float32))
        names = storage.read_json(path)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ModelError(f"{path}: expected a list of column names; copy the model again")
        shape = (len(names), heads)
        read = storage.read_tensors(folder / "found.safetensors", weights=(np.float32, shape))
        return cls(tuple(names), read["weights"])


def rule_feature_names(taxonomy: Taxonomy) -> tuple[str, ...]:
    """Names of the columns of a taxonomy, in order."""
    ids = taxonomy.text_ids
    return (
        *(f"{_PRESENT}:{name}" for name in ids),
        *(f"{_ABSENT}:{name}" for name in ids),
        *(f"{_GRADED}:{grade}" for grade in _GRADES),
    )


def rule_feature_matrix(batch: TextBatch, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Shape (n, len(names)), 0 or 1; a column missing in the taxonomy of the batch is 0."""
    taxonomy = batch.rules.taxonomy
    current = rule_feature_names(taxonomy)
    present, absent = batch.rule_hits.states(len(taxonomy.text_ids))
    grades = _grades(present, taxonomy)[:, None] >= np.array(_GRADES)
    whole = np.concatenate([present, absent, grades], axis=1).astype(np.float32)
    if names == current:
        return whole
    index = {name: at for at, name in enumerate(current)}
    matrix = np.zeros((len(batch), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        if name in index:
            matrix[:, column] = whole[:, index[name]]
    return matrix


def training_rule_features(
    batch: TextBatch, names: tuple[str, ...], targets: Targets, seed: int
) -> NDArray[np.float32]:
    """`rule_feature_matrix` for training, with all 0 in a share `MISSED` of the campaigns."""
    matrix = rule_feature_matrix(batch, names)
    campaigns = np.arange(len(batch)) if targets.campaigns is None else targets.campaigns
    distinct, member = np.unique(campaigns, return_inverse=True)
    missed = np.random.default_rng(seed).random(len(distinct)) < MISSED
    matrix[missed[member]] = 0.0
    return matrix


def scale_beside(features: sparse.csr_array) -> np.float32:
    """Factor for the rule columns when stacked with these text features, shape (n, d)."""
    norm = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)))
    return np.float32(SCALE * norm.mean())


def rule_feature_places(batch: TextBatch, names: tuple[str, ...], shares: FloatArray) -> FloatArray:
    """Contributions of columns spread over the matched words: shape (characters, h).

    Args:
        batch: of one ad.
        names: d columns.
        shares: shape (d, h), contribution of each column; 0 where its feature is 0.
    """
    hits = batch.rule_hits
    ids = batch.rules.taxonomy.text_ids
    length = len(batch.folded[0].as_py())
    covered: dict[str, NDArray[np.bool_]] = {}
    for indicator, present, start, end in zip(
        hits.indicator, hits.present, hits.start, hits.end, strict=True
    ):
        kinds = [f"{_PRESENT if present else _ABSENT}:{ids[indicator]}"]
        kinds += [f"{_GRADED}:{grade}" for grade in _GRADES] if present else []
        for kind in kinds:
            covered.setdefault(kind, np.zeros(length, dtype=np.bool_))[start:end] = True
    result = np.zeros((length, shares.shape[1]))
    for share, name in zip(shares, names, strict=True):
        if share.any() and name in covered:
            result[covered[name]] += share / covered[name].sum()
    return result


def _grades(present: NDArray[np.bool_], taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Graded risk of each row, shape (n,); identical rows are graded once."""
    packed = np.packbits(present, axis=1)
    _, first, which = np.unique(
        packed.view(f"V{packed.shape[1]}")[:, 0], return_index=True, return_inverse=True
    )
    ids = taxonomy.text_ids
    grades = [
        graded_risk({ids[at] for at in np.flatnonzero(present[row])}, taxonomy) for row in first
    ]
    return np.array(grades, dtype=np.int64)[which]
