"""The review queue: levels and ranks from risk, campaigns and exceptions.

In: the risk and the campaign of every ad. Out: a level and a rank. The unit of review is the
campaign: a capacity of 200 is 200 campaigns, in order of campaign risk, and all ads of one at or
above the threshold share its rank. Escalated campaigns come first, whatever the capacity;
incomplete ads have their own share at the end. A campaign has at most one place, which its
incomplete ads share. A clear ad is only one that is not reviewed today.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adrisk.policy.policy import Policy
from adrisk.types import Level

LEVELS = (Level.CLEAR, Level.REVIEW, Level.URGENT, Level.INCOMPLETE)
"""Levels by the numbers in `Queue.levels`."""

ESCALATE_AT = 0.8
"""Calibrated probability from which an escalating indicator escalates an ad."""

_CLEAR, _REVIEW, _URGENT, _INCOMPLETE = range(4)


@dataclass(frozen=True, slots=True)
class AdExceptions:
    """Ads whose place in the queue does not depend on their risk.

    Attributes:
        escalated: shape (n,), has an escalate-only indicator.
        incomplete: shape (n,), cannot be scored reliably; escalation takes precedence.
    """

    escalated: NDArray[np.bool_]
    incomplete: NDArray[np.bool_]

    @classmethod
    def none(cls, count: int) -> AdExceptions:
        """No exceptions among `count` ads."""
        return cls(np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_))

    @property
    def unjudged(self) -> NDArray[np.bool_]:
        """Shape (n,), incomplete and not escalated."""
        return self.incomplete & ~self.escalated

    def flagged(self, risk: NDArray[np.floating], review_at: float) -> NDArray[np.bool_]:
        """Shape (n,), scored at or above the threshold, or escalated, before the capacity."""
        high = risk.astype(np.float32) >= np.float32(review_at)
        return (high & ~self.unjudged) | self.escalated


@dataclass(frozen=True, slots=True)
class Queue:
    """Levels and ranks of n ads.

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
    exceptions: AdExceptions | None = None,
) -> Queue:
    """Levels and ranks for all ads at once.

    Args:
        policy: with every number set.
        risk: shape (n,), calibrated probability of risk 2 or 3.
        campaigns: shape (n,), a number for each campaign, 0 to m - 1.
        campaign_risk: shape (m,), order of the campaigns; the risk of their riskiest ad if None.
        exceptions: the ads that escalate or are incomplete; none if None.

    Returns:
        Campaigns with an escalated ad first, however many; then those with an urgent ad, then the
        others, each by campaign risk, with the audited ads at random places among them, so that
        reviewers cannot tell them apart; at the end some campaigns with incomplete ads.
    """
    exceptions = exceptions or AdExceptions.none(len(risk))
    escalated, incomplete = exceptions.escalated, exceptions.unjudged
    flagged = exceptions.flagged(risk, policy.review_at)
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
    """Random ads of campaigns wholly below the threshold, one a campaign."""
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
    """Campaigns with incomplete ads, none flagged or audited, the largest first.

    Their risk is unreliable; in a large campaign one review decides more ads.
    """
    ads = np.bincount(incomplete, minlength=count)
    ads[placed] = 0
    order = np.lexsort((np.random.default_rng((seed, 1)).random(count), -ads))
    return np.asarray(order[: min(max(most, 0), int((ads > 0).sum()))])


def _share(share: float, capacity: int) -> int:
    """A share of the capacity, at least 1 unless it is 0, at most half of it."""
    return min(max(1, round(capacity * share)), capacity // 2) if share > 0 else 0
