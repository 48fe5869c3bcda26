"""What the evidence rules found, as features beside the text.

For every indicator two columns, stated to be so and stated not to be so (neither where an ad states
nothing), and three for the risk that the taxonomy's rules make of what is present: at least 1, 2,
3. A family that asks for them learns a weight for each. In an explanation a column's weight lies on
the words that the rules found.

Rules are written by people who read training ads, so in those they miss less than they will in new
ones: nine in ten phrasings are found, of held-out ones two in three (`evaluation/protocol.md`). A
family that learned from that would trust their silence too much and leave the text unread, so in
three of ten training campaigns the rules are taken to have found nothing.
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
"""How large a column is to the solver of linear heads, beside the mean length of an ad's vector of
text features: its weight is shrunk less than those of n-grams, of which every ad has hundreds."""

MISSED = 0.3
"""The share of campaigns learned from as if the rules had found nothing in them."""

_GRADES = (1, 2, 3)
_PRESENT, _ABSENT, _GRADED = "present", "absent", "graded"


@dataclass(frozen=True, slots=True)
class RuleFeatureWeights:
    """What each column adds to each of h margins.

    Attributes:
        names: the d columns; none for a model that does not ask the rules.
        weights: shape (d, h), float32.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]

    def products(self, batch: TextBatch) -> FloatArray:
        """What the findings add to the margins of n ads, shape (n, h)."""
        if not self.names:
            return np.zeros((len(batch), self.weights.shape[1]))
        # A sparse product adds up each row by itself, so that no ad depends on its neighbours.
        features = sparse.csr_array(rule_feature_matrix(batch, self.names))
        return np.asarray(features @ self.weights.astype(np.float64))

    def places(self, batch: TextBatch) -> FloatArray:
        """What they add to those of one ad, where: shape (characters, h)."""
        if not self.names:
            return np.zeros((len(batch.folded[0].as_py()), self.weights.shape[1]))
        features = rule_feature_matrix(batch, self.names)[0]
        return rule_feature_places(batch, self.names, features[:, None] * self.weights)

    def save(self, folder: Path) -> None:
        """Write `found.json` and `found.safetensors`, or nothing where the rules are not asked."""
        if self.names:
            (folder / "found.json").write_text(json.dumps(self.names) + "\n", encoding="utf-8")
            storage.write_tensors(folder / "found.safetensors", weights=self.weights)

    @classmethod
    def load(cls, folder: Path, heads: int) -> RuleFeatureWeights:
        """Read what `save` wrote for so many margins.

        Raises:
            ModelError: if the files cannot be read or do not fit each other.
        """
        path = folder / "found.json"
        if not path.exists():
            return cls((), np.zeros((0, heads), dtype=np.float32))
        names = read_names(path)
        shape = (len(names), heads)
        read = storage.read_tensors(folder / "found.safetensors", weights=(np.float32, shape))
        return cls(names, read["weights"])


def read_names(path: Path) -> tuple[str, ...]:
    """The columns listed in a JSON file.

    Raises:
        ModelError: if it holds anything else.
    """
    names = storage.read_json(path)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"{path}: expected a list of column names; copy the model again")
    return tuple(names)


def rule_feature_names(taxonomy: Taxonomy) -> tuple[str, ...]:
    """The columns that a taxonomy gives, in order."""
    ids = taxonomy.text_ids
    return (
        *(f"{_PRESENT}:{name}" for name in ids),
        *(f"{_ABSENT}:{name}" for name in ids),
        *(f"{_GRADED}:{grade}" for grade in _GRADES),
    )


def rule_feature_matrix(batch: TextBatch, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Shape (n, len(names)), 0 or 1; a column that the taxonomy no longer has is 0."""
    taxonomy = batch.rules.taxonomy
    here = rule_feature_names(taxonomy)
    present, absent = batch.rule_hits.states(len(taxonomy.text_ids))
    grades = _grades(present, taxonomy)[:, None] >= np.array(_GRADES)
    whole = np.concatenate([present, absent, grades], axis=1).astype(np.float32)
    if names == here:
        return whole
    places = {name: at for at, name in enumerate(here)}
    matrix = np.zeros((len(batch), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        if name in places:
            matrix[:, column] = whole[:, places[name]]
    return matrix


def training_rule_features(
    batch: TextBatch, names: tuple[str, ...], targets: Targets, seed: int
) -> NDArray[np.float32]:
    """`rule_feature_matrix` for training, emptied in the share `MISSED` of the campaigns."""
    matrix = rule_feature_matrix(batch, names)
    campaigns = np.arange(len(batch)) if targets.campaigns is None else targets.campaigns
    kinds, of = np.unique(campaigns, return_inverse=True)
    missed = np.random.default_rng(seed).random(len(kinds)) < MISSED
    matrix[missed[of]] = 0.0
    return matrix


def scale_beside(features: sparse.csr_array) -> np.float32:
    """What to multiply the columns by where they are learned beside these text features, (n, d)."""
    length = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)))
    return np.float32(SCALE * length.mean())


def rule_feature_places(batch: TextBatch, names: tuple[str, ...], shares: FloatArray) -> FloatArray:
    """What columns add, laid on the words that the rules found: shape (characters, h).

    Args:
        batch: of one ad.
        names: d columns.
        shares: shape (d, h), what each column of this ad adds; 0 where its feature is 0.
    """
    findings = batch.rule_hits
    ids = batch.rules.taxonomy.text_ids
    length = len(batch.folded[0].as_py())
    covered: dict[str, NDArray[np.bool_]] = {}
    for indicator, present, start, end in zip(
        findings.indicator, findings.present, findings.start, findings.end, strict=True
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
    """The graded risk of each row, shape (n,); rows that show the same are graded once."""
    packed = np.packbits(present, axis=1)
    _, first, which = np.unique(
        packed.view(f"V{packed.shape[1]}")[:, 0], return_index=True, return_inverse=True
    )
    ids = taxonomy.text_ids
    grades = [
        graded_risk({ids[at] for at in np.flatnonzero(present[row])}, taxonomy) for row in first
    ]
    return np.array(grades, dtype=np.int64)[which]
