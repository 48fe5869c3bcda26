"""Ads with planted campaigns: the ground truth for linking.

    planted(count, seed) -> pa.Table     ad_id, text, account_id, campaign, script, short

A campaign is one author: one to four templates, one to four phones or e-mail addresses in rotation,
several accounts. Its ads are copies with other towns, names and pay, some with shuffled clauses,
one left out, the price in another currency or in words, letters and digits disguised. Sizes are
heavy-tailed. Words are made of random syllables, so that no ad has a meaning.

Hard cases are planted too: common clauses, footers and a support number that a platform adds to ads
of all authors, directories that list the numbers of many authors, ads of under twelve words, and
authors without a contact.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("ad_id", pa.string()),
        ("text", pa.large_string()),
        ("account_id", pa.string()),
        ("campaign", pa.int64()),
        ("script", pa.string()),
        ("short", pa.bool_()),
    ]
)

_SYLLABLES = {
    "latin": ("ba ke ri to lu man ser pol tan vi gra no fe ñu cé ção li mor des ent al or is um",
              " ", 9_000),
    "cyrillic": ("ба ке ри то лу ман сер пол тан ви гра но фе ню це ши ли мор дес ент ал ор ис ум",
                 " ", 9_000),
    "chinese": ("".join(chr(0x4E00 + 29 * i) for i in range(700)), "", 4_000),
    "arabic": ("با كي ري تو لو من سر بول تان في غر نو فه نو سي شا لي مور دس نت", " ", 9_000),
    "thai": (" ".join(a + chr(ord("ก") + i) + b for i in range(44) for a, b in
                      (("", "า"), ("", "ี"), ("เ", ""), ("", "ุ"), ("โ", ""))), "", 4_000),
}  # fmt: skip
_SHARES = {"latin": 50, "cyrillic": 18, "chinese": 18, "arabic": 8, "thai": 6}
_CURRENCIES = ("{} eur", "€{}", "{} usd", "$ {}", "{} zł", "{} руб", "{}元", "{} บาท", "{},00 eur")
_DIGITS = {
    "full-width": str.maketrans("0123456789", "".join(chr(0xFF10 + i) for i in range(10))),
    "letters": str.maketrans("01", "OI"),
}
_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS = {str(digit): name for digit, name in enumerate(_NAMES)}
_LOOKALIKE = str.maketrans("aeopc", "аеорс")


@dataclass(frozen=True, slots=True)
class Habits:
    """Probabilities for a campaign or an ad, and sizes.

    Attributes:
        copies: ads after the first of a campaign that repeat an earlier one exactly.
        tail: exponent of the sizes; nearer 1 is heavier.
        largest: share of all ads that one campaign may have.
        short: campaigns of one line, with no more than eleven words.
        shuffled: ads whose clauses come in another order.
        shortened: ads that leave a clause out or put one in.
        disguised: ads with look-alike letters, invisible characters or odd figures.
        silent: campaigns without a contact in any ad.
        silent_short: the same for campaigns of one line, whose ads then differ in the very words
            that separate them from other campaigns.
        footer: ads with a platform's footer.
        support: ads that name the platform's support number.
    """

    copies: float = 0.5
    tail: float = 1.2
    largest: float = 0.02
    short: float = 0.15
    shuffled: float = 0.25
    shortened: float = 0.15
    disguised: float = 0.2
    silent: float = 0.25
    silent_short: float = 0.0
    footer: float = 0.1
    support: float = 0.03


class _Script:
    """Words, common clauses and footers of one script."""

    def __init__(self, name: str, seed: int) -> None:
        rng = random.Random(f"{name}/{seed}")
        syllables, self.gap, count = _SYLLABLES[name]
        parts = syllables.split() if " " in syllables else list(syllables)
        many = (2, 4) if self.gap else (1, 2)
        self.words = ["".join(rng.choices(parts, k=rng.randint(*many))) for _ in range(count)]
        # Zipf: the commonest words make up a good part of any text.
        self.weights = [0.0]
        for rank in range(1, count + 1):
            self.weights.append(self.weights[-1] + 1 / (rank + 8))
        self.weights = self.weights[1:]
        self.towns = [self.some(rng, 1) for _ in range(150)]
        self.names = [self.some(rng, 1) for _ in range(200)]
        self.market = [self.clause(rng) for _ in range(150)]
        self.footers = [self.gap.join(self.clause(rng) for _ in range(4)) for _ in range(3)]

    def some(self, rng: random.Random, count: int) -> str:
        return self.gap.join(rng.choices(self.words, cum_weights=self.weights, k=count))

    def clause(self, rng: random.Random) -> str:
        return self.some(rng, rng.randint(6, 14))


@dataclass(frozen=True, slots=True)
class _Template:
    """Clauses with `{town}`, `{name}`, `{pay}` and `{hours}` in some of them."""

    clauses: tuple[str, ...]


def planted(count: int, seed: int, habits: Habits | None = None) -> pa.Table:
    """A table of shuffled ads, equal for equal arguments."""
    return pa.concat_tables(batches(count, seed, habits)).combine_chunks()


def batches(
    count: int, seed: int, habits: Habits | None = None, rows: int = 50_000
) -> Iterator[pa.Table]:
    """The same ads in batches; a campaign may span several."""
    habits = habits or Habits()
    scripts = {name: _Script(name, seed) for name in _SYLLABLES}
    rng = random.Random(seed)
    sizes = []
    while sum(sizes) < count:
        size = int(rng.paretovariate(habits.tail))
        sizes.append(min(size, max(2, int(count * habits.largest)), count - sum(sizes)))
    order = [campaign for campaign, size in enumerate(sizes) for _ in range(size)]
    rng.shuffle(order)
    authors: dict[int, _Author] = {}
    left = list(sizes)
    listed: list[str] = []  # contacts of authors seen lately, for the directories
    for first in range(0, count, rows):
        columns: list[list[object]] = [[] for _ in SCHEMA]
        for number in range(first, min(first + rows, count)):
            campaign = order[number]
            author = authors.pop(campaign, None) or _Author(campaign, seed, scripts, habits)
            text = author.write(listed)
            left[campaign] -= 1
            if left[campaign]:
                authors[campaign] = author
            values = (f"ad-{seed}-{number:07d}", text, author.account(), campaign, author.script)
            for column, value in zip(columns, (*values, author.short), strict=True):
                column.append(value)
        yield pa.table(columns, schema=SCHEMA)


class _Author:
    """Writer of the ads of one campaign."""

    __slots__ = (
        "accounts", "campaign", "contacts", "habits", "kept", "rng", "script", "short", "templates",
        "tongue",
    )  # fmt: skip

    def __init__(
        self, campaign: int, seed: int, scripts: dict[str, _Script], habits: Habits
    ) -> None:
        self.rng = rng = random.Random(f"{seed}/{campaign}")
        self.campaign, self.habits = campaign, habits
        self.script = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
        self.tongue = scripts[self.script]
        self.short = rng.random() < habits.short
        # Without a contact nothing links two templates of one author, so there is only one.
        several, self.contacts = 1, []
        if rng.random() >= (habits.silent_short if self.short else habits.silent):
            several = rng.choices((1, 2, 4), (70, 20, 10))[0]
            self.contacts = [self._contact(turn) for turn in range(rng.choice((1, 1, 2, 4)))]
        self.templates = [self._template() for _ in range(several)]
        self.accounts = rng.choice((1, 2, 5))
        self.kept: list[str] = []

    def account(self) -> str:
        return f"u{self.campaign}-{self.rng.randrange(self.accounts)}"

    def write(self, listed: list[str]) -> str:
        """The next ad: an exact copy of an earlier one, or an edited one."""
        rng = self.rng
        if self.kept and rng.random() < self.habits.copies:
            return rng.choice(self.kept)
        text = self._edited()
        if self.contacts:
            listed.append(self.contacts[0])
            del listed[:-400]
        if self.campaign % 400 == 7 and len(listed) > 40:  # a directory
            text += " " + " ".join(rng.sample(listed, 30))
        if len(self.kept) < 200:
            self.kept.append(text)
        return text

    def _edited(self) -> str:
        rng, tongue, habits = self.rng, self.tongue, self.habits
        clauses = list(rng.choice(self.templates).clauses)
        if not self.short and rng.random() < habits.shuffled:
            rng.shuffle(clauses)
        if not self.short and rng.random() < habits.shortened:
            if rng.random() < 0.5:
                clauses.pop(rng.randrange(len(clauses)))
            else:
                clauses.insert(rng.randrange(len(clauses)), tongue.clause(rng))
        pay = str(rng.randrange(8, 40) * 50)
        if rng.random() < 0.1:
            pay = " ".join(_WORDS[digit] for digit in pay)
        text = (tongue.gap and ". ").join(clauses) if tongue.gap else "。".join(clauses)
        text = (
            text.replace("{town}", rng.choice(tongue.towns))
            .replace("{name}", rng.choice(tongue.names))
            .replace("{pay}", rng.choice(_CURRENCIES).format(pay))
            .replace("{hours}", f"{rng.randint(5, 10)}:00-{rng.randint(13, 21)}:30")
        )
        disguised = rng.random() < habits.disguised
        if disguised:
            text = _disguised(text, rng)
        if self.contacts and (self.short or rng.random() < 0.9):
            contact = rng.choice(self.contacts)
            text += " " + (_disguised_contact(contact, rng) if disguised else contact)
        if rng.random() < habits.support:
            text += " info +1 202 555 0100"
        if rng.random() < habits.footer:
            text += " " + rng.choice(tongue.footers)
        return text

    def _template(self) -> _Template:
        rng, tongue = self.rng, self.tongue
        if self.short:
            words = tongue.some(rng, rng.randint(4, 7))
            return _Template((tongue.gap.join((words, "{town}", "{pay}")),))
        clauses = [
            rng.choice(tongue.market) if rng.random() < 0.25 else tongue.clause(rng)
            for _ in range(rng.randint(4, 10))
        ]
        for slot in ("{town}", "{name}", "{pay}", "{hours}"):
            at = rng.randrange(len(clauses))
            clauses[at] = f"{clauses[at]}{tongue.gap}{slot}"
        return _Template(tuple(clauses))

    def _contact(self, turn: int) -> str:
        # Reserved for fiction: 555-0100 to 555-0199 in any of the area codes; mail at example.org.
        number = self.campaign * 4 + turn
        if self.rng.random() < 0.25:
            return f"box{number}@example.org"
        area = _AREAS[number % len(_AREAS)]
        line = number // len(_AREAS)
        if line >= 99:
            return f"box{number}@example.org"
        return f"+1 {area} 555 01{line + 1:02d}"


_AREAS = [
    str(code)
    for code in range(201, 990)
    if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{code}5550100"))
]


def _disguised(text: str, rng: random.Random) -> str:
    """Look-alike letters in a few words, and invisible characters."""
    words = text.split(" ")
    for _ in range(max(1, len(words) // 8)):
        at = rng.randrange(len(words))
        if rng.random() < 0.5 and any(c in "aeopc" for c in words[at]):
            swapped = words[at].translate(_LOOKALIKE)
            # One letter stays, so that the word is of two scripts, as disguised words are.
            words[at] = swapped if any("a" <= c <= "z" for c in swapped) else words[at]
        elif len(words[at]) > 2 and "{" not in words[at]:
            cut = rng.randrange(1, len(words[at]))
            words[at] = f"{words[at][:cut]}\u200b{words[at][cut:]}"
    return " ".join(words)


def _disguised_contact(contact: str, rng: random.Random) -> str:
    if "@" in contact:
        return contact.replace("@", " (at) ").replace(".org", " dot org")
    way = rng.randrange(3)
    if way == 0:
        return contact.translate(_DIGITS["full-width"])
    if way == 1:
        return contact.replace(" ", " - ")
    head, tail = contact[:-4], contact[-4:]
    return head + " ".join(_WORDS[digit] for digit in tail)
