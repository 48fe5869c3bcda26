"""Ad text made safe to show: contacts masked, evidence marked, invisible characters shown.

Ad text is hostile input. Out: plain pieces that a template escapes; invisible characters, and those
that reorder their surroundings, become named signs. Spans are offsets into the raw text, and
masking keeps every length.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import regex

from adrisk.extract.contacts import contacts_column
from adrisk.text.normalise import fold, fold_column
from adrisk.types import Evidence

MASK = "•"
CONTEXT = 240
"""Characters kept on either side of evidence in a text too long to show whole."""
MAX_STRETCHES = 20
"""Stretches of a long text that are shown."""

_MARGIN = 64

_CONTACT = regex.compile(
    r"""
      (?P<mail>(?<![\w.+-])[\w.+-]{1,64}+\s?@\s?[\w-]+(?:\.[\w-]+)++)
    | (?P<link>\b(?:wa\.me|t\.me|telegram\.me|line\.me|api\.whatsapp\.com|chat\.whatsapp\.com)/\S+)
    | (?P<handle>(?<![\w@])@\w[\w.]{2,})
    | (?P<phone>(?<![\d.,])[+(]?\d(?:[\s().\-_/*|~·•‐-―]{0,3}\d){6,})
    """,
    flags=regex.VERBOSE,
)
_DATE = regex.compile(
    r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{4}"
    r"|\d{4}\s?[-‐-―/]\s?\d{4}"  # a range of years or of pay
)
_MONEY_BEFORE = regex.compile(r"(?:\p{Sc}|usd|eur|gbp|brl|r\$)\s?$")
_MONEY_AFTER = regex.compile(r"\s?(?:\p{Sc}|usd|eur|gbp|brl|euros?|dollars?|pounds?)")

# Invisible, or changing the order of the text. Emoji presentation selectors stay; joiners stay
# where the script needs them (see _needed).
_UNSEEN = regex.compile(
    r"([\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufff9-\ufffb\u2800--[\n\t\ufe0e\ufe0f]])\1*",
    flags=regex.V1,
)
_HALF = regex.compile(r"\p{Cs}")
_JOINED = regex.compile(
    r"[\p{Emoji}\p{L}\p{M}--[\p{Latin}\p{Greek}\p{Cyrillic}\d#*]]", flags=regex.V1
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters; a hidden one is shown by a sign such as U+202E, named in `name`."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive pieces under the same evidence.

    `marks` are the numbers of the evidence that covers it, `ends` of those that end with it.
    `left_out` counts the characters skipped instead, in a text too long to show whole.
    """

    pieces: tuple[Piece, ...]
    marks: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    left_out: int = 0


def mask(raw: str) -> str:
    """The text with phone numbers, e-mail addresses, messenger handles and links masked.

    As long as the raw text, character for character. Disguised contacts are masked too, and digit
    runs that may be a phone number; dates and sums of money are kept.

    >>> mask("Call +1 202 555 0143 or two O 2 five 5 five 0 one 4 3, pay $1,200")
    'Call +• ••• ••• •••• or ••• • • •••• • •••• • ••• • •, pay $1,200'
    """
    return mask_all([raw])[0]


def mask_all(raws: Sequence[str]) -> list[str]:
    """`mask` of several texts, faster than one by one."""
    # Arrow holds whole characters only.
    whole = pa.array([_HALF.sub("\ufffd", raw) for raw in raws], pa.large_string())
    return [
        _masked(raw, [(c.start, c.end) for c in found] + _by_pattern(raw))
        for raw, found in zip(raws, contacts_column(whole, fold_column(whole)), strict=True)
    ]


def mask_field(raw: str) -> str:
    """`mask` for a short field, such as a place: by the usual patterns only."""
    return _masked(raw, _by_pattern(raw))


def reveal(text: str) -> tuple[Piece, ...]:
    """The text as pieces without invisible or reordering characters.

    >>> [piece.text for piece in reveal("a\\u202eb")]
    ['a', 'U+202E', 'b']
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    pieces: list[Piece] = []
    at = 0
    for match in _UNSEEN.finditer(text):
        start, end = match.span()
        if _needed(text, start, end):
            continue
        if at < start:
            pieces.append(Piece(text[at:start]))
        pieces.append(_sign(match.group(1), end - start))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return tuple(pieces)


def visible(text: str) -> str:
    """`reveal` as one string, for output without markup."""
    return "".join(piece.text for piece in reveal(text))


def marked(
    raw: str, evidence: Sequence[Evidence], numbers: Mapping[str, int], limit: int
) -> tuple[Segment, ...]:
    """The masked text cut at every edge of evidence; overlapping evidence is kept apart.

    Args:
        raw: the text that the evidence points into.
        evidence: spans inside the text.
        numbers: the number shown for each indicator.
        limit: a longer text is shown around its evidence only.
    """
    spans = [(e.start, e.end, numbers[e.indicator]) for e in evidence if e.start < e.end]
    segments: list[Segment] = []
    at = 0
    for first, last in _kept(len(raw), spans, limit):
        if at < first:
            segments.append(Segment((), left_out=first - at))
        segments += _stretch(raw, first, last, spans)
        at = last
    if at < len(raw):
        segments.append(Segment((), left_out=len(raw) - at))
    return tuple(segments)


def _stretch(
    raw: str, first: int, last: int, spans: Sequence[tuple[int, int, int]]
) -> Iterator[Segment]:
    """`raw[first:last]`, masked in its surroundings, cut where evidence begins or ends."""
    start_at = max(0, first - _MARGIN)
    text = mask(raw[start_at : last + _MARGIN])
    inside = [span for span in spans if span[0] < last and first < span[1]]
    edges = {first, last} | {at for s, e, _ in inside for at in (s, e) if first < at < last}
    for start, end in pairwise(sorted(edges)):
        yield Segment(
            reveal(text[start - start_at : end - start_at]),
            marks=tuple(sorted({n for s, e, n in inside if s <= start and end <= e})),
            ends=tuple(sorted({n for _, e, n in inside if e == end})),
        )


def _by_pattern(raw: str) -> list[tuple[int, int]]:
    folded = fold(raw)
    return [
        folded.span(*match.span())
        for match in _CONTACT.finditer(folded.text)
        if not (match.group("phone") and _is_figure(folded.text, match))
    ]


def _masked(raw: str, spans: Sequence[tuple[int, int]]) -> str:
    characters = list(raw)
    for start, end in spans:
        characters[start:end] = [MASK if c.isalnum() else c for c in raw[start:end]]
    return "".join(characters)


def _is_figure(text: str, match: regex.Match[str]) -> bool:
    """Whether a run of digits is a date, a range or a sum of money, not a number to call."""
    written = match.group().strip()
    return bool(
        _DATE.fullmatch(written)
        or _MONEY_BEFORE.search(text, max(0, match.start() - 5), match.start())
        or _MONEY_AFTER.match(text, match.end())
    )


def _needed(text: str, start: int, end: int) -> bool:
    """Whether this is one joiner inside an emoji or a word of a script that uses joiners."""
    if end - start > 1 or text[start] not in "\u200c\u200d":
        return False
    before = text[max(0, start - 2) : start].removesuffix("\ufe0f")[-1:]
    return bool(_JOINED.match(before) and _JOINED.match(text[end : end + 1]))


def _sign(character: str, count: int) -> Piece:
    code = f"U+{ord(character):04X}"
    kind = "half of a character" if unicodedata.category(character) == "Cs" else "control character"
    name = unicodedata.name(character, kind).lower()
    if count == 1:
        return Piece(code, name)
    return Piece(f"{code} ×{count}", f"{name}, {count} times")


def _kept(length: int, spans: Sequence[tuple[int, int, int]], limit: int) -> list[tuple[int, int]]:
    """The stretches to show: all of a short text; of a long one its beginning and its evidence."""
    if length <= limit:
        return [(0, length)]
    kept = [(0, 2 * CONTEXT)]
    for start, end, _ in sorted(spans):
        first, last = max(0, start - CONTEXT), min(length, end + CONTEXT, start + limit)
        if first <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(kept[-1][1], last)
        elif len(kept) < MAX_STRETCHES:
            kept.append((first, last))
    return kept
