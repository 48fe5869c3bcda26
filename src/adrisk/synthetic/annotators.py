"""Three people who label ads, and err each in their own way.

In: what an ad states and what risk it carries in truth. Out: `Votes`, and the label that a team
would make of them by majority. Nobody judges everything, the eager one sees indicators where the
sober one sees none, a hard ad misleads them together, and copies of an ad mostly get the same
judgement from the same person.
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
    """A person's habits, as probabilities.

    Attributes:
        looks: judges an indicator of which the ad says nothing.
        misses: overlooks what is stated; weak indicators half as often again.
        imagines: sees what is not stated; twice as often in a hard ad.
        misreads: takes a denial for the thing denied.
        clears: gives a risky ad less than it deserves, below 2.
        raises: gives a harmless ad 2 or 3; far more often one that is doubtful or hard.
        doubts: says unsure.
    """

    voter: str
    looks: float
    misses: float
    imagines: float
    misreads: float
    clears: float
    raises: float
    doubts: float


ANNOTATORS = (
    Annotator("annotator-1", 0.30, 0.22, 0.008, 0.05, 0.36, 0.003, 0.06),
    Annotator("annotator-2", 0.40, 0.14, 0.020, 0.10, 0.24, 0.006, 0.03),
    Annotator("annotator-3", 0.25, 0.08, 0.045, 0.20, 0.10, 0.014, 0.01),
)
"""The sober, the middling and the eager."""

_JUDGES_STATED = 0.8  # chance that an indicator the ad speaks of is judged at all
_DOUBTFUL = 14  # times as likely to be called risky: one that is risk 1 in truth
_HARD = 4
_ONE_OFF = 0.12  # a level one beside the right one, on the same side of risky


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of one ad as three columns of equal length, and their majority.

    `present` and `known` are the indicators that the majority calls present, and all that somebody
    judged. `risk` is None where nobody ventured a level.
    """

    voters: tuple[str, ...]
    items: tuple[str, ...]
    says: tuple[str, ...]
    present: tuple[str, ...]
    known: tuple[str, ...]
    risk: int | None


def vote(said: Statements, asked: Sequence[str], *, hard: bool, rng: random.Random) -> Votes:
    """What the three say of one ad.

    Args:
        said: the truth of the ad.
        asked: the indicators that they were asked about.
        hard: whether the ad shares its words with risky ones.
        rng: the source of their errors.
    """
    labels = said.labels
    voters: list[str] = []
    items: list[str] = []
    says: list[str] = []
    for person in ANNOTATORS:
        for item in dict.fromkeys((*asked, *labels, *said.absent)):
            stated = item in labels
            denied = not stated and item in said.absent
            if rng.random() < (_JUDGES_STATED if stated or denied else person.looks):
                voters.append(person.voter)
                items.append(item)
                says.append(_judged(person, item, stated, denied, hard, rng))
        voters.append(person.voter)
        items.append(RISK)
        says.append(_level(person, said.risk, hard, rng))
    present, known, risk = majority(items, says)
    return Votes(tuple(voters), tuple(items), tuple(says), present, known, risk)


def majority(
    items: Sequence[str], says: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """Indicators present, indicators known, and the risk, by majority.

    Unsure votes don't count. An indicator is present if more say present than anything else
    together, so an even split is not. The risk is the level that two agree on, else the middle
    one, and of two the lower.

    >>> majority(["vague_role", "risk", "vague_role", "risk"], ["present", "3", "absent", "1"])
    ((), ('vague_role',), 1)
    """
    balance: dict[str, int] = {}
    levels: list[int] = []
    for item, says_of_it in zip(items, says, strict=True):
        if says_of_it == _UNSURE:
            continue
        if item == RISK:
            levels.append(int(says_of_it))
        else:
            balance[item] = balance.get(item, 0) + (1 if says_of_it == _PRESENT else -1)
    levels.sort()
    risk = levels[(len(levels) - 1) // 2] if levels else None
    return tuple([item for item, more in balance.items() if more > 0]), tuple(balance), risk


def _judged(
    person: Annotator, item: str, stated: bool, denied: bool, hard: bool, rng: random.Random
) -> str:
    draw = rng.random()
    if draw < person.doubts:
        return _UNSURE
    draw = (draw - person.doubts) / (1 - person.doubts)
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
    if draw < person.doubts:
        return _UNSURE
    draw = (draw - person.doubts) / (1 - person.doubts)
    beside = rng.random()
    if risk >= RISKY:
        clears = person.clears if risk == RISKY else person.clears / 2
        if draw < clears:
            return "1" if beside < 0.6 else "0"
        return str(5 - risk) if beside < _ONE_OFF else str(risk)
    raises = person.raises * (_DOUBTFUL if risk else _HARD if hard else 1)
    if draw < raises:
        return "2" if beside < 0.75 else "3"
    return str(1 - risk) if beside < _ONE_OFF else str(risk)
