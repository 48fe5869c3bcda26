"""Linking of ads into campaigns: near-duplicates, then shared contacts, then earlier campaigns.

In: ids, signatures and contact pseudonyms, no text; and the campaigns of an earlier run, if any.
Out: a campaign for every ad, the links that hold it together, the contacts held back, and the
campaigns that were merged. The result does not depend on the order of the rows.

Ads of an earlier campaign stay together, since near-duplicate groups change with every run and the
ad that joined two of them may have been forgotten. One exception: groups joined by boilerplate or
by a hotline, which more ads now reveal, are parted again, with a note.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import dataclass
from itertools import count as count_from

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk import schema
from adrisk.linking.grouped import sorted_unique
from adrisk.linking.links import Ads, Found, Linked, Pairs, guarded_table, links_table, notes
from adrisk.linking.minhash import WIDTH
from adrisk.linking.near_duplicates import Groups, NearDuplicateIndex, components, is_blank
from adrisk.linking.shared_contacts import GIANT, UNLIKE, Guards, Shared, share
from adrisk.types import IntArray

_COPIED = 0.5  # whole similarity from which two ads may have been joined by boilerplate
_OWN = 0.3  # similarity without boilerplate below which that was a mistake


@dataclass(frozen=True, slots=True)
class Earlier:
    """Campaigns of an earlier run.

    Attributes:
        ids: their ids, the oldest first.
        campaign_of: shape (n,), for each ad the number of its campaign in `ids`; -1 for a new ad.
        lost: for each id, whether ads of it were forgotten or rewritten, and with them perhaps
            the links between others.
    """

    ids: pa.StringArray
    campaign_of: IntArray
    lost: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PriorMembership:
    """Pairs of an earlier campaign and a present group of its ads.

    Attributes:
        ids: of all earlier campaigns, the oldest first.
        campaign, group: of each pair, sorted.
        stays: whether the group stays in the campaign.
        known: the campaigns that still have ads.
        home: for each of those, the group with most of its ads.
    """

    ids: pa.StringArray
    campaign: IntArray
    group: IntArray
    stays: NDArray[np.bool_]
    known: IntArray
    home: IntArray


def prior_membership(
    earlier: Earlier, group: IntArray, groups: Groups, shared: Shared
) -> PriorMembership:
    """Which groups stay in which earlier campaigns.

    Args:
        earlier: the campaigns.
        group: shape (n,), of each ad; from `len(groups.typical)` on, ads without text.
        groups: of near-duplicates.
        shared: which contacts join which groups.
    """
    count = int(group.max()) + 1
    old = earlier.campaign_of >= 0
    pairs, ads = np.unique(earlier.campaign_of[old] * count + group[old], return_counts=True)
    campaign, of = np.divmod(pairs, count)
    # The last writer has the most ads; of several, it is the first group.
    order = np.lexsort((-of, ads))
    home = np.full(len(earlier.ids), -1, dtype=np.int64)
    home[campaign[order]] = of[order]
    stays = np.ones(len(pairs), dtype=np.bool_)
    to_check = np.flatnonzero(
        (of != home[campaign]) & (of < len(groups.typical)) & (home[campaign] < len(groups.typical))
    )
    if len(to_check):
        a, b = of[to_check], home[campaign[to_check]]
        own, whole = groups.similarity_of_pairs(a, b)
        # If no ad was lost, a valid link would still exist.
        mistaken = (whole >= _COPIED) | ~earlier.lost[campaign[to_check]]
        mistaken |= _share_held_back_contact(a, b, shared)
        stays[to_check] = ~(mistaken & (own < _OWN))
    known = np.flatnonzero(home >= 0)
    return PriorMembership(earlier.ids, campaign, of, stays, known, home[known])


def _share_held_back_contact(a: IntArray, b: IntArray, shared: Shared) -> NDArray[np.bool_]:
    """Mask of the pairs of groups a and b that share a contact held back."""
    is_held_back = np.isin(shared.held_back[shared.contact], (UNLIKE, GIANT)) & ~shared.joins
    shown: dict[int, set[int]] = {}
    for group, contact in zip(
        shared.group[is_held_back].tolist(), shared.contact[is_held_back].tolist(), strict=True
    ):
        shown.setdefault(group, set()).add(contact)
    nothing: set[int] = set()
    return np.fromiter(
        (
            not shown.get(one, nothing).isdisjoint(shown.get(other, nothing))
            for one, other in zip(a.tolist(), b.tolist(), strict=True)
        ),
        dtype=np.bool_,
        count=len(a),
    )


CONTACTS = pa.schema(
    [pa.field("row", pa.int32(), nullable=False), pa.field("name", pa.string(), nullable=False)]
)
"""Contacts of texts: a row of the signatures, and the contact's pseudonym."""

