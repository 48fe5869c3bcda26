"""Read every text once: nine ads in ten are copies, and a copy has nothing new to say.

In: digests of texts, and a way to read some of them. Out: what was found, a record for each text,
whether it was read now or is remembered. What is remembered is bounded, and holds digests,
findings and pseudonyms, no text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
"""A structured array, one record a text; what its fields are is the reader's business."""

Names = list[tuple[str, ...]]
"""Pseudonyms of the contacts of each text."""

REMEMBERED = 1 << 16
"""Texts whose findings are kept; at about 700 bytes each they take 45 MB."""


class Copies:
    """What was found in the texts read last; may be used from several threads."""

    def __init__(self, record: np.dtype[np.void], size: int = REMEMBERED) -> None:
        self._slots: dict[bytes, int] = {}
        self._digests = [b""] * size
        self._names: Names = [()] * size
        self._found = np.zeros(size, dtype=record)
        self._next = 0
        self._lock = threading.Lock()

    def read(
        self,
        digests: Sequence[bytes],
        reader: Callable[[NDArray[np.int64]], tuple[Records, Names]],
    ) -> tuple[Records, Names]:
        """Records and names of the n texts of a batch.

        Args:
            digests: n of them; equal texts have equal ones, others different ones.
            reader: called at most once, with the first row of each text not remembered.
        """
        with self._lock:
            slots = [self._slots.get(digest, -1) for digest in digests]
            found = self._found[slots]
            names = [self._names[slot] for slot in slots]
        new: dict[bytes, int] = {}
        unknown = [row for row, slot in enumerate(slots) if slot < 0]
        for row in unknown:
            new.setdefault(digests[row], row)
        if new:
            fresh, fresh_names = reader(np.fromiter(new.values(), dtype=np.int64, count=len(new)))
            place = {digest: at for at, digest in enumerate(new)}
            at = [place[digests[row]] for row in unknown]
            found[unknown] = fresh[at]
            for row, position in zip(unknown, at, strict=True):
                names[row] = fresh_names[position]
            self._remember(list(new), fresh, fresh_names)
        return found, names

    def blank(self, count: int) -> Records:
        """So many records to be filled in."""
        return np.zeros(count, dtype=self._found.dtype)

    def _remember(self, digests: Sequence[bytes], found: Records, names: Names) -> None:
        """Keep these in place of the oldest."""
        size = len(self._digests)
        first = max(0, len(digests) - size)
        with self._lock:
            slots = (self._next + np.arange(len(digests) - first)) % size
            self._found[slots] = found[first:]
            for slot, digest, name in zip(
                slots.tolist(), digests[first:], names[first:], strict=True
            ):
                gone = self._digests[slot]
                if self._slots.get(gone) == slot:
                    del self._slots[gone]
                self._slots[digest] = slot
                self._digests[slot], self._names[slot] = digest, name
            self._next = (self._next + len(slots)) % size
