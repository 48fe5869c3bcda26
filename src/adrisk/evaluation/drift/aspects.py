"""Aspects of drift: what is compared, the advice on a difference, and the outcome of a comparison.

In: nothing; `KINDS` describes every aspect, in order. Out: `Drift`, its `Aspect`s and the `Change`
of each share behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adrisk.evaluation.drift.limits import LIMITS, Measure, Verdict


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared, by which measure, and what a difference asks for.

    Attributes:
        bears: whether a difference bears on the model by itself; if not, it is merely different.
        copies_count: whether copies count each: a thousand copies that the model cannot read are a
            thousand ads that it cannot read.
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


@dataclass(frozen=True, slots=True)
class Change:
    """A share in the training data and in the batch, and Cohen's h of the two.

    `low` and `high` bound the middle 95 % of the drawn differences, batch minus training.
    """

    name: str
    training: float
    batch: float
    low: float
    high: float
    effect: float


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing compared.

    Attributes:
        name: key of `KINDS`.
        effect: by the measure of its kind; for indicators of the one that changed most.
        chance: what the effect would be below in 99 of 100 batches without drift.
        verdict: what it amounts to.
        changes: the shares behind it: of every bin, or the one, or of every indicator.
        ads: of the batch, that it rests on.
    """

    name: str
    effect: float | None
    chance: float | None
    verdict: Verdict
    changes: tuple[Change, ...]
    ads: int

    @property
    def drifted(self) -> bool:
        """Whether the effect is large enough and larger than chance."""
        return self.verdict in (Verdict.SOME, Verdict.MUCH)

    @property
    def matters(self) -> bool:
        """Whether it drifted, and bears on the model."""
        return self.kind.bears and self.drifted

    @property
    def kind(self) -> Kind:
        """What is compared, and how."""
        return KINDS[self.name]

    @property
    def advice(self) -> str:
        """What to do; empty where there is nothing to do."""
        if self.verdict is Verdict.TOO_FEW:
            return "Too few ads, or too few that are no copies of each other: bring a larger batch."
        return self.kind.advice if self.drifted else ""

    @property
    def moved(self) -> tuple[Change, ...]:
        """The shares that drifted each by itself, the furthest first."""
        if self.kind.measure != "h" or not self.drifted:
            return ()
        least = max(LIMITS["h"].some, self.chance or 0.0)
        far = [change for change in self.changes if change.effect >= least]
        return tuple(sorted(far, key=lambda change: -change.effect))


@dataclass(frozen=True, slots=True)
class Drift:
    """What a comparison found; aspects in the order of `KINDS`."""

    aspects: tuple[Aspect, ...]
    training_ads: int
    batch_ads: int

    @property
    def matters(self) -> tuple[Aspect, ...]:
        """The aspects that bear on the model and drifted."""
        return tuple(aspect for aspect in self.aspects if aspect.matters)
