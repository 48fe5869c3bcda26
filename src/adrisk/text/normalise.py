"""Folding of text for matching and for features, with offsets into the raw text.

In: raw ad text. Out: lower-case NFKC text without invisible characters, with look-alike letters
undone inside mixed-script tokens; and from `fold`, the raw offsets of every folded character.
Accents stay, nothing is translated, and a token of one script is left as it is.

`fold_column` is the fast form of `fold_text` for many ads; `fold` adds the offsets. All three
give the same text. `offset_map` computes single offsets of a text that is already folded.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex
from numpy.typing import NDArray

from adrisk.text.arrow import code_points, text_list
from adrisk.types import ArrowArray, ArrowValues

# Default-ignorable characters (Unicode 16, DerivedCoreProperties) plus the keycap mark: they are
# invisible, and a digit written 5️⃣ is a five.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u20e3]+")

# A run of ASCII, or a character with what may compose onto it: marks (the spacing vowel signs that
# compose are marks too) and conjoining Hangul vowels and finals (UAX #15).
_COMPOSING = r"[\p{M}\u1161-\u1175\u11a8-\u11c2]"
_COMPOSES = regex.compile(_COMPOSING)
_CLUSTER = regex.compile(rf"[\x00-\x7f]+(?!{_COMPOSING})|.{_COMPOSING}*", flags=regex.DOTALL)

# Negative circled and squared letters, which NFKC leaves alone.
_BLOCK_LETTERS = {first + i: chr(ord("a") + i) for first in (0x1F150, 0x1F170) for i in range(26)}

# Letters that look Latin (Unicode TR39 confusables, lower case, the ones seen in ads).
_TO_LATIN = dict(
    zip(
        "аеорсухіјѕһԁԛԝѵьгмткнвαορνικυτχγεηω",
        "aeopcyxijshdqwvbrmtkhbaopvikutxyenw",
        strict=True,
    )
)
_TO_CYRILLIC = dict(zip("aeopcyxijsh", "аеорсухіјѕһ", strict=True))
_TOKEN = regex.compile(r"[\p{L}\p{M}\d]+")
_FOREIGN = regex.compile(r"[\p{Greek}\p{Cyrillic}]")
_LATIN = re.compile("[a-z]")

# Texts of these characters alone are their own NFKC form, so lower-casing is all they need: ASCII,
# accented Latin letters, and the punctuation of European typing. (Arrow could normalise the rest
# too, but its NFKC decomposes and does not compose: pyarrow 25.0.1 turns é into e and an accent.)
_PLAIN = (  # RE2 syntax
    r"^[\x00-\x7f\x{a1}-\x{a7}\x{a9}\x{ab}\x{ac}\x{ae}\x{b0}\x{b1}\x{b6}\x{b7}\x{bb}\x{bf}-\x{12f}"
    r"\x{131}\x{134}-\x{13e}\x{141}-\x{148}\x{14a}-\x{17e}"
    r"\x{2010}\x{2012}-\x{2015}\x{2018}-\x{201e}\x{2020}-\x{2022}\x{2030}\x{2039}\x{203a}\x{20ac}]*$"
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text and its raw offsets.

    `starts[i]` and `ends[i]` bound the raw characters that folded character i came from.
    """

    raw: str
    text: str
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of `text[start:end]`; an empty span gives an empty raw span.

        Inside the folding of one raw character, as in "1⁄4", that is the end of this character.
        """
        if start >= end:
            at = int(self.starts[start]) if start < len(self.starts) else len(self.raw)
            at = max(at, int(self.ends[start - 1])) if start else at
            return at, at
        return int(self.starts[start]), int(self.ends[end - 1])

    def find(self, raw_offset: int) -> int:
        """Index of the folded character that covers a raw offset (or the last before it)."""
        return max(0, bisect_right(self.starts, raw_offset) - 1)


def fold_text(raw: str) -> str:
    """The folded text alone; folding it again changes nothing."""
    simple = _fold_characters(raw)
    return _unmix(simple[0] if simple else _compatible(_INVISIBLE.sub("", raw)))


def fold(raw: str) -> Folded:
    """The folded text with, for every character, the raw span it came from.

    >>> folded = fold("Ｃａｌｌ 5\\ufe0f\\u20e35\\ufe0f\\u20e3")
    >>> folded.text, folded.span(5, 6)
    ('call 55', (5, 8))
    """
    if raw.isascii():
        offsets = np.arange(len(raw) + 1, dtype=np.int32)
        return Folded(raw, raw.lower(), offsets[:-1], offsets[1:])
    if simple := _fold_characters(raw):
        text, dropped = simple
        visible = _offsets_without(raw, dropped)
        return Folded(raw, _unmix(text), visible[:-1], visible[1:])
    visible = _visible(raw)
    kept = "".join([raw[i] for i in visible[:-1]])
    pieces: list[str] = []
    starts: list[NDArray[np.int32]] = []
    ends: list[NDArray[np.int32]] = []
    for match in _CLUSTER.finditer(kept):
        first, last = match.span()
        plain = match.group().isascii()
        piece = match.group().lower() if plain else _compatible_cluster(match.group())
        pieces.append(piece)
        if plain:
            starts.append(visible[first:last])
            ends.append(visible[first + 1 : last + 1])
        else:
            starts.append(np.full(len(piece), visible[first], dtype=np.int32))
            ends.append(np.full(len(piece), visible[last], dtype=np.int32))
    empty = np.zeros(0, dtype=np.int32)
    return Folded(
        raw,
        _unmix("".join(pieces)),
        np.concatenate([empty, *starts]),
        np.concatenate([empty, *ends]),
    )


def fold_column(texts: ArrowValues) -> ArrowArray:
    """`fold_text` of every text, as a large_string array; nulls are not allowed.

    Plain European text is lowered by Arrow; the rest is folded one by one.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = texts.cast(pa.large_string())
    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        lowered: ArrowArray = pc.ascii_lower(texts)
        return lowered
    plain = pc.match_substring_regex(texts, _PLAIN)
    folded: ArrowArray = pc.utf8_lower(texts)
    if pc.all(plain).as_py() is not False:
        return folded
    slow = pa.array(
        [fold_text(text) for text in text_list(texts.filter(pc.invert(plain)))], pa.large_string()
    )
    replaced: ArrowArray = pc.replace_with_mask(folded, pc.invert(plain), slow)
    return replaced


