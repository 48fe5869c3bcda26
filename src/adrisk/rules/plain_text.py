"""Plain text: folded ads as ASCII, one character for one, so that rules are small and fast.

In: folded texts (`adrisk.normalise`). Out: the same letters without accents, digits written for
letters undone (p4ssport), words pulled apart put together (p.a.s.s.p.o.r.t, p a s s p o r t). Every
character stays at its place, so a place in the plain text is the place in the folded one. A letter
of another script becomes "_", which is part of a word and matches nothing.

The way between the places of a folded text and those of the raw one, for one ad.

In: a raw text and its folded form. Out: spans, either way. Most ads are folded character for
character; the slow form of the way is made only where they are not, and only if it is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from adrisk.text.normalise import Folded, fold

BETWEEN = "\x00"
"""What stands between two ads in a `Plain`; no pattern matches across it."""

_FILL = "\x01"
_MARK = "\x02"
_TABLED = 0x3000
_FURTHER = (0x20000, 0xFFFF)  # above: emoji and rare ideographs
_CURRENCY = "€£¥₹₽₩"
_BULLETS = "•▪●◦■□►▶✓✔✅➤→★☆"
_LIKE = {"’": "'", "‘": "'", "´": "'", "`": "'", "…": ".", "。": ".", "．": "."}

# A digit or sign for a letter counts inside a word only: 14h, 24/7 and h2a keep theirs.
_LEET = re.compile(r"(?<![@$.])[a-z]+(?:[013457@$]{1,2}[a-z]+)+[0134@$]?(?![a-z0-9_@$]|\.[a-z])")
_UNLEET = str.maketrans("013457@$", "oieastas")
_APART = re.compile(r"[a-z]([ .\-*/|+~,_])[a-z](?:\1[a-z]){2,}(?![a-z0-9_])")
_MARKED = re.compile(rf"(?<![a-z0-9])[a-z0-9]+(?:{_MARK}+[a-z0-9]*)+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTER, _DIGIT, _SIGN = 1, 2, 4
_KIND = np.zeros(256, dtype=np.uint8)
_KIND[[ord(c) for c in "abcdefghijklmnopqrstuvwxyz"]] = _LETTER
_KIND[[ord(c) for c in "0123456789"]] = _DIGIT
_KIND[[ord(c) for c in "013457@$"]] |= _SIGN
_KINDS = _KIND.tobytes()


@dataclass(frozen=True, slots=True)
class Plain:
    """Many ads as one ASCII string.

    `starts[i]` is where ad i begins; `squeezed` are the spans, in order, in which letters were
    moved together: a place inside stands for the whole span.
    """

    text: str
    starts: NDArray[np.int64]
    squeezed: tuple[tuple[int, int], ...]

    def snap(self, start: int, end: int) -> tuple[int, int]:
        """A span widened to the squeezed words that it touches."""
        near = self.squeezed[max(0, bisect_right(self.squeezed, (start,)) - 1) :]
        return widened(start, end, near)


def widened(start: int, end: int, squeezed: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """A span widened to those of `squeezed`, which are in order, that it touches."""
    for first, last in squeezed:
        if first >= end:
            break
        if last > start:
            start, end = min(start, first), max(end, last)
    return start, end


def plain(folded: Sequence[str]) -> Plain:
    """The plain text of folded ads.

    >>> plain(["Votre pässeport".lower(), "p4ssport, p.a.s.s"]).text.split(BETWEEN)
    ['votre passeport', 'passport, pass\\x01\\x01\\x01']
    """
    joined = BETWEEN.join(folded)
    lengths = np.fromiter((len(text) + 1 for text in folded), np.int64, len(folded))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(folded) else lengths
    text = _ascii(joined)
    kinds = np.frombuffer(text.encode("ascii").translate(_KINDS), dtype=np.uint8)
    text = _unleet(text, kinds)
    squeezed: list[tuple[int, int]] = []
    if _MARK in text:
        text = _replaced(text, [_squeeze(m, squeezed) for m in _MARKED.finditer(text)])
    apart = [_APART.match(text, at) for at in _apart(kinds)]
    text = _replaced(text, [_squeeze(found, squeezed) for found in apart if found])
    return Plain(text, starts, tuple(sorted(squeezed)))


def bare(text: str) -> str:
    """A text in lower case without accents, of any length: how patterns are written."""
    text = text.lower().replace("’", "'")
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    plain_letters = _ACCENTS.sub("", apart)
    if plain_letters.isascii():
        return plain_letters
    return "".join(c for c in apart if not unicodedata.combining(c))


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    table = _table()
    plain_bytes = table.take(points, mode="clip")
    beyond = np.flatnonzero(points >= _TABLED)
    if len(beyond):
        letters = points[beyond] < _FURTHER[1]
        plain_bytes[beyond] = np.where(letters, ord("_"), ord("*"))
    return plain_bytes.tobytes().decode("ascii")


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    """The plain character of every code point below 0x3000."""
    table = np.full(_TABLED + 1, ord("*"), dtype=np.uint8)
    for point in range(_TABLED):
        table[point] = ord(_plain_character(chr(point)))
    return table


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _LIKE:
        return _LIKE[character]
    if character in _CURRENCY:
        return "$"
    if character in _BULLETS:
        return ";"
    category = unicodedata.category(character)
    if category.startswith("L"):
        base = unicodedata.normalize("NFD", character)[0].lower()
        return base if base.isascii() else {"œ": "o", "æ": "a", "ø": "o", "ß": "s"}.get(base, "_")
    if category.startswith("M"):
        return _MARK
    return " " if category.startswith("Z") else "*"


def _unleet(text: str, kinds: NDArray[np.uint8]) -> str:
    """Digits and signs between letters read as the letters they look like."""
    letter, sign = (kinds & _LETTER) > 0, (kinds & _SIGN) > 0
    one = letter[:-2] & sign[1:-1] & letter[2:]
    two = letter[:-3] & sign[1:-2] & sign[2:-1] & letter[3:]
    changes = []
    done = 0
    for at in sorted({*np.flatnonzero(one).tolist(), *np.flatnonzero(two).tolist()}):
        if at < done:
            continue
        first = at
        while first and letter[first - 1]:
            first -= 1
        found = _LEET.match(text, first)
        if found and (first == 0 or not text[first - 1].isdigit()):
            done = found.end()
            changes.append((first, _letters(found.group())))
    return _replaced(text, changes)


def _letters(word: str) -> str:
    if len(word) < 4 or sum(c.isalpha() for c in word) < 3:
        return word
    return word.translate(_UNLEET)


def _apart(kinds: NDArray[np.uint8]) -> list[int]:
    """Where four single letters or more may stand, one character between each."""
    letter = np.concatenate([[False], kinds == _LETTER, np.zeros(8, dtype=np.bool_)])
    other = kinds > 0
    word = np.concatenate([[False], other, np.zeros(8, dtype=np.bool_)])
    size = len(kinds)
    single = letter[1 : size + 7] & ~word[: size + 6] & ~word[2 : size + 8]
    run = single[:size] & single[2 : size + 2] & single[4 : size + 4] & single[6 : size + 6]
    starts = np.flatnonzero(run)
    return [int(at) for at in starts if not (at >= 2 and run[at - 2])]


def _squeeze(found: re.Match[str], squeezed: list[tuple[int, int]]) -> tuple[int, str]:
    """The letters of a word pulled apart, and filler in the place that becomes free."""
    squeezed.append(found.span())
    letters = "".join(c for c in found.group() if "a" <= c <= "z" or "0" <= c <= "9")
    return found.start(), letters.ljust(len(found.group()), _FILL)


def _replaced(text: str, changes: Sequence[tuple[int, str]]) -> str:
    """The text with other characters at these places; its length stays."""
    pieces, at = [], 0
    for start, put in changes:
        pieces += [text[at:start], put]
        at = start + len(put)
    return "".join([*pieces, text[at:]]) if pieces else text


class Places:
    """The places of one ad."""

    def __init__(self, raw: str, folded: str) -> None:
        self._raw = raw
        self.same = raw.isascii() or (len(raw) == len(folded) and raw.lower() == folded)

    @cached_property
    def _folded(self) -> Folded:
        return fold(self._raw)

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of a folded one."""
        return (start, end) if self.same else self._folded.span(start, end)

    def folded(self, start: int, end: int) -> tuple[int, int]:
        """The folded characters that come from a raw span.

        >>> Places("Ｃａｌｌ 5\\ufe0f\\u20e35\\ufe0f\\u20e3", "call 55").folded(5, 8)
        (5, 6)
        """
        if self.same:
            return start, end
        first = int(np.searchsorted(self._folded.ends, start, side="right"))
        last = int(np.searchsorted(self._folded.starts, end, side="left"))
        return first, max(first, last)
