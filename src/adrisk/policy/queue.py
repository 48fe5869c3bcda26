"""The queue: levels and ranks from risk, campaigns, and what stands apart from the risk.

In: the risk and the campaign of every ad. Out: a level and a place in the queue. The unit of review
is the campaign: a capacity of 200 is 200 campaigns, in the order of the campaign risk, and all ads
of one at or above the threshold share its rank. What escalates comes first and takes places from
the others, never the other way round; what cannot be judged has a share of its own, at the end. A
campaign has one place at most: its ads that cannot be judged share the place it has already. A
clear ad is only one that nobody was asked to look at today.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.policy.policy import Policy
from adrisk.types import Level

LEVELS = (Level.CLEAR, Level.REVIEW, Level.URGENT, Level.INCOMPLETE)
"""What the numbers in `Queue.levels` mean."""

ESCALATE_AT = 0.8
"""The calibrated probability from which a model's own finding escalates an ad."""

_CLEAR, _REVIEW, _URGENT, _INCOMPLETE = range(4)


@dataclass(frozen=True, slots=True)
class AdExceptions:
    """The ads whose place does not depend on their risk.

    Attributes:
        escalated: shape (n,), shows an escalate-only indicator.
        incomplete: shape (n,), should not be judged; an escalated ad is escalated all the same.
    """

    escalated: NDArray[np.bool_]
    incomplete: NDArray[np.bool_]

    @classmethod
    def none(cls, count: int) -> AdExceptions:
        """No such ads among so many."""
        return cls(np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_))

    @property
    def unjudged(self) -> NDArray[np.bool_]:
        """Shape (n,), left to people whatever their risk; what escalates is not among them."""
        return self.incomplete & ~self.escalated

    def flagged(self, risk: NDArray[np.floating], review_at: float) -> NDArray[np.bool_]:
        """Shape (n,), judged and at or above the threshold, or escalated; capacity comes later."""
        high = risk.astype(np.float32) >= np.float32(review_at)
        return (high & ~self.unjudged) | self.escalated


@dataclass(frozen=True, slots=True)
class Queue:
    """What a policy makes of n ads.

    Attributes:
        levels: shape (n,), indices into `LEVELS`.
        ranks: shape (n,), place of the ad's campaign in the queue from 1; 0 when not queued.
        audit: shape (n,), drawn at random from the ads below the threshold.
        over_capacity: shape (n,), at or above the threshold but beyond today's capacity.
    """

    levels: NDArray[np.int8]
    ranks: NDArray[np.int32]
    audit: NDArray[np.bool_]
    over_capacity: NDArray[np.bool_]

    def level(self, row: int) -> Level:
        """The level of one ad."""
        return LEVELS[self.levels[row]]


def apply_policy(
    policy: Policy,
    risk: NDArray[np.float32],
    campaigns: NDArray[np.int32],
    campaign_risk: NDArray[np.floating] | None = None,
    apart: AdExceptions | None = None,
) -> Queue:
    """Levels and ranks for all ads at once.

    Args:
        policy: settled.
        risk: shape (n,), calibrated probability of risk 2 or 3.
        campaigns: shape (n,), a number for each campaign, 0 to m - 1.
        campaign_risk: shape (m,), what campaigns are put in order by; the risk of their riskiest
            ad if left out.
        apart: the ads that escalate or cannot be judged; none if left out.

    Returns:
        Campaigns with an escalated ad first, however many; then those with an urgent ad, then the
        others, each by campaign risk, with the audited ads at random places among them, so that
        they are looked at with the same eyes; at the end some campaigns that cannot be judged.
    """
    apart = apart or AdExceptions.none(len(risk))
    escalated, incomplete = apart.escalated, apart.unjudged
    flagged = apart.flagged(risk, policy.review_at)
    risk = np.where(incomplete, np.float32(-1), risk.astype(np.float32))
    count = int(campaigns.max(initial=-1)) + 1
    highest = np.full(count, -1.0, dtype=np.float32)
    np.maximum.at(highest, campaigns, risk)
    first = np.zeros(count, dtype=np.bool_)
    first[campaigns[escalated]] = True
    order_by = highest if campaign_risk is None else campaign_risk
    alarm = (highest >= np.float32(policy.urgent_at)) | first
    candidates = np.flatnonzero((highest >= np.float32(policy.review_at)) | first)
    keys = (-highest, -order_by, ~alarm, ~first)
    candidates = candidates[np.lexsort(tuple(key[candidates] for key in keys))]

    rng = np.random.default_rng(policy.seed)
    below = ~incomplete & ~first[campaigns] & (highest[campaigns] < np.float32(policy.review_at))
    audited = _draw_audit(policy, below, campaigns, rng)
    most = min(
        _share(policy.incomplete_share, policy.capacity), policy.capacity // 2 - len(audited)
    )
    placed = np.concatenate([campaigns[flagged], campaigns[audited]])
    unread = _draw_incomplete(most, policy.seed, campaigns[incomplete], placed, count)
    room = max(int(first.sum()), policy.capacity - len(audited) - len(unread))
    queued = candidates[:room]
    urgent = int(alarm[queued].sum())

    # Audits take random places behind the urgent ones.
    length = len(queued) + len(audited)
    places = np.sort(rng.choice(np.arange(urgent, length), size=len(audited), replace=False))
    others = np.setdiff1d(np.arange(length), places)
    rank_of = np.zeros(count, dtype=np.int32)
    rank_of[queued] = others + 1

    ranks = np.where(flagged, rank_of[campaigns], 0).astype(np.int32)
    audit = np.zeros(len(risk), dtype=np.bool_)
    audit[audited] = True
    ranks[audited] = rng.permutation(places) + 1
    rank_of[campaigns[audited]] = ranks[audited]
    rank_of[unread] = np.arange(length, length + len(unread)) + 1
    ranks = np.where(incomplete, rank_of[campaigns], ranks)
    in_queue = flagged & (ranks > 0)
    levels = np.where(in_queue, _REVIEW, _CLEAR).astype(np.int8)
    levels[in_queue & (risk >= np.float32(policy.urgent_at))] = _URGENT
    levels[escalated] = _URGENT
    levels[incomplete] = _INCOMPLETE
    return Queue(levels, ranks.astype(np.int32), audit, flagged & ~in_queue)


def _draw_audit(
    policy: Policy,
    below: NDArray[np.bool_],
    campaigns: NDArray[np.int32],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Ads of campaigns wholly below the threshold, each equally likely, one a campaign."""
    wanted = _share(policy.audit_share, policy.capacity)
    drawn = rng.permutation(np.flatnonzero(below))[: 20 * wanted]
    _, first = np.unique(campaigns[drawn], return_index=True)
    return np.asarray(drawn[np.sort(first)][:wanted])


def _draw_incomplete(
    most: int,
    seed: int,
    incomplete: NDArray[np.int32],
    placed: NDArray[np.int32],
    count: int,
) -> NDArray[np.intp]:
    """Campaigns with ads that cannot be judged, none flagged or audited, the largest first.

    Their risk says nothing, so it is not asked; a large campaign settles more ads at one look.
    """
    ads = np.bincount(incomplete, minlength=count)
    ads[placed] = 0
    order = np.lexsort((np.random.default_rng((seed, 1)).random(count), -ads))
    return np.asarray(order[: min(max(most, 0), int((ads > 0).sum()))])


def _share(share: float, capacity: int) -> int:
    """So many of the capacity; one at least where the share is not 0, half of it at most."""
    return min(max(1, round(capacity * share)), capacity // 2) if share > 0 else 0
