"""Shared contacts: groups joined by a contact, unless the contact is shared by unlike ads.

In: pairs of contact and ad, groups of near-duplicates. Out: the groups each contact joins, and the
contacts held back, with the reason. The guards count groups, not ads, so that a thousand copies of
one ad do not make its phone a hotline:

- a contact of many unlike groups joins none of them (a platform's support number, a hotline);
- an ad that lists many contacts is a directory and is not joined through them;
- a campaign of too many unlike groups loses its busiest contacts until it splits.
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
"""Reasons for holding a contact back."""


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits beyond which a shared contact does not imply a shared author.

    Attributes:
        contact_groups: a contact in more unlike groups than this joins none.
        alike: least share of common shingles of two alike groups,
        short_alike: and of two short ads, where a town and a price are a third of the text.
        ad_contacts: an ad with more contacts than this is a directory.
        campaign_groups: a campaign of more groups than this loses its busiest contacts.
    """

    contact_groups: int = 25
    alike: float = 0.3
    short_alike: float = 0.2
    ad_contacts: int = 10
    campaign_groups: int = 200


@dataclass(frozen=True, slots=True)
class Shared:
    """Pairs of a contact and a group that shows it, sorted by contact, then by group.

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
    """Which contacts join which groups, after the guards.

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
    contact_of, group = np.divmod(pairs, len(groups.typical))
    joins = np.zeros(len(pairs), dtype=np.bool_)
    joins[member[~listed]] = True
    held_back = np.zeros(count, dtype=np.int8)
    several = np.bincount(contact_of, minlength=count) > 1
    held_back[contact_of[~joins & several[contact_of]]] = LISTED

    single_author = np.zeros(count, dtype=np.bool_)
    for busy in np.flatnonzero(
        np.bincount(contact_of[joins], minlength=count) > guards.contact_groups
    ):
        at = np.flatnonzero((contact_of == busy) & joins)
        if _few_kinds(groups, group[at], guards):
            single_author[busy] = True
        else:
            joins[at] = False
            held_back[busy] = UNLIKE

    # Groups of one author, rewordings of few kinds, count once in a campaign.
    certain = joins & single_author[contact_of]
    nodes = len(groups.typical)
    kind = components(nodes + count, group[certain], nodes + contact_of[certain])[:nodes]
    width = int(kind.max(initial=0)) + 1
    limit = guards.contact_groups
    while limit:
        label = components(nodes + count, group[joins], nodes + contact_of[joins])
        kind_in_label = sorted_unique(label[:nodes] * width + kind) // width
        spans = np.bincount(kind_in_label, minlength=int(label.max(initial=0)) + 1)
        giant = joins & (spans[label[group]] > guards.campaign_groups)
        if not giant.any():
            break
        limit //= 2
        removed = (
            giant & ~certain & (np.bincount(contact_of[joins], minlength=count)[contact_of] > limit)
        )
        joins &= ~removed
        held_back[contact_of[removed]] = GIANT
    return Shared(contact_of, group, joins, held_back, np.where(listed, -1, member))


def _few_kinds(groups: Groups, remaining: IntArray, guards: Guards) -> bool:
    """Whether groups fall into few kinds, each similar to the first of its kind.

    Rewordings by one author fall into few kinds; unrelated ads do not.
    """
    for _ in range(guards.contact_groups):
        similarity, short = groups.similarity_to(remaining[1:], int(remaining[0]))
        remaining = remaining[1:][similarity < np.where(short, guards.short_alike, guards.alike)]
        if not len(remaining):
            return True
    return False
