"""Random numbers of the generator: `random.Random` with a faster `choice`.

The same seed gives the same draws. Most of the time of making an ad goes into choosing from a few
thousand sentences, which needs no exact uniformity.
"""

from __future__ import annotations

import random
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class _Choices(Protocol[T_co]):
    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> T_co: ...


class FastRandom(random.Random):
    """A random generator whose `choice` is one multiplication."""

    def choice(self, seq: _Choices[T_co]) -> T_co:
        """One element of a sequence that is not empty."""
        return seq[int(self.random() * len(seq))]
