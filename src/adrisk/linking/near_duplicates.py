"""Near-duplicate groups: MinHash signatures compared in LSH buckets, without chaining.

In: signatures, no text; for boilerplate, a provisional author of each. Out: a group for every
signature, and the group's most typical one. Steps:

- `distinct_rows`: equal signatures count once, in the order of a hash, so that the result does not
  depend on the order of the rows;
- `common_columns`: boilerplate shared by many unlike ads is ignored in the similarity;
- `connected`: LSH; rows that agree in a band of columns share a bucket, and a bucket of n rows
  costs 2 n comparisons;
- `_near_typical`: an ad stays in a group only if it is similar to the group's typical ad.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.linking.grouped import first_of_equals
from adrisk.linking.minhash import EMPTY, WIDTH, agreement
from adrisk.parallel import in_order
from adrisk.types import FloatArray, IntArray

_ROWS = 1 << 16  # signatures compared or hashed at once, so that memory is bounded

WEIGHTS = np.cumprod(np.full(WIDTH, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


def distinct_rows(
    signatures: NDArray[np.uint32], place: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Rows of the distinct signatures, in order of a hash, and each row's number among them."""
    keys = np.empty(len(signatures), dtype=np.uint64)
    for part in _slices(len(signatures)):
        keys[part] = signatures[part].astype(np.uint64) @ WEIGHTS
    keys = mixed(keys)
    order = np.arange(len(keys)) if place is None else np.argsort(place)
    _, first, member_of = np.unique(keys[order], return_index=True, return_inverse=True)
    number = np.empty_like(member_of)
    number[order] = member_of
    return order[first], number


