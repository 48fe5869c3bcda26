"""What a team decides before ads are scored: the content of a policy file, checked on reading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

SHARE = 0.02
"""The share of ads to flag where a team states nothing."""


class PolicyConfig(BaseModel):
    """What a team decides beforehand.

    Give either `review_at`, a probability; or `recall`, what must be found, or `review_share`, what
    can be looked at, or both, for which the model's threshold set gives a threshold with its
    guarantee. With none of them, the threshold that flags `SHARE` of the threshold set is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("first", pattern=r"^[A-Za-z0-9._-]{1,40}$")
    review_at: float | None = Field(None, gt=0, lt=1)
    recall: float | None = Field(None, gt=0, lt=1, description="at least, of risky campaigns")
    review_share: float | None = Field(None, gt=0, le=0.5, description="at most, of campaigns")
    confidence: float = Field(0.9, ge=0.5, le=0.999, description="of what is guaranteed")
    urgent_at: float = Field(0.8, gt=0, lt=1)
    capacity: int = Field(200, ge=1, description="campaigns a day")
    audit_share: float = Field(0.05, ge=0, le=0.5, description="of the capacity")
    incomplete_share: float = Field(0.05, ge=0, le=0.5, description="of the capacity")
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
