"""Figures other than 0 to 9: of other scripts, circled, Chinese numerals, look-alike letters.

In: a folded text. Out: a text of the same length with plain figures, so that offsets stay. Chinese
numerals and look-alike letters are replaced only inside a run of figures, where they are unlikely
to be words.
"""

from __future__ import annotations

import re
import unicodedata

from adrisk.extract.number_words import GLUE_WORDS, NUMBER_WORDS, any_of
from adrisk.text.tokens import ZEROS

_NATIVE = {zero + value: str(value) for zero in ZEROS if zero > 0x7F for value in range(10)}
# NFKC leaves these alone: black circles, circles without serifs, and their zeros.
_CIRCLED = {
    **{first + i: str(i + 1) for first in (0x2776, 0x2780, 0x278A, 0x24F5) for i in range(9)},
    **dict.fromkeys((0x24FF, 0x1F10B, 0x1F10C), "0"),
}
_ALWAYS = {**_NATIVE, **_CIRCLED}
_CHINESE = "零〇一二三四五六七八九壹贰貳叁參肆伍陆陸柒捌玖幺"
_CHINESE_VALUES = str.maketrans(_CHINESE, "00123456789" + "1223345667891")
_LEAST_CHINESE = 7
_BETWEEN = r"[^\w\n\r$€£¥₹¤%]"
_CHINESE_RUN = re.compile(
    rf"(?:[{_CHINESE}\d]{_BETWEEN}{{0,3}}){{{_LEAST_CHINESE - 1},}}[{_CHINESE}\d]"
)
# Cyrillic and Greek letters that look like figures, in words that have figures and nothing else.
_FOREIGN = {"о": "o", "ο": "o", "і": "i", "ι": "i", "ӏ": "l", "з": "3", "ѕ": "s"}
_FOREIGN_WORD = re.compile(
    rf"(?<![^\W_])(?=[^\W_]*\d|[{''.join(_FOREIGN)}]{{3}})[\doil{''.join(_FOREIGN)}]+(?![^\W_])"
)
_TO_LATIN = str.maketrans(_FOREIGN)
# S, Z and B for 5, 2 and 8, where o, i or l would not be needed to see a number.
_ANGULAR = str.maketrans("szb", "528")
_ANGULAR_WORD = re.compile(
    r"(?<![^\W_])(?:[oilszb]*\d[\doilszb]*?(?:[szb](?=[\doilszb])|[szb]{2})[\doilszb]*"
    r"|(?<=\d[\s.\-/])(?!(?:sol|los|lis|sis|obs|bis|biz|bio|zoo|oil|oss|ils|lbs|lib|boi|bil|"
    r"sil|soi|loi|bob|lol|boss|solo|bills?|bios|bois|soil|lois|loss|sois|silo|oils|boil|"
    r"ossi)\b)"
    r"[oilszb]{3,4}(?=[\s.\-/]+[\doilszb]{3,4}(?![^\W_])|(?![^\W_]))"
    r"|[oilszb]{3}(?=[\s.\-/]\d{3}[\s.\-/]))(?![^\W_])"
)

# Quick checks before each replacement.
_ANY_ALWAYS = re.compile(f"[{''.join(map(chr, _ALWAYS))}]")
_ANY_CHINESE = re.compile(f"[{_CHINESE}]")
_ANY_FOREIGN = re.compile(f"[{''.join(_FOREIGN)}]")
_ANY_ANGULAR = re.compile(r"\d[\s.\-/]?[oil]{0,3}[szb]|[szb][oil]{0,2}[\s.\-/]?\d")

ANY_FIGURE = re.compile(rf"[\d{_CHINESE}{''.join(map(chr, _CIRCLED))}]|{any_of(NUMBER_WORDS)}")
"""A pattern of a figure in any writing, or a number word."""

