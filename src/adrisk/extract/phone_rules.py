"""What is a phone number and what only looks like one.

Knows how dates, prices and references are written, which words announce a phone, how numbers are
grouped, and, through `phonenumbers` and the ranges reserved for fiction, which numbers exist.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import phonenumbers

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_HOUR = r"(?:[01]?\d|2[0-4])"
_CURRENCY = r"(?:[€$£¥₹¤]|(?:eur|euros?|usd|gbp|dollars?|pounds?|reais|mxn|brl|chf)\b)"
_AMOUNT = r"\d+(?:[.,']\d+)*"
_NOT_PHONE = re.compile(
    "|".join(
        (
            # dates and years, either way round
            rf"(?<![\d/.-])(?:{_DAY}([/.-]){_MONTH}\1|{_MONTH}([/.-]){_DAY}\2)(?:{_YEAR}|\d\d)(?![/.-]?\d)",
            rf"(?<![\d/.-]){_YEAR}(?:([/.-]){_MONTH}\3{_DAY}|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)",
            rf"(?<![\d/.-]){_YEAR}\s?[-–—/]\s?(?:{_YEAR}|\d\d)(?![\d/.-]*\d)",
            # hours
            r"(?<!\d)(?<![/*x]\s)(?:24|7)\s?[/*x]\s?(?:24|7)(?!\d)(?!\s?[/*x])",
            rf"(?<![\d:]){_HOUR}:[0-5]\d(?![\d:])",
            rf"(?<![\d.]){_HOUR}(?:\.[0-5]\d)?\s?[-–—]\s?{_HOUR}(?:\.[0-5]\d)?(?=\s?(?:h|am|pm|uhr)\b)",
            rf"(?<![\d.]){_HOUR}\.[0-5]\d\s?[-–—]\s?{_HOUR}\.[0-5]\d(?![\d.])",
            # money, ranges of it, decimals, thousands
            rf"[€$£¥₹]\s?{_AMOUNT}(?:\s?[-–—]\s?{_AMOUNT})?",
            rf"(?:(?<!\d){_AMOUNT}\s?[-–—]\s?)?(?<!\d)(?:{_AMOUNT}|\d{{1,3}}(?:\s\d{{3}})+)\s?{_CURRENCY}",
            r"(?<![\d.,-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,-])",
            r"(?<![\d.,-])\d+[.,]\d{1,2}(?![\d.,-])(?!\s\d)",
            # heights, United States postcodes and social security numbers, file references
            r"(?<!\d)\d'\s?\d{1,2}(?!\d)",
            r"(?<![\d)-])(?<![\d)]\s)\d{5}-\d{4}(?![\d-])",
            r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",
            r"(?<!\w)(?!tel|cel|mob|txt|sms|call|wa-|ph-)[a-z]{1,5}[-#]\d+(?:[-/]\d+)*",
            r"(?<!\w)[a-z]{2}\d{2}(?:\s?\d{4}){3,}",
        )
    )
)

_CUE = re.compile(
    r"tel|phon|t[ée]l[ée]phon|m[óo]vil|m[óo]bil|mobile|celular|cell?\b|call|text\b|txt|sms|ring\b"
    r"|what'?s?\s?app|wsp|wpp|viber|signal|telegram|contact|llam|ligue|ligar|liga\b|appel|joindre"
    r"|number|n[úu]mero|num[ée]ro|\bfax|тел|звон|电话|電話|手机|☎|📞|📱|☏"
)
_REFERENCE = re.compile(
    r"\bref(?:s|\.|\b)|r[ée]f[ée]renc|c[óo]digo|\bcode\b|\bids?\b|iban|siret|siren|\bnif\b"
    r"|\bcif\b|\bdni\b|\bnie\b|passport|licen[cs]e|invoice|account|postcode|\bzip"
    r"|\b(?:case|order) (?:no|id|num)|#"
    r"|(?:number|n[úu]mero|num[ée]ro|n[º°o]\.?) (?:of |de |d')?(?:the |la |l')?"
    r"(?:offer|ofert|offre|job|case)"
)
_LOOK_BACK = 32

# National writing by region, most likely first; a cheap test before the exact one.
_SHAPES = {
    region: re.compile(pattern)
    for region, pattern in {
        "US": r"1?[2-9]\d{2}[2-9]\d{6}",
        "GB": r"0[1-37-9]\d{8,9}",
        "FR": r"0[1-79]\d{8}",
        "ES": r"[6-9]\d{8}",
        "PT": r"[29]\d{8}",
        "BR": r"0?[1-9]\d(?:9\d{8}|[2-5]\d{7})",
        "MX": r"[2-9]\d{9}",
        "DE": r"01[5-7]\d{8,9}",
        "IT": r"3\d{8,9}",
        "IN": r"[6-9]\d{9}",
        "AU": r"0[23478]\d{8}",
        "RU": r"8[3-9]\d{9}",
        "CN": r"1[3-9]\d{9}",
    }.items()
}
# Reserved for fiction by the regulators (NANPA; Ofcom; Arcep), and so refused as "not assigned".
_FICTION = re.compile(
    r"\+1[2-9]\d{2}55501\d{2}"
    r"|\+44(?=\d{10}$)(?:7700900|1632960|2079460|1(?:1[3-8]|[2-6]1)4960|1914980|2890180|2920180|3069990|8081570|9098790)\d+"
    r"|\+33(?:19900|26191|35301|46571|53649|63998)\d{4}"
)
# Lengths of the groups of figures in the ways numbers are usually written.
_USUAL_GROUPS = re.compile(
    r"(?:1 )?3 3 4|(?:1 )?3 7|(?:[123] )?(?:9|10|11)|12|5 6|5 3 3|4 3 4|3 4 4|4 7|5 2 4|3 8"
    r"|2 2 2 2 2|4 2 2 2|3 3 3|3 2 2 2|2 3 2 2|3 6|2 4 4|2 5 4|2 8|2 9|4 6|4 3 3|4 4 3"
)
_COUNTING = ("234567", "765432")  # nobody's number; a list, or made up


def without_others(text: str) -> str:
    """The text with dates, hours, money, postcodes and references made line breaks, as long."""
    return _NOT_PHONE.sub(lambda match: "\n" * len(match.group()), text)


def announced(text: str, start: int) -> bool | None:
    """True behind a word for a phone, False behind one for a reference, None behind neither."""
    line = text[max(0, start - _LOOK_BACK) : start].rpartition("\n")[2]
    cue, reference = (
        max((match.end() for match in pattern.finditer(line)), default=-1)
        for pattern in (_CUE, _REFERENCE)
    )
    return None if cue == reference else cue > reference


def usually_grouped(groups: Sequence[int]) -> bool:
    """Whether phones are written in groups of so many figures."""
    return _USUAL_GROUPS.fullmatch(" ".join(map(str, groups))) is not None


def made_up(number: str) -> bool:
    """Whether the figures count up or down, or are hardly more than one repeated."""
    return len(set(number)) <= 2 or any(part in number for part in _COUNTING)


class Numbers:
    """Which numbers exist; remembers them, because the same ones come again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None, bool], str | None] = {}

    def international(self, number: str) -> str | None:
        """The E.164 form of figures behind a plus or 00, if there may be such a number."""
        return self._exists("+" + number, None, possible=True)

    def national(self, number: str, region: str | None, *, cued: bool) -> str | None:
        """The canonical form of a number without a plus, from the likeliest region that has it."""
        if len(number) == 7:
            # Written without its area code: kept as it is, and only where a word announces it.
            local = cued and region in (None, "US", "CA") and re.fullmatch(r"[2-9]\d{6}", number)
            return number if local else None
        regions = [name for name, shape in _SHAPES.items() if shape.fullmatch(number)]
        if region:
            regions = [region, *(name for name in regions if name != region)]
        for name in regions:
            if value := self._exists(number, name):
                return value
        if len(number) > 10 and self._exists("+" + number, None) == "+" + number:
            return "+" + number
        if cued and regions:
            return self._exists(number, regions[0], possible=True)
        return None

    def _exists(self, number: str, region: str | None, *, possible: bool = False) -> str | None:
        """The number in E.164 form if it is valid, fictional or, where that will do, possible."""
        key = (number, region, possible)
        if key not in self._known:
            self._known[key] = _e164(number, region, possible=possible)
        return self._known[key]


def _e164(number: str, region: str | None, *, possible: bool) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    value = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    good = (
        phonenumbers.is_valid_number(parsed)
        or _FICTION.fullmatch(value)
        or (possible and phonenumbers.is_possible_number(parsed))
    )
    return value if good else None