_REASONS = pa.array(
    [
        "single",
        "near-copy",
        "shared contact",
        "near-copy and shared contact",
        "joined earlier",
    ]
)
_SINGLE, _EARLIER = 0, 4


def link(
    ad_ids: pa.StringArray | pa.ChunkedArray,
    signatures: NDArray[np.uint32],
    contacts: pa.Table | None = None,
    *,
    text_of: IntArray | None = None,
    similarity: float = 0.7,
    guards: Guards | None = None,
    earlier: Earlier | None = None,
) -> Linked:
    """The campaign of every ad, with the reason.

    Args:
        ad_ids: n distinct ids.
        signatures: shape (m, 64) from `adrisk.linking.signatures`, in memory or a memory map.
        contacts: `CONTACTS`, in any order; none if left out.
        text_of: shape (n,), the row of `signatures` of each ad, so that equal texts are signed
            once; every row belongs to an ad. Left out, m is n and each ad has its own.
        similarity: least share of common shingles of near-duplicates, above 0 and at most 1; short
            ads need `SHORT_SIMILARITY`. An ad without text has no near-duplicate.
        guards: limits for shared contacts.
        earlier: campaigns that stay together and keep their ids. Where new ads join two of them,
            the older id survives; one that was joined by boilerplate or a hotline is parted, and
            its largest part keeps the id.

    Returns:
        A new `campaign_id` is made from the smallest ad id in the campaign, so it does not depend
        on the order. `reason` says why this ad is in the campaign.
    """
    n = len(ad_ids)
    text_of = np.arange(n, dtype=np.int64) if text_of is None else text_of
    _check(n, signatures, text_of, similarity)
    if n == 0:
        return Linked.nothing()
    signatures = np.asarray(signatures)
    known = None if earlier is None else earlier.campaign_of >= 0
    ads = Ads.of(ad_ids, text_of, len(signatures), known)
    contact, row, names = _pairs(contacts, len(signatures))
    guards = guards or Guards()
    copies = NearDuplicateIndex(signatures, ads.place[ads.first])
    loose = copies.loose()
    authors = _join(loose.member_of, share(contact, row, loose, guards), len(names))
    groups = copies.near(similarity, authors)
    shared = share(contact, row, groups, guards)
    group = _blank_ads_alone(groups, signatures, ads)
    prior = None if earlier is None else prior_membership(earlier, group, groups, shared)
    campaign = _join(group, shared, len(names), prior)
    ids, merged, parted = _ids(ads, campaign, group, prior)

    sizes = np.bincount(campaign)[campaign]
    copied = np.bincount(group)[group] > 1
    reason = copied + 2 * _shows_shared(contact, row, shared, ads)[text_of]
    reason[(reason == _SINGLE) & (sizes > 1)] = _EARLIER
    typical = _typical(groups, group, ads)
    linking = Found(
        ads,
        signatures,
        groups,
        group,
        typical,
        campaign,
        ids,
        contact,
        row,
        shared,
        names,
        prior is not None,
    )
    guarded = guarded_table(linking)
    return Linked(
        campaigns=pa.table(
            [
                ads.ids,
                ids.take(pa.array(campaign)),
                pa.array(sizes, pa.int32()),
                _REASONS.take(pa.array(reason)),
            ],
            schema=schema.CAMPAIGNS,
        ),
        links=links_table(linking),
        guarded=guarded,
        texts=typical,
        merged=merged,
        parted=parted,
        notes=notes(guarded, merged, parted),
    )


def _check(n: int, signatures: NDArray[np.uint32], text_of: IntArray, similarity: float) -> None:
    m = len(signatures)
    if signatures.shape != (m, WIDTH) or signatures.dtype != np.uint32:
        raise ValueError(
            f"expected uint32 signatures of shape (m, {WIDTH}), "
            f"got {signatures.dtype} of shape {signatures.shape}"
        )
    if len(text_of) != n or not np.array_equal(sorted_unique(text_of), np.arange(m)):
        raise ValueError(
            f"expected for each of {n} ads one of {m} signatures, and each signature used; "
            f"got {len(text_of)} ads with {len(sorted_unique(text_of))} signatures"
        )
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity must be above 0 and at most 1, got {similarity}")