# For RE2 over bytes (`pyarrow.compute.find_substring_regex`): no class has a character beyond
# ASCII, and gaps are bounded only by the characters they exclude, so that the automaton is small.
_SPOKEN = f"(?:{'|'.join(sorted(NUMBER_WORDS))})"
_UNIT = rf"(?:{_SPOKEN}|\d)"
_SEPARATED = r"[^a-z0-9\n\xc3-\xc9]"  # neither a letter nor the first byte of an accented one
_GAP = rf"{_SEPARATED}*(?:(?:{'|'.join(GLUE_WORDS)}){_SEPARATED}+)?"
_WORDED = (
    rf"(?:\d{_SEPARATED}*|{_SPOKEN}{_GAP}){_SPOKEN}{_GAP}{_UNIT}"
    rf"|{_SPOKEN}{_SEPARATED}*\d{_SEPARATED}*\d{_SEPARATED}*\d|"
    rf"\d\d\d{_SEPARATED}*{_SPOKEN}(?:$|[^a-z])"
)
_ALIKE = rf"(?:[oilszb]|{'|'.join(_FOREIGN)})"
_MARKS = "[ .*_/,-]+"
_LETTERED = (
    rf"\d{_ALIKE}+\d|(?:^|[^a-z0-9])[oilszb]{{1,4}}\d|\d[oil]{{1,4}}(?:$|[^a-z0-9])"
    r"|\d[ .\-/][oilszb]{2,4}(?:$|[^a-z0-9])"
    rf"|\d{_MARKS}[oil]{_MARKS}(?:[oil]{_MARKS})*\d"
)
_NUMERAL = f"(?:{'|'.join(_CHINESE)})"
HINT = (
    rf"{_WORDED}|{_LETTERED}|{'|'.join(map(chr, _ALWAYS))}"
    rf"|{_NUMERAL}[^a-z\n]{{0,3}}{_NUMERAL}[^a-z\n]{{0,3}}{_NUMERAL}"
)
"""A pattern that begins, in the bytes of a folded text, where a phone may be spelled unusually."""

_ANY_UNIT = f"(?:[0-9oilszb]|{any_of(NUMBER_WORDS)}|{'|'.join([*map(chr, _ALWAYS), *_CHINESE])})"
MORE = re.compile(
    rf"(?:[0-9]|{any_of(NUMBER_WORDS)}|{'|'.join([*map(chr, _ALWAYS), *_CHINESE])})"
    rf"(?:[^a-z0-9\n\xc3-\xc9]{{0,16}}(?:(?:y|"
    rf"et?)[^a-z0-9\n\xc3-\xc9]{{1,4}})?{_ANY_UNIT}){{4}}".encode()
)
"""A pattern of further phones in those bytes: five figures of any kind."""


def undisguised(text: str) -> str:
    """The text with plain figures, of the same length.

    >>> undisguised("❷⓿2 sss ٥٦")
    '202 sss 56'
    """
    if not text.isascii():
        if _ANY_ALWAYS.search(text):
            text = text.translate(_ALWAYS)
        if _ANY_CHINESE.search(text):
            text = _CHINESE_RUN.sub(lambda run: run.group().translate(_CHINESE_VALUES), text)
        if _ANY_FOREIGN.search(text):
            text = _FOREIGN_WORD.sub(lambda word: word.group().translate(_TO_LATIN), text)
    if _ANY_ANGULAR.search(text):
        text = _ANGULAR_WORD.sub(lambda word: word.group().translate(_ANGULAR), text)
    return text


def native(written: str, text: str) -> bool:
    """Whether figures belong to the script of the text around them.

    >>> native("٢٠٢", "هاتف ٢٠٢"), native("٢٠٢", "call ٢٠٢")
    (True, False)
    """
    scripts = {_script(c) for c in written if c.isdecimal() and not c.isascii()}
    around = {_script(c) for c in text if c.isalpha() and not c.isascii()}
    return bool(scripts) and scripts <= around


def _script(character: str) -> str:
    """The script in the Unicode name of a character; scripts that share figures are one."""
    name = unicodedata.name(character, "?").split(maxsplit=1)[0].removesuffix("-INDIC")
    return _SHARED.get(name, name)


_SHARED = {"EXTENDED": "ARABIC", "FULLWIDTH": "CJK", "HIRAGANA": "CJK", "KATAKANA": "CJK"}
