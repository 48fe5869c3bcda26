"""What is a phone number and what only looks like one.

Knows how dates, prices and references are written, which words announce a phone, how numbers are
grouped. Which numbers exist is `adrisk.extract.numbering`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
# What all of a kind begin with stands before them, so that most places are passed over at once.
_NOT_PHONE = re.compile(
    rf"(?=\d)(?<!\d)(?:{'|'.join(_FROM_FIGURE)})"
    rf"|[€$£¥₹]\s?{_AMOUNT}(?:\s?[-–—]\s?{_AMOUNT})?"
    rf"|(?=[a-z])(?<!\w)(?:{'|'.join(_FROM_LETTER)})"
)

# Every alternative of these two begins with a letter, which lets `re` skip to where one may be.
_CUE = re.compile(
    r"tel|phon|t[ée]l[ée]phon|m[óo]vil|m[óo]bil|mobile|celular|cell?\b|call|text\b|txt|sms|ring\b"
    r"|what'?s?\s?app|wsp|wpp|viber|signal|telegram|contact|llam|ligue|ligar|liga\b|appel|joindre"
    r"|number|n[úu]mero|num[ée]ro|fax(?<!\wfax)|тел|звон|电话|電話|手机|☎|📞|📱|☏"
)
_NUMBER_OF = r"(?:of |de |d')?(?:the |la |l')?(?:offer|ofert|offre|job|case)"
_REFERENCE = re.compile(
    r"r[ée]f(?<!\wr[ée]f)(?:s|\.|\b)|r[ée]f[ée]renc|c[óo]digo|code(?<!\wcode)\b|id(?<!\wid)s?\b|iban|siret"
    r"|siren|nif(?<!\wnif)\b|cif(?<!\wcif)\b|dni(?<!\wdni)\b|nie(?<!\wnie)\b|passport|licen[cs]e|serial|catalog"
    r"|invoice|account|postcode|zip(?<!\wzip)|case(?<!\wcase) (?:no|id|num)"
    r"|(?:passport|licen[cs]e|account|card|policy|member|visa|permit)\s(?:no\.?|num(?:ber)?|id)\W{0,3}"
    r"|visa\W{0,3}$"
    rf"|order(?<!\worder) (?:no|id|num)|#|n(?:umber|[úu]mero|um[ée]ro|[º°o]\.?) {_NUMBER_OF}"
)
_ALONE_BEFORE = re.compile(r"(?:^|[^\W\d_][\s:,.]|\n|[^\W\d_]\s?[:,.?!]\s)$")
_ALONE_BEHIND = re.compile(rf"(?:$|\n|[.,;:!?)]?(?:$|\n|\s(?![\d$€£¥₹¤])))(?!\s?{_CURRENCY})")
LOOK_BACK = 32
"""How many characters before a number may say what it is."""

# Lengths of the groups of figures in the ways numbers are usually written.
_USUAL_GROUPS = re.compile(
    r"(?:1 )?3 3 4|(?:1 )?3 7|(?:[123] )?(?:9|10|11)|12|5 6|5 3 3|4 3 4|3 4 4|4 7|5 2 4|3 8"
    r"|2 2 2 2 2|4 2 2 2|3 3 3|3 2 2 2|2 3 2 2|3 6|2 4 4|2 5 4|2 8|2 9|4 6|4 3 3|4 4 3"
)
_AMERICAN_GROUPS = {(3, 3, 4), (1, 3, 3, 4), (3, 7), (10,), (11,), (1, 10), (6, 4), (3, 4), (7,)}
_COUNTING = ("234567", "765432")  # nobody's number; a list, or made up


def without_others(text: str) -> str:
    """The text with dates, hours, money, postcodes and references made line breaks, as long."""
    return _NOT_PHONE.sub(lambda match: "\n" * len(match.group()), text)


def alone(text: str, start: int, end: int) -> bool:
    """Whether neither side of a phone in one of the usual groupings makes it something else.

    If so, `without_others` leaves it whole: what that takes out is grouped in other ways.
    """
    return _ALONE_BEFORE.search(text, max(0, start - 3), start) is not None and (
        _ALONE_BEHIND.match(text, end) is not None
    )


def referred(text: str, start: int) -> bool:
    """Whether a word for a reference stands before a number, even if one for a phone does too."""
    return _REFERENCE.search(text[max(0, start - LOOK_BACK) : start].rpartition("\n")[2]) is not None


def announced(text: str, start: int) -> bool | None:
    """True behind a word for a phone, False behind one for a reference, None behind neither."""
    line = text[max(0, start - LOOK_BACK) : start].rpartition("\n")[2]
    cue, reference = _last_end(_CUE, line), _last_end(_REFERENCE, line)
    return None if cue == reference else cue > reference


def _last_end(pattern: re.Pattern[str], line: str) -> int:
    end = -1
    for match in pattern.finditer(line):
        end = match.end()
    return end


def usually_grouped(groups: Sequence[int]) -> bool:
    """Whether phones are written in groups of so many figures."""
    return _USUAL_GROUPS.fullmatch(" ".join(map(str, groups))) is not None


def credible(value: str, region: str | None, groups: Sequence[int]) -> bool:
    """Whether a number that no word announces is written as in the country it is said to be of."""
    if value.startswith("+1"):
        return tuple(groups) in _AMERICAN_GROUPS
    if set(groups) == {2} and region is None:
        return value.startswith("+33")
    if len(groups) > 1 or region is not None:
        return True
    return len(value) > 11 and value.startswith(("+44", "+33"))


def made_up(number: str) -> bool:
    """Whether the figures count up or down, or are hardly more than one repeated."""
    return len(set(number)) <= 2 or any(part in number for part in _COUNTING)
