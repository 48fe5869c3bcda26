"""Join groups of near-copies that share a contact, unless the contact is everybody's.

In: which ad shows which contact. Out: which groups a contact joins, and which contacts were held
back, with the reason. Guards count *groups*, never ads, so that a thousand copies of one ad do not
make its phone look like a hotline:

- a contact of many unlike groups joins none of them (a platform's support number, a hotline);
- an ad that lists many contacts is a directory, and joins nobody through them;
- a campaign of very many unlike groups lets go of its busiest contacts until it falls apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.linking.grouped import sorted_unique
from adrisk.linking.near_duplicates import Groups, components
from adrisk.types import IntArray

UNLIKE, LISTED, GIANT = range(1, 4)
REASONS = {
    UNLIKE: "in many unlike ads, as a hotline or a platform's own number is",
    LISTED: "in ads that list many contacts, as a directory does",
    GIANT: "would join too many unlike ads into one campaign",
}
"""Why a contact was held back."""


@dataclass(frozen=True, slots=True)
class Guards:
    """When a shared contact stops to mean a shared author.

    Attributes:
        contact_groups: a contact in more unlike groups of near-copies than this joins none.
        alike: the share of shingles that makes two groups alike in that sense,
        short_alike: and what is enough of two short ads, where a town and a price are a third.
        ad_contacts: an ad with more contacts than this joins nobody through them.
        campaign_groups: a campaign of more groups than this lets go of its busiest contacts.
    """

    contact_groups: int = 25
    alike: float = 0.3
    short_alike: float = 0.2
    ad_contacts: int = 10
    campaign_groups: int = 200


@dataclass(frozen=True, slots=True)
class Shared:
    """Each contact with each group that shows it, sorted by contact, then by group.

    Attributes:
        contact: shape (n,), the number of the contact.
        group: shape (n,), the number of the group.
        joins: shape (n,), whether this contact may join this group to others.
        held_back: for each contact, 0 or the number of one of `REASONS`.
        place_of: for each contact and row given, its place in `contact` and `group`; -1 if the
            ad is a directory.
    """

    contact: IntArray
    group: IntArray
    joins: NDArray[np.bool_]
    held_back: NDArray[np.int8]
    place_of: IntArray


def share(
    contact: IntArray,
    row: IntArray,
    groups: Groups,
    guards: Guards,
) -> Shared:
    """Which contacts join which groups.

    Args:
        contact: shape (n,), the number of a contact, from 0 without gaps; together with `row`
            no pair comes twice.
        row: shape (n,), a signature whose ad shows the contact.
        groups: of the signatures.
        guards: what is held back.
    """
    count = int(contact.max()) + 1 if len(contact) else 0
    listed = np.bincount(row)[row] > guards.ad_contacts if count else np.zeros(0, dtype=np.bool_)
    pairs, member = np.unique(
        contact * len(groups.typical) + groups.member_of[row], return_inverse=True
    )
    of, group = np.divmod(pairs, len(groups.typical))
    joins = np.zeros(len(pairs), dtype=np.bool_)
    joins[member[~listed]] = True
    held_back = np.zeros(count, dtype=np.int8)
    several = np.bincount(of, minlength=count) > 1
    held_back[of[~joins & several[of]]] = LISTED

    one_authors = np.zeros(count, dtype=np.bool_)
    for busy in np.flatnonzero(np.bincount(of[joins], minlength=count) > guards.contact_groups):
        at = np.flatnonzero((of == busy) & joins)
        if _few_kinds(groups, group[at], guards):
            one_authors[busy] = True
        else:
            joins[at] = False
            held_back[busy] = UNLIKE

    # Many groups that one contact shows to be rewordings of few count as one of a campaign's.
    sure = joins & one_authors[of]
    nodes = len(groups.typical)
    kind = components(nodes + count, group[sure], nodes + of[sure])[:nodes]
    width = int(kind.max(initial=0)) + 1
    limit = guards.contact_groups
    while limit:
        label = components(nodes + count, group[joins], nodes + of[joins])
        kinds = sorted_unique(label[:nodes] * width + kind) // width
        spans = np.bincount(kinds, minlength=int(label.max(initial=0)) + 1)
        giant = joins & (spans[label[group]] > guards.campaign_groups)
        if not giant.any():
            break
        limit //= 2
        let_go = giant & ~sure & (np.bincount(of[joins], minlength=count)[of] > limit)
        joins &= ~let_go
        held_back[of[let_go]] = GIANT
    return Shared(of, group, joins, held_back, np.where(listed, -1, member))


def _few_kinds(groups: Groups, some: IntArray, guards: Guards) -> bool:
    """Whether groups are of few kinds, each like the first of its kind.

    One author's many rewordings are few kinds; what everybody writes is as many as one looks for.
    """
    for _ in range(guards.contact_groups):
        likeness, short = groups.likeness(some[1:], int(some[0]))
        some = some[1:][likeness < np.where(short, guards.short_alike, guards.alike)]
        if not len(some):
            return True
    return False
