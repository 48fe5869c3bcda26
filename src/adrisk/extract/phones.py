"""Phone numbers in a folded text, also those written so that machines miss them.

A phone is looked for only in a run: figures, number words and letters that stand for figures, with
nothing but a few separators between. Dates, prices, hours and reference numbers are taken out of
a run first; what is left must be a number that `phonenumbers` accepts, or one reserved for fiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from adrisk.extract.numbering import american, at_home, international, national
from adrisk.extract.numerals import SPOKEN, WORD, figures
from adrisk.extract.phone_rules import (
    LOOK_BACK,
    alone,
    announced,
    credible,
    made_up,
    referred,
    usually_grouped,
    without_others,
)
from adrisk.extract.runs import BREAKS, LEAST_FIGURES, MOST_SEPARATORS, Runs

# A letter of a script that puts spaces between words; in the others a number may touch any word.
_LETTER = r"[^\W\d_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff]"
_BEFORE = rf"(?<!{_LETTER})(?<!\d)"
_SEPARATORS = rf"(?:[^\w{BREAKS}]|_){{0,{MOST_SEPARATORS}}}"
_MOST_OPENING = 2
_MOST_GROUPS = 60  # of one run; a longer one is read in pieces
_ALIKE = rf"(?!{WORD})[oil]"  # of "3one", the o is not a zero
_MIXED = rf"(?:{_ALIKE}){{0,4}}\d(?:\d|{_ALIKE})*+"
_END = rf"(?!(?!{WORD}|[oil]?\d){_LETTER})"
_LETTERS = r"[oil]{1,4}(?![^\W_])"
_UNIT = rf"(?:{_MIXED}{_END}|{SPOKEN}{_END}|{_LETTERS})"
_PLAIN_RUN = re.compile(
    rf"{_BEFORE}[+(]{{0,{_MOST_OPENING}}}\d++(?:{_SEPARATORS}\d++){{0,{_MOST_GROUPS}}}+(?!{_LETTER})"
)
_SPELLED_RUN = re.compile(  # the first two groups only let `re` pass over most places at once
    rf"(?<![a-z])(?=[+(\d]|[oil]{{1,4}}\d|{WORD}){_BEFORE}[+(]{{0,{_MOST_OPENING}}}(?:{_MIXED}{_END}|{SPOKEN}{_END})(?:{_SEPARATORS}{_UNIT}){{0,{_MOST_GROUPS}}}"
)
_UNITS = re.compile(rf"(?P<mixed>{_MIXED})|(?P<spoken>{SPOKEN})|(?P<letter>{_LETTERS})")
_FIGURES = re.compile(r"[0-9]+")
_PLAIN_WRITING = re.compile(r"[\x00-@\[-`{-\x7f\u2010-\u2015]+")  # ASCII but for letters, dashes
_AS_FIGURES = str.maketrans("oil", "011")

_USUAL_WRITING = re.compile(r"\+?[0-9\s().\-\u2010-\u2013/]+")
_USUAL_RUN = re.compile(r"(?P<plus>\+)?\d+(?:(?P<gap>[ .-])\d+(?:(?P=gap)\d+)*)?")
_INTERNATIONAL_WRITING = re.compile(r"\+[0-9 ().-]+")
_INTERNATIONAL = re.compile(r"\(?(?:\+|00)")
_SENTENCE_END = re.compile(r"[.!?]\s")
_LONELY_FIGURES = 4  # that many groups of one figure are not how numbers are written
_SEEN_BEFORE, LOOK_AHEAD = 12, 10  # characters around a run that say what it is
_KEPT = 1 << 13  # runs with their surroundings; a few MB
_MOST_FIGURES = 17  # 15 (E.164) behind 00
_WEAK_GAPS = {"": 0, "-": 0, ".": 0, " ": 1}
_CERTAIN = 5  # strength of a gap at which a number certainly ends


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number at `text[start:end]` of the folded text; `spelled` if written unusually."""

    start: int
    end: int
    value: str
    spelled: bool


class _Unit(NamedTuple):
    """Some figures of a run, however they are written."""

    start: int
    end: int
    figures: str
    spelled: bool
    letter: bool  # letters that stand alone: "o" may be a zero, or Spanish "or"


