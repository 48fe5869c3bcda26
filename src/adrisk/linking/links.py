"""Links of campaigns, contacts held back, and notes: the tables that result from linking.

In: groups, campaigns and shared contacts (`Found`). Out: `Linked`. Every near-duplicate is linked
to its group's typical ad, and groups with shared contacts by a spanning tree, so a campaign of n
ads has n - 1 links.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from adrisk import schema
from adrisk.layout import JOINED_EARLIER, NEAR_COPY, SHARED_CONTACT
from adrisk.linking.grouped import first_of_equals, packed
from adrisk.linking.near_duplicates import Groups, components
from adrisk.linking.shared_contacts import REASONS, Shared
from adrisk.types import ArrowArray, ArrowValues, FloatArray, IntArray

SHORT_NAME = 12
"""Hexadecimal characters shown of a contact's pseudonym."""


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """Result of linking: campaigns, links, contacts held back, and notes.

    Attributes:
        campaigns: `schema.CAMPAIGNS`, one row an ad, in the order given.
        links: `schema.LINKS`, sorted by campaign; a single ad has none.
        guarded: `schema.GUARDED`, the busiest contact first.
        texts: shape (n,), the near-duplicate group of every ad, as the row of its typical ad; a
            number after the last row where that ad is only in the memory.
        merged: earlier campaigns merged into an older one: the old id and the surviving id.
        parted: earlier campaigns that were parted: the id, kept by the largest part, and the
            new id of another part.
        notes: notes for the user, a sentence each, without contact or text.
    """

    campaigns: pa.Table
    links: pa.Table
    guarded: pa.Table
    texts: IntArray = field(compare=False)  # follows from the links
    merged: Pairs = ()
    parted: Pairs = ()
    notes: tuple[str, ...] = ()

    @staticmethod
    def nothing() -> Linked:
        """The result for no ads."""
        return Linked(
            schema.CAMPAIGNS.empty_table(),
            schema.LINKS.empty_table(),
            schema.GUARDED.empty_table(),
            np.zeros(0, dtype=np.int64),
        )


_NEAR_COPY, _SHARED_CONTACT, _JOINED_EARLIER = range(3)
KINDS = pa.array([NEAR_COPY, SHARED_CONTACT, JOINED_EARLIER])
"""The kinds of links."""

_NOTED = 5  # contacts held back, or merged campaigns, listed one by one


@dataclass(frozen=True, slots=True)
class Ads:
    """n ads in the order of their ids, and their m distinct texts.

    Attributes:
        ids: of the ads.
        text_of: shape (n,).
        order: shape (n,), the ads in the order of their ids, those known earlier first.
        place: shape (n,), position of each ad in that order.
        first: shape (m,), the first ad in that order that has the text.
        copies: shape (m,), how many ads have the text.
    """

    ids: ArrowValues
    text_of: IntArray
    order: IntArray
    place: IntArray
    first: IntArray
    copies: IntArray

    @staticmethod
    def of(
        ids: ArrowValues,
        text_of: IntArray,
        texts: int,
        known: NDArray[np.bool_] | None = None,
    ) -> Ads:
        """The ads, sorted."""
        ids = ids.cast(pa.string())
        order = pc.sort_indices(ids).to_numpy().astype(np.int64)
        if known is not None:
            order = np.concatenate((order[known[order]], order[~known[order]]))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        first = np.empty(texts, dtype=np.int64)
        first[text_of[order[::-1]]] = order[::-1]  # the last writer is the smallest id
        return Ads(ids, text_of, order, place, first, np.bincount(text_of, minlength=texts))


@dataclass(frozen=True, slots=True)
class Found:
    """Intermediate results of linking, from which the tables are made.

    Attributes:
        ads: n ads, m texts.
        signatures: shape (m, 64).
        groups: of the texts.
        group: shape (n,), of the ads; from `len(groups.typical)` on, ads without text.
        typical: shape (n,), the most typical ad of each ad's group, or itself.
        campaign: shape (n,), a number.
        ids: of the campaigns.
        contact, row: pairs of a contact and a text that shows it.
        shared: which contacts join which groups.
        names: of the contacts.
        has_prior: whether there are earlier campaigns.
    """

    ads: Ads
    signatures: NDArray[np.uint32]
    groups: Groups
    group: IntArray
    typical: IntArray
    campaign: IntArray
    ids: ArrowArray
    contact: IntArray
    row: IntArray
    shared: Shared
    names: ArrowArray
    has_prior: bool


def links_table(found: Found) -> pa.Table:
    """`schema.LINKS`: links that connect all ads of each campaign."""
    ad, other, strength = _near_copies(found)
    by_contact = _by_contact(found)
    ads = np.concatenate((ad, by_contact[0]))
    others = np.concatenate((other, by_contact[1]))
    kinds = np.repeat([_NEAR_COPY, _SHARED_CONTACT], [len(ad), len(by_contact[0])])
    earlier = _earlier_links(found, ads, others)
    ads = np.concatenate((ads, earlier[0]))
    others = np.concatenate((others, earlier[1]))
    kinds = np.concatenate((kinds, np.full(len(earlier[0]), _JOINED_EARLIER)))
    numbers = np.full(len(ads), np.nan, dtype=np.float32)
    numbers[: len(ad)] = strength
    contacts = np.full(len(ads), -1, dtype=np.int64)
    contacts[len(ad) : len(ad) + len(by_contact[2])] = by_contact[2]
    order = np.argsort(
        packed(found.campaign[ads], kinds, found.ads.place[ads], np.arange(len(ads)))
    )
    ids = found.ads.ids
    return pa.table(
        [
            found.ids.take(pa.array(found.campaign[ads[order]])),
            ids.take(ads[order]),
            ids.take(others[order]),
            KINDS.take(kinds[order]),
            pa.array(numbers[order], pa.float32(), from_pandas=True),
            _short(found.names).take(pa.array(contacts[order], mask=contacts[order] < 0)),
        ],
        schema=schema.LINKS,
    )


