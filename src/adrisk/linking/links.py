"""Why the ads of a campaign are together, and which contacts were not let join: tables to show.

Every near-copy is linked to its group's most typical ad, and groups that share contacts by as few
contacts as reach them all: a campaign of n ads has n - 1 links, not n squared.

What linking found: campaigns, why their ads are together, and what was not let join them.
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
from adrisk.linking.grouped import packed
from adrisk.linking.near_duplicates import Groups, components
from adrisk.linking.shared_contacts import REASONS, Shared
from adrisk.types import FloatArray, IntArray

SHORT_NAME = 12
"""Hexadecimal characters of a contact's pseudonym that are shown."""


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """The outcome of linking.

    Attributes:
        campaigns: `schema.CAMPAIGNS`, one row an ad, in the order given.
        links: `schema.LINKS`, sorted by campaign; an ad that stands alone has none.
        guarded: `schema.GUARDED`, the busiest contact first.
        texts: shape (n,), the near-copy group of every ad, as the row of its most typical ad; a
            number behind the last row where that ad is only remembered.
        merged: campaigns of an earlier time that became part of an older one: the id that is
            gone, and the id that survives.
        parted: campaigns of an earlier time that turned out to be several: the id, which the
            largest part keeps, and the new id of another part.
        notes: what a person should be told, a sentence each; no contact and no text.
    """

    campaigns: pa.Table
    links: pa.Table
    guarded: pa.Table
    texts: IntArray = field(compare=False)  # the links say it, too
    merged: Pairs = ()
    parted: Pairs = ()
    notes: tuple[str, ...] = ()

    @staticmethod
    def nothing() -> Linked:
        """What linking no ads gives."""
        return Linked(
            schema.CAMPAIGNS.empty_table(),
            schema.LINKS.empty_table(),
            schema.GUARDED.empty_table(),
            np.zeros(0, dtype=np.int64),
        )


_NEAR_COPY, _SHARED_CONTACT, _JOINED_EARLIER = range(3)
KINDS = pa.array([NEAR_COPY, SHARED_CONTACT, JOINED_EARLIER])
"""The kinds of links."""

_NOTED = 5  # contacts held back, or campaigns that became one, that are told one by one


@dataclass(frozen=True, slots=True)
class Ads:
    """n ads and the m texts they have.

    Attributes:
        ids: of the ads.
        text_of: shape (n,).
        order: shape (n,), the ads in the order of their ids, those known earlier first.
        place: shape (n,), where each ad comes in that order.
        first: shape (m,), the first ad in that order that has the text.
        copies: shape (m,), how many ads have the text.
    """

    ids: pa.ChunkedArray | pa.Array
    text_of: IntArray
    order: IntArray
    place: IntArray
    first: IntArray
    copies: IntArray

    @staticmethod
    def of(
        ids: pa.ChunkedArray | pa.Array,
        text_of: IntArray,
        texts: int,
        known: NDArray[np.bool_] | None = None,
    ) -> Ads:
        """The ads, put in order."""
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
    """What linking knows.

    Attributes:
        ads: n ads, m texts.
        signatures: shape (m, 64).
        groups: of the texts.
        group: shape (n,), of the ads; from `len(groups.typical)` on, ads without text.
        typical: shape (n,), of the ads: the most typical ad of each one's group, itself where
            none is.
        campaign: shape (n,), a number.
        ids: of the campaigns.
        contact, row: which contact stands in which text.
        shared: which contacts join which groups.
        names: of the contacts.
        standing: whether there were campaigns at an earlier time.
    """

    ads: Ads
    signatures: NDArray[np.uint32]
    groups: Groups
    group: IntArray
    typical: IntArray
    campaign: IntArray
    ids: pa.Array
    contact: IntArray
    row: IntArray
    shared: Shared
    names: pa.Array
    standing: bool


def links_table(found: Found) -> pa.Table:
    """`schema.LINKS`: enough links to reach every ad of a campaign from any other."""
    ad, other, strength = _near_copies(found)
    by_contact = _by_contact(found)
    ads = np.concatenate((ad, by_contact[0]))
    others = np.concatenate((other, by_contact[1]))
    kinds = np.repeat([_NEAR_COPY, _SHARED_CONTACT], [len(ad), len(by_contact[0])])
    earlier = _still_apart(found, ads, others)
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
            ids.take(pa.array(ads[order])),
            ids.take(pa.array(others[order])),
            KINDS.take(pa.array(kinds[order])),
            pa.array(numbers[order], pa.float32(), from_pandas=True),
            _short(found.names).take(pa.array(contacts[order], mask=contacts[order] < 0)),
        ],
        schema=schema.LINKS,
    )


