"""Contact details that belong to nobody, plain and written so that machines miss them.

Telephone numbers come only from ranges reserved for fiction: the United States (555-0100 to
555-0199), the United Kingdom (Ofcom's drama numbers) and France (the six blocks that ARCEP keeps
for films). Spain, Portugal and Brazil keep no such range, so ads in Spanish and Portuguese show
French or American numbers. Mail is at example.org.
"""

from __future__ import annotations

import random

_US_AREAS = tuple(
    f"{area}"
    for first, last in ((201, 210), (212, 219), (301, 310), (312, 321), (401, 410), (412, 419))
    for area in range(first, last + 1)
    if area not in (211, 311, 411)
)
_UK_DRAMA = ("20 7946 0", "121 496 0", "131 496 0", "161 496 0", "113 496 0", "114 496 0")
_FR_FILM = {"fr": ("1 99 00", "2 61 91"), "es": ("3 53 01", "4 65 71"), "pt": ("5 36 49",)}

_ENGLISH = len(_US_AREAS) * 100 + len(_UK_DRAMA) * 1000
_STRIDE = 7919  # prime to every pool size, so that neighbours in time are not neighbours in number

_MAILBOX = ["post", "work", "info", "contact", "office", "jobs", "hello", "team", "desk", "line"]
_WORDS = {
    "en": "zero one two three four five six seven eight nine",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "pt": "zero um dois três quatro cinco seis sete oito nove",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
}
NUMBER_WORDS = {language: words.split() for language, words in _WORDS.items()}
_KEYCAP = {str(digit): f"{digit}\ufe0f\u20e3" for digit in range(10)}
_FULL_WIDTH = {str(digit): chr(0xFF10 + digit) for digit in range(10)}
_SEPARATORS = (".", "-", "*", "_", " / ", " . ", "·")


def phone(language: str, split: str, index: int) -> str:
    """The index-th telephone number of a language and split, in international form.

    Numbers are distinct until the reserved ranges are spent (5,000 to 12,500 a language and
    split); then they come round again. The splits share none.

    >>> phone("fr", "train", 0)
    '+33 1 99 00 00 00'
    """
    size = _ENGLISH if language == "en" else 10_000 * len(_FR_FILM[language])
    at = 2 * (index * _STRIDE % (size // 2)) + (split == "test")
    if language != "en":
        block, last = divmod(at, 10_000)
        return f"+33 {_FR_FILM[language][block]} {last // 100:02d} {last % 100:02d}"
    uk_block, uk_last = divmod(at, 1000)
    if uk_block < len(_UK_DRAMA):
        return f"+44 {_UK_DRAMA[uk_block]}{uk_last:03d}"
    area, last = divmod(at - 1000 * len(_UK_DRAMA), 100)
    return f"+1 {_US_AREAS[area]} 555 01{last:02d}"


def email(split: str, number: int) -> str:
    """A mailbox that no other campaign has."""
    return f"{_MAILBOX[number % len(_MAILBOX)]}.{split[:2]}{number}@example.org"


def handle(split: str, number: int) -> str:
    """A messenger name that no other campaign has."""
    return f"@{_MAILBOX[number % len(_MAILBOX)]}_{split[:2]}{number}"


def plainly(number: str, language: str, rng: random.Random) -> str:
    """A telephone number as people write it in that language."""
    country, _, rest = number.partition(" ")
    if language == "en" and country == "+1" and rng.random() < 0.6:
        return rest.replace(" ", "-")
    if language == "en" and country == "+44" and rng.random() < 0.6:
        return f"0{rest}"
    if language == "fr" and rng.random() < 0.7:
        return f"0{rest}" if rng.random() < 0.6 else f"0{rest}".replace(" ", ".")
    return number


def obscured(number: str, language: str, rng: random.Random) -> str:
    """A telephone number written so that a simple pattern misses it."""
    digits = [c for c in number if c.isdigit()]
    style = rng.randrange(6)
    if style == 0:
        return " ".join([NUMBER_WORDS[language][int(digit)] for digit in digits])
    if style == 1:
        return "".join([_KEYCAP[digit] for digit in digits])
    if style == 2:
        return rng.choice(_SEPARATORS).join(digits)
    if style == 3:
        return "".join([_FULL_WIDTH[digit] for digit in digits])
    if style == 4:
        return " ".join([_swap(digit) for digit in digits])
    words = NUMBER_WORDS[language]
    return " ".join([words[int(d)] if rng.random() < 0.4 else d for d in digits])


def _swap(digit: str) -> str:
    return {"0": "O", "1": "l"}.get(digit, digit)