def find_phones(text: str, runs: Runs, region: str | None = None) -> list[Phone]:
    """Phones of a folded text, in order.

    Args:
        text: the folded text.
        runs: where in it to look, and whether to read number words and letters as figures too.
        region: two letters, upper case; where a number without a country code is likely from.
    """
    pattern = _SPELLED_RUN if runs.spelled else _PLAIN_RUN
    found: list[Phone] = []
    at = 0
    for first, last in runs.spans:
        at = max(at, first - _MOST_OPENING)
        while at <= last and (run := pattern.search(text, at)) and run.start() <= last:
            at = run.end()
            if at - run.start() < LEAST_FIGURES and not runs.spelled:
                continue
            begin = max(0, run.start() - LOOK_BACK)
            near = text[begin : at + LOOK_AHEAD]
            for phone in _in_match(near, run.start() - begin, at - begin, runs.spelled, region):
                start, end = begin + phone.start, begin + phone.end
                found.append(Phone(start, end, phone.value, phone.spelled))
    return found


@lru_cache(_KEPT)
def _in_match(
    near: str, start: int, end: int, spelled: bool, region: str | None
) -> tuple[Phone, ...]:
    """The phones in a run, of which only the surroundings are known; a campaign repeats both."""
    units = _units(near, start, end)
    if sum(len(unit.figures) for unit in units) < LEAST_FIGURES:
        return ()
    written = near[start:end]
    if _INTERNATIONAL_WRITING.fullmatch(written) and (whole := _read(near, units, region, None)):
        return (whole,)
    cue = announced(near, start)
    if cue is False and not _INTERNATIONAL.match(written):
        return ()
    # With what stands before it, so that "$" and "ref-" can be seen.
    before = max(0, start - _SEEN_BEFORE)
    masked = without_others(near[before:])
    if masked == near[before:]:
        return tuple(_split(near, units, region, cue))
    pattern = _SPELLED_RUN if spelled else _PLAIN_RUN
    return tuple(
        phone
        for piece in pattern.finditer(masked, start - before, end - before)
        for phone in _in_run(near, before + piece.start(), before + piece.end(), region, cue)
    )


def usual_phone(near: str, start: int, end: int, region: str | None) -> Phone | None:
    """The phone that a run is, if it is written and surrounded so that nothing else need be asked.

    What `find_phones` would find from the first figure to the last; most phones are written so.
    """
    if near[end : end + 1].isalpha():
        return None
    if near[start - 1 : start] == "+":
        start -= 1
    if near[start - 1 : start].isalpha():
        return None
    written = near[start:end]
    match = _USUAL_RUN.fullmatch(written)
    if not match:
        return None
    groups = _FIGURES.findall(written)
    number = "".join(groups)
    if match["plus"]:
        short = sum(len(group) == 1 for group in groups) < _LONELY_FIGURES
        value = international(number) if short and len(number) <= _MOST_FIGURES else None
        return Phone(start, end, value, False) if value else None
    lengths = [len(group) for group in groups]
    if number.startswith("00") or made_up(number) or not usually_grouped(lengths):
        return None
    if len(number) == LEAST_FIGURES or not alone(near, start, end) or referred(near, start):
        return None
    value = national(number, _writer(lengths, number, region), cued=False)
    if value is None or not credible(value, region, lengths):
        return None
    return Phone(start, end, value, False)


def _in_run(
    text: str, start: int, end: int, region: str | None, cue: bool | None
) -> Iterator[Phone]:
    units = _units(text, start, end)
    if sum(len(unit.figures) for unit in units) >= LEAST_FIGURES:
        yield from _split(text, units, region, cue)


