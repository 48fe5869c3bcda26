"""Groups of near-copies: ads whose signatures agree, however many there are.

In: signatures, no text. Out: a group for every signature and the group's most typical one.
It refuses to chain: an ad stays in a group only if it is like the group's typical ad. Nothing
depends on the order of the rows: they are worked through in the order of a hash of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.campaigns.minhash import EMPTY, WIDTH, agreement
from adrisk.types import IntArray

SHORT_SIMILARITY = 0.9
"""What two ads need when one of them is short: few words agree by chance."""

_SLACK = 0.1  # below the similarity asked of a pair, for an ad against its group's typical ad
_ROUNDS = 8  # of splitting what was chained; what is left over stands alone
_SAMPLE = 64  # members looked at to find the most typical one
_ROWS = 1 << 16  # signatures compared or hashed at a time
_CHANCE = 0.95  # of two ads, exactly as similar as asked, to be compared at all
_NEIGHBOUR_BITS = np.uint64(24)

_WEIGHTS = np.cumprod(np.full(WIDTH, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of near-copies among n signatures.

    Attributes:
        member_of: shape (n,), the group of each.
        typical: for each group, the row of its most typical signature; of several equal ones,
            the one that comes first.
    """

    member_of: IntArray
    typical: IntArray


def near_copies(
    signatures: NDArray[np.uint32], similarity: float, place: IntArray | None = None
) -> Groups:
    """The near-copy group of every signature.

    Args:
        signatures: shape (n, 64).
        similarity: share of shingles two ads must have in common, above 0 and at most 1; short
            ads need `SHORT_SIMILARITY`. An ad without text has no near-copy.
        place: distinct numbers; of equal signatures, the one with the smallest comes first.
            The order of the rows if left out.
    """
    distinct, member_of = _distinct(signatures, place)
    group = np.full(len(distinct), -1, dtype=np.int64)
    typical: list[IntArray] = []
    found = 0
    rest = np.flatnonzero(~is_blank(signatures, distinct))
    for _ in range(_ROUNDS):
        if not len(rest):
            break
        labels = _connected(signatures, distinct[rest], similarity)
        kept, heads = _near_typical(signatures, distinct[rest], labels, similarity)
        group[rest[kept]] = found + labels[kept]
        typical.append(distinct[rest[heads]])
        found += len(heads)
        rest = rest[~kept]
    # What is still loose stands alone. Ads without text do too, though they all look the same.
    alone = np.flatnonzero(group < 0)
    group[alone] = found + np.arange(len(alone))
    typical.append(distinct[alone])
    found += len(alone)
    groups = group[member_of]
    typical_rows = np.concatenate(typical)
    blank = np.flatnonzero(is_blank(signatures, typical_rows))
    extra = np.flatnonzero(np.isin(groups, blank))[1:]
    groups[extra] = found + np.arange(len(extra))
    return Groups(groups, np.concatenate((typical_rows, extra)))


def is_blank(signatures: NDArray[np.uint32], rows: IntArray) -> NDArray[np.bool_]:
    """Whether each row is of an ad without a letter or digit."""
    out = np.empty(len(rows), dtype=np.bool_)
    for part in _parts(len(rows)):
        out[part] = (signatures[rows[part]] == EMPTY).all(axis=1)
    return out


def _distinct(signatures: NDArray[np.uint32], place: IntArray | None) -> tuple[IntArray, IntArray]:
    """A row for each different signature, ordered by a hash of it, and each row's number there.

    Most ads are exact copies; from here on a text counts once however often it was posted.
    """
    keys = np.empty(len(signatures), dtype=np.uint64)
    for part in _parts(len(signatures)):
        keys[part] = signatures[part].astype(np.uint64) @ _WEIGHTS
    keys = _mixed(keys)
    order = np.arange(len(keys)) if place is None else np.argsort(place)
    _, first, member_of = np.unique(keys[order], return_index=True, return_inverse=True)
    number = np.empty_like(member_of)
    number[order] = member_of
    return order[first], number


