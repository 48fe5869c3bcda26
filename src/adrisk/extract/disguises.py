"""Figures that are not 0 to 9: of other scripts, in circles, Chinese numerals, look-alike letters.

In: a folded text. Out: a text as long in which they are plain, so that offsets stay. Chinese numerals
and look-alike letters are changed only inside a run of figures, where they can hardly be words.
"""

from __future__ import annotations

import re
import unicodedata

from adrisk.extract.numerals import GLUE_WORDS, NUMBER_WORDS
from adrisk.extract.tokens import ZEROS

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
_FOREIGN_WORD = re.compile(rf"(?<![^\W_])(?=[^\W_]*\d|[{''.join(_FOREIGN)}]{{3}})[\doil{''.join(_FOREIGN)}]+(?![^\W_])")
_TO_LATIN = str.maketrans(_FOREIGN)
# S, Z and B for 5, 2 and 8, where o, i or l would not be needed to see a number.
_ANGULAR = str.maketrans("szb", "528")
_ANGULAR_WORD = re.compile(
    r"(?<![^\W_])(?:[oilszb]*\d[\doilszb]*?(?:[szb](?=[\doilszb])|[szb]{2})[\doilszb]*"
    r"|(?<=\d[\s.\-/])(?!(?:sol|los|lis|sis|obs|bis|biz|bio|zoo|oil|oss|ils|lbs|lib|boi|bil|sil|soi|loi|bob|lol|boss|solo|bills?|bios|bois|soil|lois|loss|sois|silo|oils|boil|ossi)\b)"
    r"[oilszb]{3,4}(?=[\s.\-/]+[\doilszb]{3,4}(?![^\W_])|(?![^\W_]))"
    r"|[oilszb]{3}(?=[\s.\-/]\d{3}[\s.\-/]))(?![^\W_])"
)

# For RE2, whose automaton stays small if gaps are bounded by nothing but their characters, and those
# told by what they are not.
_SPOKEN = f"(?:{'|'.join(sorted(NUMBER_WORDS))})"
_UNIT = rf"(?:{_SPOKEN}|\d)"
_SEPARATED = r"[^a-z0-9\n\x{df}-\x{24f}]"
_GAP = rf"{_SEPARATED}*(?:(?:{'|'.join(GLUE_WORDS)}){_SEPARATED}+)?"
_WORDED = (
    rf"(?:\d{_SEPARATED}*|{_SPOKEN}{_GAP}){_SPOKEN}{_GAP}{_UNIT}"
    rf"|{_SPOKEN}{_SEPARATED}*\d{_SEPARATED}*\d{_SEPARATED}*\d|\d\d\d{_SEPARATED}*{_SPOKEN}(?:$|[^a-z])"
)
_MARKS = "[ .*_/,-]+"
_LETTERED = (
    r"\d[oilszbоοіιз]+\d|(?:^|[^a-z0-9])[oilszb]{1,4}\d|\d[oil]{1,4}(?:$|[^a-z0-9])"
    r"|\d[ .\-/][oilszb]{2,4}(?:$|[^a-z0-9])"
    rf"|\d{_MARKS}[oil]{_MARKS}(?:[oil]{_MARKS})*\d"
)
_OTHER_FIGURES = "".join(
    f"\\x{{{first:x}}}-\\x{{{last:x}}}"
    for first, last in [
        *((zero, zero + 9) for zero in ZEROS if zero > 0x7F),
        (0x2776, 0x2793), (0x24F5, 0x24FF), (0x1F10B, 0x1F10C),
    ]
)  # fmt: skip
HINT = (  # RE2 syntax
    rf"{_WORDED}|{_LETTERED}|[{_OTHER_FIGURES}]"
    rf"|[{_CHINESE}][^a-z\n]?[{_CHINESE}][^a-z\n]?[{_CHINESE}]"
)
"""What a folded text holds if a phone in it is not written in plain figures."""


def undisguised(text: str) -> str:
    """The text with every figure plain, and as long.

    >>> undisguised("❷⓿2 sss ٥٦")
    '202 sss 56'
    """
    if not text.isascii():
        text = text.translate(_ALWAYS)
        text = _CHINESE_RUN.sub(lambda run: run.group().translate(_CHINESE_VALUES), text)
        text = _FOREIGN_WORD.sub(lambda word: word.group().translate(_TO_LATIN), text)
    return _ANGULAR_WORD.sub(lambda word: word.group().translate(_ANGULAR), text)


def native(written: str, text: str) -> bool:
    """Whether figures are those of the script that the text around them is written in.

    >>> native("٢٠٢", "هاتف ٢٠٢"), native("٢٠٢", "call ٢٠٢")
    (True, False)
    """
    scripts = {_script(c) for c in written if c.isdecimal() and not c.isascii()}
    around = {_script(c) for c in text if c.isalpha() and not c.isascii()}
    return bool(scripts) and scripts <= around


def _script(character: str) -> str:
    """The first word of its name, those that share figures taken together."""
    name = unicodedata.name(character, "?").split(maxsplit=1)[0].removesuffix("-INDIC")
    return _SHARED.get(name, name)


_SHARED = {"EXTENDED": "ARABIC", "FULLWIDTH": "CJK", "HIRAGANA": "CJK", "KATAKANA": "CJK"}
