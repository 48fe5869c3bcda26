"""Contacts of ads (phones, e-mails, handles, links), as spans of the raw text.

In: raw and folded texts. Out: `Contact`s, or texts with placeholders for them. Most ads have no
contact, so numpy and Arrow select what Python reads: runs of figures (`adrisk.extract.digit_runs`),
some characters around each @, and the whole of the few ads that, by one RE2 pattern each, may have
a link, a handle next to the name of a messenger, or a spelled-out contact.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.extract import addresses as handles
from adrisk.extract import disguises
from adrisk.extract.addresses import LINK_HINT, SPELLED_HINT, address_at, find_addresses
from adrisk.extract.digit_runs import Runs, figure_runs
from adrisk.extract.disguises import native, undisguised
from adrisk.extract.phones import LOOK_AHEAD, LOOK_BACK, find_phones, usual_phone
from adrisk.extract.placeholders import Span, masked
from adrisk.extract.places import short_numbers
from adrisk.text.arrow import as_large_strings, joined_bytes, row_groups, string_buffers
from adrisk.text.normalise import Folded, fold, fold_column, fold_text
from adrisk.text.spans import DisjointSpans
from adrisk.types import ArrowArray, ArrowValues, Contact

# Bytes of text at once: small enough for the cache, large enough to repay compiling RE2 patterns.
_BLOCK_BYTES = 1 << 22
_AT_BACK, _AT_AHEAD = 90, 130  # most bytes of an address before and after an @
_WIDEST = 4  # bytes of a character
_KEPT, _KEPT_BYTES = 1 << 14, 240  # windows, and the longest of them
_AT = ord("@")
_SPELLED_BACK, _SPELLED_AHEAD = 40, 120  # bytes around the first hint of a spelled phone
_OF_NUMBERS = frozenset(b"0123456789 +().-/")
_TAIL = 24  # characters at the end of a window; a figure in them may continue after it


def find_contacts(raw: str, region: str | None = None) -> list[Contact]:
    """Phones, e-mails, messaging handles and links of an ad, in order, without overlaps.

    Args:
        raw: the raw text.
        region: two letters; the likely country of a phone without a country code
            (`adrisk.extract.places.guess_region`). Without it, or if the number is not valid
            there, the likeliest of a few regions is used.

    Returns:
        Contacts with their exact spans. Phones are in E.164 form, or unchanged if written without
        their area code.

    >>> [(c.kind, c.value, c.obscured) for c in find_contacts("call 2O2 five five 5 - 0 1 4 3")]
    [('phone', '+12025550143', True)]
    """
    column = pa.array([_encodable(raw)], pa.large_string())
    return contacts_column(column, fold_column(column), [region])[0]


def contacts_column(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None = None,
) -> list[list[Contact]]:
    """`find_contacts` of every ad.

    Args:
        raw: n ad texts, without nulls.
        folded: the same texts from `adrisk.text.normalise.fold_column`.
        regions: for each ad, the likely country of its phones; None where unknown.

    Returns:
        n lists, most of them empty.
    """
    contacts: list[list[Contact]] = [[] for _ in range(len(raw))]
    for first, block in _read(raw, folded, regions):
        for row, spans in block.spans():
            contacts[first + row] = block.contacts(row, spans)
    return contacts


def masked_column(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None = None,
) -> tuple[list[list[Contact]], ArrowArray]:
    """`contacts_column`, and the folded texts with placeholders for their contacts.

    Returns:
        n lists, and n texts of as many characters as the folded ones.
    """
    folded = as_large_strings(folded)
    contacts: list[list[Contact]] = [[] for _ in range(len(raw))]
    rows: list[int] = []
    texts: list[str] = []
    for first, block in _read(raw, folded, regions):
        for row, spans in block.spans():
            contacts[first + row] = block.contacts(row, spans)
            rows.append(first + row)
            texts.append(masked(block.text(row), spans))
    if not rows:
        return contacts, folded
    replaced = np.zeros(len(folded), dtype=np.bool_)
    replaced[rows] = True
    values = pa.array(texts, pa.large_string())
    return contacts, pc.replace_with_mask(folded, pa.array(replaced), values)


def _read(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None,
) -> Iterator[tuple[int, _Block]]:
    """The ads in blocks, each with its first row."""
    if len(raw) != len(folded) or (regions is not None and len(regions) != len(raw)):
        raise ValueError(
            f"expected as many raw texts, folded texts and regions, got {len(raw)}, {len(folded)}"
            + ("" if regions is None else f" and {len(regions)}")
        )
    raw, folded = as_large_strings(raw), as_large_strings(folded)
    for first, end in row_groups(string_buffers(folded)[0], _BLOCK_BYTES):
        rows = end - first
        own = regions[first:end] if regions is not None else None
        yield first, _Block(raw.slice(first, rows), folded.slice(first, rows), own)


def obscured_ads(contacts: Sequence[Sequence[Contact]]) -> NDArray[np.bool_]:
    """Whether each ad has an obscured contact, given the contacts of each ad."""
    return np.array([any(contact.obscured for contact in own) for own in contacts], np.bool_)


class _Block:
    """Some ads, and the bytes of their folded texts."""

    def __init__(
        self,
        raw: ArrowArray,
        folded: ArrowArray,
        regions: Sequence[str | None] | None,
    ) -> None:
        self.raw, self.folded, self.regions = raw, folded, regions
        self.data, self.bounds = joined_bytes(folded)
        self.bytes = self.data.data
        self.ascii = pc.equal(pc.binary_length(folded), pc.utf8_length(folded)).to_numpy(
            zero_copy_only=False
        )
        # Where folding only lowered letters, one for one, offsets are offsets in the raw text.
        lowered = pc.and_(
            pc.equal(pc.utf8_lower(raw), folded),
            pc.equal(pc.utf8_length(raw), pc.utf8_length(folded)),
        )
        self.lowered = lowered.to_numpy(zero_copy_only=False)

    def spans(self) -> Iterator[tuple[int, list[Span]]]:
        """Row and contact spans, in the folded text, of each ad with contacts."""
        links = _rows(self.folded, LINK_HINT)
        spelled = _rows(self.folded, SPELLED_HINT)
        whole = links | spelled | _rows(self.folded, handles.HINT)
        found: dict[int, list[Span]] = {
            row: [
                (a.kind, a.start, a.end, a.value, a.spelled)
                for a in find_addresses(self.text(row), links=row in links, spelled=row in spelled)
            ]
            for row in whole
        }
        for row, span in self._around_ats(whole):
            found.setdefault(row, []).append(span)
        read: dict[int, list[tuple[int, int]]] = {}
        for row, phones in self._spelled(read):
            found[row] = without_overlaps(phones, found.get(row, []))
        for row, phones in self._phones(read):
            found[row] = without_overlaps(phones, found.get(row, []))
        for row in sorted(found):
            if spans := found[row]:
                yield row, spans

    def contacts(self, row: int, spans: list[Span]) -> list[Contact]:
        """The contacts at some spans of an ad's folded text."""
        if self.lowered[row]:
            return [Contact(*span) for span in sorted(spans, key=_start)]
        return contacts_of(self.raw[row].as_py(), self.text(row), spans)

    def _around_ats(self, whole: set[int]) -> Iterator[tuple[int, Span]]:
        """Addresses around each @ of the ads that are not in `whole`."""
        ats = np.flatnonzero(self.data == _AT)
        rows = np.searchsorted(self.bounds, ats, side="right") - 1
        done = -1
        for at, row in zip(ats.tolist(), rows.tolist(), strict=True):
            if row in whole or at < done:
                continue
            start, end = int(self.bounds[row]), int(self.bounds[row + 1])
            first, last = max(start, at - _AT_BACK), min(end, at + _AT_AHEAD)
            first, window = self._window(first, last)
            before = self._characters(row, first)
            offset = len(bytes(self.bytes[first:at]).decode())
            if (a := address_at(window, offset)) is not None:
                yield row, (a.kind, before + a.start, before + a.end, a.value, a.spelled)
                done = first + len(window[: a.end].encode())

    def _spelled(self, read: dict[int, list[tuple[int, int]]]) -> Iterator[tuple[int, list[Span]]]:
        """Phones in words, letters or other figures, in the ads that may have them.

        The byte ranges that were searched are added to `read`.
        """
        begin = pc.find_substring_regex(self.folded, disguises.HINT).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(begin >= 0).tolist()
        phones: dict[int, list[Span]] = {row: [] for row in rows}
        rests = []
        for row in rows:
            read[row] = [self._spelled_at(row, int(self.bounds[row] + begin[row]), phones[row])]
            rests.append(bytes(self.bytes[read[row][0][1] : int(self.bounds[row + 1])]))
        begin = pc.find_substring_regex(pa.array(rests, pa.large_binary()), disguises.HINT)
        for row, more in zip(rows, begin.to_numpy(zero_copy_only=False).tolist(), strict=True):
            start, end = read[row][0][1] + more, int(self.bounds[row + 1])
            while more >= 0 and start < end:
                read[row].append(self._spelled_at(row, start, phones[row]))
                following = disguises.MORE.search(self.bytes, read[row][-1][1], end)
                start = following.start() if following else end
        yield from phones.items()

    def _spelled_at(self, row: int, start: int, phones: list[Span]) -> tuple[int, int]:
        """Add the phones around a byte to `phones`; returns the byte range that was searched."""
        begin = int(self.bounds[row])
        first = max(begin, start - _SPELLED_BACK)
        # The window must not begin inside a number.
        while (
            first > max(begin, start - 2 * _SPELLED_BACK) and self.bytes[first - 1] in _OF_NUMBERS
        ):
            first -= 1
        last, end = start + _SPELLED_AHEAD, int(self.bounds[row + 1])
        while True:
            window = bytes(self.bytes[first : min(last, end)])
            find = _spelled_in if len(window) <= _KEPT_BYTES else _spelled_in.__wrapped__
            found, unfinished = find(window, self.region(row))
            if last >= end or not unfinished:
                break
            last += max(_SPELLED_AHEAD, last - first)
        before = self._characters(row, first + _cut(window))
        for at, behind, value, is_spelled in found:
            if not phones or phones[-1][2] <= before + at:
                phones.append(("phone", before + at, before + behind, value, is_spelled))
        return first, min(last, end)

    def _phones(self, read: dict[int, list[tuple[int, int]]]) -> Iterator[tuple[int, list[Span]]]:
        """Phones in plain figures, outside the byte ranges in `read`."""
        short = None
        if self.regions is not None and any(self.regions):
            short = np.fromiter(
                (short_numbers(region) for region in self.regions), np.bool_, len(self.raw)
            )
        current: int = -1
        phones: list[Span] = []
        for row, start, last, end in figure_runs(self.data, self.bounds, short):
            if row in read and any(first <= start < stop for first, stop in read[row]):
                continue
            if row != current:
                if phones:
                    yield current, phones
                current, phones = row, []
            phones += self._phones_of_run(row, start, last, end)
        if phones:
            yield current, phones

    def _phones_of_run(self, row: int, start: int, last: int, end: int) -> Iterator[Span]:
        plain = bool(self.ascii[row])
        reach = 1 if plain else _WIDEST // 2
        first = max(int(self.bounds[row]), start - reach * (LOOK_BACK + 2))
        stop = min(int(self.bounds[row + 1]), end + reach * LOOK_AHEAD)
        window = bytes(self.bytes[first:stop])
        read = _phones_in if len(window) <= _KEPT_BYTES else _phones_in.__wrapped__
        found = read(window, start - first, last - first, end - first, self.region(row))
        if found:
            before = self._characters(row, first + _cut(window))
            for at, behind, value, is_spelled in found:
                yield "phone", before + at, before + behind, value, is_spelled

    def text(self, row: int) -> str:
        """The folded text of an ad."""
        return str(self.bytes[int(self.bounds[row]) : int(self.bounds[row + 1])], "utf-8")

    def region(self, row: int) -> str | None:
        """The likely country of an ad's phones."""
        return self.regions[row] if self.regions is not None else None

    def _window(self, first: int, last: int) -> tuple[int, str]:
        """Start and text of a byte range, without partial characters."""
        window = bytes(self.bytes[first:last])
        cut = _cut(window)
        return first + cut, window[cut:].decode(errors="ignore")

    def _characters(self, row: int, at: int) -> int:
        """The number of an ad's characters before a byte."""
        start = int(self.bounds[row])
        if self.ascii[row]:
            return at - start
        return len(str(self.bytes[start:at], "utf-8", "ignore"))


