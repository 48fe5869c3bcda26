"""Frozen values of the words adrisk uses.

Ads travel in bulk as Arrow tables (`adrisk.schema`); these are the values around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RISK_LEVELS = (0, 1, 2, 3)
"""Ordinal risk: 0 none, 1 low, 2 elevated, 3 high."""

RISKY = 2
"""The score `risk` is the probability that the ordinal risk is at least this."""


class State(StrEnum):
    """What a person, a rule or a plan says of an indicator in an ad: four different facts."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_STATED = "not_stated"
    UNSURE = "unsure"


class Kind(StrEnum):
    """What an indicator does to risk."""

    EVIDENCE = "e"
    COUNTER = "c"
    ESCALATE = "x"


class Weight(IntEnum):
    """Strength of an indicator that stands alone (ILO and EC Delphi grading)."""

    NONE = 0
    WEAK = 1
    MEDIUM = 2
    STRONG = 3


class Level(StrEnum):
    """What a flag asks of a person. It never accuses."""

    CLEAR = "clear"
    REVIEW = "review"
    URGENT = "urgent"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An indicator, the span of the raw text that shows it, and who found it.

    `raw_text[start:end]` is exactly the words meant. `found_by` is a rule's id or a model
    family; `strength` is a model's additive contribution in log-odds, 0.0 for rules.
    `indicator` may also be "risk": words that moved the risk score itself.
    """

    indicator: str
    start: int
    end: int
    found_by: str
    state: State = State.PRESENT
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact detail found in an ad: `raw_text[start:end]`, and if it hides from machines.

    `kind` is phone, email, handle or link; `value` is the canonical form (E.164 for phones),
    plain, and must not leave the extract package except as a keyed pseudonym.
    """

    kind: str
    start: int
    end: int
    value: str
    obscured: bool


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that could not become an ad: where it stood, why, and what to do about it."""

    source: str
    line: int
    reason: str
    action: str
    ad_id: str | None = None
