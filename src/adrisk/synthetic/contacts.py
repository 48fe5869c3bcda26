"""Fictional contact details, plain and obscured.

Telephone numbers come only from ranges reserved for fiction: 555-0100 to 555-0199 of the North
American plan (NANPA), Ofcom's drama numbers, ACMA's numbers for fiction, and the six blocks that
ARCEP keeps for films. Spain, Portugal, Belgium and Latin America have no such range, so ads there
mostly show a handle or mail, and sometimes a foreign number. Mail is at example.org.
"""

from __future__ import annotations

import random

from adrisk.synthetic.phrase_bank import Style

_US_AREAS = (
    "201 202 203 205 206 207 208 209 212 214 215 216 217 218 219 224 225 228 229 231 234 239"
    " 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 307 308 309 310"
    " 312 313 314 315 316 317 318 319 320 321 325 330 331 334 336 337 339 347 351 352 360 361"
    " 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 432 434 435"
    " 440 443 469 478 479 480 484 501 502 503 504 505 507 509 510 512 513 515 516 517 518 520"
).split()
_LATIN_AREAS = "787 939 809 829 849 305 210 213 323 602 619 702 713".split()
_BRAZIL_AREAS = "508 617 774 781 857 954 978 973".split()
_QUEBEC_AREAS = "514 438 450 579 418 581 819 873 367".split()
_UK_BLOCKS = (
    "7700 900", "20 7946 0", "113 496 0", "114 496 0", "115 496 0", "116 496 0", "117 496 0",
    "118 496 0", "121 496 0", "131 496 0", "141 496 0", "151 496 0", "161 496 0",
)  # fmt: skip
_AU_BLOCKS = (
    "2 5550 ", "3 5550 ", "7 5550 ", "8 5550 ", "2 7010 ", "3 7010 ", "7 7010 ", "8 7010 ",
)  # fmt: skip
_FR_BLOCKS = ("6 39 98", "1 99 00", "2 61 91", "3 53 01", "4 65 71", "5 36 49")

_BLOCKS = {
    "us": (tuple(f"+1 {area} 555 01" for area in _US_AREAS), 2),
    "latin": (tuple(f"+1 {area} 555 01" for area in _LATIN_AREAS), 2),
    "brazil": (tuple(f"+1 {area} 555 01" for area in _BRAZIL_AREAS), 2),
    "quebec": (tuple(f"+1 {area} 555 01" for area in _QUEBEC_AREAS), 2),
    "uk": (tuple(f"+44 {block}" for block in _UK_BLOCKS), 3),
    "au": (tuple(f"+61 {block}" for block in _AU_BLOCKS), 4),
    "fr": (tuple(f"+33 {block}" for block in _FR_BLOCKS), 4),
}
"""Pool -> its blocks of numbers, and the number of free digits in a block."""

_POOLS = {
    "GB": "uk", "US": "us", "AU": "au", "ES": "uk", "MX": "latin", "CO": "latin", "AR": "latin",
    "PT": "fr", "BR": "brazil", "FR": "fr", "BE": "fr", "CA": "quebec",
}  # fmt: skip
_AT_HOME = frozenset(("GB", "US", "AU", "FR", "CA"))
"""Regions with a range for fiction of their own."""

CHANNELS = ("phone", "email", "handle")
_SHARES = {True: (55, 27, 18), False: (18, 34, 48)}

_STRIDE = 7919  # prime to every pool size, so that consecutive numbers are not neighbours

_MAILBOX = (
    "info maria tom nina alex sam dana leo vera rosa luis ana marc julia paulo irina victor"
    " sofia elena max"
).split()
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


class PhoneBook:
    """The telephone numbers of one split, each given once until its pool is spent."""

    def __init__(self, split: str) -> None:
        self._split = split
        self._given = dict.fromkeys(_BLOCKS, 0)

    def take(self, region: str) -> str | None:
        """The next number for a region in international form; None if the pool is exhausted."""
        pool = _POOLS[region]
        number = phone(pool, self._split, self._given[pool])
        self._given[pool] += number is not None
        return number


def phone(pool: str, split: str, index: int) -> str | None:
    """The index-th telephone number of a pool and split; None past the last. Splits share none.

    >>> phone("uk", "train", 0), phone("latin", "train", 650)
    ('+44 7700 900000', None)
    """
    blocks, digits = _BLOCKS[pool]
    in_block: int = 10**digits
    half = len(blocks) * in_block // 2
    if index >= half:
        return None
    at = 2 * (index * _STRIDE % half) + (split == "test")
    block, last = divmod(at, in_block)
    written = f"{last:0{digits}d}"
    if pool == "fr":
        written = f" {written[:2]} {written[2:]}"
    return blocks[block] + written


def channel(region: str, rng: random.Random) -> str:
    """The preferred channel of an author: phone, email or handle."""
    return rng.choices(CHANNELS, _SHARES[region in _AT_HOME])[0]


def email(split: str, number: int) -> str:
    """The mailbox of a campaign, unique to it."""
    return f"{_MAILBOX[number % len(_MAILBOX)]}.{2 * number + (split == 'test')}@example.org"


def handle(split: str, number: int) -> str:
    """The messenger name of a campaign, unique to it."""
    return f"@{_MAILBOX[number % len(_MAILBOX)]}_{2 * number + (split == 'test')}"


def usual_form(number: str, region: str, rng: random.Random) -> str:
    """A telephone number in a usual writing of its region."""
    country, _, rest = number.partition(" ")
    draw = rng.random()
    if country == "+1" and draw < 0.7:
        area, exchange, last = rest.split(" ")
        return f"{area}-{exchange}-{last}" if draw < 0.4 else f"({area}) {exchange}-{last}"
    if region in ("GB", "AU", "FR") and draw < 0.75:
        local = f"0{rest}"
        if draw < 0.15:
            return local.replace(" ", "")
        if region == "FR" and draw < 0.35:
            return local.replace(" ", ".")
        return local
    return number if draw < 0.85 else number.replace(" ", "")


def obscured(number: str, language: str, rng: random.Random) -> str:
    """A telephone number in a writing that a simple pattern misses."""
    digits = [c for c in number if c.isdigit()]
    words = NUMBER_WORDS[language]
    style = rng.randrange(6)
    if style == 0:
        return " ".join([words[int(digit)] for digit in digits])
    if style == 1:
        return "".join([_KEYCAP[digit] for digit in digits])
    if style == 2:
        return rng.choice(_SEPARATORS).join(digits)
    if style == 3:
        return "".join([_FULL_WIDTH[digit] for digit in digits])
    if style == 4:
        return " ".join([_swap(digit) for digit in digits])
    return " ".join([words[int(d)] if rng.random() < 0.4 else d for d in digits])


def obscured_address(address: str, style: Style, rng: random.Random) -> str:
    """An e-mail address or handle in a writing that a simple pattern misses."""
    if address.startswith("@"):
        return " ".join(address)
    name, _, domain = address.partition("@")
    dot = rng.choice(style.dot)
    return name.replace(".", dot) + rng.choice(style.at) + domain.replace(".", dot)


def _swap(digit: str) -> str:
    return {"0": "O", "1": "l"}.get(digit, digit)