def _pairs(contacts: pa.Table | None, rows: int) -> tuple[IntArray, IntArray, pa.Array]:
    """Distinct pairs of a contact's number and a row, and the names in order of the numbers."""
    if contacts is None or not len(contacts):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, pa.array([], pa.string())
    coded = contacts["name"].combine_chunks().dictionary_encode()
    row = contacts["row"].to_numpy().astype(np.int64)
    if row.min() < 0 or row.max() >= rows:
        raise ValueError(f"contacts name rows {row.min()} to {row.max()}, but there are {rows}")
    order = pc.sort_indices(coded.dictionary).to_numpy()
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    pairs = sorted_unique(number[coded.indices.to_numpy()] * rows + row)
    contact, row = np.divmod(pairs, rows)
    return contact, row, coded.dictionary.take(pa.array(order))


def _blank_ads_alone(groups: Groups, signatures: NDArray[np.uint32], ads: Ads) -> IntArray:
    """The group of every ad; each ad without text is a group of its own."""
    group = groups.member_of[ads.text_of]
    blank = np.flatnonzero(is_blank(signatures, np.arange(len(signatures)))[ads.text_of])
    repeated = blank[ads.first[ads.text_of[blank]] != blank]
    group[repeated] = len(groups.typical) + np.arange(len(repeated))
    return group


def _typical(groups: Groups, group: IntArray, ads: Ads) -> IntArray:
    """The most typical ad of every ad's group; an ad without text is its own."""
    typical = np.arange(len(group))
    inside = np.flatnonzero(group < len(groups.typical))
    typical[inside] = ads.first[groups.typical][group[inside]]
    return typical


def _join(
    group: IntArray, shared: Shared, contacts: int, prior: PriorMembership | None = None
) -> IntArray:
    """Campaign number of every ad: components of groups, contacts and earlier campaigns."""
    count = int(group.max()) + 1
    a, b = shared.group[shared.joins], count + shared.contact[shared.joins]
    nodes = count + contacts
    if prior is not None:
        a = np.concatenate((a, prior.group[prior.stays]))
        b = np.concatenate((b, nodes + prior.campaign[prior.stays]))
        nodes += len(prior.ids)
    label = components(nodes, a, b)[:count]
    return np.unique(label, return_inverse=True)[1][group]


def _shows_shared(contact: IntArray, row: IntArray, shared: Shared, ads: Ads) -> NDArray[np.bool_]:
    """Mask of the texts with a contact that joins their ad to another."""
    joined = shared.place_of >= 0
    joined[joined] = shared.joins[shared.place_of[joined]]
    contact, row = contact[joined], row[joined]
    times = np.bincount(contact, weights=ads.copies[row], minlength=1)
    shows = np.zeros(len(ads.first), dtype=np.bool_)
    shows[row[times[contact] > 1]] = True
    return shows


def _ids(
    ads: Ads, campaign: IntArray, group: IntArray, prior: PriorMembership | None
) -> tuple[pa.StringArray, Pairs, Pairs]:
    """Ids of the campaigns; pairs of merged and older ids; pairs of parted and new ids."""
    count = int(campaign.max()) + 1
    smallest = np.empty(count, dtype=np.int64)
    smallest[campaign[ads.order[::-1]]] = ads.order[::-1]  # the last writer is the smallest id
    firsts = ads.ids.take(pa.array(smallest)).to_pylist()
    if prior is None:
        return pa.array([_new_id(first) for first in firsts], pa.string()), (), ()
    campaign_of_group = np.empty(int(group.max()) + 1, dtype=np.int64)
    campaign_of_group[group] = campaign
    home = campaign_of_group[prior.home]  # of each earlier campaign
    oldest = np.full(count, -1, dtype=np.int64)
    oldest[home[::-1]] = prior.known[::-1]
    earlier = prior.ids.to_pylist()
    taken = set(earlier)
    ids = [
        earlier[old] if old >= 0 else _new_id(first, taken)
        for old, first in zip(oldest.tolist(), firsts, strict=True)
    ]
    merged = [
        (earlier[old], ids[at])
        for old, at in zip(prior.known.tolist(), home.tolist(), strict=True)
        if oldest[at] != old
    ]
    left = campaign_of_group[prior.group[~prior.stays]]
    place = np.searchsorted(prior.known, prior.campaign[~prior.stays])
    parted = {
        (earlier[prior.known[was]], ids[at])
        for was, at in zip(place.tolist(), left.tolist(), strict=True)
        if home[was] != at
    }
    return pa.array(ids, pa.string()), tuple(merged), tuple(sorted(parted))


def _new_id(first: str, taken: Container[str] = ()) -> str:
    """A hash of the smallest ad id of a campaign that no earlier campaign has."""
    new_id = "c" + hashlib.sha256(first.encode()).hexdigest()[:15]
    if new_id not in taken:
        return new_id
    for attempt in count_from(1):
        new_id = "c" + hashlib.sha256(f"{first}\0{attempt}".encode()).hexdigest()[:15]
        if new_id not in taken:
            break
    return new_id