def guarded_table(found: Found) -> pa.Table:
    """`schema.GUARDED`: contacts that were held back, the busiest first."""
    held = found.shared.held_back
    ads = np.bincount(found.contact, weights=found.ads.copies[found.row], minlength=len(held))
    groups = np.bincount(found.shared.contact, minlength=len(held))
    which = np.flatnonzero(held)
    which = which[np.lexsort((which, -ads[which]))]
    return pa.table(
        [
            _short(found.names).take(pa.array(which)),
            pa.array(ads[which].astype(np.int32)),
            pa.array(groups[which].astype(np.int32)),
            pa.array([REASONS[reason] for reason in held[which].tolist()], pa.string()),
        ],
        schema=schema.GUARDED,
    )


def notes(guarded: pa.Table, merged: Pairs, parted: Pairs) -> tuple[str, ...]:
    """What a person should be told of contacts held back and of campaigns that became one."""
    said = [
        f"contact {row['contact']} stands in {row['ads']:,} ads of {row['groups']:,} groups and "
        f"was not let join them all: {row['reason']}"
        for row in guarded.slice(0, _NOTED).to_pylist()
    ]
    if len(guarded) > _NOTED:
        rest = Counter(guarded["reason"].slice(_NOTED).to_pylist())
        said += [
            f"{times:,} more contacts were not let join all of their ads: {reason}"
            for reason, times in rest.most_common()
        ]
    said += [f"campaign {old} is now part of the older {kept}" for old, kept in merged[:_NOTED]]
    if len(merged) > _NOTED:
        said.append(f"{len(merged) - _NOTED:,} more campaigns became part of older ones")
    several = Counter(old for old, _ in parted)
    said += [
        f"campaign {old} was held together by what is everybody's; parted from it: {parts:,}"
        for old, parts in several.most_common(_NOTED)
    ]
    if len(several) > _NOTED:
        said.append(f"{len(several) - _NOTED:,} more campaigns were parted")
    return tuple(said)


def _near_copies(found: Found) -> tuple[IntArray, IntArray, FloatArray]:
    """Each near-copy, its group's typical ad, and how alike their texts are."""
    ad = np.flatnonzero(found.typical != np.arange(len(found.typical)))
    return ad, found.typical[ad], found.groups.alike[found.ads.text_of[ad]]


def _by_contact(found: Found) -> tuple[IntArray, IntArray, IntArray]:
    """Two ads of different groups that show the same contact, and the contact."""
    ads, shared, groups = found.ads, found.shared, found.groups
    nobody = len(ads.place)
    shows = shared.place_of >= 0
    pair, row = shared.place_of[shows], found.row[shows]
    # The ad of the group that shows the contact: the typical one, else the one that comes first.
    place = np.full(len(shared.contact), nobody, dtype=np.int64)
    np.minimum.at(place, pair, ads.place[ads.first[row]])
    typical = groups.typical[groups.member_of[row]] == row
    place[pair[typical]] = ads.place[ads.first[row[typical]]]

    at = np.flatnonzero(shared.joins)
    at = at[
        np.lexsort((ads.place[ads.first[groups.typical[shared.group[at]]]], shared.contact[at]))
    ]
    begins = np.concatenate(([True], shared.contact[at][1:] != shared.contact[at][:-1]))[: len(at)]
    hub = at[np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))]
    spoke, hub = at[~begins], hub[~begins]
    kept = _spanning(shared.group[hub], shared.group[spoke], len(groups.typical))
    spoke, hub = spoke[kept], hub[kept]
    return ads.order[place[spoke]], ads.order[place[hub]], shared.contact[spoke]


def _still_apart(found: Found, ads: IntArray, others: IntArray) -> tuple[IntArray, IntArray]:
    """Ads of a campaign that only an earlier time joined: the first of each part, and of all."""
    if not found.standing:
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
    """Which of the edges a - b are enough to hold together what they all hold together."""
    if not len(a):
        return np.zeros(0, dtype=np.int64)
    low, high = np.minimum(a, b), np.maximum(a, b)
    keys, at = np.unique(low * count + high, return_index=True)
    graph = coo_array((np.ones(len(at)), (low[at], high[at])), shape=(count, count)).tocsr()
    tree = minimum_spanning_tree(graph).tocoo()
    rows = np.minimum(tree.row, tree.col).astype(np.int64)
    kept = np.searchsorted(keys, rows * count + np.maximum(tree.row, tree.col))
    return np.asarray(at[kept], dtype=np.int64)


def _short(names: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(names, 0, SHORT_NAME)
