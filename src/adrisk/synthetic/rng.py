"""The source of everything random: `random.Random` with a quicker choice.

Out: the same draws for the same seed. Choosing from a few thousand sentences needs no exact
uniformity, and most of the time of making an ad goes into choosing.
"""

from __future__ import annotations

import random
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class _Choices(Protocol[T_co]):
    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> T_co: ...


class Dice(random.Random):
    """A generator whose `choice` is one multiplication."""

    def choice(self, seq: _Choices[T_co]) -> T_co:
        """One element of a sequence that is not empty."""
        return seq[int(self.random() * len(seq))]
