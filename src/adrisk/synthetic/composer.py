"""Choose the words of a campaign: its title, its statements, and what stands around them.

In: what the author states, a bank, and a length to aim at. Out: a `Draft` whose slots are open,
and `Plan`, from which later copies are drafted anew with a sentence fewer or in another order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from adrisk.synthetic.cases import MEDIUM, STRONG, Book, Case, Statements
from adrisk.synthetic.phrase_bank import CLAUSES, PhraseBank
from adrisk.synthetic.rng import Dice
from adrisk.synthetic.writer import LAYOUTS, Draft, lowered, raised

_HOUSEHOLD = ("care", "au_pair")
_PERSONAL = frozenset(("off_platform_contact", "unidentified_employer", "obscured_contact"))
_FIELDS = ("place", "pay", "hours", "posts", "start", "reference")
_MONEY = frozenset(("pay", "rent", "sum", "price"))
_COMMON = "common"  # the family of how most people put it
_COMMON_SHARE = 0.7
_MATTERS = STRONG | MEDIUM
_SAID = (1, 2, 2, 2, 3)  # how many times, in other words each time
_LEAST_ROOM = 40
_MOST_FILLER = {"goods": 9, "trades": 11, "service": 14, "housing": 16, "marriage": 13, "spam": 9}
_MOST_FOR_WORK = 60  # sentences around the statements; who sells a mower writes fewer
_MOST_WORK = 7  # sentences about the work itself; more would be the work of several people

# Where in an ad a sentence may stand, from 0 to 1.
_FIRST = (0.0, 0.0)
_WORK = (0.02, 0.6)
_AROUND = (0.25, 1.0)
_STATED = (0.1, 1.0)
_LATE = (0.6, 1.1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, between which marks of the ad it may stand, and if an edit may drop it."""

    text: str
    early: float
    late: float
    droppable: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A draft and the pieces it was made of."""

    draft: Draft
    pieces: tuple[Piece, ...]

    def restyled(self, rng: random.Random) -> Plan:
        """The same said in another order and another dress."""
        style = rng.getrandbits(32)
        order = _ordered(self.pieces, Dice(style))
        return Plan(replace(self.draft, sentences=order, style=style), self.pieces)

    def shortened(self, rng: random.Random) -> Plan:
        """Without one of the sentences that carry no label, where one can go."""
        free = [piece for piece in self.pieces if piece.droppable]
        if len(free) < 3:
            return self
        gone = rng.choice(free)
        pieces = tuple(piece for piece in self.pieces if piece is not gone)
        order = tuple(text for text in self.draft.sentences if text != gone.text)
        return Plan(replace(self.draft, sentences=order), pieces)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a draft needs to know of its campaign."""

    bank: PhraseBank
    sector: str
    kind: str
    like: str
    split: str
    register: str
    length: int
    way: str


def plan(
    case: Case, said: Statements, setting: Setting, book: Book, rng: random.Random
) -> tuple[Plan, bool]:
    """The words of a campaign, and whether any of them is there to mislead.

    Misleading are look-alikes, denials, and quotations of indicators in a warning.
    """
    bank, split = setting.bank, setting.split
    names, forms = _forms(said, bank, split, rng)
    quoted = rng.sample(bank.awareness[split], rng.choice(case.awareness))
    used = {topic for text in (*forms, *quoted) for topic in bank.topics_of(text)}
    stated = [_clauses(form, bank, rng) for form in forms]
    for name in said.present:
        used |= book.blocks.get(name, frozenset())
    # A notice is about work but offers none, so nothing of the work stands in it.
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
        sentences=_ordered(pieces, Dice(style)),
        contact=contact,
        fields=_boxes(setting, case, used, rng),
        headed=setting.like in ("job", "modelling") and not case.notice,
        style=style,
    )
    return Plan(draft, tuple(pieces)), bool(hints or quoted or said.absent)


def _forms(
    said: Statements, bank: PhraseBank, split: str, rng: random.Random
) -> tuple[list[str], list[str]]:
    """What is stated and denied in words, each with the indicator it speaks of.

    Whoever says something that matters often says it again in other words.
    """
    names: list[str] = []
    forms: list[str] = []
    for name in said.present:
        times = rng.choice(_SAID) if name in _MATTERS else 1
        for form in dict.fromkeys(_form(bank.present[split][name], rng) for _ in range(times)):
            names.append(name)
            forms.append(form)
    names += said.absent
    forms += [_form(bank.absent[split][name], rng) for name in said.absent]
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
    """A title and its line, of the trade that a look-alike speaks of where there is one."""
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
    ways = styles["any"] + styles.get(setting.like, ())
    way = rng.choice(ways)
    settled_elsewhere = any("{" + slot + "}" in way for slot in _MONEY.intersection(used))
    said_twice = not _words(way).isdisjoint(_words(title))
    return title if settled_elsewhere or said_twice else way.replace("{title}", title)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word != "title"}


def _contact(stated: list[str], setting: Setting, rng: random.Random) -> str:
    shown = any("{chat}" in form or "{obscured}" in form for form in stated)
    if shown or rng.random() < 0.08:
        return ""
    ways = setting.bank.contact
    return rng.choice(ways["any"] + (ways["phone"] if setting.way == "phone" else ()))


def _hints(case: Case, setting: Setting, used: set[str], rng: random.Random) -> list[str]:
    """Look-alikes that gainsay nothing of what is stated."""
    wanted = rng.choice(case.lookalikes)
    if not wanted:
        return []
    pool = setting.bank.lookalikes[setting.split]
    mine = pool.get(setting.sector, ())
    pool_of_kind = pool.get(setting.like, ())
    # Those of the sector are few and fit best.
    offered = rng.sample(mine, len(mine))[:2] + rng.sample(pool_of_kind, len(pool_of_kind))
    chosen: list[str] = []
    for text in offered:
        topics = setting.bank.topics_of(text)
        if topics.isdisjoint(used):
            chosen.append(text)
            used |= topics
            if len(chosen) == wanted:
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
    """Some of the work first, then whatever comes, as much as fits: an ad says what it is about."""
    bank = setting.bank
    waiting = [] if case.notice else list(_around(setting))
    mine = frozenset(lines)
    first = rng.sample(lines, min(rng.randrange(1, 4), len(lines)))
    waiting += [text for text in lines if text not in first]
    kept: list[Piece] = []
    most = _MOST_FILLER.get(setting.like, _MOST_FOR_WORK)
    tasks = 0
    while first or waiting:
        text = first.pop() if first else _drawn(waiting, rng)
        tasks += text in mine
        topics = bank.topics_of(text)
        if not topics.isdisjoint(used) or (text in mine and tasks > _MOST_WORK):
            continue
        room -= len(text) + 2
        if (room < 0 and kept) or len(kept) == most:
            break
        used |= topics
        where = _WORK if text in mine else _AROUND
        kept.append(Piece(_clauses(text, bank, rng), *where, droppable=True))
    return kept


def _drawn(waiting: list[str], rng: random.Random) -> str:
    """One of the sentences, taken out; their order does not matter."""
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


def _boxes(setting: Setting, case: Case, used: set[str], rng: random.Random) -> tuple[str, ...]:
    """The boxes of a posting about work, where its form has any."""
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