def is_blank(signatures: NDArray[np.uint32], rows: IntArray) -> NDArray[np.bool_]:
    """Mask of rows of ads without a letter or digit."""
    out = np.empty(len(rows), dtype=np.bool_)
    for part in _slices(len(rows)):
        out[part] = (signatures[rows[part]] == EMPTY).all(axis=1)
    return out


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of the keys: every bit of the result depends on every bit of the key."""
    keys = keys ^ (keys >> np.uint64(32))
    keys *= np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(32))


def _slices(count: int) -> Iterator[slice]:
    return (slice(at, at + _ROWS) for at in range(0, count, _ROWS))


_COMMON_AUTHORS = 8  # a value of as many authors is boilerplate,
_COMMON_SHARE = 0.002  # in a large corpus one of this share of all authors
NOTHING_COMMON = np.zeros((0, 0), dtype=np.bool_)


def common_columns(
    signatures: NDArray[np.uint32], distinct: IntArray, among: IntArray, author: IntArray
) -> NDArray[np.bool_]:
    """Mask of the columns of each distinct signature whose value many authors share.

    Authors are counted, not ads, so that a campaign's own template is not boilerplate.
    """
    picked = distinct[among]
    authors = np.unique(author[among], return_inverse=True)[1].astype(np.uint64)
    count = int(authors.max(initial=0)) + 1
    limit = max(_COMMON_AUTHORS, _COMMON_SHARE * count)
    if count < limit:
        return NOTHING_COMMON
    common = np.zeros((len(distinct), WIDTH), dtype=np.bool_)

    def mark(column: int) -> None:
        values = signatures[picked, column]
        pairs = (values.astype(np.uint64) << np.uint64(32)) | authors
        pairs.sort()  # several times as fast as np.unique
        pairs = pairs[first_of_equals(pairs)] >> np.uint64(32)
        starts = np.flatnonzero(first_of_equals(pairs))
        often = pairs[starts[np.diff(starts, append=len(pairs)) >= limit]].astype(np.uint32)
        if len(often):
            common[among, column] = np.isin(values, often)

    for _ in in_order(mark, range(WIDTH)):
        pass
    return common if common.any() else NOTHING_COMMON


SHORT_SIMILARITY = 0.9
"""Least similarity of two ads where one is short, since few words agree by chance."""

_FEW_OWN = 16  # columns that are not boilerplate; with fewer stricter limits apply,
_NO_OWN = 4  # with fewer than these the whole similarity is used
_FEW_OWN_ALIKE, _FEW_WHOLE_ALIKE = 0.5, 0.8  # limits for such ads, without boilerplate and in all


@dataclass(frozen=True, slots=True)
class Similarity:
    """Estimated similarities of n pairs.

    Attributes:
        own: similarity without boilerplate; `whole` where almost all is boilerplate.
        whole: similarity of all columns.
        columns: number of columns that are not boilerplate.
        short: whether either ad is short.
    """

    own: FloatArray
    whole: FloatArray
    columns: IntArray
    short: NDArray[np.bool_]

    def enough(self, similarity: float, slack: float) -> NDArray[np.bool_]:
        """Mask of the pairs that are near-duplicates."""
        few = self.columns < _FEW_OWN
        enough = self.own >= similarity - slack
        # With few words of their own, ads must share their boilerplate too.
        enough[few] = (self.own[few] >= _FEW_OWN_ALIKE) & (self.whole[few] >= _FEW_WHOLE_ALIKE)
        enough[self.short] = self.own[self.short] >= max(similarity, SHORT_SIMILARITY)
        return enough


@dataclass(frozen=True, slots=True)
class Rows:
    """Distinct signatures by number, and the mask of their boilerplate columns.

    `common` has shape (numbers, 64), or (0, 0) where nothing is common.
    """

    signatures: NDArray[np.uint32]
    distinct: IntArray
    common: NDArray[np.bool_]

    def compare(self, a: IntArray, b: IntArray) -> Similarity:
        """Estimated similarities of pairs.

        The smaller value of a column is the smallest hash of the union of both ads' shingles;
        where it belongs to boilerplate, the column is ignored.
        """
        left, right = self.signatures[self.distinct[a]], self.signatures[self.distinct[b]]
        short = ((left[:, 0] | right[:, 0]) & 1).astype(np.bool_)
        agree = left == right
        whole = np.count_nonzero(agree, axis=1) / WIDTH
        if not self.common.size:
            return Similarity(whole, whole, np.full(len(a), WIDTH), short)
        own = ~np.where(left <= right, self.common[a], self.common[b])
        count = np.count_nonzero(own, axis=1)
        share = np.count_nonzero(agree & own, axis=1) / np.maximum(count, 1)
        return Similarity(np.where(count < _NO_OWN, whole, share), whole, count, short)

    def similar(
        self, a: IntArray, b: IntArray, similarity: float, slack: float = 0.0
    ) -> tuple[NDArray[np.bool_], FloatArray]:
        """Mask of the pairs of at least this similarity less the slack, and their similarity."""
        enough = np.empty(len(a), dtype=np.bool_)
        similarities = np.empty(len(a), dtype=np.float64)
        for part in _slices(len(a)):
            pairs = self.compare(a[part], b[part])
            enough[part] = pairs.enough(similarity, slack)
            similarities[part] = pairs.own
        return enough, similarities


_CHANCE = 0.9  # probability that two ads exactly at the limit share a bucket
_NEIGHBOUR_BITS = np.uint64(24)


def connected(rows: Rows, among: IntArray, similarity: float, depth: int | None = None) -> IntArray:
    """Label of each row: rows joined by pairs that are similar enough share one.

    Rows that agree in a whole band of columns share a bucket, in which each row is compared with
    the first and with the previous one: a bucket of n rows costs 2 n comparisons.
    """
    labels = np.arange(len(among), dtype=np.int64)
    depth = depth or _band_depth(similarity)
    bucket_pairs = partial(_bucket_pairs, rows, among, depth)
    # The next bands are sorted while this one is compared.
    for a, b in in_order(bucket_pairs, range(WIDTH // depth)):
        different = labels[a] != labels[b]
        a, b = a[different], b[different]
        similar, _ = rows.similar(among[a], among[b], similarity)
        labels = components(len(among), labels[a[similar]], labels[b[similar]])[labels]
    return np.unique(labels, return_inverse=True)[1]


def _bucket_pairs(rows: Rows, among: IntArray, depth: int, band: int) -> tuple[IntArray, IntArray]:
    """Pairs to compare in the buckets of a band."""
    keys = _keys(rows, among, band, depth)
    order = _shared_prefix(keys)
    order = order[np.argsort(keys[order], kind="stable")]
    buckets = keys[order] >> _NEIGHBOUR_BITS
    joins = ~first_of_equals(buckets)
    at = np.flatnonzero(joins)
    first = np.maximum.accumulate(np.where(joins, 0, np.arange(len(order))))[at]
    return np.concatenate((order[first], order[at - 1])), np.concatenate((order[at], order[at]))


def _keys(rows: Rows, among: IntArray, band: int, depth: int) -> NDArray[np.uint64]:
    """Key of each row: its bucket in the upper bits, below a hash of the column after the band.

    The lower bits place likely near-duplicates next to each other.
    """
    columns = range(band * depth, (band + 1) * depth)
    next_column = columns.stop % WIDTH
    keys = np.empty(len(among), dtype=np.uint64)
    for part in _slices(len(among)):
        at = rows.distinct[among[part]]
        bucket = np.zeros(len(at), dtype=np.uint64)
        for column, weight in zip(columns, WEIGHTS, strict=False):
            bucket += rows.signatures[:, column][at] * weight
        next_hash = mixed(rows.signatures[:, next_column][at].astype(np.uint64))
        next_hash >>= np.uint64(64) - _NEIGHBOUR_BITS
        keys[part] = (mixed(bucket) >> _NEIGHBOUR_BITS << _NEIGHBOUR_BITS) | next_hash
    return keys


def _shared_prefix(keys: NDArray[np.uint64]) -> IntArray:
    """Rows that share the first bits of their key with another, in order.

    Counting the first bits costs less than sorting all keys.
    """
    bits = len(keys).bit_length() + 3
    slot = (keys >> np.uint64(64 - bits)).astype(np.int64)
    return np.flatnonzero(np.bincount(slot, minlength=1 << bits)[slot] > 1)


def _band_depth(similarity: float) -> int:
    """Largest band depth at which two ads at the limit share a bucket with `_CHANCE`."""
    fitting = [
        depth
        for depth in (1, 2, 3, 4, 6, 8, 16)
        if 1 - (1 - similarity**depth) ** (WIDTH // depth) >= _CHANCE
    ]
    return max(fitting, default=1)


def components(count: int, a: IntArray, b: IntArray) -> IntArray:
    """The connected component of each of `count` nodes under the edges a - b."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


