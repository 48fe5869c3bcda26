"""One synthetic campaign: a case, its wording, and the ads posted of it.

In: a case, a split and a region. Out: `Post` values, copies and near-copies of one another: places,
prices, contacts, accounts, single sentences and their order change, the labels do not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from adrisk.synthetic import contacts
from adrisk.synthetic.annotators import Votes, vote
from adrisk.synthetic.cases import Case, CaseBook, Statements, draw_statements
from adrisk.synthetic.composer import Plan, Setting, plan
from adrisk.synthetic.phrase_bank import FastRandom, PhraseBank, Region, Slots
from adrisk.synthetic.writer import REGISTERS, target_length, write

_REGISTER_SHARES = {
    "job": (27, 33, 40),
    "service": (46, 44, 10),
    "housing": (38, 42, 20),
    "other": (36, 42, 22),
}
_FIXED_SLOTS = ("pay", "high_pay", "price", "rent", "sum", "from", "employer", "year", "fee")
_NOT_JUDGED = {
    "service": frozenset(
        "recruitment_fee deceptive_pay withheld_or_vague_pay vague_role irregular_migration_route"
        " tied_accommodation transport_controlled excessive_hours no_contract minor_recruitment"
        " worker_protection unidentified_employer protected_trait_targeting".split()
    ),
    "other": frozenset(
        "third_party_control multiple_people_one_ad movement_rotation restricted_premises"
        " autonomy_signal".split()
    ),
}
"""Indicators that are not judged in ads for a service, and in other ads."""
_VOTES_AGAIN = 0.15  # chance that the annotators judge a copy independently


@dataclass(frozen=True, slots=True)
class Origin:
    """The phrase bank, region, split and number of a campaign."""

    bank: PhraseBank
    region: Region
    split: str
    number: int


@dataclass(frozen=True, slots=True)
class Story:
    """The attributes that all ads of a campaign share, with their true labels.

    `corridor` is the origin and destination of people; `hard` marks a risk-0 ad with misleading
    words; `everything` are all indicators that an ad can state.
    """

    case: Case
    truth: Statements
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
    """One ad of a campaign: its text, metadata and votes."""

    story: Story
    text: str
    metadata: Metadata
    votes: Votes | None


@dataclass(frozen=True, slots=True)
class _Contact:
    """The contact of an author, plain and obscured, and its messenger and mail address."""

    plain: str
    hidden: str
    chat: str
    email: str


def posts(
    case: Case,
    sector_name: str,
    origin: Origin,
    book: CaseBook,
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
    truth = draw_statements(case, kind, book, rng)
    channel = contacts.channel(region.code, rng)
    like = "notice" if case.notice else sector.like
    setting = Setting(
        bank, sector_name, kind, like, split, register, target_length(register, kind, rng), channel
    )
    chosen, misleading = plan(case, truth, setting, book, rng)
    values = _slot_values(region, rng)
    story = Story(
        case=case,
        truth=truth,
        sector=sector_name,
        kind=kind,
        language=bank.language,
        region=region.code,
        split=split,
        campaign_id=f"{split[:2]}{origin.number}",
        template_family=f"{sector_name}/{register}/{chosen.draft.layout}",
        corridor=f"{values['from']} -> {values['place']}, {region.code}",
        hard=misleading and truth.risk == 0,
        everything=tuple(bank.present["train"]),
    )
    hide = "obscured_contact" in truth.present
    needs_phone = channel == "phone" or any("{obscured}" in s for s in chosen.draft.sentences)
    twice = needs_phone and "off_platform_contact" in truth.present and hide
    rotation = [
        _contact(origin, turn, channel, needs_phone, phones, twice, rng)
        for turn in range(1 + (size > 3 and rng.random() < 0.7))
    ]
    contact = rotation[0]
    category = "community" if case.notice else sector.category
    fill_metadata = metadata_filler(story.campaign_id, category, like, region, split, size, rng)
    text, votes, judged = "", None, judged_indicators(kind, bank)
    for copy in range(size):
        if copy and rng.random() < edited:
            chosen, values, contact = _edited(chosen, values, contact, rotation, region, rng)
            text = ""
        if not text:
            text = _written(chosen, values, contact, hide, origin)
        if split == "train" and (votes is None or rng.random() < _VOTES_AGAIN):
            votes = vote(truth, judged, hard=story.hard, rng=rng)
        yield Post(story, text, fill_metadata(values, bank, rng), votes)


def judged_indicators(kind: str, bank: PhraseBank) -> tuple[str, ...]:
    """The indicators that annotators judge in ads of a kind."""
    left_out = _NOT_JUDGED["service" if kind == "service" else "other"]
    return tuple([name for name in bank.present["train"] if name not in left_out])


def _written(
    chosen: Plan, values: dict[str, str], contact: _Contact, hide: bool, origin: Origin
) -> str:
    slots = Slots(
        values
        | {
            "contact": contact.hidden if hide else contact.plain,
            "chat": contact.hidden if hide and contact.chat[0] != "@" else contact.chat,
            "obscured": contact.hidden,
            "email": contact.email,
        },
        origin.region,
        FastRandom(chosen.draft.style),
    )
    return write(chosen.draft, slots, origin.bank)


def _slot_values(region: Region, rng: random.Random) -> dict[str, str]:
    slots = region.slots
    place, place2 = rng.sample(slots["place"], 2)
    name, name2 = rng.sample(slots["name"], 2)
    values = {"place": place, "place2": place2, "name": name, "name2": name2}
    for slot in _FIXED_SLOTS:
        values[slot] = rng.choice(slots[slot])
    for slot in region.words:
        values[slot] = rng.choice(slots[slot])
    return region.only | values


def _contact(
    origin: Origin,
    turn: int,
    channel: str,
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
        plain = email if channel == "email" else handle
        return _Contact(plain, contacts.obscured_address(plain, style, rng), handle, email)
    written = contacts.usual_form(phone, code, rng)
    # An ad has at most one number, so a messenger name replaces a second one.
    return _Contact(
        plain={"phone": written, "email": email, "handle": handle}[channel],
        hidden=contacts.obscured(phone, origin.bank.language, rng),
        chat=handle if channel == "handle" or twice else written,
        email=email,
    )


def _edited(
    chosen: Plan,
    values: dict[str, str],
    contact: _Contact,
    rotation: list[_Contact],
    region: Region,
    rng: random.Random,
) -> tuple[Plan, dict[str, str], _Contact]:
    """The plan, slot values and contact of the next copy, with one or a few changes."""
    draw = rng.random()
    if draw < 0.35:
        values = values | {"place": rng.choice(region.slots["place"])}
    elif draw < 0.6:
        slot = rng.choice(("pay", "price", "rent", "sum", "name", "fee"))
        values = values | {slot: rng.choice(region.slots[slot])}
    if len(rotation) > 1 and rng.random() < 0.4:
        contact = rng.choice(rotation)
    draw = rng.random()
    if draw < 0.3:
        chosen = chosen.shortened(rng)
    elif draw < 0.4:
        chosen = chosen.restyled(rng)
    return chosen, values, contact


_DAY = 86_400
SPAN_DAYS = 181
TRAIN_DAYS = 127  # about 70 % of the span: later campaigns are the test split

_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 17, 14, 13, 15, 16, 16, 16, 17, 18, 18, 14, 9, 4)
"""Relative number of ads posted in each hour of the day."""

_PRICE_SLOT = {"job": "pay", "modelling": "pay", "service": "price", "housing": "rent"}
_HAS_PRICE = {"job": 0.45, "service": 0.4, "housing": 0.8, "goods": 0.8}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Time, place, category, account and price of one ad; None where a field is empty."""

    posted_second: int
    category: str | None
    location: str | None
    account_id: str | None
    price: str | None


