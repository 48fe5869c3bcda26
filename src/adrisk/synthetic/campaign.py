"""One campaign: a case, an author's choice of words, and the ads that were posted of it.

In: a case and a split. Out: `Post` values, near-copies of one another: places, prices and
contacts change, accounts hop, a sentence comes or goes, and what the labels say stays.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from adrisk.synthetic import contacts
from adrisk.synthetic.bank import Bank, Slots, load_bank
from adrisk.synthetic.cases import (
    MEANS_AUTONOMY,
    MEANS_PROTECTION,
    Case,
    Sector,
    Statements,
    state,
)
from adrisk.synthetic.writer import REGISTERS, SHORTEST, Draft, gather, target_length, write

_LANGUAGES = ("en", "es", "fr", "pt")
_LANGUAGE_SHARES = (48, 22, 16, 14)
_REGISTER_SHARES = (34, 38, 28)

_DAY = 86_400
SPAN_DAYS = 181
TRAIN_DAYS = 127  # about 70 % of the span: later campaigns are the test split

_JUDGED = 0.45  # chance that a reader judged an indicator of which the ad says nothing
_SERVICE_ONLY = (
    "third_party_control",
    "multiple_people_one_ad",
    "movement_rotation",
    "restricted_premises",
    "origin_marketing",
    "autonomy_signal",
)
_BOTH = ("off_platform_contact", "obscured_contact", "trust_reassurance")
_JOB_ONLY = (
    "recruitment_fee",
    "debt_or_deduction",
    "document_retention",
    "deceptive_pay",
    "withheld_or_vague_pay",
    "vague_role",
    "unidentified_employer",
    "irregular_migration_route",
    "tied_accommodation",
    "transport_controlled",
    "isolation_or_movement_control",
    "excessive_hours",
    "protected_trait_targeting",
    "urgency_or_secrecy",
    "exit_penalty",
    "no_contract",
    "minor_recruitment",
    "worker_protection",
)
_HOUSEHOLD = ("care", "au_pair")
_WAYS = ("phone", "email", "handle")
_WAY_SHARES = (55, 30, 15)
_PRICE_SLOT = {"job": "pay", "service": "price", "housing": "rent", "other": "sum"}


@dataclass(frozen=True, slots=True)
class Post:
    """One ad of a campaign, with its truth; the fields are columns of the table."""

    text: str
    language: str
    posted_second: int
    category: str
    location: str
    account_id: str
    price: str | None
    indicators: tuple[str, ...]
    indicators_known: tuple[str, ...]
    risk: int
    campaign_id: str
    split: str
    kind: str
    template_family: str


@dataclass(frozen=True, slots=True)
class _Contact:
    """How the author can be reached: for machines and people, and for people alone."""

    plain: str
    hidden: str
    chat: str
    email: str


def posts(
    case: Case,
    sectors: Mapping[str, Sector],
    split: str,
    number: int,
    size: int,
    seed: int,
) -> Iterator[Post]:
    """The ads of campaign `number` of a split, `size` of them.

    Everything random in it comes from `seed`, the split and the number.
    """
    rng = random.Random(f"{seed}/{split}/{number}")
    language = rng.choices(_LANGUAGES, _LANGUAGE_SHARES)[0]
    bank = load_bank(language)
    sector_name = rng.choice(case.sectors)
    sector = sectors[sector_name]
    register = rng.choices(REGISTERS, _REGISTER_SHARES)[0]
    length = target_length(register, rng)
    said = state(case, max(3, length // 55), rng)
    kind = "other" if case.notice else sector.kind
    way = rng.choices(_WAYS, _WAY_SHARES)[0]
    draft = _draft(case, bank, sector_name, kind, register, length, split, said, way, rng)
    settled = _settled(bank, rng)
    present, known = _labels(said, kind, rng)
    first, last = _window(split, rng)
    accounts = 1 + (rng.random() < 0.35) + min(size // 5, 6) * (rng.random() < 0.6)
    rotation = [_contact(bank, split, number, turn, way, rng) for turn in range(1 + (size > 3))]
    hide = "obscured_contact" in present
    for copy in range(size):
        if copy:
            draft, settled = _edited(draft, settled, bank, rng)
        contact = rng.choice(rotation)
        reach = contact.hidden if hide else contact.plain
        slots = Slots(
            settled
            | {
                "contact": reach,
                "chat": contact.hidden if hide else contact.chat,
                "obscured": contact.hidden,
                "email": contact.email,
            },
            bank,
            random.Random(draft.style),
        )
        yield Post(
            text=write(draft, slots, bank),
            language=language,
            posted_second=int(first + (last - first) * rng.random()),
            category="community" if case.notice else sector.category,
            location=settled["place"],
            account_id=f"{split[:2]}{number}-{rng.randrange(accounts)}",
            price=settled[_PRICE_SLOT[kind]] if rng.random() < 0.5 else None,
            indicators=present,
            indicators_known=known,
            risk=said.risk,
            campaign_id=f"{split[:2]}{number}",
            split=split,
            kind=kind,
            template_family=f"{case.id}/{sector_name}/{register}",
        )


def _draft(
    case: Case,
    bank: Bank,
    sector_name: str,
    kind: str,
    register: str,
    length: int,
    split: str,
    said: Statements,
    way: str,
    rng: random.Random,
) -> Draft:
    # A notice is about work but offers none, so nothing of the work stands in it.
    sector = bank.notices if case.notice else bank.sectors[sector_name]
    around, lookalikes = ((), ()) if case.notice else _surroundings(bank, split, kind, sector_name)
    fixed = [_form(bank.present[split][name], rng) for name in said.present]
    fixed += [_form(bank.absent[split][name], rng) for name in said.absent]
    fixed += _some(bank.awareness[split], case.awareness, rng)
    title, own_line = rng.choice(sector.titles)
    if rng.random() < 0.3 and not case.notice:
        title += rng.choice((", {place}", " - {place}", " ({place})"))
    reachable = any("{chat}" in form or "{obscured}" in form for form in fixed)
    forms = bank.contact["any"] + (bank.contact["phone"] if way == "phone" else ())
    contact = "" if reachable or rng.random() < 0.1 else rng.choice(forms)
    room = length - sum(len(part) + 2 for part in (title, contact, *fixed))
    hints = gather(_some(lookalikes, case.lookalikes, rng), room)
    work = [*rng.sample(sector.lines, len(sector.lines)), *rng.sample(around, len(around))]
    # Some of the work first, then whatever comes: an ad says what it is about.
    first = rng.randrange(1, 4)
    work = work[:first] + rng.sample(work[first:], len(work) - first)
    if own_line:
        work.insert(0, own_line)
    filler = gather(work, max(room - sum(len(hint) + 2 for hint in hints), SHORTEST))
    headed = kind == "job"
    return Draft(register, title, (*fixed, *hints), filler, contact, headed, rng.getrandbits(32))


def _surroundings(
    bank: Bank, split: str, kind: str, sector_name: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """General sentences and look-alikes that suit a sector."""
    around = bank.general[kind if kind in bank.general else sector_name]
    if kind == "job" and sector_name not in _HOUSEHOLD:
        around += bank.general["workplace"]
    lookalikes = bank.lookalikes[split]
    return around, lookalikes.get(kind, ()) + lookalikes.get(sector_name, ())


def _form(families: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    return rng.choice(families[rng.choice(tuple(families))])


def _some(sentences: tuple[str, ...], between: tuple[int, int], rng: random.Random) -> list[str]:
    return rng.sample(sentences, min(rng.randint(*between), len(sentences)))


def _settled(bank: Bank, rng: random.Random) -> dict[str, str]:
    slots = bank.slots
    place, place2 = rng.sample(slots["place"], 2)
    name, name2 = rng.sample(slots["name"], 2)
    settled = {"place": place, "place2": place2, "name": name, "name2": name2}
    for slot in ("pay", "high_pay", "price", "rent", "sum", "from", "employer", "year"):
        settled[slot] = rng.choice(slots[slot])
    return settled


def _contact(
    bank: Bank, split: str, number: int, turn: int, way: str, rng: random.Random
) -> _Contact:
    number = 2 * number + turn
    language = bank.language
    phone = contacts.phone(language, split, number)
    email, handle = contacts.email(split, number), contacts.handle(split, number)
    plain = contacts.plainly(phone, language, rng)
    return _Contact(
        plain={"phone": plain, "email": email, "handle": handle}[way],
        hidden=contacts.obscured(phone, language, rng),
        chat=handle if way == "handle" else plain,
        email=email,
    )


def _labels(
    said: Statements, kind: str, rng: random.Random
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Indicators present, and those that a careful reader could judge at all."""
    present = list(said.present)
    if kind in ("job", "housing") and MEANS_PROTECTION.intersection(said.absent):
        present.append("worker_protection")
    if kind == "service" and MEANS_AUTONOMY.intersection(said.absent):
        present.append("autonomy_signal")
    present = list(dict.fromkeys(present))
    asked = _BOTH + (_SERVICE_ONLY if kind == "service" else _JOB_ONLY)
    judged = [name for name in asked if rng.random() < _JUDGED]
    return tuple(present), tuple(dict.fromkeys((*present, *said.absent, *judged)))


def _window(split: str, rng: random.Random) -> tuple[int, int]:
    """First and last second of a campaign, inside its split's part of the span."""
    opens, closes = (0, TRAIN_DAYS) if split == "train" else (TRAIN_DAYS, SPAN_DAYS)
    first = opens + (closes - opens) * rng.random()
    last = min(closes, first + rng.expovariate(1 / 12))
    return int(first * _DAY), int(last * _DAY)


def _edited(
    draft: Draft, settled: Mapping[str, str], bank: Bank, rng: random.Random
) -> tuple[Draft, dict[str, str]]:
    """What the next copy changes: a place, a price, a filler sentence, the order."""
    settled = dict(settled)
    if rng.random() < 0.3:
        settled["place"] = rng.choice(bank.slots["place"])
    if rng.random() < 0.25:
        slot = rng.choice(("pay", "price", "rent", "sum", "name"))
        settled[slot] = rng.choice(bank.slots[slot])
    if rng.random() < 0.3 and len(draft.filler) > 2:
        gone = rng.randrange(len(draft.filler))
        draft = replace(draft, filler=draft.filler[:gone] + draft.filler[gone + 1 :])
    if rng.random() < 0.1:
        draft = replace(draft, style=rng.getrandbits(32))
    return draft, settled