_LOOSE = 0.6  # similarity of loose groups,
_LOOSE_DEPTH = 4  # found in bands of this many columns
_SLACK = 0.1  # below the similarity of pairs, for an ad against its group's typical ad
_ROUNDS = 8  # of splitting chained groups; the remaining rows become groups of one
_SAMPLE = 64  # members compared to find the most typical one


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of near-duplicates among n signatures.

    Attributes:
        member_of: shape (n,), the group of each.
        typical: for each group, the row of its most typical signature, the first of equal ones.
        alike: shape (n,), estimated similarity of each to its group's typical one.
    """

    member_of: IntArray
    typical: IntArray
    alike: FloatArray
    _signatures: NDArray[np.uint32]
    _rows: Rows
    _numbers: IntArray  # in `_rows`, of the typical ones

    def similarity_of_pairs(self, a: IntArray, b: IntArray) -> tuple[FloatArray, FloatArray]:
        """Similarity of the typical ads of groups a and b: without boilerplate, and in all."""
        pairs = self._rows.compare(self._numbers[a], self._numbers[b])
        return pairs.own, pairs.whole

    def similarity_to(self, others: IntArray, one: int) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Similarity of the typical ads of groups to that of one, and whether both are short."""
        head = self._signatures[self.typical[one]]
        out = np.empty(len(others), dtype=np.float64)
        short = np.empty(len(others), dtype=np.bool_)
        for part in _slices(len(others)):
            picked = self._signatures[self.typical[others[part]]]
            out[part] = agreement(picked, head)
            short[part] = picked[:, 0] & head[0] & 1
        return out, short


class NearDuplicateIndex:
    """Distinct signatures prepared for grouping.

    Args:
        signatures: shape (n, 64).
        place: distinct numbers; of equal signatures, the one with the smallest is the first. The
            order of the rows if None.
    """

    def __init__(self, signatures: NDArray[np.uint32], place: IntArray | None = None) -> None:
        self.signatures = signatures
        self._distinct, self._number = distinct_rows(signatures, place)
        self._filled = np.flatnonzero(~is_blank(signatures, self._distinct))

    def loose(self) -> Groups:
        """Groups of loosely similar ads, with chaining; each is a provisional author."""
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
        """Groups of near-duplicates.

        Args:
            similarity: least share of common shingles without boilerplate, above 0 and at most 1;
                short ads need `SHORT_SIMILARITY`. An ad without text has no near-duplicate.
            author: shape (n,), provisional author of each; equal rows have equal authors.
        """
        common = NOTHING_COMMON
        if author is not None:
            author_of = np.empty(len(self._distinct), dtype=np.int64)
            author_of[self._number] = author
            common = common_columns(self.signatures, self._distinct, self._filled, author_of)
        rows = Rows(self.signatures, self._distinct, common)
        group = np.full(len(self._distinct), -1, dtype=np.int64)
        alike = np.ones(len(self._distinct), dtype=np.float64)
        typical: list[IntArray] = []
        count = 0
        remaining = self._filled
        for _ in range(_ROUNDS):
            if not len(remaining):
                break
            labels = connected(rows, remaining, similarity)
            kept, heads, similarities = _near_typical(rows, remaining, labels, similarity)
            group[remaining[kept]] = count + labels[kept]
            alike[remaining[kept]] = similarities[kept]
            typical.append(remaining[heads])
            count += len(heads)
            remaining = remaining[~kept]
        # Remaining rows become groups of one, and so do ads without text, though equal.
        single = np.flatnonzero(group < 0)
        group[single] = count + np.arange(len(single))
        typical.append(single)
        count += len(single)
        numbers = np.concatenate(typical)
        heads = self._distinct[numbers]
        member_of = group[self._number]
        blank = np.flatnonzero(is_blank(self.signatures, heads))
        extra = np.flatnonzero(np.isin(member_of, blank))[1:]
        member_of[extra] = count + np.arange(len(extra))
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
    """Mask of rows similar to the typical row of their label, the typical rows, similarities."""
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels))
    starts = np.concatenate(([0], ends[:-1]))
    heads = order[starts]
    kept, similarities = rows.similar(among, among[heads[labels]], similarity, _SLACK)
    # Where not all rows are similar to the first, the most typical row is searched.
    for label in np.unique(labels[~kept]):
        members = order[starts[label] : ends[label]]
        sample = members[:_SAMPLE]
        ones = (np.full(len(sample), row) for row in among[sample])
        total = [rows.compare(among[sample], one).own.sum() for one in ones]
        heads[label] = sample[int(np.argmax(total))]
        head = np.full(len(members), among[heads[label]])
        kept[members], similarities[members] = rows.similar(
            among[members], head, similarity, _SLACK
        )
    return kept, heads, similarities
