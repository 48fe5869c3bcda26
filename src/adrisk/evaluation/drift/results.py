"""Drift results: every aspect with its effect, verdict and shares, and what was compared.

In: a `Drift`. Out: the content of `drift.json`, as frozen values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from adrisk.evaluation.drift.aspects import Aspect, Change
from adrisk.evaluation.drift.limits import Limit, Measure, Verdict
from adrisk.metrics.figures import Result


class ChangeResult(Result):
    """A share in the training data and in the batch; `h` is Cohen's h of the two.

    `low` and `high` bound the middle 95 % of the drawn differences, batch minus training.
    """

    name: str
    training: float
    batch: float
    low: float
    high: float
    h: float

    @classmethod
    def of(cls, change: Change) -> Self:
        """The written form: six decimals."""
        return cls(
            name=change.name,
            training=round(change.training, 6),
            batch=round(change.batch, 6),
            low=round(change.low, 6),
            high=round(change.high, 6),
            h=round(change.effect, 6),
        )


class AspectResult(Result):
    """One thing compared.

    Attributes:
        effect, chance: null where nothing was counted.
        drifted, untold: by the verdict.
        matters: whether it drifted and bears on the model.
        moved: names of the shares that drifted each by itself, the furthest first.
    """

    name: str
    title: str
    measure: Measure
    effect: float | None
    chance: float | None
    verdict: Verdict
    drifted: bool
    untold: bool
    matters: bool
    advice: str
    moved: tuple[str, ...]
    changes: tuple[ChangeResult, ...]

    @classmethod
    def of(cls, aspect: Aspect) -> Self:
        """The written form: six decimals."""
        return cls(
            name=aspect.name,
            title=aspect.kind.title,
            measure=aspect.kind.measure,
            effect=None if aspect.effect is None else round(aspect.effect, 6),
            chance=None if aspect.chance is None else round(aspect.chance, 6),
            verdict=aspect.verdict,
            drifted=aspect.drifted,
            untold=aspect.verdict is Verdict.TOO_FEW,
            matters=aspect.matters,
            advice=aspect.advice,
            moved=tuple(change.name for change in aspect.moved),
            changes=tuple(map(ChangeResult.of, aspect.changes)),
        )


class ComparedModel(Result):
    """The model whose training data a batch is compared with."""

    family: str
    version: str
    fingerprint: str
    target: str


class TrainingAds(Result):
    """Training ads; those it was not fitted on, whose scores are compared; words it knows."""

    ads: int
    judged: int
    words: int


class BatchAds(Result):
    """The ads that were compared, where they are from, and their languages."""

    ads: int
    sources: tuple[str, ...]
    quarantined: int
    input_fingerprint: str
    languages: Mapping[str, int]


class DriftResult(Result):
    """The content of `drift.json`; `matters` names the aspects that bear on the model."""

    adrisk_version: str
    model: ComparedModel
    training: TrainingAds
    batch: BatchAds
    matters: tuple[str, ...]
    limits: Mapping[Measure, Limit]
    aspects: tuple[AspectResult, ...]
    unsupported_languages: Mapping[str, int]
