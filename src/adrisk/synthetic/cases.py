"""Latent cases behind ads, and the statements that a campaign makes of its case.

In: `cases.yaml`. Out: frozen `Case` values, and `draw_statements`: what one campaign states, what
it denies, and its true risk, as given by a labeller who knows the case.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from adrisk.documents import read_yaml

STRONG = frozenset(
    "debt_or_deduction document_retention isolation_or_movement_control exit_penalty"
    " third_party_control minor_recruitment".split()
)
"""Indicators with the taxonomy's weight strong; a test compares the two."""

MEDIUM = frozenset(
    "recruitment_fee deceptive_pay withheld_or_vague_pay vague_role irregular_migration_route"
    " excessive_hours urgency_or_secrecy no_contract restricted_premises".split()
)
"""Indicators with the taxonomy's weight medium; a test compares the two."""

COUNTER = frozenset(("autonomy_signal", "worker_protection"))
"""Counter-evidence, which is not counted among the indicators of an ad."""

# Denials that imply counter-evidence: a protection in ads for work, autonomy in ads for services.
_PROTECTION_IF_DENIED = frozenset(
    "recruitment_fee debt_or_deduction document_retention no_contract excessive_hours".split()
)
_AUTONOMY_IF_DENIED = "third_party_control"

# Numbers of core indicators that a risky author states, and their shares.
_CORE = ((2, 3, 4, 5), (10, 36, 36, 18))
_CORE_SERVICE = ((1, 2, 3), (38, 47, 15))
_THIN = 0.06  # share of risky cases with weak signs only
_DOUBLY = 0.35  # share of doubtful ads with two core indicators
_MOST_DENIED = 2
_TRUE = 0.7  # chance that a core indicator of a risky case is true, stated or not

