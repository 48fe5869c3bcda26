"""Groups of near-copies: ads whose signatures agree, however many there are.

In: signatures, no text. Out: a group for every signature and the group's most typical one.
It refuses to chain: an ad stays in a group only if it is like the group's typical ad. And what
stands in many otherwise unlike ads (`adrisk.campaigns.common`) makes nobody a copy of anybody.
Nothing depends on the order of the rows: they are worked through in the order of a hash of them.

Signatures that count once: equal ones found by a hash, a few rows of memory at a time.

In: signatures. Out: a row for each different one, in the order of a hash of it, so that nothing
depends on the order they came in.

What stands in many otherwise unlike ads, and so makes nobody a copy of anybody.

In: distinct signatures and who is thought to have written each. Out: their columns that many
authors have.

How alike two ads are, by their signatures, and whether that is enough for near-copies.

In: distinct signatures, which of their columns are common, pairs of them. Out: estimated
similarities, of what is not common and of everything.

Which ads meet and are joined, without comparing all with all.

In: rows and the similarity asked. Out: a label for each; rows joined by pairs that are similar
enough share one. Rows that agree in a whole band of columns meet in a bucket, and in a bucket of n
rows 2 n pairs are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.linking.minhash import EMPTY, WIDTH, agreement
from adrisk.parallel import in_order
from adrisk.types import FloatArray, IntArray

_ROWS = 1 << 16  # signatures compared or hashed at a time

WEIGHTS = np.cumprod(np.full(WIDTH, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


def distinct_rows(
    signatures: NDArray[np.uint32], place: IntArray | None
) -> tuple[IntArray, IntArray]:
    """A row for each different signature, ordered by a hash of it, and each row's number there.

    Most ads are exact copies; from here on a text counts once however often it was posted.
    """
    keys = np.empty(len(signatures), dtype=np.uint64)
    for part in in_parts(len(signatures)):
        keys[part] = signatures[part].astype(np.uint64) @ WEIGHTS
    keys = mixed(keys)
    order = np.arange(len(keys)) if place is None else np.argsort(place)
    _, first, member_of = np.unique(keys[order], return_index=True, return_inverse=True)
    number = np.empty_like(member_of)
    number[order] = member_of
    return order[first], number


def is_blank(signatures: NDArray[np.uint32], rows: IntArray) -> NDArray[np.bool_]:
    """Whether each row is of an ad without a letter or digit."""
    out = np.empty(len(rows), dtype=np.bool_)
    for part in in_parts(len(rows)):
        out[part] = (signatures[rows[part]] == EMPTY).all(axis=1)
    return out


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the keys: every bit of the result depends on every bit of the key."""
    keys = keys ^ (keys >> np.uint64(32))
    keys *= np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(32))


def in_parts(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows, few at a time, so that memory stays flat."""
    return (slice(at, at + _ROWS) for at in range(0, count, _ROWS))


_COMMON_AUTHORS = 8  # what as many authors have in common is nobody's own,
_COMMON_SHARE = 0.002  # and in a large corpus it takes this share of all authors
NOTHING_COMMON = np.zeros((0, 0), dtype=np.bool_)


def common_columns(
    signatures: NDArray[np.uint32], distinct: IntArray, among: IntArray, author: IntArray
) -> NDArray[np.bool_]:
    """For each number and column, whether many authors have that value there.

    Authors count, not ads, so that a campaign's own template, however often it was edited, is not
    taken for boilerplate.
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
        pairs = pairs[_first_of_equals(pairs)] >> np.uint64(32)
        starts = np.flatnonzero(_first_of_equals(pairs))
        often = pairs[starts[np.diff(starts, append=len(pairs)) >= limit]].astype(np.uint32)
        if len(often):
            common[among, column] = np.isin(values, often)

    for _ in in_order(mark, range(WIDTH)):
        pass
    return common if common.any() else NOTHING_COMMON


def _first_of_equals(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    first = np.ones(len(ordered), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


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


_CHANCE = 0.9  # of two ads, exactly as similar as asked, to be compared at all
_NEIGHBOUR_BITS = np.uint64(24)


def connected(rows: Rows, among: IntArray, similarity: float, depth: int | None = None) -> IntArray:
    """Label of each row: rows joined by pairs that are similar enough share one.

    Rows that agree in a whole band of columns meet in a bucket. In a bucket each row is compared
    with the first and with the one before it, never with all: a bucket of n rows costs 2 n.
    """
    labels = np.arange(len(among), dtype=np.int64)
    depth = depth or _band_depth(similarity)
    meet = partial(_meetings, rows, among, depth)
    for a, b in in_order(meet, range(WIDTH // depth)):  # the next bands are sorted meanwhile
        apart = labels[a] != labels[b]
        a, b = a[apart], b[apart]
        similar, _ = rows.similar(among[a], among[b], similarity)
        labels = components(len(among), labels[a[similar]], labels[b[similar]])[labels]
    return np.unique(labels, return_inverse=True)[1]


def _meetings(rows: Rows, among: IntArray, depth: int, band: int) -> tuple[IntArray, IntArray]:
    """The pairs to compare in the buckets of a band."""
    keys = _keys(rows, among, band, depth)
    order = _likely_to_meet(keys)
    order = order[np.argsort(keys[order], kind="stable")]
    buckets = keys[order] >> _NEIGHBOUR_BITS
    joins = np.ones(len(order), dtype=np.bool_)
    joins[:1] = False
    np.equal(buckets[1:], buckets[:-1], out=joins[1:])
    at = np.flatnonzero(joins)
    first = np.maximum.accumulate(np.where(joins, 0, np.arange(len(order))))[at]
    return np.concatenate((order[first], order[at - 1])), np.concatenate((order[at], order[at]))


def _keys(rows: Rows, among: IntArray, band: int, depth: int) -> NDArray[np.uint64]:
    """The bucket of each row in the upper bits; below, so that likely copies lie side by
    side, a hash of the column after the band."""
    columns = range(band * depth, (band + 1) * depth)
    beside = columns.stop % WIDTH
    keys = np.empty(len(among), dtype=np.uint64)
    for part in in_parts(len(among)):
        at = rows.distinct[among[part]]
        bucket = np.zeros(len(at), dtype=np.uint64)
        for column, weight in zip(columns, WEIGHTS, strict=False):
            bucket += rows.signatures[:, column][at] * weight
        near = mixed(rows.signatures[:, beside][at].astype(np.uint64))
        near >>= np.uint64(64) - _NEIGHBOUR_BITS
        keys[part] = (mixed(bucket) >> _NEIGHBOUR_BITS << _NEIGHBOUR_BITS) | near
    return keys


def _likely_to_meet(keys: NDArray[np.uint64]) -> IntArray:
    """Rows in order, all that share their bucket with another and few that do not.

    Counting the first bits of a key costs less than sorting all keys.
    """
    bits = len(keys).bit_length() + 3
    slot = (keys >> np.uint64(64 - bits)).astype(np.int64)
    return np.flatnonzero(np.bincount(slot, minlength=1 << bits)[slot] > 1)


def _band_depth(similarity: float) -> int:
    """Columns a band: as many as still let two ads that are just similar enough meet."""
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


class NearDuplicateIndex:
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
