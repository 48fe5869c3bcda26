"""Number words in English, Spanish, Portuguese and French, as patterns and as figures.

In: a piece of folded text that is a number. Out: its figures. The patterns are used only inside
runs of figures and number words (`adrisk.extract.phones`), so that words with a second meaning
("one", "once", "dos", "sept") stay words elsewhere. `any_of` builds a fast pattern of many words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(words: Iterable[str]) -> str:
    """Pattern of any of the words (or patterns that begin with a plain letter), earlier ones first.

    Words are grouped by their first letter, so that `re` tries few of them at each position.

    >>> any_of(["ten", "two", "six"])
    '(?:t(?:en|wo)|s(?:ix))'
    """
    rests: dict[str, list[str]] = {}
    for word in words:
        rests.setdefault(word[0], []).append(word[1:])
    return "(?:" + "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in rests.items()) + ")"


_DIGITS = (
    ("zero", "oh", "nought", "cero", "zéro"),
    ("one", "uno", "un", "um", "uma", "une"),
    ("two", "dos", "dois", "duas", "deux"),
    ("three", "tres", "três", "trois"),
    ("four", "cuatro", "quatro", "quatre"),
    ("five", "cinco", "cinq"),
    ("six", "seis", "meia"),
    ("seven", "siete", "sete", "sept"),
    ("eight", "ocho", "oito", "huit"),
    ("nine", "nueve", "nove", "neuf"),
)
_TEENS = {
    10: "ten diez dez dix",
    11: "eleven once onze",
    12: "twelve doce doze douze",
    13: "thirteen trece treze treize",
    14: "fourteen catorce catorze quatorze",
    15: "fifteen quince quinze",
    16: "sixteen dieciséis dieciseis dezesseis dezasseis seize",
    17: "seventeen diecisiete dezessete dezassete",
    18: "eighteen dieciocho dezoito",
    19: "nineteen diecinueve dezenove dezanove",
    21: "veintiuno veintiún",
    22: "veintidós veintidos",
    23: "veintitrés veintitres",
    24: "veinticuatro",
    25: "veinticinco",
    26: "veintiséis veintiseis",
    27: "veintisiete",
    28: "veintiocho",
    29: "veintinueve",
}
_TENS = {
    20: "twenty veinte vinte vingt",
    30: "thirty treinta trinta trente",
    40: "forty fourty cuarenta quarenta quarante",
    50: "fifty cincuenta cinquenta cinquante",
    60: "sixty sesenta sessenta soixante",
    70: "seventy setenta septante",
    80: "eighty ochenta oitenta huitante octante",
    90: "ninety noventa nonante",
}
_VALUES = {
    **{word: value for value, words in enumerate(_DIGITS) for word in words},
    **{word: value for value, words in (_TEENS | _TENS).items() for word in words.split()},
}
_REPEATS = {"double": 2, "doble": 2, "duplo": 2, "triple": 3, "treble": 3}


def _any_of(words: list[str]) -> str:
    return any_of(sorted(words, key=len, reverse=True))


# "quarante quatre-vingts" is 40 80, not 44 and something.
_OWN_FOUR = r"quatre(?![\s-]?vingt(?:s|[\s-]dix))"
_ONES = _any_of([_OWN_FOUR if w == "quatre" else w for words in _DIGITS[1:] for w in words])
_BELOW_TWENTY = _any_of([word for word, value in _VALUES.items() if 0 < value < 20])
_TENS_WORD = _any_of([word for word, value in _VALUES.items() if value % 10 == 0 and value > 10])
_GLUE = r"[\s-]{0,2}(?:(?:y|e|et)[\s-]{1,2})?"

WORD = _any_of(list(_VALUES))
"""Pattern of one number word."""

SPOKEN = (
    rf"(?:(?:quatre[\s-]?vingts?|soixante)(?:{_GLUE}(?:dix[\s-]?(?:sept|huit|neuf)|{_BELOW_TWENTY}))?"
    rf"|dix[\s-]?(?:sept|huit|neuf)"
    rf"|{_TENS_WORD}{_GLUE}{_ONES}"
    rf"|{_ONES}[\s-]hundred"
    rf"|{_any_of(list(_REPEATS))}[\s-](?:\d|{WORD})"
    rf"|{WORD})"
)
"""Pattern of a number from 0 to 99 in words, and of "eight hundred" and "double five"."""

NUMBER_WORDS = (*_VALUES, *_REPEATS)
"""Number words, and the words that repeat the next figure."""

GLUE_WORDS = ("y", "e", "et")
"""Words between the parts of a spoken number."""

_PART = re.compile(rf"{_any_of(list(_REPEATS))}|hundred|vingts|\d|{WORD}")


def figures(spoken: str) -> str:
    """The figures of a piece of text that matches `SPOKEN`.

    >>> figures("quatre-vingt-dix-huit"), figures("treinta y nueve"), figures("double five")
    ('98', '39', '55')
    """
    parts = _PART.findall(spoken)
    if parts[0] in _REPEATS:
        return figures(parts[1]) * _REPEATS[parts[0]]
    if parts[-1] == "hundred":
        return f"{_VALUES[parts[0]]}00"
    if parts[0] == "quatre" and len(parts) > 1:
        return str(80 + sum(_VALUES[part] for part in parts[2:]))
    if parts[0].isdecimal():
        return str(int(parts[0]))
    return str(sum(_VALUES[part] for part in parts))
