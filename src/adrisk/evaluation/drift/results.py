"""Drift results: aspects, limits of the effect sizes, verdicts, and the content of `drift.json`.

In: effects and the effect of chance. Out: frozen values with six decimals. `KINDS` has every aspect
in order, with the advice on a difference; `LIMITS` has the limits of each measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from adrisk.metrics.figures import Result

Measure = Literal["psi", "jsd", "h"]


class Limit(Result):
    """The least effects that are some and much drift, and their source."""

    name: str
    some: float
    much: float
    reason: str


LIMITS: Mapping[Measure, Limit] = {
    "psi": Limit(
        name="population stability index",
        some=0.1,
        much=0.25,
        reason="the convention of credit scoring: below 0.1 no change, above 0.25 a large one "
        "(Siddiqi 2006, Credit Risk Scorecards)",
    ),
    "jsd": Limit(
        name="Jensen-Shannon divergence in bits",
        some=0.018,
        much=0.045,
        reason="the limits of the stability index, carried over: for small changes the index is "
        "8 ln 2 times the divergence (both are chi-squared to second order; Lin 1991)",
    ),
    "h": Limit(
        name="Cohen's h of two shares",
        some=0.2,
        much=0.5,
        reason="small and medium in Cohen 1988, Statistical Power Analysis, ch. 6: from 2 % to "
        "6 %, or to 15 %; it weighs a change of a rare share as it should",
    ),
}
"""The limits of each measure."""

LEAST_ADS = 100
"""Fewer ads are fewer than ten in each of ten bins, and give no verdict."""

LEAST_GROUPS = 5
"""Fewer effective groups of near-copies are too few for a bootstrap: two ads in five or more are
then of one template (Cameron, Gelbach and Miller 2008, on few clusters)."""


class Verdict(StrEnum):
    """Verdict on the drift of one aspect."""

    SAME = "same"
    SOME = "some drift"
    MUCH = "much drift"
    TOO_FEW = "too few ads to tell"


def verdict_of(measure: Measure, effect: float | None, chance: float | None, few: bool) -> Verdict:
    """The verdict on an effect; a large effect within chance has too few ads."""
    limit = LIMITS[measure]
    if few or effect is None or chance is None:
        return Verdict.TOO_FEW
    if effect < limit.some:
        return Verdict.SAME
    if effect <= chance:
        return Verdict.TOO_FEW
    return Verdict.MUCH if effect >= limit.much else Verdict.SOME


@dataclass(frozen=True, slots=True)
class Kind:
    """An aspect of drift: what is compared, its measure, and the advice on a difference.

    Attributes:
        bears: whether a difference by itself affects the model.
        copies_count: whether every copy counts: a thousand copies in a language that the model does
            not read are a thousand ads that it does not read.
    """

    title: str
    measure: Measure
    bears: bool
    advice: str
    copies_count: bool = False


KINDS: Mapping[str, Kind] = {
    "scores": Kind(
        "distribution of the risk score",
        "psi",
        True,
        "Label a random sample of this batch, run `adrisk evaluate` on it, and set the thresholds "
        "anew before trusting the queue's length or its probabilities.",
    ),
    "flagged": Kind(
        "share of ads at or above the threshold of 2 % under review",
        "h",
        True,
        "The queue is of another length than planned: review the flagged ads of a sample to see "
        "whether there is more to find or more false alarm, and set the threshold anew.",
    ),
    "unsupported_language": Kind(
        "share of ads in languages the model was not trained on",
        "h",
        True,
        "Do not rely on the scores of these ads: send them to people who read the language, and "
        "train on labelled ads in it.",
        copies_count=True,
    ),
    "unknown_words": Kind(
        "share of words outside the vocabulary of training",
        "h",
        True,
        "The model reads past much of these texts: check the column mapping and the encoding "
        "first, then label ads of this batch and train again.",
        copies_count=True,
    ),
    "indicators": Kind(
        "mean probability of each indicator",
        "h",
        True,
        "Read a sample of ads with the named indicators: if they are truly rarer or commoner, "
        "calibrate again; if not, the model misreads something new and wants labels.",
    ),
    "language": Kind(
        "languages",
        "psi",
        False,
        "Different, and by itself no reason to distrust the model: judge it by language with "
        "`adrisk evaluate`.",
    ),
    "length": Kind(
        "characters of the text",
        "psi",
        False,
        "Different, and by itself no reason to distrust the model: check that texts are not cut "
        "or run together on the way in.",
    ),
    "vocabulary": Kind(
        "how often the known words are used",
        "jsd",
        False,
        "Different topics or templates made of words the model knows: by itself no reason to "
        "distrust it; worth a look at the campaigns behind it.",
    ),
}


class Change(Result):
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
    def of(cls, name: str, *shares: float) -> Self:
        """The change of one share, with six decimals; `shares` in the order of the fields."""
        training, batch, low, high, h = (round(share, 6) for share in shares)
        return cls(name=name, training=training, batch=batch, low=low, high=high, h=h)


class Aspect(Result):
    """One aspect of the comparison.

    Attributes:
        effect, chance: null where nothing was counted; chance is the effect that 99 of 100 batches
            without drift stay below. For indicators, of the one that changed most.
        drifted, untold: by the verdict.
        matters: whether it drifted and affects the model.
        advice: what to do; empty where there is nothing to do.
        moved: names of the shares that drifted on their own, the furthest first.
        changes: the share of every bin, of the flagged ads, or of every indicator.
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
    changes: tuple[Change, ...]


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
    """The content of `drift.json`; `matters` names the aspects that affect the model."""

    adrisk_version: str
    model: ComparedModel
    training: TrainingAds
    batch: BatchAds
    matters: tuple[str, ...]
    limits: Mapping[Measure, Limit]
    aspects: tuple[Aspect, ...]
    unsupported_languages: Mapping[str, int]
