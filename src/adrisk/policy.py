"""From scores to flags: thresholds, the team's capacity, and a random audit of the rest.

In: the risk and the campaign of every ad. Out: a level, reasons in words and a place in the queue.
The unit of review is the campaign: a capacity of 200 is 200 campaigns, in the order of the campaign
risk, and all ads of one at or above the threshold share its rank. A flag asks a person to look; it
never accuses, and a clear ad is only one that nobody was asked to look at today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adrisk.indicators import Taxonomy
from adrisk.metrics import BUDGETS
from adrisk.model import Model
from adrisk.types import Level

LIKELY = "likely: "
"""How the reason that lists indicators begins; a page that shows them otherwise leaves it out."""

_LIKELY_AT = 0.5
_LEVELS = (Level.CLEAR, Level.REVIEW, Level.URGENT)


class PolicyConfig(BaseModel):
    """What a team decides beforehand.

    Give either `review_at`, a probability, or `review_share`, the share of ads to flag, for which
    the model brings a threshold set on ads of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("first", pattern=r"^[A-Za-z0-9._-]{1,40}$")
    review_at: float | None = Field(None, gt=0, lt=1)
    review_share: float = Field(0.02, description=f"one of {BUDGETS}")
    urgent_at: float = Field(0.8, gt=0, lt=1)
    capacity: int = Field(200, ge=1, description="campaigns a day")
    audit_share: float = Field(0.05, ge=0, le=0.5, description="of the capacity")
    seed: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> PolicyConfig:
        if self.review_share not in BUDGETS:
            known = ", ".join(f"{b:g}" for b in BUDGETS)
            raise ValueError(f"review_share ({self.review_share:g}) must be one of {known}")
        if self.review_at is not None and self.review_at > self.urgent_at:
            raise ValueError(
                f"review_at ({self.review_at:g}) must not be above urgent_at "
                f"({self.urgent_at:g}); swap them or lower review_at"
            )
        return self


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy applied to one model: every number settled.

    `policy_id` names the policy and the numbers; another number is another id.
    """

    policy_id: str
    name: str
    review_at: float
    review_at_reason: str
    urgent_at: float
    capacity: int
    audit_share: float
    seed: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What a policy makes of n ads.

    Attributes:
        levels: shape (n,), indices into clear, review, urgent.
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
        return _LEVELS[self.levels[row]]


def settle(config: PolicyConfig, model: Model) -> Policy:
    """Fill in the thresholds from the model where the configuration leaves them to it."""
    if config.review_at is not None:
        review_at, reason = config.review_at, "set in the policy"
    else:
        entry = model.threshold(config.review_share)
        review_at = entry.threshold
        reason = (
            f"flags {config.review_share:.1%} of the {entry.n} ads of the model's threshold set"
        )
    numbers = {
        "review_at": review_at,
        "urgent_at": max(config.urgent_at, review_at),
        "capacity": config.capacity,
        "audit_share": config.audit_share,
        "seed": config.seed,
    }
    digest = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:8]
    return Policy(
        policy_id=f"{config.name}-{digest}",
        name=config.name,
        review_at_reason=reason,
        **numbers,  # type: ignore[arg-type]
    )


def apply_policy(
    policy: Policy,
    risk: NDArray[np.float32],
    campaigns: NDArray[np.int32],
    campaign_risk: NDArray[np.floating] | None = None,
) -> Queue:
    """Levels and ranks for all ads at once.

    Args:
        policy: settled.
        risk: shape (n,), calibrated probability of risk 2 or 3.
        campaigns: shape (n,), a number for each campaign, 0 to m - 1.
        campaign_risk: shape (m,), what campaigns are put in order by; the risk of their riskiest
            ad if left out.

    Returns:
        Campaigns with an urgent ad first, then the others, each by campaign risk, with the audited
        ads at random places among them, so that they are looked at with the same eyes.
    """
    count = len(risk)
    flagged = risk >= np.float32(policy.review_at)
    highest = np.full(int(campaigns.max(initial=-1)) + 1, -1.0, dtype=np.float32)
    np.maximum.at(highest, campaigns, risk)
    candidates = np.flatnonzero(highest >= np.float32(policy.review_at))
    order_by = highest if campaign_risk is None else campaign_risk
    alarm = highest >= np.float32(policy.urgent_at)
    keys = (-highest[candidates], -order_by[candidates], ~alarm[candidates])
    candidates = candidates[np.lexsort(keys)]

    rng = np.random.default_rng(policy.seed)
    audited = _draw_audit(policy, highest, campaigns, rng)
    queued = candidates[: policy.capacity - len(audited)]
    urgent = int(alarm[queued].sum())

    # Audits take random places behind the urgent ones.
    length = len(queued) + len(audited)
    places = np.sort(rng.choice(np.arange(urgent, length), size=len(audited), replace=False))
    others = np.setdiff1d(np.arange(length), places)
    rank_of = np.zeros(len(highest), dtype=np.int32)
    rank_of[queued] = others + 1

    ranks = np.where(flagged, rank_of[campaigns], 0).astype(np.int32)
    audit = np.zeros(count, dtype=np.bool_)
    audit[audited] = True
    ranks[audited] = rng.permutation(places) + 1
    in_queue = flagged & (ranks > 0)
    levels = np.where(in_queue, 1, 0).astype(np.int8)
    levels[in_queue & (risk >= np.float32(policy.urgent_at))] = 2
    return Queue(levels, ranks, audit, flagged & ~in_queue)


def _draw_audit(
    policy: Policy,
    highest: NDArray[np.float32],
    campaigns: NDArray[np.int32],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Ads of campaigns wholly below the threshold, each equally likely, one a campaign."""
    wanted = round(policy.capacity * policy.audit_share)
    if policy.audit_share > 0:
        wanted = min(max(1, wanted), policy.capacity // 2)
    below = np.flatnonzero(highest[campaigns] < np.float32(policy.review_at))
    drawn = rng.permutation(below)[: 20 * wanted]
    _, first = np.unique(campaigns[drawn], return_index=True)
    return np.asarray(drawn[np.sort(first)][:wanted])


def reasons(
    policy: Policy,
    queue: Queue,
    row: int,
    risk: float,
    indicators: Mapping[str, float],
    campaign_size: int,
    taxonomy: Taxonomy,
    across_ads: Sequence[str] = (),
) -> list[str]:
    """Why an ad has its level, in words for a reviewer; never empty.

    `across_ads` are the facts of its campaign, in words, that only show across ads.
    """
    if queue.audit[row]:
        return [
            "audit: drawn at random from the ads below the review threshold, "
            "to measure what it misses"
        ]
    if queue.over_capacity[row]:
        return [
            f"risk {risk:.2f} passes the review threshold {policy.review_at:.2f}, but campaigns "
            f"with a higher risk fill today's capacity of {policy.capacity}"
        ]
    level = queue.level(row)
    if level is Level.CLEAR:
        return [f"below the review threshold {policy.review_at:.2f}"]
    name, bar = (
        ("urgent", policy.urgent_at) if level is Level.URGENT else ("review", policy.review_at)
    )
    words = [f"risk {risk:.2f} is at or above the {name} threshold {bar:.2f}"]
    likely = [
        f"{taxonomy.get(label).title['en'].lower()} ({p:.2f})"
        for label, p in _strongest(indicators)
    ]
    if likely:
        words.append(LIKELY + ", ".join(likely))
    if campaign_size > 1:
        words.append(f"one of {campaign_size} linked ads")
    return [*words, *across_ads]


def _strongest(indicators: Mapping[str, float], most: int = 5) -> Sequence[tuple[str, float]]:
    likely = [(label, p) for label, p in indicators.items() if p >= _LIKELY_AT]
    return sorted(likely, key=lambda pair: -pair[1])[:most]


def describe(policy: Policy) -> dict[str, object]:
    """The policy as it is written into a manifest."""
    return asdict(policy)