def _connected(signatures: NDArray[np.uint32], rows: IntArray, similarity: float) -> IntArray:
    """Label of each row: rows joined by pairs that are similar enough share one.

    Rows that agree in a whole band of columns meet in a bucket. In a bucket each row is compared
    with the first and with the one before it, never with all: a bucket of n rows costs 2 n.
    """
    labels = np.arange(len(rows), dtype=np.int64)
    depth = _band_depth(similarity)
    for band in range(WIDTH // depth):
        keys = _band_keys(signatures, rows, band, depth)
        order = np.argsort(keys, kind="stable")
        buckets = keys[order] >> _NEIGHBOUR_BITS
        joins = np.concatenate(([False], buckets[1:] == buckets[:-1]))
        at = np.flatnonzero(joins)
        first = np.maximum.accumulate(np.where(joins, 0, np.arange(len(rows))))[at]
        a = np.concatenate((order[first], order[at - 1]))
        b = np.concatenate((order[at], order[at]))
        apart = labels[a] != labels[b]
        a, b = a[apart], b[apart]
        similar = _similar(signatures, rows[a], rows[b], similarity)
        labels = components(len(rows), labels[a[similar]], labels[b[similar]])[labels]
    return np.unique(labels, return_inverse=True)[1]


def _band_depth(similarity: float) -> int:
    """Columns a band: as many as still let two ads that are just similar enough meet."""
    fitting = [
        depth
        for depth in (1, 2, 4, 8, 16)
        if 1 - (1 - similarity**depth) ** (WIDTH // depth) >= _CHANCE
    ]
    return max(fitting, default=1)


def _band_keys(
    signatures: NDArray[np.uint32], rows: IntArray, band: int, depth: int
) -> NDArray[np.uint64]:
    """The bucket of each row in the upper bits; below, so that likely copies lie side by side,
    a hash of the column after the band."""
    columns = np.arange(band * depth, (band + 1) * depth)
    keys = np.empty(len(rows), dtype=np.uint64)
    beside = (columns[-1] + 1) % WIDTH
    for part in _parts(len(rows)):
        picked = signatures[rows[part]]
        bucket = _mixed(picked[:, columns].astype(np.uint64) @ _WEIGHTS[:depth])
        neighbour = _mixed(picked[:, beside].astype(np.uint64)) >> (np.uint64(64) - _NEIGHBOUR_BITS)
        keys[part] = (bucket >> _NEIGHBOUR_BITS << _NEIGHBOUR_BITS) | neighbour
    return keys


def _similar(
    signatures: NDArray[np.uint32],
    a: IntArray,
    b: IntArray,
    similarity: float,
    slack: float = 0.0,
) -> NDArray[np.bool_]:
    """Whether each pair of rows agrees as much as asked, less the slack."""
    out = np.empty(len(a), dtype=np.bool_)
    for part in _parts(len(a)):
        left, right = signatures[a[part]], signatures[b[part]]
        short = ((left[:, 0] | right[:, 0]) & 1).astype(np.bool_)
        needed = np.where(short, max(similarity, SHORT_SIMILARITY), similarity) - slack
        out[part] = agreement(left, right) >= needed
    return out


def _near_typical(
    signatures: NDArray[np.uint32], rows: IntArray, labels: IntArray, similarity: float
) -> tuple[NDArray[np.bool_], IntArray]:
    """Which rows are like the typical row of their group, and which row that is for each group."""
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels))
    starts = np.concatenate(([0], ends[:-1]))
    heads = order[starts]
    kept = _similar(signatures, rows, rows[heads[labels]], similarity, _SLACK)
    # The first row is as good as any where all are like it. Elsewhere look for a better one.
    for label in np.unique(labels[~kept]):
        members = order[starts[label] : ends[label]]
        sample = members[:_SAMPLE]
        heads[label] = sample[medoid(signatures[rows[sample]])]
        head = np.full(len(members), rows[heads[label]])
        kept[members] = _similar(signatures, rows[members], head, similarity, _SLACK)
    return kept, heads


def medoid(signatures: NDArray[np.uint32]) -> int:
    """The row that agrees most with all the others; the first of several."""
    total = [agreement(signatures, row).sum() for row in signatures]
    return int(np.argmax(total))


def components(count: int, a: IntArray, b: IntArray) -> IntArray:
    """The connected component of each of `count` nodes under the edges a - b."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the keys: every bit of the result depends on every bit of the key."""
    keys = keys ^ (keys >> np.uint64(32))
    keys *= np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(32))


def _parts(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows, few at a time, so that memory stays flat."""
    return (slice(at, at + _ROWS) for at in range(0, count, _ROWS))