def guarded_table(found: Found) -> pa.Table:
    """`schema.GUARDED`: contacts that were held back, the busiest first."""
    held_back = found.shared.held_back
    ads = np.bincount(found.contact, weights=found.ads.copies[found.row], minlength=len(held_back))
    groups = np.bincount(found.shared.contact, minlength=len(held_back))
    which = np.flatnonzero(held_back)
    which = which[np.lexsort((which, -ads[which]))]
    return pa.table(
        [
            _short(found.names).take(which),
            pa.array(ads[which].astype(np.int32)),
            pa.array(groups[which].astype(np.int32)),
            pa.array([REASONS[reason] for reason in held_back[which].tolist()], pa.string()),
        ],
        schema=schema.GUARDED,
    )


def notes(guarded: pa.Table, merged: Pairs, parted: Pairs) -> tuple[str, ...]:
    """Notes on contacts held back and on campaigns merged or parted."""
    lines = [
        f"contact {row['contact']} of {row['ads']:,} ads in {row['groups']:,} groups does not join "
        f"all of them: {row['reason']}"
        for row in guarded.slice(0, _NOTED).to_pylist()
    ]
    if len(guarded) > _NOTED:
        rest = Counter(guarded["reason"].slice(_NOTED).to_pylist())
        lines += [
            f"{times:,} more contacts do not join all of their ads: {reason}"
            for reason, times in rest.most_common()
        ]
    lines += [f"campaign {old} is now part of the older {kept}" for old, kept in merged[:_NOTED]]
    if len(merged) > _NOTED:
        lines.append(f"{len(merged) - _NOTED:,} more campaigns became part of older ones")
    parts_of = Counter(old for old, _ in parted)
    lines += [
        f"campaign {old} was joined by a shared contact or boilerplate; parts split off: {parts:,}"
        for old, parts in parts_of.most_common(_NOTED)
    ]
    if len(parts_of) > _NOTED:
        lines.append(f"{len(parts_of) - _NOTED:,} more campaigns were parted")
    return tuple(lines)


def _near_copies(found: Found) -> tuple[IntArray, IntArray, FloatArray]:
    """Each near-duplicate, its group's typical ad, and their similarity."""
    ad = np.flatnonzero(found.typical != np.arange(len(found.typical)))
    return ad, found.typical[ad], found.groups.alike[found.ads.text_of[ad]]


def _by_contact(found: Found) -> tuple[IntArray, IntArray, IntArray]:
    """Two ads of different groups that show the same contact, and the contact."""
    ads, shared, groups = found.ads, found.shared, found.groups
    no_ad = len(ads.place)
    shows = shared.place_of >= 0
    pair, row = shared.place_of[shows], found.row[shows]
    # The ad of the group with the contact: the typical one, else the first.
    place = np.full(len(shared.contact), no_ad, dtype=np.int64)
    np.minimum.at(place, pair, ads.place[ads.first[row]])
    typical = groups.typical[groups.member_of[row]] == row
    place[pair[typical]] = ads.place[ads.first[row[typical]]]

    at = np.flatnonzero(shared.joins)
    at = at[
        np.lexsort((ads.place[ads.first[groups.typical[shared.group[at]]]], shared.contact[at]))
    ]
    is_first = first_of_equals(shared.contact[at])
    hub = at[np.maximum.accumulate(np.where(is_first, np.arange(len(at)), 0))]
    spoke, hub = at[~is_first], hub[~is_first]
    kept = _spanning(shared.group[hub], shared.group[spoke], len(groups.typical))
    spoke, hub = spoke[kept], hub[kept]
    return ads.order[place[spoke]], ads.order[place[hub]], shared.contact[spoke]


def _earlier_links(found: Found, ads: IntArray, others: IntArray) -> tuple[IntArray, IntArray]:
    """Links between parts of a campaign joined only earlier, from their first ads."""
    if not found.has_prior:
        return ads[:0], others[:0]
    part = components(len(found.group), ads, others)
    order = found.ads.order
    first = np.empty(int(part.max()) + 1, dtype=np.int64)
    first[part[order[::-1]]] = order[::-1]
    head = np.empty(len(found.ids), dtype=np.int64)
    head[found.campaign[order[::-1]]] = order[::-1]
    head = head[found.campaign[first]]
    return first[first != head], head[first != head]


def _spanning(a: IntArray, b: IntArray, count: int) -> IntArray:
    """Indices of edges a - b that form a spanning forest."""
    if not len(a):
        return np.zeros(0, dtype=np.int64)
    low, high = np.minimum(a, b), np.maximum(a, b)
    keys, at = np.unique(low * count + high, return_index=True)
    graph = coo_array((np.ones(len(at)), (low[at], high[at])), shape=(count, count)).tocsr()
    tree = minimum_spanning_tree(graph).tocoo()
    rows = np.minimum(tree.row, tree.col).astype(np.int64)
    kept = np.searchsorted(keys, rows * count + np.maximum(tree.row, tree.col))
    return np.asarray(at[kept], dtype=np.int64)


def _short(names: ArrowArray) -> ArrowArray:
    short: ArrowArray = pc.utf8_slice_codeunits(names, 0, SHORT_NAME)
    return short
