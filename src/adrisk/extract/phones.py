"""Phone numbers in a folded text, including those written to evade machines.

In: a folded text and the runs to search: figures, number words and letters that stand for figures,
with a few separators between. Out: `Phone`s. Dates, prices, hours and reference numbers are masked
in a run first; the rest must be a number that `phonenumbers` accepts, or one reserved for fiction
(`numbering`). Words before a number and its grouping decide in doubtful cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from adrisk.extract.digit_runs import BREAKS, LEAST_FIGURES, MOST_SEPARATORS, Runs
from adrisk.extract.number_words import SPOKEN, WORD, figures
from adrisk.extract.numbering import american, at_home, international, national

# A letter of a script that puts spaces between words; in the others a number may touch any word.
_LETTER = r"[^\W\d_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff]"
_BEFORE = rf"(?<!{_LETTER})(?<!\d)"
_SEPARATORS = rf"(?:[^\w{BREAKS}]|_){{0,{MOST_SEPARATORS}}}"
_MOST_OPENING = 2
_MOST_GROUPS = 60  # of one run; a longer one is read in pieces
_GROUPS_AGAIN = 15  # groups that two pieces share, as a phone may lie across them
_ALIKE = rf"(?!{WORD})[oil]"  # of "3one", the o is not a zero
_MIXED = rf"(?:{_ALIKE}){{0,4}}\d(?:\d|{_ALIKE})*+"
_END = rf"(?!(?!{WORD}|[oil]?\d){_LETTER})"
_LETTERS = r"[oil]{1,4}(?![^\W_])"
_UNIT = rf"(?:{_MIXED}{_END}|{SPOKEN}{_END}|{_LETTERS})"
_PLAIN_RUN = re.compile(
    rf"{_BEFORE}[+(]{{0,{_MOST_OPENING}}}\d++(?:{_SEPARATORS}\d++){{0,{_MOST_GROUPS}}}+(?!{_LETTER})"
)
_SPELLED_RUN = re.compile(  # the first two groups only let `re` skip most positions at once
    rf"(?<![a-z])(?=[+(\d]|[oil]{{1,4}}\d|{WORD}){_BEFORE}[+(]{{0,{_MOST_OPENING}}}"
    rf"(?:{_MIXED}{_END}|{SPOKEN}{_END})(?:{_SEPARATORS}{_UNIT}){{0,{_MOST_GROUPS}}}"
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
_SEEN_BEFORE, LOOK_AHEAD = 12, 10  # characters around a run that can identify it
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
    """A group of figures of a run, in any writing."""

    start: int
    end: int
    figures: str
    spelled: bool
    letter: bool  # letters that stand alone: "o" may be a zero, or Spanish "or"


def find_phones(text: str, runs: Runs, region: str | None = None) -> list[Phone]:
    """Phones of a folded text, in order.

    Args:
        text: the folded text.
        runs: spans to search, and whether number words and letters count as figures.
        region: two letters, upper case; the likely country of a number without a country code.
    """
    pattern = _SPELLED_RUN if runs.spelled else _PLAIN_RUN
    found: list[Phone] = []
    at = 0
    for first, last in runs.spans:
        at = max(at, first - _MOST_OPENING)
        while at <= last and (run := pattern.search(text, at)) and run.start() <= last:
            at = behind = run.end()
            if at - run.start() < LEAST_FIGURES and not runs.spelled:
                continue
            if at - run.start() > _MOST_GROUPS:
                groups = [group.start() for group in _UNITS.finditer(text, run.start(), at)]
                if len(groups) > _MOST_GROUPS:  # it goes on: its end is read with what follows
                    behind = groups[-_GROUPS_AGAIN]
            begin = max(0, run.start() - LOOK_BACK)
            near = text[begin : at + LOOK_AHEAD]
            for phone in _in_match(near, run.start() - begin, at - begin, runs.spelled, region):
                start, end = begin + phone.start, begin + phone.end
                if (behind == at or end <= behind) and (not found or found[-1].end <= start):
                    found.append(Phone(start, end, phone.value, phone.spelled))
            if behind < at:  # from the last phone that is certainly whole
                at = found[-1].end if found and found[-1].start >= run.start() else behind
    return found


@lru_cache(_KEPT)
def _in_match(
    near: str, start: int, end: int, spelled: bool, region: str | None
) -> tuple[Phone, ...]:
    """The phones in a run and its surroundings; cached, as campaigns repeat both."""
    units = _units(near, start, end)
    if sum(len(unit.figures) for unit in units) < LEAST_FIGURES:
        return ()
    written = near[start:end]
    if _INTERNATIONAL_WRITING.fullmatch(written) and (whole := _read(near, units, region, None)):
        return (whole,)
    cue = announced(near, start)
    if cue is False and not _INTERNATIONAL.match(written):
        return ()
    # Includes the text before the run, such as "$" and "ref-".
    before = max(0, start - _SEEN_BEFORE)
    masked = without_others(near[before:])
    if masked == near[before:]:
        return tuple(_split(near, units, region, cue))
    pattern = _SPELLED_RUN if spelled else _PLAIN_RUN
    return tuple(
        phone
        for piece in pattern.finditer(masked, start - before, end - before)
        for phone in _split(
            near, _units(near, before + piece.start(), before + piece.end()), region, cue
        )
    )


def usual_phone(near: str, start: int, end: int, region: str | None) -> Phone | None:
    """The phone of a run in a usual writing and surroundings, else None.

    A fast path that gives the result of `find_phones`; most phones are written so.
    """
    start -= near[start - 1 : start] == "+"
    written = near[start:end]
    match = _USUAL_RUN.fullmatch(written)
    if not match or near[end : end + 1].isalpha() or near[start - 1 : start].isalpha():
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


def _split(text: str, units: list[_Unit], region: str | None, cue: bool | None) -> Iterator[Phone]:
    """The phones in some units: all units as one phone, else the parts between strong gaps."""
    everything = units
    certain = [i for i, unit in enumerate(units) if not unit.letter]
    units = units[certain[0] : certain[-1] + 1] if certain else []
    if len(units) < len(everything) and any(len(unit.figures) > 1 for unit in everything):
        # "lo" may be 10, or Spanish.
        parts = list(_split(text, units, region, cue))
        yield from parts or filter(None, [_read(text, everything, region, cue)])
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
    """The phone that the units form together, if they form one."""
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
    """Whether the units are single figures with the same mark between them, as in 2|0|2|5."""
    gaps = {text[a.end : b.start] for a, b in pairwise(units)}
    return len(gaps) == 1 and all(len(unit.figures) == 1 for unit in units)


def _writer(groups: list[int], number: str, region: str | None) -> str | None:
    """The region whose grouping a number has: 3-3-4 is American unless valid in its own region."""
    if groups == [3, 3, 4] and region is not None:
        return "US" if american(region) or not at_home(number, region) else region
    return region


def _strength(before: _Unit, gap: str, after: _Unit) -> int:
    """Strength of a gap between two units as the end of a number, 0 to `_CERTAIN`."""
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


_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_HOUR = r"(?:[01]?\d|2[0-4])"
_CURRENCY = r"(?:[€$£¥₹¤]|(?:eur|euros?|usd|gbp|dollars?|pounds?|reais|mxn|brl|chf)\b)"
_AMOUNT = r"\d++(?:[.,']\d++)*+"
_FROM_FIGURE = (
    # dates and years, either way round
    rf"(?<![/.-])(?:{_DAY}([/.-]){_MONTH}\1|{_MONTH}([/.-]){_DAY}\2)(?:{_YEAR}|\d\d)(?![/.-]?\d)",
    rf"(?<![/.-]){_YEAR}(?:([/.-]){_MONTH}\3{_DAY}|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)",
    rf"(?<![/.-]){_YEAR}\s?[-–—/]\s?(?:{_YEAR}|\d\d)(?![\d/.-]*\d)",
    # hours
    r"(?<![/*x]\s)(?:24|7)\s?[/*x]\s?(?:24|7)(?!\d)(?!\s?[/*x])",
    rf"(?<!:){_HOUR}:[0-5]\d(?![\d:])",
    rf"(?<!\.){_HOUR}(?:\.[0-5]\d)?\s?[-–—]\s?{_HOUR}(?:\.[0-5]\d)?(?=\s?(?:h|am|pm|uhr)\b)",
    rf"(?<!\.){_HOUR}\.[0-5]\d\s?[-–—]\s?{_HOUR}\.[0-5]\d(?![\d.])",
    # money, ranges of it, decimals, thousands
    rf"(?:{_AMOUNT}\s?[-–—]\s?)?(?<!\d)(?:{_AMOUNT}|\d{{1,3}}(?:\s\d{{3}})+)\s?{_CURRENCY}",
    r"(?<![.,-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,-])",
    r"(?<![.,-])\d+[.,]\d{1,2}(?![\d.,-])(?!\s\d)",
    # heights, United States postcodes and social security numbers
    r"\d'\s?\d{1,2}(?!\d)",
    r"(?<![)-])(?<![)]\s)\d{5}-\d{4}(?![\d-])",
    r"(?<!-)\d{3}-\d{2}-\d{4}(?![\d-])",
)
_FROM_LETTER = (
    # file references, bank accounts
    r"(?!tel|cel|mob|txt|sms|call|wa-|ph-)[a-z]{1,5}[-#]\d+(?:[-/]\d+)*",
    r"[a-z]{2}\d{2}(?:\s?\d{4}){3,}",
)
# A lookahead before each kind lets `re` skip most positions.
_NOT_PHONE = re.compile(
    rf"(?=\d)(?<!\d)(?:{'|'.join(_FROM_FIGURE)})"
    rf"|[€$£¥₹]\s?{_AMOUNT}(?:\s?[-–—]\s?{_AMOUNT})?"
    rf"|(?=[a-z])(?<!\w)(?:{'|'.join(_FROM_LETTER)})"
)

# Every alternative begins with a fixed letter, which lets `re` skip most positions.
_CUE = re.compile(
    r"tel|phon|t[ée]l[ée]phon|m[óo]vil|m[óo]bil|mobile|celular|cell?\b|call|text\b|txt|sms|ring\b"
    r"|what'?s?\s?app|wsp|wpp|viber|signal|telegram|contact|llam|ligue|ligar|liga\b|appel|joindre"
    r"|number|n[úu]mero|num[ée]ro|fax(?<!\wfax)|тел|звон|电话|電話|手机|☎|📞|📱|☏"
)
_NUMBER_OF = r"(?:of |de |d')?(?:the |la |l')?(?:offer|ofert|offre|job|case)"
_REFERENCE = re.compile(
    r"r[ée]f(?<!\wr[ée]f)(?:s|\.|\b)|r[ée]f[ée]renc|c[óo]digo|code(?<!\wcode)\b|id(?<!\wid)s?\b"
    r"|iban|siret|siren|nif(?<!\wnif)\b|cif(?<!\wcif)\b|dni(?<!\wdni)\b|nie(?<!\wnie)\b"
    r"|passport|licen[cs]e|serial|catalog|invoice|account|postcode|zip(?<!\wzip)"
    r"|case(?<!\wcase) (?:no|id|num)|visa\W{0,3}$"
    r"|(?:passport|licen[cs]e|account|card|policy|member|visa|permit)\s(?:no\.?|num(?:ber)?|id)"
    r"\W{0,3}"
    rf"|order(?<!\worder) (?:no|id|num)|#|n(?:umber|[úu]mero|um[ée]ro|[º°o]\.?) {_NUMBER_OF}"
)
_ALONE_BEFORE = re.compile(r"(?:^|[^\W\d_][\s:,.]|\n|[^\W\d_]\s?[:,.?!]\s)$")
_ALONE_BEHIND = re.compile(rf"(?:$|\n|[.,;:!?)]?(?:$|\n|\s(?![\d$€£¥₹¤])))(?!\s?{_CURRENCY})")
LOOK_BACK = 32
"""Characters before a number in which a word can identify it."""

# Lengths of the groups of figures in the ways numbers are usually written.
_USUAL_GROUPS = re.compile(
    r"(?:1 )?3 3 4|(?:1 )?3 7|(?:[123] )?(?:9|10|11)|12|5 6|5 3 3|4 3 4|3 4 4|4 7|5 2 4|3 8"
    r"|2 2 2 2 2|4 2 2 2|3 3 3|3 2 2 2|2 3 2 2|3 6|2 4 4|2 5 4|2 8|2 9|4 6|4 3 3|4 4 3"
)
_AMERICAN_GROUPS = {(3, 3, 4), (1, 3, 3, 4), (3, 7), (10,), (11,), (1, 10), (6, 4), (3, 4), (7,)}
_COUNTING = ("234567", "765432")  # a list, or made up


def without_others(text: str) -> str:
    """The text with dates, hours, money, postcodes and references replaced by line breaks."""
    return _NOT_PHONE.sub(lambda match: "\n" * len(match.group()), text)


def alone(text: str, start: int, end: int) -> bool:
    """Whether the text around a phone in a usual grouping leaves no other reading.

    If so, `without_others` does not change it: its patterns have other groupings.
    """
    before = _ALONE_BEFORE.search(text, max(0, start - 3), start)
    return before is not None and _ALONE_BEHIND.match(text, end) is not None


def referred(text: str, start: int) -> bool:
    """Whether a word for a reference precedes a number, even if one for a phone does too."""
    return _REFERENCE.search(_line_before(text, start)) is not None


def announced(text: str, start: int) -> bool | None:
    """True after a word for a phone, False after one for a reference, None after neither."""
    line = _line_before(text, start)
    cue, reference = (
        max((match.end() for match in pattern.finditer(line)), default=-1)
        for pattern in (_CUE, _REFERENCE)
    )
    return None if cue == reference else cue > reference


def _line_before(text: str, start: int) -> str:
    """The characters before a number, on its line, in which a word can identify it."""
    return text[max(0, start - LOOK_BACK) : start].rpartition("\n")[2]


def usually_grouped(groups: Sequence[int]) -> bool:
    """Whether phones are usually written in groups of these lengths."""
    return _USUAL_GROUPS.fullmatch(" ".join(map(str, groups))) is not None


def credible(value: str, region: str | None, groups: Sequence[int]) -> bool:
    """Whether a number without a word for a phone is written as usual in its country."""
    if value.startswith("+1"):
        return tuple(groups) in _AMERICAN_GROUPS
    if set(groups) == {2} and region is None:
        return value.startswith("+33")
    if len(groups) > 1 or region is not None:
        return True
    return len(value) > 11 and value.startswith(("+44", "+33"))


def made_up(number: str) -> bool:
    """Whether the figures count up or down, or consist of one or two different ones."""
    return len(set(number)) <= 2 or any(part in number for part in _COUNTING)