@lru_cache(_KEPT)
def _spelled_in(
    window: bytes, region: str | None
) -> tuple[tuple[tuple[int, int, str, bool], ...], bool]:
    """Phones in a UTF-8 window as in `_phones_in`, and whether one may continue after its end."""
    text = window[_cut(window) :].decode(errors="ignore")
    found = find_spelled(text, region)
    unfinished = disguises.ANY_FIGURE.search(text, max(0, len(text) - _TAIL)) is not None
    return tuple(span[1:] for span in found), unfinished


@lru_cache(_KEPT)
def _phones_in(
    window: bytes, first: int, last: int, end: int, region: str | None
) -> tuple[tuple[int, int, str, bool], ...]:
    """Start, end, value and whether spelled, of the phones of a run; cached, as campaigns repeat.

    The window is UTF-8 with some text around the run; `first` and `last` are the bytes at which
    the first and the last group of figures begin, and the last group ends at `end`. The starts and
    ends returned count characters, from the first whole one.
    """
    cut = _cut(window)
    text = window[cut:].decode(errors="ignore")
    if len(text) != len(window):
        end = len(window[cut:end].decode(errors="ignore"))
        last = len(window[cut:last].decode(errors="ignore"))
        first = len(window[cut:first].decode(errors="ignore"))
    if usual := usual_phone(text, first, end, region):
        return ((usual.start, usual.end, usual.value, False),)
    phones = find_phones(text, Runs([(first, last)]), region)
    return tuple((p.start, p.end, p.value, p.spelled) for p in phones)


