"""Groups of near-copies: ads whose signatures agree, however many there are.

In: signatures, no text. Out: a group for every signature and the group's most typical one.
It refuses to chain: an ad stays in a group only if it is like the group's typical ad. And what
stands in many otherwise unlike ads (`adrisk.campaigns.common`) makes nobody a copy of anybody.
Nothing depends on the order of the rows: they are worked through in the order of a hash of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.campaigns.common import NOTHING_COMMON, common_columns
from adrisk.campaigns.distinct import distinct_rows, in_parts, is_blank
from adrisk.campaigns.likeness import Rows
from adrisk.campaigns.meeting import connected
from adrisk.campaigns.minhash import agreement
from adrisk.types import FloatArray, IntArray

_LOOSE = 0.6  # similarity that keeps two ads from counting as unlike,
_LOOSE_DEPTH = 4  # as far as they meet in bands of so many columns
_SLACK = 0.1  # below the similarity asked of a pair, for an ad against its group's typical ad
_ROUNDS = 8  # of splitting what was chained; what is left over stands alone
_SAMPLE = 64  # members looked at to find the most typical one


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of near-copies among n signatures.

    Attributes:
        member_of: shape (n,), the group of each.
        typical: for each group, the row of its most typical signature; of several equal ones,
            the one that comes first.
        alike: shape (n,), the estimated similarity of each to its group's typical one.
    """

    member_of: IntArray
    typical: IntArray
    alike: FloatArray
    _signatures: NDArray[np.uint32]
    _rows: Rows
    _numbers: IntArray  # in `_rows`, of the typical ones

    def likeness_of_pairs(self, a: IntArray, b: IntArray) -> tuple[FloatArray, FloatArray]:
        """The estimated similarity of the typical ads of groups a and b: of what is not common
        to many authors, and of everything."""
        found = self._rows.compare(self._numbers[a], self._numbers[b])
        return found.own, found.whole

    def likeness(self, some: IntArray, one: int) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The estimated similarity of the typical ads of some groups to that of one, and whether
        both are short."""
        head = self._signatures[self.typical[one]]
        out = np.empty(len(some), dtype=np.float64)
        short = np.empty(len(some), dtype=np.bool_)
        for part in in_parts(len(some)):
            picked = self._signatures[self.typical[some[part]]]
            out[part] = agreement(picked, head)
            short[part] = picked[:, 0] & head[0] & 1
        return out, short


class Copies:
    """Signatures, ready to be grouped; equal ones count once from here on.

    Args:
        signatures: shape (n, 64).
        place: distinct numbers; of equal signatures, the one with the smallest comes first. The
            order of the rows if left out.
    """

    def __init__(self, signatures: NDArray[np.uint32], place: IntArray | None = None) -> None:
        self.signatures = signatures
        self._distinct, self._number = distinct_rows(signatures, place)
        self._filled = np.flatnonzero(~is_blank(signatures, self._distinct))

    def loose(self) -> Groups:
        """Groups of ads that are not unlike, chained as they come; each stands for one author."""
        rows = Rows(self.signatures, self._distinct, NOTHING_COMMON)
        label = np.arange(len(self._distinct), dtype=np.int64) + len(self._filled)
        label[self._filled] = connected(rows, self._filled, _LOOSE, _LOOSE_DEPTH)
        _, first, label = np.unique(label, return_index=True, return_inverse=True)
        return Groups(
            label[self._number],
            self._distinct[first],
            np.full(len(self.signatures), _LOOSE),
            self.signatures,
            rows,
            first,
        )

    def near(self, similarity: float, author: IntArray | None = None) -> Groups:
        """Groups of near-copies.

        Args:
            similarity: share of shingles two ads must have in common, above 0 and at most 1, not
                counting those that many authors have; short ads need `SHORT_SIMILARITY`. An ad
                without text has no near-copy.
            author: shape (n,), who is thought to have written each; equal rows have equal authors.
        """
        common = NOTHING_COMMON
        if author is not None:
            by = np.empty(len(self._distinct), dtype=np.int64)
            by[self._number] = author
            common = common_columns(self.signatures, self._distinct, self._filled, by)
        rows = Rows(self.signatures, self._distinct, common)
        group = np.full(len(self._distinct), -1, dtype=np.int64)
        alike = np.ones(len(self._distinct), dtype=np.float64)
        typical: list[IntArray] = []
        found = 0
        rest = self._filled
        for _ in range(_ROUNDS):
            if not len(rest):
                break
            labels = connected(rows, rest, similarity)
            kept, heads, likeness = _near_typical(rows, rest, labels, similarity)
            group[rest[kept]] = found + labels[kept]
            alike[rest[kept]] = likeness[kept]
            typical.append(rest[heads])
            found += len(heads)
            rest = rest[~kept]
        # What is still loose stands alone. So do ads without text, though they all look the same.
        alone = np.flatnonzero(group < 0)
        group[alone] = found + np.arange(len(alone))
        typical.append(alone)
        found += len(alone)
        numbers = np.concatenate(typical)
        heads = self._distinct[numbers]
        member_of = group[self._number]
        blank = np.flatnonzero(is_blank(self.signatures, heads))
        extra = np.flatnonzero(np.isin(member_of, blank))[1:]
        member_of[extra] = found + np.arange(len(extra))
        return Groups(
            member_of,
            np.concatenate((heads, extra)),
            alike[self._number],
            self.signatures,
            rows,
            np.concatenate((numbers, self._number[extra])),
        )


def _near_typical(
    rows: Rows, among: IntArray, labels: IntArray, similarity: float
) -> tuple[NDArray[np.bool_], IntArray, FloatArray]:
    """Which rows are like the typical row of their label, which row that is, and how alike."""
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels))
    starts = np.concatenate(([0], ends[:-1]))
    heads = order[starts]
    kept, likeness = rows.similar(among, among[heads[labels]], similarity, _SLACK)
    # The first row is as good as any where all are like it. Elsewhere look for a better one.
    for label in np.unique(labels[~kept]):
        members = order[starts[label] : ends[label]]
        sample = members[:_SAMPLE]
        ones = (np.full(len(sample), row) for row in among[sample])
        total = [rows.compare(among[sample], one).own.sum() for one in ones]
        heads[label] = sample[int(np.argmax(total))]
        head = np.full(len(members), among[heads[label]])
        kept[members], likeness[members] = rows.similar(among[members], head, similarity, _SLACK)
    return kept, heads, likeness
