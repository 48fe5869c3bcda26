"""Bounded cache of the results of recently read texts, so that equal texts are read once.

In: the keys of a batch's texts. Out: the rows to read; then, with their results, a record and notes
of every row. Several batches may be pending: a text requested by one is not requested by the next.
Of texts that may be flagged the notes hold the folded text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrisk.types import IntArray

Records = NDArray[np.void]
"""A structured array, one record a text; its fields are defined by the reader."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Data for explaining and sealing of a text that may be flagged.

    Attributes:
        folded: the text as the classifier read it.
        hits: its rule hits, as rows of `adrisk.rules.matcher.HIT_DTYPE`.
        findings: its matches in the raw text that are present: indicator, start, end, rule.
        contacts: pseudonym, kind and plain value of each.
    """

    folded: str
    hits: bytes
    findings: tuple[tuple[str, int, int, str], ...]
    contacts: tuple[tuple[str, str, str], ...]


class TextNotes(NamedTuple):
    """Pseudonyms of the contacts of a text, and the candidate if it may be flagged."""

    names: tuple[str, ...]
    candidate: Candidate | None = None


_NOTHING = TextNotes(())

CACHE_SIZE = 1 << 16
"""Texts whose results are kept; at about 700 bytes each they take 45 MB."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class CacheLookup:
    """The cached results of a batch, and the texts that are still to be read.

    Attributes:
        rows: the first row of each text to read for this batch, in order.
        digests: of those texts.
        found: a record for every row, filled in where it is cached.
        notes: likewise.
        unknown: the rows without a cached result.
        read_for: for each of these, the batch that requests its text, and the position of the text
            in that request.
        fresh: the results requested by this batch, once they are there.
    """

    rows: IntArray
    digests: list[bytes]
    found: Records
    notes: list[TextNotes]
    unknown: list[int] = field(default_factory=list)
    read_for: list[tuple[CacheLookup, int]] = field(default_factory=list)
    fresh: tuple[Records, list[TextNotes]] | None = None


class ResultCache:
    """Records and notes of the texts read last, the oldest replaced first."""

    def __init__(self, record: np.dtype[np.void], size: int = CACHE_SIZE) -> None:
        self._slots: dict[bytes, int] = {}
        self._digests = [b""] * size
        self._notes = [_NOTHING] * size
        self._found = np.zeros(size, dtype=record)
        self._next = 0
        self._requested: dict[bytes, tuple[CacheLookup, int]] = {}

    def lookup(self, digests: Sequence[bytes]) -> CacheLookup:
        """Look up a batch.

        Args:
            digests: n keys, equal for equal texts only.
        """
        slots = [self._slots.get(digest, -1) for digest in digests]
        unknown = [row for row, slot in enumerate(slots) if slot < 0]
        pending = CacheLookup(
            np.empty(0, dtype=np.int64),
            [],
            self._found[slots],
            [self._notes[slot] for slot in slots],
            unknown,
        )
        first: list[int] = []
        for row in unknown:
            digest = digests[row]
            source = self._requested.get(digest)
            if source is None:
                source = self._requested[digest] = (pending, len(first))
                first.append(row)
            pending.read_for.append(source)
        pending.rows = np.array(first, dtype=np.int64)
        pending.digests = [digests[row] for row in first]
        return pending

    def store(
        self, pending: CacheLookup, fresh: Records, notes: list[TextNotes]
    ) -> tuple[Records, list[TextNotes]]:
        """Records and notes of all rows of a batch; batches are stored in the order of lookup.

        Args:
            pending: the result of `lookup`.
            fresh: a record of each text requested for it.
            notes: of each.
        """
        pending.fresh = fresh, notes
        here, places = [], []
        for row, (batch, place) in zip(pending.unknown, pending.read_for, strict=True):
            if batch.fresh is None:
                raise ValueError("batches must be stored in the order in which they were looked up")
            pending.notes[row] = batch.fresh[1][place]
            if batch is pending:
                here.append(row)
                places.append(place)
            else:
                pending.found[row] = batch.fresh[0][place]
        pending.found[here] = fresh[places]
        pending.read_for = []  # else each batch would keep the one before it in memory
        self._remember(pending.digests, fresh, notes)
        for digest in pending.digests:
            del self._requested[digest]
        return pending.found, pending.notes

    def _remember(self, digests: Sequence[bytes], found: Records, notes: list[TextNotes]) -> None:
        """Replace the oldest results by these."""
        size = len(self._digests)
        first = max(0, len(digests) - size)
        slots = (self._next + np.arange(len(digests) - first)) % size
        self._found[slots] = found[first:]
        for slot, digest, note in zip(slots.tolist(), digests[first:], notes[first:], strict=True):
            gone = self._digests[slot]
            if self._slots.get(gone) == slot:
                del self._slots[gone]
            self._slots[digest] = slot
            self._digests[slot], self._notes[slot] = digest, note
        self._next = (self._next + len(slots)) % size
