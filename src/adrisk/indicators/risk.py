"""How what an ad shows combines into risk 0 to 3: the graded rule baseline, as data.

In: the key `risk` of a taxonomy file. Out: a frozen `RiskRules`, which grades counts of indicators
and says in words how. It refuses levels that no ad could meet and counts it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from adrisk.errors import ConfigError
from adrisk.types import RISK_LEVELS

COUNTED = ("strong", "medium", "weak", "escalate")
"""What is counted: evidence by its weight, and whatever escalates."""


@dataclass(frozen=True, slots=True)
class Step:
    """A risk, and the least counts that give it."""

    risk: int
    at_least: tuple[tuple[str, int], ...]

    def met(self, counts: Mapping[str, int]) -> bool:
        """Whether the counts reach every one of the least."""
        return all(counts.get(name, 0) >= least for name, least in self.at_least)

    def __str__(self) -> str:
        needed = " and ".join(f"{least} {_PLURAL[name]}" for name, least in self.at_least)
        return f"{self.risk}: at least {needed}"


_PLURAL = {
    "strong": "strong",
    "medium": "medium",
    "weak": "weak",
    "escalate": "of kind x",
}


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Steps from the top; counter-evidence lowers the result, but not below what `floors` give."""

    levels: tuple[Step, ...]
    lowers_by: int
    floors: tuple[Step, ...]

    def grade(self, counts: Mapping[str, int], *, counter: bool) -> int:
        """Ordinal risk of an ad with these counts."""
        risk = _first(self.levels, counts)
        if not counter:
            return risk
        return max(risk - self.lowers_by, min(risk, _first(self.floors, counts)))

    def in_words(self) -> list[str]:
        """One line a step, and what counter-evidence does."""
        lines = [f"risk {step}" for step in self.levels]
        lines.append("risk 0: anything else")
        floors = ", ".join(f"below {step}" for step in self.floors)
        lines.append(
            f"counter-evidence (kind c) lowers the risk by {self.lowers_by}"
            + (f", but never {floors}" if floors else "")
        )
        return lines


def read_risk(value: Any, where: str) -> RiskRules:
    """Check the key `risk` of a taxonomy file.

    Raises:
        ConfigError: naming the file and what was expected there.
    """
    content = _keys(value, ("levels", "counter_evidence"), f"{where}: risk")
    counter = _keys(
        content["counter_evidence"], ("by", "not_below"), f"{where}: risk.counter_evidence"
    )
    by = counter["by"]
    if isinstance(by, bool) or not isinstance(by, int) or by not in RISK_LEVELS:
        raise ConfigError(f"{where}: risk.counter_evidence.by must be 0 to 3, got {by!r}")
    levels = _steps(content["levels"], f"{where}: risk.levels")
    for earlier, later in pairwise(levels):
        if later.risk > earlier.risk:
            raise ConfigError(
                f"{where}: risk.levels must begin with the highest risk; "
                f"'{later}' stands behind '{earlier}'"
            )
    return RiskRules(
        levels, by, _steps(counter["not_below"], f"{where}: risk.counter_evidence.not_below")
    )


def _first(steps: tuple[Step, ...], counts: Mapping[str, int]) -> int:
    return next((step.risk for step in steps if step.met(counts)), 0)


def _steps(value: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list such as [{{risk: 2, at_least: {{strong: 1}}}}]")
    return tuple(_step(item, f"{where}: entry {n}") for n, item in enumerate(value, start=1))


def _step(value: Any, where: str) -> Step:
    content = _keys(value, ("risk", "at_least"), where)
    if content["risk"] not in RISK_LEVELS or isinstance(content["risk"], bool):
        raise ConfigError(f"{where}: risk must be 0 to 3, got {content['risk']!r}")
    least = content["at_least"]
    if not isinstance(least, dict) or not least:
        raise ConfigError(f"{where}: at_least must be counts such as {{strong: 1, medium: 2}}")
    for name, count in least.items():
        if name not in COUNTED:
            raise ConfigError(
                f"{where}: at_least counts {', '.join(COUNTED)}; there is no {name!r}"
            )
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ConfigError(f"{where}: at_least.{name} must be 1 or more, got {count!r}")
    return Step(content["risk"], tuple(least.items()))


def _keys(value: Any, names: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        found = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ConfigError(f"{where} must have the keys {', '.join(names)}, got {found}")
    return value
