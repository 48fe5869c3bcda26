"""How alike two ads are, by their signatures, and whether that is enough for near-copies.

In: distinct signatures, which of their columns are common, pairs of them. Out: estimated
similarities, of what is not common and of everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.campaigns.distinct import in_parts
from adrisk.campaigns.minhash import WIDTH
from adrisk.types import FloatArray, IntArray

SHORT_SIMILARITY = 0.9
"""What two ads need when one of them is short, or has few words of its own: few words agree by
chance."""

_FEW_OWN = 16  # columns that are not common; with fewer an ad counts as short,
_NO_OWN = 4  # and with fewer than these it has nothing but common words to go by
_FEW_OWN_ALIKE, _FEW_WHOLE_ALIKE = 0.5, 0.8  # what such ads need, of their own and in all


@dataclass(frozen=True, slots=True)
class Likeness:
    """Estimated similarities of n pairs.

    Attributes:
        own: of what is not common; of everything where next to nothing is not.
        whole: of everything.
        columns: how many columns are not common.
        short: whether either ad is short.
    """

    own: FloatArray
    whole: FloatArray
    columns: IntArray
    short: NDArray[np.bool_]

    def enough(self, similarity: float, slack: float) -> NDArray[np.bool_]:
        """Whether each pair is similar enough to be near-copies."""
        few = self.columns < _FEW_OWN
        enough = self.own >= similarity - slack
        # With few words of their own, ads must be made up of the same common ones, too.
        enough[few] = (self.own[few] >= _FEW_OWN_ALIKE) & (self.whole[few] >= _FEW_WHOLE_ALIKE)
        enough[self.short] = self.own[self.short] >= max(similarity, SHORT_SIMILARITY)
        return enough


@dataclass(frozen=True, slots=True)
class Rows:
    """Distinct signatures, by number, and which of their columns many unlike ads have.

    `common` has shape (numbers, 64), or (0, 0) where nothing is common.
    """

    signatures: NDArray[np.uint32]
    distinct: IntArray
    common: NDArray[np.bool_]

    def compare(self, a: IntArray, b: IntArray) -> Likeness:
        """How alike each pair is.

        A column shows the smallest hash of the union of both ads' shingles. Where that is of a
        shingle which many unlike ads have, the column says nothing.
        """
        left, right = self.signatures[self.distinct[a]], self.signatures[self.distinct[b]]
        short = ((left[:, 0] | right[:, 0]) & 1).astype(np.bool_)
        agree = left == right
        whole = np.count_nonzero(agree, axis=1) / WIDTH
        if not self.common.size:
            return Likeness(whole, whole, np.full(len(a), WIDTH), short)
        own = ~np.where(left <= right, self.common[a], self.common[b])
        count = np.count_nonzero(own, axis=1)
        share = np.count_nonzero(agree & own, axis=1) / np.maximum(count, 1)
        return Likeness(np.where(count < _NO_OWN, whole, share), whole, count, short)

    def similar(
        self, a: IntArray, b: IntArray, similarity: float, slack: float = 0.0
    ) -> tuple[NDArray[np.bool_], FloatArray]:
        """Whether each pair is as similar as asked, less the slack, and how similar it is."""
        enough = np.empty(len(a), dtype=np.bool_)
        likeness = np.empty(len(a), dtype=np.float64)
        for part in in_parts(len(a)):
            found = self.compare(a[part], b[part])
            enough[part] = found.enough(similarity, slack)
            likeness[part] = found.own
        return enough, likeness
