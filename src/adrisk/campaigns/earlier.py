"""Campaigns of an earlier time: what stays together, though tonight's ads alone would not join it.

What was joined once stays joined: groups of near-copies come out a little otherwise with every
night, and the ad that joined two of them may be forgotten by now. There is one exception. With few
ads to go by, a footer or a hotline can be taken for an author's own; once more ads show that it is
everybody's, the campaign is parted again, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.campaigns.copies import Groups
from adrisk.campaigns.sharing import GIANT, UNLIKE, Shared
from adrisk.types import IntArray

_COPIED = 0.5  # similarity of everything that shows why two ads were once taken for copies
_OWN = 0.3  # similarity of what is their own, below which that was a mistake


@dataclass(frozen=True, slots=True)
class Earlier:
    """Campaigns of an earlier time.

    Attributes:
        ids: their ids, the oldest first.
        campaign_of: shape (n,), for each ad the number of its campaign in `ids`; -1 for a new ad.
        lost: for each id, whether ads of it were forgotten or rewritten, and with them perhaps
            what joined the others.
    """

    ids: pa.Array
    campaign_of: IntArray
    lost: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Standing:
    """Each earlier campaign with each group its ads are in now.

    Attributes:
        ids: of all earlier campaigns, the oldest first.
        campaign, group: of each pair, sorted.
        stays: whether the group stays in the campaign.
        known: the campaigns that still have ads.
        home: for each of those, the group with most of its ads.
    """

    ids: pa.Array
    campaign: IntArray
    group: IntArray
    stays: NDArray[np.bool_]
    known: IntArray
    home: IntArray


def stand(earlier: Earlier, group: IntArray, groups: Groups, shared: Shared) -> Standing:
    """What stays together.

    Args:
        earlier: the campaigns.
        group: shape (n,), of each ad; from `len(groups.typical)` on, ads without text.
        groups: of near-copies.
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
    judged = np.flatnonzero(
        (of != home[campaign]) & (of < len(groups.typical)) & (home[campaign] < len(groups.typical))
    )
    if len(judged):
        a, b = of[judged], home[campaign[judged]]
        own, whole = groups.likeness_of_pairs(a, b)
        # While all of its ads are there, whatever joined them would join them now.
        mistaken = (whole >= _COPIED) | ~earlier.lost[campaign[judged]]
        mistaken |= _share_what_is_everybodys(a, b, shared)
        stays[judged] = ~(mistaken & (own < _OWN))
    known = np.flatnonzero(home >= 0)
    return Standing(earlier.ids, campaign, of, stays, known, home[known])


def _share_what_is_everybodys(a: IntArray, b: IntArray, shared: Shared) -> NDArray[np.bool_]:
    """Whether groups a and b show the same contact of those that were held back."""
    held = np.isin(shared.held_back[shared.contact], (UNLIKE, GIANT)) & ~shared.joins
    shown: dict[int, set[int]] = {}
    for group, contact in zip(
        shared.group[held].tolist(), shared.contact[held].tolist(), strict=True
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