def _split(text: str, units: list[_Unit], region: str | None, cue: bool | None) -> Iterator[Phone]:
    """The phones in some units: all of them as one, else the parts between strong gaps."""
    everything = units
    while units and units[-1].letter:
        units = units[:-1]
    while units and units[0].letter:
        units = units[1:]
    if len(units) < len(everything) and any(len(unit.figures) > 1 for unit in everything):
        # "lo" may be 10, or Spanish.
        parts = tuple(_split(text, units, region, cue))
        if not parts and (whole := _read(text, everything, region, cue)):
            parts = (whole,)
        yield from parts
        return
    if sum(len(unit.figures) for unit in units) < LEAST_FIGURES:
        return
    gaps = [_strength(a, text[a.end : b.start], b) for a, b in pairwise(units)]
    strongest = max(gaps, default=0)
    noise = len(units) >= LEAST_FIGURES and _same_noise(text, units)
    if (strongest < _CERTAIN or noise) and (whole := _read(text, units, region, cue)):
        yield whole
        return
    if strongest > min(gaps, default=0) or strongest == _CERTAIN:
        at = 0
        for i, gap in enumerate([*gaps, strongest], start=1):
            if gap == strongest:
                yield from _split(text, units[at:i], region, cue)
                at = i
        return
    if made_up("".join(unit.figures for unit in units)):
        return
    # Even gaps: a stray number may stand before or behind.
    for window in (units[1:], units[:-1], units[2:], units[:-2]):
        if part := _read(text, window, region, cue):
            yield part
            return


def _read(text: str, units: list[_Unit], region: str | None, cue: bool | None) -> Phone | None:
    """The phone that these units are, taken together."""
    number = "".join(unit.figures for unit in units)
    if not LEAST_FIGURES <= len(number) <= _MOST_FIGURES:
        return None
    start, end = units[0].start, units[-1].end
    if text[max(0, start - 1) : start] == "(" and ")" in text[start:end]:
        start -= 1
    plus = start > 0 and text[start - 1] == "+"
    start -= plus
    written = text[start:end]
    groups = [len(unit.figures) for unit in units]
    disguised = any(unit.spelled for unit in units) or groups.count(1) >= _LONELY_FIGURES
    spelled = disguised or not _USUAL_WRITING.fullmatch(written)
    if plus or (number.startswith("00") and len(number) > 10):
        value = international(number if plus else number[2:])
        return Phone(start, end, value, spelled) if value else None
    if cue is False or made_up(number):
        return None
    if not (cue or disguised or usually_grouped(groups)):
        return None
    if len(number) == LEAST_FIGURES and not (disguised or groups in ([3, 4], [7])):
        return None
    value = national(number, _writer(groups, number, region), cued=cue is True)
    if value is None or not (cue or disguised or credible(value, region, groups)):
        return None
    return Phone(start, end, value, spelled)


def _same_noise(text: str, units: list[_Unit]) -> bool:
    """Whether single figures have one and the same mark between them, as in 2|0|2|5."""
    gaps = {text[a.end : b.start] for a, b in pairwise(units)}
    return len(gaps) == 1 and all(len(unit.figures) == 1 for unit in units)


def _writer(groups: list[int], number: str, region: str | None) -> str | None:
    """Who writes a number in such groups: 202-555-0143 is American, unless it is right at home."""
    if groups == [3, 3, 4] and region is not None:
        return "US" if american(region) or not at_home(number, region) else region
    return region


def _strength(before: _Unit, gap: str, after: _Unit) -> int:
    """How much a gap between two units looks like the end of a number."""
    if not after.letter and gap in _WEAK_GAPS:
        return _WEAK_GAPS[gap]
    if any(mark in gap for mark in "+;|\t"):
        return _CERTAIN
    if before.spelled != after.spelled and _SENTENCE_END.search(gap):
        return _CERTAIN
    if after.letter:
        return 4
    if "/" in gap or "," in gap:
        return 3
    if len(gap.strip()) < len(gap) > 1:
        return 2
    return 1 if gap.isspace() else 0


def _units(text: str, start: int, end: int) -> list[_Unit]:
    if _PLAIN_WRITING.fullmatch(text, start, end):
        return [
            _Unit(match.start(), match.end(), match.group(), False, False)
            for match in _FIGURES.finditer(text, start, end)
        ]
    units = []
    for match in _UNITS.finditer(text, start, end):
        written = match.group()
        if written.isascii() and written.isdecimal():
            read, spelled = written, False
        elif match.lastgroup == "spoken":
            read, spelled = figures(written), True
        else:
            ascii_figures = "".join(str(int(c)) if c.isdecimal() else c for c in written)
            read = ascii_figures.translate(_AS_FIGURES)
            spelled = read != written
        units.append(_Unit(match.start(), match.end(), read, spelled, match.lastgroup == "letter"))
    return units
