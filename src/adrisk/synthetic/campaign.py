"""One campaign: a case, an author's choice of words, and the ads that were posted of it.

In: a case, a split and a place to post in. Out: `Post` values, copies and near-copies of one
another: places, prices and contacts change, accounts hop, a sentence goes, the order changes, and
what the labels say stays.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from adrisk.synthetic import contacts
from adrisk.synthetic.annotators import Votes, vote
from adrisk.synthetic.cases import Book, Case, Statements, state
from adrisk.synthetic.composer import Plan, Setting, plan
from adrisk.synthetic.metadata import Boxes, filled
from adrisk.synthetic.phrase_bank import PhraseBank, Region, Slots
from adrisk.synthetic.rng import Dice
from adrisk.synthetic.writer import REGISTERS, target_length, write

_REGISTER_SHARES = {
    "job": (27, 33, 40),
    "service": (46, 44, 10),
    "housing": (38, 42, 20),
    "other": (36, 42, 22),
}
_SETTLED = ("pay", "high_pay", "price", "rent", "sum", "from", "employer", "year", "fee")
_NOT_ASKED = {
    True: (  # of services
        "recruitment_fee", "deceptive_pay", "withheld_or_vague_pay", "vague_role",
        "irregular_migration_route", "tied_accommodation", "transport_controlled",
        "excessive_hours", "no_contract", "minor_recruitment", "worker_protection",
        "unidentified_employer", "protected_trait_targeting",
    ),
    False: (
        "third_party_control", "multiple_people_one_ad", "movement_rotation",
        "restricted_premises", "autonomy_signal",
    ),
}  # fmt: skip
"""Indicators that nobody looks for in an ad that is, or is not, for a service."""
_SEES_ANEW = 0.15  # chance that the annotators judge a copy as if it were the first


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a campaign is posted: the bank of its language, its region, its split, its number."""

    bank: PhraseBank
    region: Region
    split: str
    number: int


@dataclass(frozen=True, slots=True)
class Story:
    """What is the same in all ads of a campaign: the whole truth of it.

    `corridor` is from where to where people are to go; `hard` says that a risk-0 ad has words
    which mislead; `everything` are all indicators that the text of an ad can state.
    """

    case: Case
    said: Statements
    sector: str
    kind: str
    language: str
    region: str
    split: str
    campaign_id: str
    template_family: str
    corridor: str
    hard: bool
    everything: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """One ad of a campaign: what the platform holds of it, and how it was judged."""

    story: Story
    text: str
    boxes: Boxes
    votes: Votes | None


@dataclass(frozen=True, slots=True)
class _Contact:
    """How the author can be reached: for machines and people, and for people alone."""

    plain: str
    hidden: str
    chat: str
    email: str


def posts(
    case: Case,
    sector_name: str,
    origin: Origin,
    book: Book,
    phones: contacts.PhoneBook,
    size: int,
    edited: float,
    rng: random.Random,
) -> Iterator[Post]:
    """The ads of one campaign, `size` of them, a share `edited` of the copies changed."""
    bank, region, split = origin.bank, origin.region, origin.split
    sector = book.sectors[sector_name]
    kind = "other" if case.notice else sector.kind
    register = rng.choices(REGISTERS, _REGISTER_SHARES[kind])[0]
    said = state(case, kind, book, rng)
    way = contacts.way(region.code, rng)
    like = "notice" if case.notice else sector.like
    setting = Setting(
        bank, sector_name, kind, like, split, register, target_length(register, kind, rng), way
    )
    chosen, misleading = plan(case, said, setting, book, rng)
    settled = _settled(region, rng)
    story = Story(
        case=case,
        said=said,
        sector=sector_name,
        kind=kind,
        language=bank.language,
        region=region.code,
        split=split,
        campaign_id=f"{split[:2]}{origin.number}",
        template_family=f"{sector_name}/{register}/{chosen.draft.layout}",
        corridor=f"{settled['from']} -> {settled['place']}, {region.code}",
        hard=misleading and said.risk == 0,
        everything=tuple(bank.present["train"]),
    )
    hide = "obscured_contact" in said.present
    needs_phone = way == "phone" or any("{obscured}" in s for s in chosen.draft.sentences)
    twice = needs_phone and "off_platform_contact" in said.present and hide
    rotation = [
        _contact(origin, turn, way, needs_phone, phones, twice, rng)
        for turn in range(1 + (size > 3 and rng.random() < 0.7))
    ]
    contact = rotation[0]
    category = "community" if case.notice else sector.category
    when = filled(story.campaign_id, category, like, region, split, size, rng)
    text, votes, wanted = "", None, asked(kind, bank)
    for copy in range(size):
        if copy and rng.random() < edited:
            chosen, settled, contact = _edited(chosen, settled, contact, rotation, region, rng)
            text = ""
        if not text:
            text = _written(chosen, settled, contact, hide, origin)
        if split == "train" and (votes is None or rng.random() < _SEES_ANEW):
            votes = vote(said, wanted, hard=story.hard, rng=rng)
        yield Post(story, text, when(settled, bank, rng), votes)


