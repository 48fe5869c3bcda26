"""Spans of contacts in the folded texts of many ads.

In: a block of raw and folded texts. Out: for each ad with contacts, their spans in the folded text.
Most ads have no contact, so numpy and Arrow select what Python reads: runs of figures
(`digit_runs`), some characters around each @, and the whole of the few ads that, by one RE2 pattern
each, may have a link, a handle next to the name of a messenger, or a spelled-out contact.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.extract import disguises, handles
from adrisk.extract.addresses import LINK_HINT, SPELLED_HINT, address_at, find_addresses
from adrisk.extract.digit_runs import Runs, figure_runs
from adrisk.extract.disguises import native, undisguised
from adrisk.extract.phones import LOOK_AHEAD, LOOK_BACK, find_phones, usual_phone
from adrisk.extract.places import short_numbers
from adrisk.text.arrow import joined_bytes
from adrisk.text.spans import DisjointSpans
from adrisk.types import ArrowArray

Span = tuple[str, int, int, str, bool]
"""Kind, start, end, value and whether it is spelled unusually, in the folded text."""

_AT_BACK, _AT_AHEAD = 90, 130  # most bytes of an address before and after an @
_WIDEST = 4  # bytes of a character
_KEPT, _KEPT_BYTES = 1 << 14, 240  # windows, and the longest of them
_AT = ord("@")
_SPELLED_BACK, _SPELLED_AHEAD = 40, 120  # bytes around the first hint of a spelled phone
_OF_NUMBERS = frozenset(b"0123456789 +().-/")
_TAIL = 24  # characters at the end of a window; a figure in them may continue after it


class Block:
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
        """Row and contact spans, in order, of each ad with contacts."""
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
        searched: dict[int, list[tuple[int, int]]] = {}
        for row, phones in self._spelled(searched):
            found[row] = without_overlaps(phones, found.get(row, []))
        for row, phones in self._phones(searched):
            found[row] = without_overlaps(phones, found.get(row, []))
        for row in sorted(found):
            if spans := found[row]:
                yield row, sorted(spans, key=itemgetter(1))

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

    def _spelled(
        self, searched: dict[int, list[tuple[int, int]]]
    ) -> Iterator[tuple[int, list[Span]]]:
        """Phones in words, letters or other figures, in the ads that may have them.

        The byte ranges that were searched are added to `searched`.
        """
        begin = pc.find_substring_regex(self.folded, disguises.HINT).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(begin >= 0).tolist()
        phones: dict[int, list[Span]] = {row: [] for row in rows}
        rests = []
        for row in rows:
            searched[row] = [self._spelled_at(row, int(self.bounds[row] + begin[row]), phones[row])]
            rests.append(bytes(self.bytes[searched[row][0][1] : int(self.bounds[row + 1])]))
        begin = pc.find_substring_regex(pa.array(rests, pa.large_binary()), disguises.HINT)
        for row, more in zip(rows, begin.to_numpy(zero_copy_only=False).tolist(), strict=True):
            start, end = searched[row][0][1] + more, int(self.bounds[row + 1])
            while more >= 0 and start < end:
                searched[row].append(self._spelled_at(row, start, phones[row]))
                following = disguises.MORE.search(self.bytes, searched[row][-1][1], end)
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

    def _phones(
        self, searched: dict[int, list[tuple[int, int]]]
    ) -> Iterator[tuple[int, list[Span]]]:
        """Phones in plain figures, outside the byte ranges in `searched`."""
        short = None
        if self.regions is not None and any(self.regions):
            short = np.fromiter(
                (short_numbers(region) for region in self.regions), np.bool_, len(self.raw)
            )
        current: int = -1
        phones: list[Span] = []
        for row, start, last, end in figure_runs(self.data, self.bounds, short):
            if row in searched and any(first <= start < stop for first, stop in searched[row]):
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
        find = _phones_in if len(window) <= _KEPT_BYTES else _phones_in.__wrapped__
        found = find(window, start - first, last - first, end - first, self.region(row))
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


def _rows(texts: ArrowArray, pattern: str) -> set[int]:
    """The rows in which a pattern matches."""
    found = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return set(np.flatnonzero(found).tolist())


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
