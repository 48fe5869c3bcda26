"""Which ads meet and are joined, without comparing all with all.

In: rows and the similarity asked. Out: a label for each; rows joined by pairs that are similar
enough share one. Rows that agree in a whole band of columns meet in a bucket, and in a bucket of n
rows 2 n pairs are compared.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.campaigns.distinct import WEIGHTS, in_parts, mixed
from adrisk.campaigns.likeness import Rows
from adrisk.campaigns.minhash import WIDTH
from adrisk.parallel import in_order
from adrisk.types import IntArray

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
