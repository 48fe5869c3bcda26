"""What a team decides before ads are scored: the content of a policy file, checked on reading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adrisk.metrics import BUDGETS


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
    incomplete_share: float = Field(0.05, ge=0, le=0.5, description="of the capacity")
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
