"""Plain text of ads: folded text as ASCII of the same length, for small and fast rules.

In: folded texts (`adrisk.text.normalise`). Out: the same letters without accents, digits in place
of letters undone (p4ssport), letters set apart joined (p.a.s.s.p.o.r.t, p a s s p o r t). Offsets
in plain text are offsets in the folded text. A letter of another script becomes "_", which is part
of a word and matches nothing. `SpanMap` converts spans between the folded and the raw text of an
ad.
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

from adrisk.text.arrow import code_points
from adrisk.text.normalise import Folded, fold

AD_SEPARATOR = "\x00"
"""The character between two ads in a `Plain`; no pattern matches across it."""

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
_SPACED_WORD = re.compile(r"[a-z]([ .\-*/|+~,_])[a-z](?:\1[a-z]){2,}(?![a-z0-9_])")
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

    `starts[i]` is where ad i begins; `squeezed` are the spans, in order, in which letters set apart
    were joined: a match that touches one is widened to the whole span.
    """

    text: str
    starts: NDArray[np.int64]
    squeezed: tuple[tuple[int, int], ...]

    def snap(self, start: int, end: int) -> tuple[int, int]:
        """A span widened to the squeezed words that it touches."""
        near = self.squeezed[max(0, bisect_right(self.squeezed, (start,)) - 1) :]
        return widened(start, end, near)


def widened(start: int, end: int, squeezed: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """A span widened to the `squeezed` spans that it touches; these are in order."""
    for first, last in squeezed:
        if first >= end:
            break
        if last > start:
            start, end = min(start, first), max(end, last)
    return start, end


def plain(folded: Sequence[str]) -> Plain:
    """The plain text of folded ads.

    >>> plain(["Votre pässeport".lower(), "p4ssport, p.a.s.s"]).text.split(AD_SEPARATOR)
    ['votre passeport', 'passport, pass\\x01\\x01\\x01']
    """
    joined = AD_SEPARATOR.join(folded)
    lengths = np.fromiter((len(text) + 1 for text in folded), np.int64, len(folded))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(folded) else lengths
    text = _ascii(joined)
    kinds = np.frombuffer(text.encode("ascii").translate(_KINDS), dtype=np.uint8)
    text = _unleet(text, kinds)
    squeezed: list[tuple[int, int]] = []
    if _MARK in text:
        text = _replaced(text, [_squeeze(m, squeezed) for m in _MARKED.finditer(text)])
    spaced = [_SPACED_WORD.match(text, at) for at in _spaced_starts(kinds)]
    text = _replaced(text, [_squeeze(match, squeezed) for match in spaced if match])
    return Plain(text, starts, tuple(sorted(squeezed)))


def bare(text: str) -> str:
    """A text in lower case without accents; its length may change."""
    text = text.lower().replace("’", "'")
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    plain_letters = _ACCENTS.sub("", decomposed)
    if plain_letters.isascii():
        return plain_letters
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    points = code_points(text)
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
    """The text with digits and signs between letters replaced by the letters they look like."""
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
        match = _LEET.match(text, first)
        if match and (first == 0 or not text[first - 1].isdigit()):
            done = match.end()
            changes.append((first, _letters(match.group())))
    return _replaced(text, changes)


def _letters(word: str) -> str:
    if len(word) < 4 or sum(c.isalpha() for c in word) < 3:
        return word
    return word.translate(_UNLEET)


def _spaced_starts(kinds: NDArray[np.uint8]) -> list[int]:
    """Offsets at which four or more single letters with one character between them may begin."""
    letter = np.concatenate([[False], kinds == _LETTER, np.zeros(8, dtype=np.bool_)])
    other = kinds > 0
    word = np.concatenate([[False], other, np.zeros(8, dtype=np.bool_)])
    size = len(kinds)
    single = letter[1 : size + 7] & ~word[: size + 6] & ~word[2 : size + 8]
    run = single[:size] & single[2 : size + 2] & single[4 : size + 4] & single[6 : size + 6]
    starts = np.flatnonzero(run)
    return [int(at) for at in starts if not (at >= 2 and run[at - 2])]


def _squeeze(match: re.Match[str], squeezed: list[tuple[int, int]]) -> tuple[int, str]:
    """The letters of a word set apart, joined and filled up to the same length."""
    squeezed.append(match.span())
    letters = "".join(c for c in match.group() if "a" <= c <= "z" or "0" <= c <= "9")
    return match.start(), letters.ljust(len(match.group()), _FILL)


def _replaced(text: str, changes: Sequence[tuple[int, str]]) -> str:
    """The text with replacements at their offsets; the length stays the same."""
    pieces, at = [], 0
    for start, replacement in changes:
        pieces += [text[at:start], replacement]
        at = start + len(replacement)
    return "".join([*pieces, text[at:]]) if pieces else text


class SpanMap:
    """Spans of one ad in its folded and in its raw text.

    Most ads are folded character for character (`same`); the offsets are computed for the others,
    on first use.
    """

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

        >>> SpanMap("Ｃａｌｌ 5\\ufe0f\\u20e35\\ufe0f\\u20e3", "call 55").folded(5, 8)
        (5, 6)
        """
        if self.same:
            return start, end
        first = int(np.searchsorted(self._folded.ends, start, side="right"))
        last = int(np.searchsorted(self._folded.starts, end, side="left"))
        return first, max(first, last)