class _Forms(dict[str, str | None]):
    """The folded form of each character, at most one character; None if it depends on others."""

    def __missing__(self, character: str) -> str | None:
        form: str | None = _compatible(_INVISIBLE.sub("", character))
        if form and (len(form) > 1 or _COMPOSES.match(character) or _COMPOSES.match(form)):
            form = None
        self[character] = form
        return form


_FORMS = _Forms()


def _fold_characters(raw: str) -> tuple[str, list[str]] | None:
    """The text folded character by character, and the characters that are dropped.

    None where the form of a character depends on its neighbours. A text has few distinct
    characters, of which few change, so each is replaced in the whole text at once.
    """
    forms = {character: _FORMS[character] for character in set(raw)}
    if None in forms.values():
        return None
    for character, form in forms.items():
        if form != character and not character.isascii():
            raw = raw.replace(character, form or "")
    return raw.lower(), [character for character, form in forms.items() if not form]


def _offsets_without(raw: str, dropped: list[str]) -> NDArray[np.int32]:
    """Offsets of all characters except the dropped ones, then the length of the text."""
    if not dropped:
        return np.arange(len(raw) + 1, dtype=np.int32)
    points = code_points(f"{raw}\0")
    shown = points != ord(dropped[0])
    for character in dropped[1:]:
        shown &= points != ord(character)
    return np.flatnonzero(shown).astype(np.int32)


def _visible(raw: str) -> NDArray[np.int32]:
    """Raw offsets of the visible characters, then the length of the text.

    Invisible characters behind a visible one belong to it: a span must not end inside 5️⃣.
    """
    shown = np.ones(len(raw) + 1, dtype=np.bool_)
    for match in _INVISIBLE.finditer(raw):
        shown[match.start() : match.end()] = False
    return np.flatnonzero(shown).astype(np.int32)


@lru_cache(maxsize=65_536)
def _compatible_cluster(text: str) -> str:
    return _compatible(text)


def _compatible(text: str) -> str:
    """NFKC and lower case, repeated because each can undo the other."""
    text = text.translate(_BLOCK_LETTERS)
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text)
        # The lower case of a capital sigma depends on its place in the word; not here.
        text = text.replace("Σ", "σ").lower()
    return str(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def _unmix(text: str) -> str:
    """Undo look-alikes, one character for one, in tokens that mix Latin with Greek or Cyrillic."""
    if not _FOREIGN.search(text):
        return text
    return str(_TOKEN.sub(_unmix_token, text))


def _unmix_token(match: regex.Match[str]) -> str:
    token = str(match.group())
    if token.isascii() or not _LATIN.search(token):  # nearly all tokens
        return token
    foreign = [c for c in token if _FOREIGN.match(c)]
    latin = [c for c in token if "a" <= c <= "z"]
    if not foreign or not latin:
        return token
    if all(c in _TO_LATIN for c in foreign):
        return "".join(_TO_LATIN.get(c, c) for c in token)
    if all(c in _TO_CYRILLIC for c in latin):
        return "".join(_TO_CYRILLIC.get(c, c) for c in token)
    return token


def offset_map(raw: str, folded: str) -> Callable[[int, int], tuple[int, int]]:
    """A function from spans of the folded text to spans of the raw text."""
    lowered = raw.lower()
    if lowered == folded and len(lowered) == len(raw):
        return lambda start, end: (start, end)
    return _OffsetMap(raw, folded).span


@lru_cache(maxsize=2048)  # some KB each
def _fold_word(word: str) -> Folded:
    return fold(word)


class _OffsetMap:
    """Raw offsets of folded characters, computed word by word on demand.

    Folding does not depend on text across a space, so single words are folded: a hundred times as
    fast as `fold` of the whole text, with the same offsets.
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
        """The raw span of a folded span that is not empty."""
        return self._raw(start)[0], self._raw(end - 1)[1]

    def _raw(self, at: int) -> tuple[int, int]:
        word = bisect_right(self._starts, at) - 1
        inside, written = at - self._starts[word], self._words[word]
        if written.isascii() and len(written) == len(self._pieces[word]):
            return self._raw_starts[word] + inside, self._raw_starts[word] + inside + 1
        # A word is folded with the space after it, as invisible characters may follow.
        first, last = _fold_word(written + " ").span(inside, inside + 1)
        return self._raw_starts[word] + first, self._raw_starts[word] + last


def _starts(pieces: list[str]) -> list[int]:
    return list(accumulate((len(piece) + 1 for piece in pieces[:-1]), initial=0))
