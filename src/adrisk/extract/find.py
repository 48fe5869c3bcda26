"""Contacts of one ad whose folded text is known, as spans of its raw text."""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate

from adrisk.extract.disguises import native, undisguised
from adrisk.extract.phones import find_phones
from adrisk.extract.runs import Runs
from adrisk.text.normalise import Folded, fold, fold_text
from adrisk.types import Contact

_KEPT = 1 << 11  # folded words, some KB each
# Han, kana, bopomofo, Hangul and Yi, in whose texts figures are usually wide too; not emoji.
_WIDE_SCRIPT = re.compile(
    "[\u1100-\u115f\u2e80-\u2fdf\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd]"
)

Span = tuple[str, int, int, str, bool]
"""Kind, start, end, value and whether it is spelled unusually, in the folded text."""


def find_spelled(folded: str, region: str | None) -> list[Span]:
    """The phones of a folded text that may be written in words, letters or other figures."""
    plain = undisguised(folded)
    spans = []
    for phone in find_phones(plain, Runs([(0, sys.maxsize)], spelled=True), region):
        written = folded[phone.start : phone.end]
        spelled = phone.spelled
        if not spelled and written != plain[phone.start : phone.end]:
            spelled = not native(written, folded)
        spans.append(("phone", phone.start, phone.end, phone.value, spelled))
    return spans


def apart(phones: Iterable[Span], addresses: list[Span]) -> list[Span]:
    """The addresses, and the phones that share no character with one of them."""
    return addresses + [
        phone
        for phone in phones
        if not any(phone[1] < end and start < phone[2] for _, start, end, _, _ in addresses)
    ]


def contacts_of(raw: str, folded: str, spans: list[Span]) -> list[Contact]:
    """The contacts at some spans of the folded text, as spans of the raw text, in order."""
    back = way_back(raw, folded)
    contacts = []
    for kind, start, end, value, is_spelled in sorted(spans, key=lambda span: span[1]):
        first, last = back(start, end)
        hidden = is_spelled or _disguised(raw[first:last], folded[start:end], folded)
        contacts.append(Contact(kind, first, last, value, hidden))
    return contacts


def way_back(raw: str, folded: str) -> Callable[[int, int], tuple[int, int]]:
    """From the start and end of a span of the folded text to those in the raw text."""
    # If folding only lowered the letters, the offsets are the raw ones already.
    lowered = raw.lower()
    if lowered == folded and len(lowered) == len(raw):
        return lambda start, end: (start, end)
    return _WayBack(raw, folded).span


def _disguised(written: str, folded: str, text: str) -> bool:
    """Whether folding undid more than capitals, and more than wide forms in a wide script."""
    lowered = written.lower()
    if lowered == folded:
        return False
    wide = unicodedata.normalize("NFKC", lowered) == folded and all(
        c.isascii() or unicodedata.east_asian_width(c) == "F" for c in lowered
    )
    return not (wide and _WIDE_SCRIPT.search(text))


@lru_cache(_KEPT)
def _fold_word(word: str) -> Folded:
    return fold(word)


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
        first, last = _fold_word(written + " ").span(inside, inside + 1)
        return self._raw_starts[word] + first, self._raw_starts[word] + last


def _starts(pieces: list[str]) -> list[int]:
    return list(accumulate((len(piece) + 1 for piece in pieces[:-1]), initial=0))