def metadata_filler(
    campaign_id: str,
    category: str,
    like: str,
    region: Region,
    split: str,
    size: int,
    rng: random.Random,
) -> Callable[[Mapping[str, str], PhraseBank, random.Random], Metadata]:
    """A function that makes the metadata of each ad of a campaign from its slot values.

    Nothing depends on the case, so that no column reveals it.
    """
    opens, closes = (0, TRAIN_DAYS) if split == "train" else (TRAIN_DAYS, SPAN_DAYS)
    first = rng.randrange(opens, closes)
    last = min(closes - 1, int(first + rng.expovariate(1 / 12)))
    accounts = 1 + (rng.random() < 0.35) + min(size // 5, 6) * (rng.random() < 0.6)
    named = rng.random() < 0.96
    shown = rng.random() < _HAS_PRICE.get(like, 0.3)
    filed = category if rng.random() < 0.92 else None
    place_form = rng.choices(("{place}", "{place}, {country}", "{PLACE}", ""), (60, 18, 8, 14))[0]
    slot = _PRICE_SLOT.get(like, "sum")

    def fill(values: Mapping[str, str], bank: PhraseBank, rng: random.Random) -> Metadata:
        hour = rng.choices(range(24), _HOURS)[0]
        location = place_form.format(
            place=values["place"],
            country=bank.style.countries[region.code],
            PLACE=values["place"].upper(),
        )
        return Metadata(
            posted_second=rng.randint(first, last) * _DAY + hour * 3_600 + rng.randrange(3_600),
            category=filed,
            location=location or None,
            account_id=f"{campaign_id}-{rng.randrange(accounts)}" if named else None,
            price=values[slot] if shown else None,
        )

    return fill