def asked(kind: str, bank: PhraseBank) -> tuple[str, ...]:
    """The indicators that annotators are asked about in ads of a kind."""
    left_out = _NOT_ASKED[kind == "service"]
    return tuple([name for name in bank.present["train"] if name not in left_out])


def _written(
    chosen: Plan, settled: dict[str, str], contact: _Contact, hide: bool, origin: Origin
) -> str:
    slots = Slots(
        settled
        | {
            "contact": contact.hidden if hide else contact.plain,
            "chat": contact.hidden if hide and contact.chat[0] != "@" else contact.chat,
            "obscured": contact.hidden,
            "email": contact.email,
        },
        origin.region,
        Dice(chosen.draft.style),
    )
    return write(chosen.draft, slots, origin.bank)


def _settled(region: Region, rng: random.Random) -> dict[str, str]:
    slots = region.slots
    place, place2 = rng.sample(slots["place"], 2)
    name, name2 = rng.sample(slots["name"], 2)
    settled = {"place": place, "place2": place2, "name": name, "name2": name2}
    for slot in _SETTLED:
        settled[slot] = rng.choice(slots[slot])
    for slot in region.words:
        settled[slot] = rng.choice(slots[slot])
    return region.only | settled


def _contact(
    origin: Origin,
    turn: int,
    way: str,
    needs_phone: bool,
    phones: contacts.PhoneBook,
    twice: bool,
    rng: random.Random,
) -> _Contact:
    number = 2 * origin.number + turn
    style, code = origin.bank.style, origin.region.code
    email = contacts.email(origin.split, number)
    handle = contacts.handle(origin.split, number)
    phone = phones.take(code) if needs_phone else None
    if phone is None:
        plain = email if way == "email" else handle
        return _Contact(plain, contacts.obscured_address(plain, style, rng), handle, email)
    written = contacts.plainly(phone, code, rng)
    # Two numbers of one ad would be read out twice, so the messenger name stands for the other.
    return _Contact(
        plain={"phone": written, "email": email, "handle": handle}[way],
        hidden=contacts.obscured(phone, origin.bank.language, rng),
        chat=handle if way == "handle" or twice else written,
        email=email,
    )


def _edited(
    chosen: Plan,
    settled: dict[str, str],
    contact: _Contact,
    rotation: list[_Contact],
    region: Region,
    rng: random.Random,
) -> tuple[Plan, dict[str, str], _Contact]:
    """What the next copy changes: place, price, contact, a sentence fewer, the order."""
    draw = rng.random()
    if draw < 0.35:
        settled = settled | {"place": rng.choice(region.slots["place"])}
    elif draw < 0.6:
        slot = rng.choice(("pay", "price", "rent", "sum", "name", "fee"))
        settled = settled | {slot: rng.choice(region.slots[slot])}
    if len(rotation) > 1 and rng.random() < 0.4:
        contact = rng.choice(rotation)
    draw = rng.random()
    if draw < 0.3:
        chosen = chosen.shortened(rng)
    elif draw < 0.4:
        chosen = chosen.restyled(rng)
    return chosen, settled, contact