# Chances of a true risk one level off, and of risk 1 for a harmless ad by its indicators.
_SLIP = 0.12
_DOUBT_IS_RISK = 0.03
_STOPS = {"weak": 0.015, "medium": 0.35, "strong": 0.8}

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A situation behind an ad; the fields are described at the top of `cases.yaml`."""

    id: str
    share: float
    behind: str
    risky: bool
    doubtful: bool
    notice: bool
    sectors: tuple[str, ...]
    core: tuple[str, ...]
    signs: Mapping[str, float]
    counter: Mapping[str, float]
    absent: Mapping[str, float]
    lookalikes: tuple[int, ...]
    awareness: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sector:
    """The kind, category and style of the ads of a line of work."""

    kind: str
    category: str
    like: str


@dataclass(frozen=True, slots=True)
class CaseBook:
    """The content of `cases.yaml`."""

    cases: tuple[Case, ...]
    sectors: Mapping[str, Sector]
    counts: Mapping[str, tuple[float, ...]]
    exclusive: Mapping[str, frozenset[str]]
    exclusive_denied: Mapping[str, frozenset[str]]
    blocks: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Statements:
    """The indicators that an ad states and denies, those true of its case, and its risk.

    `means` is the counter-evidence that the denials imply: an ad that denies holding passports
    states a protection.
    """

    present: tuple[str, ...]
    absent: tuple[str, ...]
    means: tuple[str, ...]
    latent: tuple[str, ...]
    risk: int

    @property
    def labels(self) -> tuple[str, ...]:
        """All indicators that are present: stated, or implied by denials."""
        return tuple(dict.fromkeys((*self.present, *self.means)))


@lru_cache(maxsize=1)
def load_cases() -> CaseBook:
    """All cases, benign and risky, their sectors, and the indicators that exclude each other."""
    content = read_yaml(Path(__file__).with_name("cases.yaml"))
    cases = [_case(entry, risky=False) for entry in content["benign"]]
    cases += [_case(entry, risky=True) for entry in content["risky"]]
    exclusive: dict[str, set[str]] = {}
    for one, other in content["apart"]["present"]:
        exclusive.setdefault(one, set()).add(other)
        exclusive.setdefault(other, set()).add(one)
    denied: dict[str, set[str]] = {}
    for stated, other in content["apart"]["absent"]:
        denied.setdefault(stated, set()).add(other)
    return CaseBook(
        cases=tuple(cases),
        sectors={name: Sector(**fields) for name, fields in content["sectors"].items()},
        counts={kind: tuple(accumulate(shares)) for kind, shares in content["counts"].items()},
        exclusive={name: frozenset(others) for name, others in exclusive.items()},
        exclusive_denied={name: frozenset(others) for name, others in denied.items()},
        blocks={name: frozenset(slots) for name, slots in content["blocks"].items()},
    )


def draw_statements(case: Case, kind: str, book: CaseBook, rng: random.Random) -> Statements:
    """The statements of one campaign about its case, in ads of a kind."""
    if case.notice:
        return Statements((), (), (), (), 0)
    shares = book.counts[kind]
    count = rng.choices(range(len(shares)), cum_weights=shares)[0]
    present = _core(case, kind, rng)
    signs = sorted(case.signs, key=lambda name: rng.random() ** (1 / case.signs[name]))
    while len(present) < count and signs:
        name = signs.pop()
        if name not in present and book.exclusive.get(name, _NONE).isdisjoint(present):
            present.append(name)
    for name, chance in case.counter.items():
        if rng.random() < chance and book.exclusive.get(name, _NONE).isdisjoint(present):
            present.append(name)
    barred = {other for name in present for other in book.exclusive_denied.get(name, _NONE)}
    absent = [
        name
        for name, chance in case.absent.items()
        if name not in present and name not in barred and rng.random() < chance
    ][:_MOST_DENIED]
    latent = [name for name in case.core if case.risky and rng.random() < _TRUE]
    return Statements(
        present=tuple(present),
        absent=tuple(absent),
        means=_means(absent, kind),
        latent=tuple(dict.fromkeys((*present, *latent))),
        risk=_risk(case, present, rng),
    )


def _core(case: Case, kind: str, rng: random.Random) -> list[str]:
    if not case.core or (case.risky and rng.random() < _THIN):
        return []
    if case.doubtful:
        return list(dict.fromkeys(rng.choices(case.core, k=1 + (rng.random() < _DOUBLY))))
    numbers, shares = _CORE_SERVICE if kind == "service" else _CORE
    core = list(dict.fromkeys(rng.sample(case.core, rng.choices(numbers, shares)[0])))
    if STRONG.isdisjoint(core) and (len(core) == 1 or rng.random() < 0.75):
        core[0] = rng.choice([name for name in case.core if name in STRONG])
    return core


def _means(absent: list[str], kind: str) -> tuple[str, ...]:
    if kind == "service":
        return ("autonomy_signal",) if _AUTONOMY_IF_DENIED in absent else ()
    return ("worker_protection",) if _PROTECTION_IF_DENIED.intersection(absent) else ()


def _risk(case: Case, present: list[str], rng: random.Random) -> int:
    strong = len(STRONG.intersection(present))
    if case.risky:
        risk = 3 if strong >= 2 or "minor_recruitment" in present else 2
        return 5 - risk if rng.random() < _SLIP else risk
    if case.doubtful:
        return 2 if rng.random() < _DOUBT_IS_RISK else 1
    medium = len(MEDIUM.intersection(present))
    weak = len(present) - strong - medium - len(COUNTER.intersection(present))
    passes = (1 - _STOPS["weak"]) ** weak * (1 - _STOPS["medium"]) ** medium
    return int(rng.random() > passes * (1 - _STOPS["strong"]) ** strong)


def _case(entry: Mapping[str, Any], *, risky: bool) -> Case:
    return Case(
        id=entry["id"],
        share=float(entry["share"]),
        behind=entry.get("behind", "unknown"),
        risky=risky,
        doubtful=bool(entry.get("doubtful", False)),
        notice=bool(entry.get("notice", False)),
        sectors=tuple(entry["sectors"]),
        core=tuple(entry.get("core", ())),
        signs=dict(entry.get("signs", {})),
        counter=dict(entry.get("counter", {})),
        absent=dict(entry.get("absent", {})),
        lookalikes=tuple(entry.get("lookalikes", (0,))),
        awareness=tuple(entry.get("awareness", (0,))),
    )
