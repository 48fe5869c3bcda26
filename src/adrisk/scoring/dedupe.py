"""Results of the texts read last, so that a copy is not read again.

In: the keys of a batch's texts. Out: first which of them are to be read, then, once they are, a
record and notes for every row. Other batches may be looked up meanwhile: a text that is being read
for one is not read again for the next. What is remembered is bounded, and holds no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrisk.types import IntArray

Records = NDArray[np.void]
"""A structured array, one record a text; what its fields are is the reader's business."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What explaining and sealing need of a text that may be flagged, so that it is not read again.

    Attributes:
        folded: the text as the classifier read it.
        hits: what the rules find in that, as rows of `adrisk.rules.matcher.FOUND`.
        findings: the same in the raw text where it is present: indicator, start, end, rule.
        contacts: pseudonym, kind and plain value of each.
    """

    folded: str
    hits: bytes
    findings: tuple[tuple[str, int, int, str], ...]
    contacts: tuple[tuple[str, str, str], ...]


class TextNotes(NamedTuple):
    """What is known of a text beside its record: pseudonyms of its contacts, and the candidate."""

    names: tuple[str, ...]
    candidate: Candidate | None = None


_NOTHING = TextNotes(())

REMEMBERED = 1 << 16
"""Texts whose results are kept; at about 700 bytes each they take 45 MB."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class CacheLookup:
    """A batch of which some texts are still to be read.

    Attributes:
        rows: the first row of each text to be read for it, in order.
        digests: of those texts.
        found: a record for every row, filled in where it is known.
        notes: likewise.
        unknown: the rows that are not.
        read_for: for each of these, the batch that its text is read for, and its place among the
            texts read for that.
        fresh: what was read for this batch, once it is.
    """

    rows: IntArray
    digests: list[bytes]
    found: Records
    notes: list[TextNotes]
    unknown: list[int] = field(default_factory=list)
    read_for: list[tuple[CacheLookup, int]] = field(default_factory=list)
    fresh: tuple[Records, list[TextNotes]] | None = None


class ResultCache:
    """What was found in the texts read last."""

    def __init__(self, record: np.dtype[np.void], size: int = REMEMBERED) -> None:
        self._slots: dict[bytes, int] = {}
        self._digests = [b""] * size
        self._notes = [_NOTHING] * size
        self._found = np.zeros(size, dtype=record)
        self._next = 0
        self._awaited: dict[bytes, tuple[CacheLookup, int]] = {}

    def lookup(self, digests: Sequence[bytes]) -> CacheLookup:
        """What is to be read of a batch.

        Args:
            digests: n of them; equal texts have equal ones, others different ones.
        """
        slots = [self._slots.get(digest, -1) for digest in digests]
        unknown = [row for row, slot in enumerate(slots) if slot < 0]
        asked = CacheLookup(
            np.empty(0, dtype=np.int64),
            [],
            self._found[slots],
            [self._notes[slot] for slot in slots],
            unknown,
        )
        first: list[int] = []
        for row in unknown:
            digest = digests[row]
            source = self._awaited.get(digest)
            if source is None:
                source = self._awaited[digest] = (asked, len(first))
                first.append(row)
            asked.read_for.append(source)
        asked.rows = np.array(first, dtype=np.int64)
        asked.digests = [digests[row] for row in first]
        return asked

    def store(
        self, asked: CacheLookup, fresh: Records, notes: list[TextNotes]
    ) -> tuple[Records, list[TextNotes]]:
        """Records and notes of all rows of a batch; batches come in the order of their lookups.

        Args:
            asked: what `lookup` gave.
            fresh: a record of each text that was to be read.
            notes: of each.
        """
        asked.fresh = fresh, notes
        here, places = [], []
        for row, (batch, place) in zip(asked.unknown, asked.read_for, strict=True):
            if batch.fresh is None:
                raise ValueError("a batch was told of before one that was asked about earlier")
            asked.notes[row] = batch.fresh[1][place]
            if batch is asked:
                here.append(row)
                places.append(place)
            else:
                asked.found[row] = batch.fresh[0][place]
        asked.found[here] = fresh[places]
        asked.read_for = []  # else every batch would hold the one before it, and that the next
        self._remember(asked.digests, fresh, notes)
        for digest in asked.digests:
            del self._awaited[digest]
        return asked.found, asked.notes

    def _remember(self, digests: Sequence[bytes], found: Records, notes: list[TextNotes]) -> None:
        """Keep these in place of the oldest."""
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
