"""Which of several findings at one place counts.

In: findings of one ad. Out: those that are kept, in order of their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from operator import attrgetter
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
    for finding in found:
        kept[finding.indicator].append(finding)
    return sorted(
        chain.from_iterable(
            rivals if len(rivals) == 1 else _best(rivals) for rivals in kept.values()
        ),
        key=attrgetter("start", "end", "indicator"),
    )


def _best(rivals: list[F]) -> list[F]:
    """Those of one indicator that share no place with a better one."""
    best: list[F] = []
    for finding in sorted(
        rivals, key=lambda e: (e.state is State.PRESENT, e.start - e.end, e.start)
    ):
        if not any(r.start < finding.end and finding.start < r.end for r in best):
            best.append(finding)
    return best
