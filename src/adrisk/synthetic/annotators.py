"""Simulated annotators: votes of three people with different error rates.

In: the true statements and risk of an ad. Out: `Votes`, and the majority label. Annotators skip
items; annotator 3 overcalls where annotator 1 undercalls, a hard ad misleads all three, and copies
of an ad mostly get the same judgement from the same person.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from adrisk.synthetic.cases import STRONG, Statements
from adrisk.types import RISKY, State

RISK = "risk"
"""The item of a vote about the risk of an ad; any other item is an indicator."""

_PRESENT, _ABSENT = str(State.PRESENT), str(State.ABSENT)
_NOT_STATED, _UNSURE = str(State.NOT_STATED), str(State.UNSURE)


@dataclass(frozen=True, slots=True)
class Annotator:
    """The error rates of an annotator, as probabilities.

    Attributes:
        looks: judges an indicator that the ad does not mention.
        misses: overlooks a stated indicator; 1.5 times as often a weak one.
        imagines: marks an indicator that is not stated; twice as often in a hard ad.
        misreads: marks a denied indicator as present.
        clears: gives a risky ad a risk below 2.
        raises: gives a harmless ad a risk of 2 or 3; more often if it is doubtful or hard.
        abstains: votes unsure.
    """

    voter: str
    looks: float
    misses: float
    imagines: float
    misreads: float
    clears: float
    raises: float
    abstains: float


ANNOTATORS = (
    Annotator("annotator-1", 0.30, 0.22, 0.008, 0.05, 0.36, 0.003, 0.06),
    Annotator("annotator-2", 0.40, 0.14, 0.020, 0.10, 0.24, 0.006, 0.03),
    Annotator("annotator-3", 0.25, 0.08, 0.045, 0.20, 0.10, 0.014, 0.01),
)
"""From the strictest to the most lenient standard of evidence."""

_JUDGES_STATED = 0.8  # chance that a mentioned indicator is judged
_DOUBTFUL = 14  # factor of `raises` for an ad of true risk 1
_HARD = 4  # the same for a hard ad
_ONE_OFF = 0.12  # chance of a neighbouring level on the same side of `RISKY`


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of one ad as three columns of equal length, and their majority.

    `present` are the indicators that the majority calls present, `known` all that were judged.
    `risk` is None if all annotators abstained.
    """

    voters: tuple[str, ...]
    items: tuple[str, ...]
    says: tuple[str, ...]
    present: tuple[str, ...]
    known: tuple[str, ...]
    risk: int | None


def vote(truth: Statements, indicators: Sequence[str], *, hard: bool, rng: random.Random) -> Votes:
    """The votes of the three annotators on one ad.

    Args:
        truth: the true statements of the ad.
        indicators: the indicators to be judged.
        hard: whether the ad shares words with risky ones.
        rng: the source of the errors.
    """
    labels = truth.labels
    voters: list[str] = []
    items: list[str] = []
    says: list[str] = []
    for person in ANNOTATORS:
        for item in dict.fromkeys((*indicators, *labels, *truth.absent)):
            stated = item in labels
            denied = not stated and item in truth.absent
            if rng.random() < (_JUDGES_STATED if stated or denied else person.looks):
                voters.append(person.voter)
                items.append(item)
                says.append(_judged(person, item, stated, denied, hard, rng))
        voters.append(person.voter)
        items.append(RISK)
        says.append(_level(person, truth.risk, hard, rng))
    present, known, risk = majority(items, says)
    return Votes(tuple(voters), tuple(items), tuple(says), present, known, risk)


def majority(
    items: Sequence[str], says: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """Indicators present, indicators known, and the risk, by majority.

    Unsure votes do not count. An indicator is present if it has more votes for present than for
    all other answers. The risk is the median level, of two the lower.

    >>> majority(["vague_role", "risk", "vague_role", "risk"], ["present", "3", "absent", "1"])
    ((), ('vague_role',), 1)
    """
    balance: dict[str, int] = {}
    levels: list[int] = []
    for item, answer in zip(items, says, strict=True):
        if answer == _UNSURE:
            continue
        if item == RISK:
            levels.append(int(answer))
        else:
            balance[item] = balance.get(item, 0) + (1 if answer == _PRESENT else -1)
    levels.sort()
    risk = levels[(len(levels) - 1) // 2] if levels else None
    return tuple([item for item, more in balance.items() if more > 0]), tuple(balance), risk


def _judged(
    person: Annotator, item: str, stated: bool, denied: bool, hard: bool, rng: random.Random
) -> str:
    draw = rng.random()
    if draw < person.abstains:
        return _UNSURE
    draw = (draw - person.abstains) / (1 - person.abstains)
    if stated:
        misses = person.misses if item in STRONG else 1.5 * person.misses
        return _NOT_STATED if draw < misses else _PRESENT
    if denied:
        if draw < person.misreads:
            return _PRESENT
        return _NOT_STATED if draw < person.misreads + person.misses else _ABSENT
    imagines = person.imagines * (2 if hard else 1)
    if draw < imagines:
        return _PRESENT
    return _ABSENT if draw > 0.98 else _NOT_STATED


def _level(person: Annotator, risk: int, hard: bool, rng: random.Random) -> str:
    draw = rng.random()
    if draw < person.abstains:
        return _UNSURE
    draw = (draw - person.abstains) / (1 - person.abstains)
    other = rng.random()
    if risk >= RISKY:
        clears = person.clears if risk == RISKY else person.clears / 2
        if draw < clears:
            return "1" if other < 0.6 else "0"
        return str(5 - risk) if other < _ONE_OFF else str(risk)
    raises = person.raises * (_DOUBTFUL if risk else _HARD if hard else 1)
    if draw < raises:
        return "2" if other < 0.75 else "3"
    return str(1 - risk) if other < _ONE_OFF else str(risk)
