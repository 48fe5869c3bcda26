"""Policy files, checked on reading, and the policy that results for one model.

In: a `PolicyConfig` and a model. Out: a `Policy` with every number set, and an id that changes with
any of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import logit

from adrisk.classifiers.base import RISKY_COLUMN, THRESHOLDS, Margins
from adrisk.errors import ModelError
from adrisk.layout import AUDIT_SHARE, INCOMPLETE_SHARE, REVIEW_SHARE
from adrisk.model.model import Model
from adrisk.policy.guarantee import Guarantee, RiskTarget, guaranteed


class PolicyConfig(BaseModel):
    """Content of a policy file.

    Give either `review_at`, a probability; or `recall`, the least share of risky campaigns to
    flag, or `review_share`, the largest share of campaigns to review, or both, for which the
    model's threshold set gives a threshold with a guarantee. With none of them, the threshold
    flags `REVIEW_SHARE` of the threshold set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("first", pattern=r"^[A-Za-z0-9._-]{1,40}$")
    review_at: float | None = Field(None, gt=0, lt=1)
    recall: float | None = Field(None, gt=0, lt=1, description="at least, of risky campaigns")
    review_share: float | None = Field(None, gt=0, le=0.5, description="at most, of campaigns")
    confidence: float = Field(0.9, ge=0.5, le=0.999, description="of what is guaranteed")
    urgent_at: float = Field(0.8, gt=0, lt=1)
    capacity: int = Field(200, ge=1, description="campaigns a day")
    audit_share: float = Field(AUDIT_SHARE, ge=0, le=0.5, description="of the capacity")
    incomplete_share: float = Field(INCOMPLETE_SHARE, ge=0, le=0.5, description="of the capacity")
    seed: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> PolicyConfig:
        if self.review_at is not None and (self.recall or self.review_share):
            raise ValueError(
                "review_at sets the threshold itself; leave out recall and review_share, or it"
            )
        if self.review_at is not None and self.review_at > self.urgent_at:
            raise ValueError(
                f"review_at ({self.review_at:g}) must not be above urgent_at "
                f"({self.urgent_at:g}); swap them or lower review_at"
            )
        return self


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy applied to one model, with every number set.

    `policy_id` is the name of the policy and a hash of the numbers.
    """

    policy_id: str
    name: str
    review_at: float
    review_at_reason: str
    urgent_at: float
    capacity: int
    audit_share: float
    seed: int
    incomplete_share: float = INCOMPLETE_SHARE
    guarantee: Guarantee | None = None


def resolve_policy(config: PolicyConfig, model: Model | None) -> Policy:
    """The policy with thresholds from the model where the configuration sets none.

    Raises:
        ModelError: if a model is needed and missing, or has no threshold set, or no threshold for
            this share.
    """
    review_at, reason, guarantee = _review_at(config, model)
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
        guarantee=guarantee,
        **numbers,  # type: ignore[arg-type]
    )


def _review_at(config: PolicyConfig, model: Model | None) -> tuple[float, str, Guarantee | None]:
    if config.review_at is not None:
        return config.review_at, "set in the policy", None
    if model is None:
        raise ModelError(
            f"the policy {config.name} leaves its threshold to the model; name the model that "
            "scored, or give review_at in the policy"
        )
    if config.recall is None and (config.review_share is None or model.threshold_set is None):
        share = config.review_share or REVIEW_SHARE
        entry = model.threshold(share)
        reason = f"flags {share:.1%} of the {entry.n} ads of the model's threshold set"
        return entry.threshold, reason, None
    if model.threshold_set is None:
        raise ModelError(
            "the model was saved without its threshold set, so no recall can be guaranteed; "
            "train it again, or give review_share or review_at in the policy"
        )
    target = RiskTarget(config.recall, config.review_share, config.confidence)
    guarantee = guaranteed(model.threshold_set, target, config.seed)
    return guarantee.threshold, guarantee.words, guarantee


def threshold_notes(policy: Policy, model: Model) -> tuple[str, ...]:
    """Notes on a review threshold: its guarantee, and whether a cascade rereads ads near it."""
    notes = []
    if policy.guarantee is not None:
        notes.append(f"review threshold {policy.review_at:.3f}: {policy.guarantee.words}")
    facts, calibration = model.manifest.facts, model.calibration
    if "reread_from" not in facts:
        return tuple(notes)
    # The band is of margins; each language may calibrate them by a curve of its own.
    edges = logit([facts["reread_from"], facts["reread_to"]])
    margins = Margins(np.zeros((2, len(model.labels))), np.tile(edges[:, None], len(THRESHOLDS)))
    bands = [
        calibration.risk(margins, [language] * 2)[:, RISKY_COLUMN]
        for language in (None, *filter(None, calibration.risk_curves))
    ]
    if not any(low <= policy.review_at <= high for low, high in bands):
        low, high = bands[0]
        notes.append(
            f"review threshold {policy.review_at:.3f} lies outside what this cascade reads a "
            f"second time (risk {low:.3f} to {high:.3f}): no ad near the threshold is reread, and "
            "rereading hardly changes which are flagged"
        )
    return tuple(notes)