def _cut(window: bytes) -> int:
    """The number of leading bytes that belong to a partial UTF-8 character."""
    cut = 0
    while cut < len(window) and window[cut] & 0xC0 == 0x80:
        cut += 1
    return cut


def _start(span: Span) -> int:
    return span[1]


def _rows(texts: ArrowArray, pattern: str) -> set[int]:
    """The rows in which a pattern matches."""
    found = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return set(np.flatnonzero(found).tolist())


def _encodable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, replaced one for one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


_KEPT_WORDS = 1 << 11  # folded words, some KB each
# Han, kana, bopomofo, Hangul and Yi, which usually have wide figures too; not emoji.
_WIDE_SCRIPT = re.compile(
    "[\u1100-\u115f\u2e80-\u2fdf\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd]"
)


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


def without_overlaps(phones: Iterable[Span], addresses: list[Span]) -> list[Span]:
    """The addresses, and the phones that share no character with one of them."""
    taken = DisjointSpans((start, end) for _, start, end, _, _ in addresses)
    return addresses + [phone for phone in phones if not taken.overlaps(phone[1], phone[2])]


def contacts_of(raw: str, folded: str, spans: list[Span]) -> list[Contact]:
    """The contacts at some spans of the folded text, as spans of the raw text, in order."""
    raw_span = offset_map(raw, folded)
    contacts = []
    for kind, start, end, value, is_spelled in sorted(spans, key=lambda span: span[1]):
        first, last = raw_span(start, end)
        hidden = is_spelled or _disguised(raw[first:last], folded[start:end], folded)
        contacts.append(Contact(kind, first, last, value, hidden))
    return contacts


def offset_map(raw: str, folded: str) -> Callable[[int, int], tuple[int, int]]:
    """A function from spans of the folded text to spans of the raw text."""
    lowered = raw.lower()
    if lowered == folded and len(lowered) == len(raw):
        return lambda start, end: (start, end)
    return _OffsetMap(raw, folded).span


def _disguised(written: str, folded: str, text: str) -> bool:
    """Whether folding changed more than capitals, and more than wide forms in a wide script."""
    lowered = written.lower()
    if lowered == folded:
        return False
    wide = unicodedata.normalize("NFKC", lowered) == folded and all(
        c.isascii() or unicodedata.east_asian_width(c) == "F" for c in lowered
    )
    return not (wide and _WIDE_SCRIPT.search(text))


@lru_cache(_KEPT_WORDS)
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
