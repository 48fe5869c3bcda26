"""Group ads into campaigns: near-copies by their signatures, then ads that share a contact.

In: ids, signatures and contact pseudonyms, no text. Out: one campaign for every ad.
It refuses to chain: an ad stays in a near-copy group only if it is like the group's most typical
ad, and a contact joins groups only while they are few or alike. Nothing depends on the order of
the rows: ads are worked through in the order of their signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk import schema
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

_CONTACT_GROUPS = 25  # a contact of more near-copy groups joins only those that are alike,
_ALIKE = 0.3  # by this much: a support number stands in everybody's ads
_CAMPAIGN_GROUPS = 200  # more groups than these through contacts: the busiest contacts let go

_REASONS = ("single", "near-copy", "shared contact", "near-copy and shared contact")
_WEIGHTS = np.cumprod(np.full(WIDTH, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)


def link(
    ad_ids: pa.Array | pa.ChunkedArray,
    signatures: NDArray[np.uint32],
    contacts: Sequence[tuple[int, str]] = (),
    *,
    similarity: float = 0.7,
) -> pa.Table:
    """The campaign of every ad.

    Args:
        ad_ids: n distinct ids.
        signatures: shape (n, 64) from `adrisk.campaigns.signatures`, in memory or a memory map.
        contacts: pairs of an ad's row and the pseudonym of a contact in it, in any order.
        similarity: share of shingles two ads must have in common to be near-copies, above 0 and
            at most 1; short ads need `SHORT_SIMILARITY`. An ad without text has no near-copy.

    Returns:
        `schema.CAMPAIGNS`, one row an ad, in the order given. `campaign_id` is made from the
        smallest ad id in the campaign, so it does not depend on the order. `reason` says why
        this ad is in the campaign.
    """
    n = len(ad_ids)
    if signatures.shape != (n, WIDTH) or signatures.dtype != np.uint32:
        raise ValueError(
            f"expected uint32 signatures of shape {(n, WIDTH)}, one row an ad id, "
            f"got {signatures.dtype} of shape {signatures.shape}"
        )
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity must be above 0 and at most 1, got {similarity}")
    if n == 0:
        return schema.CAMPAIGNS.empty_table()
    signatures = np.asarray(signatures)
    groups, typical = _near_copies(signatures, similarity)
    rows = np.fromiter((row for row, _ in contacts), dtype=np.int64, count=len(contacts))
    if len(rows) and (rows.min() < 0 or rows.max() >= n):
        raise ValueError(f"contacts name rows {rows.min()} to {rows.max()}, but there are {n} ads")
    codes = _codes(pa.array([key for _, key in contacts], pa.string()))
    campaigns, shares = _join_by_contact(groups, rows, codes, signatures, typical)
    copied = np.bincount(groups)[groups] > 1
    reasons = copied + 2 * shares
    return pa.table(
        [
            ad_ids.cast(pa.string()),
            _ids(ad_ids, campaigns),
            pa.array(np.bincount(campaigns)[campaigns], pa.int32()),
            pa.array(_REASONS).take(pa.array(reasons)),
        ],
        schema=schema.CAMPAIGNS,
    )


def _near_copies(signatures: NDArray[np.uint32], similarity: float) -> tuple[IntArray, IntArray]:
    """The near-copy group of every row, and a typical row of every group."""
    distinct, member_of = _distinct(signatures)
    group = np.full(len(distinct), -1, dtype=np.int64)
    typical: list[IntArray] = []
    found = 0
    rest = np.flatnonzero(~_blank(signatures, distinct))
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
    blank = np.flatnonzero(_blank(signatures, typical_rows))
    extra = np.flatnonzero(np.isin(groups, blank))[1:]
    groups[extra] = found + np.arange(len(extra))
    return groups, np.concatenate((typical_rows, extra))


def _blank(signatures: NDArray[np.uint32], rows: IntArray) -> NDArray[np.bool_]:
    """Whether each row is of an ad without a letter or digit."""
    out = np.empty(len(rows), dtype=np.bool_)
    for part in _parts(len(rows)):
        out[part] = (signatures[rows[part]] == EMPTY).all(axis=1)
    return out


def _distinct(signatures: NDArray[np.uint32]) -> tuple[IntArray, IntArray]:
    """A row for each different signature, ordered by a hash of it, and each row's place there.

    Most ads are exact copies; from here on a text counts once however often it was posted.
    """
    keys = np.empty(len(signatures), dtype=np.uint64)
    for part in _parts(len(signatures)):
        keys[part] = signatures[part].astype(np.uint64) @ _WEIGHTS
    _, first, member_of = np.unique(_mixed(keys), return_index=True, return_inverse=True)
    return first, member_of


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
        labels = _components(len(rows), labels[a[similar]], labels[b[similar]])[labels]
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
        heads[label] = sample[_medoid(signatures[rows[sample]])]
        head = np.full(len(members), rows[heads[label]])
        kept[members] = _similar(signatures, rows[members], head, similarity, _SLACK)
    return kept, heads


def _medoid(signatures: NDArray[np.uint32]) -> int:
    """The row that agrees most with all the others; the first of several."""
    total = [agreement(signatures, row).sum() for row in signatures]
    return int(np.argmax(total))


def _join_by_contact(
    groups: IntArray,
    rows: IntArray,
    codes: IntArray,
    signatures: NDArray[np.uint32],
    typical: IntArray,
) -> tuple[IntArray, NDArray[np.bool_]]:
    """The campaign of every row, and whether it shares a contact with another ad there."""
    shares = np.zeros(len(groups), dtype=np.bool_)
    count = len(typical)
    if not len(rows):
        return groups, shares
    pairs = np.unique(np.stack((codes, groups[rows]), axis=1), axis=0)
    code, group = pairs[:, 0], pairs[:, 1]
    joins = _few_or_alike(code, group, signatures, typical)
    limit = _CONTACT_GROUPS
    while True:
        nodes = _components(count + int(code.max()) + 1, group[joins], count + code[joins])
        spans = np.bincount(nodes[:count], minlength=int(nodes.max()) + 1)
        giant = joins & (spans[nodes[group]] > _CAMPAIGN_GROUPS)
        if limit == 0 or not giant.any():
            break
        limit //= 2
        joins &= ~(giant & (np.bincount(code[joins], minlength=int(code.max()) + 1)[code] > limit))
    campaigns = np.unique(nodes[:count], return_inverse=True)[1][groups]

    keys = code * count + group
    joined = joins[np.searchsorted(keys, codes * count + groups[rows])]
    ads = np.unique(np.stack((codes[joined], rows[joined]), axis=1), axis=0)
    shared = np.bincount(ads[:, 0], minlength=1) > 1 if len(ads) else np.zeros(1, dtype=np.bool_)
    shares[ads[shared[ads[:, 0]], 1]] = True
    return campaigns, shares


def _few_or_alike(
    code: IntArray, group: IntArray, signatures: NDArray[np.uint32], typical: IntArray
) -> NDArray[np.bool_]:
    """Which pairs of a contact and a group may join: all of a contact's, unless they are many."""
    joins = np.ones(len(code), dtype=np.bool_)
    counts = np.bincount(code)
    for busy in np.flatnonzero(counts > _CONTACT_GROUPS):
        pairs = slice(*np.searchsorted(code, (busy, busy + 1)))
        rows = typical[group[pairs]]
        head = signatures[rows[_medoid(signatures[rows[:_SAMPLE]])]]
        joins[pairs] = agreement(signatures[rows], head) >= _ALIKE
    return joins


