"""Contacts of one ad whose folded text is known, as spans of its raw text."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from adrisk.extract.addresses import find_addresses, overlaps
from adrisk.extract.phones import find_phones
from adrisk.extract.runs import Runs
from adrisk.normalise import fold, fold_text
from adrisk.types import Contact


def find_in(
    raw: str,
    folded: str,
    region: str | None = None,
    *,
    phones: Runs | None = None,
    addresses: bool = True,
    handles: bool = True,
    spelled: bool = True,
) -> list[Contact]:
    """The contacts of an ad, in order; the flags leave out what is known not to be there."""
    found = find_addresses(folded, handles=handles, spelled=spelled) if addresses else []
    spans = [(a.kind, a.start, a.end, a.value, a.spelled) for a in found]
    if phones:
        spans += [
            ("phone", p.start, p.end, p.value, p.spelled)
            for p in find_phones(folded, phones, region)
            if not overlaps(p.start, p.end, found)
        ]
    if not spans:
        return []
    spans.sort(key=lambda span: span[1])
    # If folding only lowered the letters, the offsets are the raw ones already.
    lowered = raw.lower()
    if lowered == folded and len(lowered) == len(raw):
        return [Contact(*span) for span in spans]
    way_back = _WayBack(raw, folded)
    contacts = []
    for kind, start, end, value, is_spelled in spans:
        first, last = way_back.span(start, end)
        disguised = raw[first:last].lower() != folded[start:end]
        contacts.append(Contact(kind, first, last, value, is_spelled or disguised))
    return contacts


class _WayBack:
    """Offsets of a folded text in its raw text, worked out only for the words asked for.

    Folding never looks across a space, so words are folded one by one; `fold` of the whole text
    would give the same offsets, in a hundred times the time.
    """

    def __init__(self, raw: str, folded: str) -> None:
        self._words = raw.split(" ")
        pieces = folded.split(" ")
        if len(pieces) != len(self._words):  # a character that folds to a space
            pieces = [fold_text(word) for word in self._words]
        if " ".join(pieces) != folded:
            self._words, pieces = [raw], [folded]
        self._pieces = pieces
        self._raw_starts = _starts(self._words)
        self._starts = _starts(pieces)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of the folded characters from `start` to `end`, of which there is one."""
        return self._raw(start)[0], self._raw(end - 1)[1]

    def _raw(self, at: int) -> tuple[int, int]:
        word = bisect_right(self._starts, at) - 1
        inside, written = at - self._starts[word], self._words[word]
        if written.isascii() and len(written) == len(self._pieces[word]):
            return self._raw_starts[word] + inside, self._raw_starts[word] + inside + 1
        # The space behind a word is folded with it, and what is invisible before the next word.
        first, last = fold(written + " ").span(inside, inside + 1)
        return self._raw_starts[word] + first, self._raw_starts[word] + last


def _starts(pieces: list[str]) -> list[int]:
    return list(accumulate((len(piece) + 1 for piece in pieces[:-1]), initial=0))
