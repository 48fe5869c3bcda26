"""The latent cases: what is going on behind an ad, and what its author would say of it.

In: `cases.yaml`. Out: frozen `Case` values and `state`, which draws the statements of one
campaign and the risk that a labeller who knew the case would give it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adrisk.synthetic.bank import read_yaml

STRONG = frozenset(
    (
        "debt_or_deduction",
        "document_retention",
        "isolation_or_movement_control",
        "exit_penalty",
        "third_party_control",
        "minor_recruitment",
    )
)
"""Indicators that stand alone. (The taxonomy's weights; a test holds the two together.)"""

MEANS_PROTECTION = frozenset(
    ("recruitment_fee", "debt_or_deduction", "document_retention", "no_contract", "excessive_hours")
)
"""Who denies one of these states a worker protection."""

MEANS_AUTONOMY = frozenset(("third_party_control",))
"""Who denies one of these states autonomy."""

_HOW_MANY_CORE = (2, 3, 3, 4)
_THIN = 0.04  # risky cases whose ad gives nothing but weak signs away
_DOUBT_IS_RISK = 0.04  # doubtful ads that a labeller would call risky
_SLIP = 0.12  # a level given one too high or too low on the same side of risky


@dataclass(frozen=True, slots=True)
class Case:
    """What may lie behind an ad; see the head of `cases.yaml` for the fields."""

    id: str
    share: float
    risky: bool
    hard: bool
    doubtful: bool
    notice: bool
    sectors: tuple[str, ...]
    core: tuple[str, ...]
    present: Mapping[str, float]
    absent: Mapping[str, float]
    lookalikes: tuple[int, int]
    awareness: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sector:
    """The kind and the category of the ads of one line of work."""

    kind: str
    category: str


@dataclass(frozen=True, slots=True)
class Statements:
    """What an ad states: indicators present, indicators denied, and the risk of the whole."""

    present: tuple[str, ...]
    absent: tuple[str, ...]
    risk: int


@lru_cache(maxsize=1)
def load_cases() -> tuple[tuple[Case, ...], Mapping[str, Sector]]:
    """All cases, benign and risky, and the sectors they name."""
    content = read_yaml(Path(__file__).with_name("cases.yaml"))
    sectors = {name: Sector(**fields) for name, fields in content["sectors"].items()}
    cases = [_case(entry, risky=False) for entry in content["benign"]]
    cases += [_case(entry, risky=True) for entry in content["risky"]]
    return tuple(cases), sectors


def state(case: Case, most: int, rng: random.Random) -> Statements:
    """What the author of one campaign writes of the case, in at most `most` statements."""
    core = _core(case, rng)
    extra = [name for name, chance in case.present.items() if rng.random() < chance]
    rng.shuffle(extra)
    present = (core + [name for name in extra if name not in core])[: max(most, 1)]
    room = max(most - len(present), 0 if case.risky else 1)
    absent = [
        name
        for name, chance in case.absent.items()
        if name not in present and rng.random() < chance
    ][:room]
    return Statements(tuple(present), tuple(absent), _risk(case, present, rng))


def _core(case: Case, rng: random.Random) -> list[str]:
    if not case.core or (case.risky and rng.random() < _THIN):
        return []
    if case.doubtful:
        return [rng.choice(case.core)]
    core = list(dict.fromkeys(rng.sample(case.core, rng.choice(_HOW_MANY_CORE))))
    if len(core) == 1 and core[0] not in STRONG:
        core = [rng.choice([name for name in case.core if name in STRONG])]
    return core


def _risk(case: Case, present: list[str], rng: random.Random) -> int:
    if case.risky:
        risk = 3 if len(STRONG.intersection(present)) >= 2 else 2
        return 5 - risk if rng.random() < _SLIP else risk
    if case.doubtful:
        return 2 if rng.random() < _DOUBT_IS_RISK else 1
    weak = sum(1 for name in present if name not in ("autonomy_signal", "worker_protection"))
    return int(rng.random() < 0.1 * weak)


def _case(entry: Mapping[str, Any], *, risky: bool) -> Case:
    low, high = entry.get("lookalikes", (0, 0))
    least, most = entry.get("awareness", (0, 0))
    return Case(
        id=entry["id"],
        share=float(entry["share"]),
        risky=risky,
        hard=bool(entry.get("hard", False)),
        doubtful=bool(entry.get("doubtful", False)),
        notice=bool(entry.get("notice", False)),
        sectors=tuple(entry["sectors"]),
        core=tuple(entry.get("core", ())),
        present=dict(entry.get("present", {})),
        absent=dict(entry.get("absent", {})),
        lookalikes=(low, high),
        awareness=(least, most),
    )
