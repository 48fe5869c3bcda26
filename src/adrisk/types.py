"""Domain types: states, levels, weights, evidence, contacts and quarantined rows.

Ads themselves are rows of Arrow tables (`adrisk.schema`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Arrow arrays of any type of value; a class of pyarrow is generic for type checkers only.
ArrowField: TypeAlias = "pa.Field[Any]"
ArrowArray: TypeAlias = "pa.Array[Any]"
ArrowColumn: TypeAlias = "pa.ChunkedArray[Any]"
ArrowValues: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"

RISK_LEVELS = (0, 1, 2, 3)
"""Ordinal risk: 0 none, 1 low, 2 elevated, 3 high."""

RISKY = 2
"""The score `risk` is the probability of an ordinal risk of at least this."""


class State(StrEnum):
    """State of an indicator in an ad, as given by a person, a rule or a synthetic plan."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_STATED = "not_stated"
    UNSURE = "unsure"


class Kind(StrEnum):
    """Effect of an indicator on risk: evidence, counter-evidence or escalation."""

    EVIDENCE = "e"
    COUNTER = "c"
    ESCALATE = "x"


class Weight(IntEnum):
    """Strength of an indicator on its own (ILO and EC Delphi grading)."""

    NONE = 0
    WEAK = 1
    MEDIUM = 2
    STRONG = 3


class Level(StrEnum):
    """Level of a flag; it asks a person to review and never accuses."""

    CLEAR = "clear"
    REVIEW = "review"
    URGENT = "urgent"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An indicator, the span of the raw text that shows it, and the rule or model that found it.

    The span is `raw_text[start:end]`. `found_by` is the id of a rule or a model family; `strength`
    is the additive contribution of a model in log-odds, 0.0 for rules. `indicator` may be "risk",
    for words that changed the risk score.
    """

    indicator: str
    start: int
    end: int
    found_by: str
    state: State = State.PRESENT
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact detail at `raw_text[start:end]`; `obscured` if it is disguised from software.

    `kind` is phone, email, handle or link. `value` is the plain canonical form (E.164 for phones)
    and must leave the extract package only as a keyed pseudonym.
    """

    kind: str
    start: int
    end: int
    value: str
    obscured: bool


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that is not an ad: its source and line, the reason, and what to do."""

    source: str
    line: int
    reason: str
    action: str
    ad_id: str | None = None