def _components(count: int, a: IntArray, b: IntArray) -> IntArray:
    """The connected component of each of `count` nodes under the edges a - b."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _codes(keys: pa.Array) -> IntArray:
    """A number for each distinct string, in the order of the strings' first appearance."""
    return np.asarray(keys.dictionary_encode().indices, dtype=np.int64)


def _ids(ad_ids: pa.Array | pa.ChunkedArray, campaigns: IntArray) -> pa.Array:
    """The id of every row's campaign: from its smallest ad id."""
    order = pc.sort_indices(ad_ids).to_numpy()
    smallest = np.empty(int(campaigns.max()) + 1, dtype=np.int64)
    smallest[campaigns[order[::-1]]] = order[::-1]  # the last writer is the smallest id
    ids = [
        "c" + hashlib.sha256(ad_id.encode()).hexdigest()[:15]
        for ad_id in ad_ids.take(pa.array(smallest)).to_pylist()
    ]
    return pa.array(ids, pa.string()).take(pa.array(campaigns))


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the keys: every bit of the result depends on every bit of the key."""
    keys = keys ^ (keys >> np.uint64(32))
    keys *= np.uint64(0xD6E8FEB86659FD93)
    return keys ^ (keys >> np.uint64(32))


def _parts(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows, few at a time, so that memory stays flat."""
    return (slice(at, at + _ROWS) for at in range(0, count, _ROWS))
