"""Which of several findings at one place counts.

In: findings of one ad. Out: those that are kept, in order of their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar

from adrisk.types import State


class Finding(Protocol):
    """An indicator said to be present or absent by the words between two places."""

    @property
    def indicator(self) -> str:
        """The indicator's id."""

    @property
    def state(self) -> State:
        """Present or absent."""

    @property
    def start(self) -> int:
        """Where the words begin."""

    @property
    def end(self) -> int:
        """The place behind them."""


F = TypeVar("F", bound=Finding)


def settled(found: Iterable[F]) -> list[F]:
    """One finding a place: an absent one wins over a present one, a longer over a shorter."""
    kept: dict[str, list[F]] = defaultdict(list)
    order = sorted(found, key=lambda e: (e.state is State.PRESENT, e.start - e.end, e.start))
    for finding in order:
        rivals = kept[finding.indicator]
        if not any(r.start < finding.end and finding.start < r.end for r in rivals):
            rivals.append(finding)
    return sorted(
        (finding for of_one in kept.values() for finding in of_one),
        key=lambda e: (e.start, e.end, e.indicator),
    )
