"""A policy applied to a model: every number settled, and an id that changes with any of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from adrisk.model import Model
from adrisk.policy.config import PolicyConfig


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
    incomplete_share: float = 0.05


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
        "incomplete_share": config.incomplete_share,
        "seed": config.seed,
    }
    digest = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:8]
    return Policy(
        policy_id=f"{config.name}-{digest}",
        name=config.name,
        review_at_reason=reason,
        **numbers,  # type: ignore[arg-type]
    )


def describe(policy: Policy) -> dict[str, object]:
    """The policy as it is written into a manifest."""
    return asdict(policy)
