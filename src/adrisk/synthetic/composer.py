"""Composition of a campaign's text: title, statements and surrounding sentences.

In: the statements of a campaign, a phrase bank and a target length. Out: a `Draft` with open slots,
and a `Plan`, from which copies are made with one sentence fewer or in another order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from adrisk.synthetic.cases import MEDIUM, STRONG, Case, CaseBook, Statements
from adrisk.synthetic.phrase_bank import CLAUSES, FastRandom, PhraseBank
from adrisk.synthetic.writer import LAYOUTS, Draft, lowered, raised

_HOUSEHOLD = ("care", "au_pair")
_PERSONAL = frozenset(("off_platform_contact", "unidentified_employer", "obscured_contact"))
_FIELDS = ("place", "pay", "hours", "posts", "start", "reference")
_MONEY = frozenset(("pay", "rent", "sum", "price"))
_COMMON = "common"  # the family of common wordings
_COMMON_SHARE = 0.7
_MATTERS = STRONG | MEDIUM
_REPETITIONS = (1, 2, 2, 2, 3)  # wordings of one statement
_LEAST_ROOM = 40
_MOST_FILLER = {"goods": 9, "trades": 11, "service": 14, "housing": 16, "marriage": 13, "spam": 9}
_MOST_FOR_WORK = 60  # sentences around the statements in ads for work
_MOST_WORK = 7  # sentences about the work itself

# Ranges of positions of a sentence in an ad, from 0 to 1.
_FIRST = (0.0, 0.0)
_WORK = (0.02, 0.6)
_AROUND = (0.25, 1.0)
_STATED = (0.1, 1.0)
_LATE = (0.6, 1.1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, its range of positions, and whether an edit may drop it."""

    text: str
    early: float
    late: float
    droppable: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A draft and its pieces."""

    draft: Draft
    pieces: tuple[Piece, ...]

    def restyled(self, rng: random.Random) -> Plan:
        """The plan with another order and style."""
        style = rng.getrandbits(32)
        order = _ordered(self.pieces, FastRandom(style))
        return Plan(replace(self.draft, sentences=order, style=style), self.pieces)

    def shortened(self, rng: random.Random) -> Plan:
        """The plan without one sentence that carries no label, if there are at least three."""
        free = [piece for piece in self.pieces if piece.droppable]
        if len(free) < 3:
            return self
        dropped = rng.choice(free)
        pieces = tuple(piece for piece in self.pieces if piece is not dropped)
        order = tuple(text for text in self.draft.sentences if text != dropped.text)
        return Plan(replace(self.draft, sentences=order), pieces)


@dataclass(frozen=True, slots=True)
class Setting:
    """The attributes of a campaign that its draft depends on."""

    bank: PhraseBank
    sector: str
    kind: str
    like: str
    split: str
    register: str
    length: int
    channel: str


def plan(
    case: Case, truth: Statements, setting: Setting, book: CaseBook, rng: random.Random
) -> tuple[Plan, bool]:
    """The plan of a campaign, and whether any of its words mislead.

    Misleading are look-alikes, denials, and quotations of indicators in a warning.
    """
    bank, split = setting.bank, setting.split
    names, forms = _forms(truth, bank, split, rng)
    quoted = rng.sample(bank.awareness[split], rng.choice(case.awareness))
    used = {topic for text in (*forms, *quoted) for topic in bank.topics_of(text)}
    stated = [_clauses(form, bank, rng) for form in forms]
    for name in truth.present:
        used |= book.blocks.get(name, frozenset())
    # A notice is about work but offers none, so it has no sentences of a sector.
    sector = bank.notices if case.notice else bank.sectors[setting.sector]
    hints = [] if case.notice else _hints(case, setting, used, rng)
    own_title, own_line = _titled(sector.titles, hints, used, bank, rng)
    title = _title(own_title, setting, case, used, rng)
    contact = _contact(stated, setting, rng)
    pieces = [Piece(text, *_STATED, droppable=False) for text in quoted]
    for name, text in zip(names, stated, strict=True):
        pieces.append(Piece(text, *(_LATE if name in _PERSONAL else _STATED), droppable=False))
    if own_line:
        pieces.append(Piece(own_line, *_FIRST, droppable=False))
    pieces += [Piece(_clauses(text, bank, rng), *_STATED, droppable=False) for text in hints]
    room = setting.length - len(title) - len(contact) - sum(len(p.text) + 2 for p in pieces)
    pieces += _filler(sector.lines, case, setting, used, max(room, _LEAST_ROOM), rng)
    style = rng.getrandbits(32)
    draft = Draft(
        register=setting.register,
        layout=rng.randrange(LAYOUTS),
        title=title,
        sentences=_ordered(pieces, FastRandom(style)),
        contact=contact,
        fields=_fields(setting, case, used, rng),
        headed=setting.like in ("job", "modelling") and not case.notice,
        style=style,
    )
    return Plan(draft, tuple(pieces)), bool(hints or quoted or truth.absent)


def _forms(
    truth: Statements, bank: PhraseBank, split: str, rng: random.Random
) -> tuple[list[str], list[str]]:
    """The indicators stated and denied, and a sentence for each.

    Strong and medium indicators are often stated several times in other words.
    """
    names: list[str] = []
    forms: list[str] = []
    for name in truth.present:
        times = rng.choice(_REPETITIONS) if name in _MATTERS else 1
        for form in dict.fromkeys(_form(bank.present[split][name], rng) for _ in range(times)):
            names.append(name)
            forms.append(form)
    names += truth.absent
    forms += [_form(bank.absent[split][name], rng) for name in truth.absent]
    return names, forms


def _form(families: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    if _COMMON in families and rng.random() < _COMMON_SHARE:
        return rng.choice(families[_COMMON])
    return rng.choice(families[rng.choice(tuple(families))])


def _clauses(form: str, bank: PhraseBank, rng: random.Random) -> str:
    """The two clauses of a form, in either order, in one sentence or two."""
    if CLAUSES not in form:
        return form
    first, second = form.split(CLAUSES, 1)
    if rng.random() < 0.4:
        first, second = second, first
    first = raised(first)
    if rng.random() < 0.4:
        return f"{first}{CLAUSES}{raised(second)}"
    return f"{first}{rng.choice((', ', ', ', ' - ', '; '))}{lowered(second, bank.proper)}"


def _titled(
    titles: tuple[tuple[str, str], ...],
    hints: list[str],
    used: set[str],
    bank: PhraseBank,
    rng: random.Random,
) -> tuple[str, str]:
    """A title and its line, of the trade of a look-alike if there is one."""
    about = {topic for text in hints for topic in bank.topics_of(text)}
    fitting = [pair for pair in titles if not about.isdisjoint(bank.title_topics[pair])]
    title, line = rng.choice(fitting or titles)
    if line:
        used |= bank.topics_of(line)
    return title, line


def _title(title: str, setting: Setting, case: Case, used: set[str], rng: random.Random) -> str:
    if case.notice:
        return title
    styles = setting.bank.style.titles
    style = rng.choice(styles["any"] + styles.get(setting.like, ()))
    conflicting = any("{" + slot + "}" in style for slot in _MONEY.intersection(used))
    repeating = not _words(style).isdisjoint(_words(title))
    return title if conflicting or repeating else style.replace("{title}", title)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word != "title"}


def _contact(stated: list[str], setting: Setting, rng: random.Random) -> str:
    shown = any("{chat}" in form or "{obscured}" in form for form in stated)
    if shown or rng.random() < 0.08:
        return ""
    forms = setting.bank.contact
    return rng.choice(forms["any"] + (forms["phone"] if setting.channel == "phone" else ()))


def _hints(case: Case, setting: Setting, used: set[str], rng: random.Random) -> list[str]:
    """Look-alikes whose topics differ from those of the statements."""
    count = rng.choice(case.lookalikes)
    if not count:
        return []
    pool = setting.bank.lookalikes[setting.split]
    of_sector = pool.get(setting.sector, ())
    of_kind = pool.get(setting.like, ())
    # Look-alikes of the sector are few and fit best.
    offered = rng.sample(of_sector, len(of_sector))[:2] + rng.sample(of_kind, len(of_kind))
    chosen: list[str] = []
    for text in offered:
        topics = setting.bank.topics_of(text)
        if topics.isdisjoint(used):
            chosen.append(text)
            used |= topics
            if len(chosen) == count:
                break
    return chosen


def _filler(
    lines: tuple[str, ...],
    case: Case,
    setting: Setting,
    used: set[str],
    room: int,
    rng: random.Random,
) -> list[Piece]:
    """Sentences to fill the room, a few about the work itself first."""
    bank = setting.bank
    waiting = [] if case.notice else list(_around(setting))
    of_work = frozenset(lines)
    first = rng.sample(lines, min(rng.randrange(1, 4), len(lines)))
    waiting += [text for text in lines if text not in first]
    kept: list[Piece] = []
    most = _MOST_FILLER.get(setting.like, _MOST_FOR_WORK)
    tasks = 0
    while first or waiting:
        text = first.pop() if first else _drawn(waiting, rng)
        tasks += text in of_work
        topics = bank.topics_of(text)
        if not topics.isdisjoint(used) or (text in of_work and tasks > _MOST_WORK):
            continue
        room -= len(text) + 2
        if (room < 0 and kept) or len(kept) == most:
            break
        used |= topics
        position = _WORK if text in of_work else _AROUND
        kept.append(Piece(_clauses(text, bank, rng), *position, droppable=True))
    return kept


def _drawn(waiting: list[str], rng: random.Random) -> str:
    """A random sentence, removed from the list, whose order changes."""
    at = int(rng.random() * len(waiting))
    waiting[at], waiting[-1] = waiting[-1], waiting[at]
    return waiting.pop()


def _around(setting: Setting) -> tuple[str, ...]:
    """General sentences that suit a sector."""
    general = setting.bank.general
    around = general.get(setting.like, ())
    if setting.like == "job" and setting.sector not in _HOUSEHOLD:
        around += general["workplace"]
    return around


def _fields(setting: Setting, case: Case, used: set[str], rng: random.Random) -> tuple[str, ...]:
    """The form fields of a posting about work, if it has any."""
    if setting.register != "formal" or setting.like != "job" or case.notice or rng.random() < 0.45:
        return ()
    values = {
        "place": "{place}",
        "pay": "{pay}",
        "hours": "{short_hours}",
        "posts": "{n}",
        "start": f"{rng.randrange(1, 29):02d}/{rng.randrange(1, 13):02d}/2026",
        "reference": f"{rng.randrange(1_000, 99_999)}-{rng.choice('ABCDEFGH')}",
    }
    names = [n for n in _FIELDS if rng.random() < 0.6 and values[n].strip("{}") not in used]
    colon = " : " if setting.bank.language == "fr" else ": "
    return tuple(f"{setting.bank.style.fields[n]}{colon}{values[n]}" for n in names)


def _ordered(pieces: Iterable[Piece], rng: random.Random) -> tuple[str, ...]:
    placed = [(p.early + (p.late - p.early) * rng.random(), p.text) for p in pieces]
    placed.sort()
    return tuple([text for _, text in placed])
