"""Read every text once: nine ads in ten are copies, and a copy has nothing new to say.

In: the digests of a batch's texts. Out: first which of them are to be read, then, once they are, a
record for every row. Other batches may be asked about meanwhile: a text that is being read for one
is not read again for the next. What is remembered is bounded, and holds digests, findings and
pseudonyms, no text.

The different texts of a batch: nine ads in ten are copies, and one answer serves them all.

In: ads. Out: their wordings, in the order of the first ads that have them. The same words may mean
another phone in another region and something else in another language: they are another wording.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.extract.places import guess_regions
from adrisk.types import IntArray


@dataclass(frozen=True, slots=True)
class UniqueTexts:
    """The k wordings of n ads.

    Attributes:
        number: shape (n,), that of the wording of each ad, 0 to k - 1.
        texts: of the k wordings.
        regions: where the phones in each are likely from; None where nobody knows.
        languages: of each; None where nobody knows.
        digests: SHA-256 of each text, in hexadecimal.
        keys: one for each wording, and for no other.
    """

    number: IntArray
    texts: pa.Array
    regions: list[str | None]
    languages: list[str | None]
    digests: list[str]
    keys: list[bytes]


def unique_texts(ads: pa.Table) -> UniqueTexts:
    """The wordings of ads; `text`, `location` and `language` are read."""
    text = ads["text"].combine_chunks().dictionary_encode()
    languages, language = _coded(ads["language"])
    places, place = _coded(ads["location"])
    pairs, pair = np.unique(place * len(languages) + language, return_inverse=True)
    at, within = np.divmod(pairs, len(languages))
    guessed = guess_regions(
        [places[code] for code in at.tolist()], [languages[code] for code in within.tolist()]
    )
    numbers = {region: number for number, region in enumerate(dict.fromkeys(guessed))}
    region = np.array([numbers[name] for name in guessed], dtype=np.int64)[pair]
    regions = list(numbers)

    written = text.indices.to_numpy().astype(np.int64)
    codes = (written * len(regions) + region) * len(languages) + language
    _, first, of = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place_of = np.empty_like(order)
    place_of[order] = np.arange(len(order))
    first = first[order]

    made = [hashlib.sha256(words.encode()) for words in text.dictionary.to_pylist()]
    digests = [made[code] for code in written[first].tolist()]
    its_region = [regions[code] for code in region[first].tolist()]
    its_language = [languages[code] for code in language[first].tolist()]
    return UniqueTexts(
        place_of[of],
        text.dictionary.take(pa.array(written[first])),
        its_region,
        its_language,
        [digest.hexdigest() for digest in digests],
        [
            digest.digest() + f"{region} {language}".encode()
            for digest, region, language in zip(digests, its_region, its_language, strict=True)
        ],
    )


def _coded(column: pa.ChunkedArray) -> tuple[list[str | None], IntArray]:
    """The different values of a column, null among them, and the place of each row's there."""
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)


Records = NDArray[np.void]
"""A structured array, one record a text; what its fields are is the reader's business."""

Names = list[tuple[str, ...]]
"""Pseudonyms of the contacts of each text."""

REMEMBERED = 1 << 16
"""Texts whose findings are kept; at about 700 bytes each they take 45 MB."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class CacheLookup:
    """A batch of which some texts are still to be read.

    Attributes:
        rows: the first row of each text to be read for it, in order.
        digests: of those texts.
        found: a record for every row, filled in where it is known.
        names: likewise.
        unknown: the rows that are not.
        read_for: for each of these, the batch that its text is read for, and its place among the
            texts read for that.
        fresh: what was read for this batch, once it is.
    """

    rows: IntArray
    digests: list[bytes]
    found: Records
    names: Names
    unknown: list[int] = field(default_factory=list)
    read_for: list[tuple[CacheLookup, int]] = field(default_factory=list)
    fresh: tuple[Records, Names] | None = None


class ResultCache:
    """What was found in the texts read last."""

    def __init__(self, record: np.dtype[np.void], size: int = REMEMBERED) -> None:
        self._slots: dict[bytes, int] = {}
        self._digests = [b""] * size
        self._names: Names = [()] * size
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
            [self._names[slot] for slot in slots],
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

    def store(self, asked: CacheLookup, fresh: Records, names: Names) -> tuple[Records, Names]:
        """Records and names of all rows of a batch; of those asked about, the earliest comes first.

        Args:
            asked: what `ask` gave.
            fresh: a record of each text that was to be read.
            names: the pseudonyms of each.
        """
        asked.fresh = fresh, names
        here, places = [], []
        for row, (batch, place) in zip(asked.unknown, asked.read_for, strict=True):
            if batch.fresh is None:
                raise ValueError("a batch was told of before one that was asked about earlier")
            asked.names[row] = batch.fresh[1][place]
            if batch is asked:
                here.append(row)
                places.append(place)
            else:
                asked.found[row] = batch.fresh[0][place]
        asked.found[here] = fresh[places]
        asked.read_for = []  # else every batch would hold the one before it, and that the next
        self._remember(asked.digests, fresh, names)
        for digest in asked.digests:
            del self._awaited[digest]
        return asked.found, asked.names

    def _remember(self, digests: Sequence[bytes], found: Records, names: Names) -> None:
        """Keep these in place of the oldest."""
        size = len(self._digests)
        first = max(0, len(digests) - size)
        slots = (self._next + np.arange(len(digests) - first)) % size
        self._found[slots] = found[first:]
        for slot, digest, name in zip(slots.tolist(), digests[first:], names[first:], strict=True):
            gone = self._digests[slot]
            if self._slots.get(gone) == slot:
                del self._slots[gone]
            self._slots[digest] = slot
            self._digests[slot], self._names[slot] = digest, name
        self._next = (self._next + len(slots)) % size
