"""Text of one ad from the draft of its campaign.

In: a `Draft`, sentences in order with open slots, and slot values. Out: a text in one of three
registers: a terse classified, a chatty post, a formal posting.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from adrisk.synthetic.phrase_bank import CLAUSES, FastRandom, PhraseBank, Slots

REGISTERS = ("terse", "chatty", "formal")

_MEDIAN_LENGTH = {"terse": 150, "chatty": 350, "formal": 640}
_SPREAD = {"terse": 0.45, "chatty": 0.55, "formal": 0.75}
_BOUNDS = {"terse": (60, 450), "chatty": (110, 2_000), "formal": (120, 4_000)}
# Formal lengths follow the H-2, EURES and DIFrauD postings in equal parts: quartiles of about 370,
# 640 and 1,060 characters, and one in twenty longer than 2,200.

_JOINTS = (". ", ", ", " - ", "; ", " / ", ". ", "\n", " | ")
_BULLETS = ("- ", "• ", "", "", "* ", "– ")
_MARKS = ("✅ ", "👉 ", "⭐ ", "▪️ ")
_BARE = str.maketrans("áàâãäéèêëíìîïóòôõöúùûüçñÁÉÍÓÚÇÑ", "aaaaaeeeeiiiiooooouuuucnAEIOUCN")
_MOST_BULLETS = 20  # a longer list becomes paragraphs
LAYOUTS = 4
_CONTACT_SLOTS = ("{contact}", "{chat}", "{obscured}", "{email}")


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentences of a campaign with open slots, and their layout.

    `sentences` are in order. `style` is the seed of the small choices of a register, so that
    copies look alike; `layout` is below `LAYOUTS`. `fields` are the form fields of a posting, name
    and value; only a `headed` draft has headings, which are about work.
    """

    register: str
    layout: int
    title: str
    sentences: tuple[str, ...]
    contact: str
    fields: tuple[str, ...]
    headed: bool
    style: int


def target_length(register: str, kind: str, rng: random.Random) -> int:
    """The target number of characters, independent of the case."""
    length = _MEDIAN_LENGTH[register] * rng.lognormvariate(0.0, _SPREAD[register])
    if kind != "job":
        length *= 0.75
    low, high = _BOUNDS[register]
    return int(min(max(length, low), high))


def lowered(sentence: str, proper: frozenset[str]) -> str:
    """The sentence as a clause of another; "WhatsApp only" and "I work" keep their capital.

    >>> lowered("Passports stay here", frozenset()), lowered("WhatsApp only", frozenset())
    ('passports stay here', 'WhatsApp only')
    """
    word = sentence.split(" ", 1)[0].strip(".,;:!?()")
    if word in proper or word.split("'", 1)[0] in proper or not word[:1].isalpha():
        return sentence
    if any(letter.isupper() for letter in word[1:]):
        return sentence
    return sentence[0].lower() + sentence[1:]


def raised(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def write(draft: Draft, slots: Slots, bank: PhraseBank) -> str:
    """The text of one ad."""
    rng = FastRandom(draft.style)
    raw = [part for sentence in draft.sentences for part in sentence.split(CLAUSES)]
    if draft.register == "formal":
        sentences = [raised(sentence.format_map(slots)) for sentence in raw]
    else:
        sentences = _informal(raw, slots, rng)
    title = raised(draft.title.format_map(slots))
    contact = draft.contact.format_map(slots)
    if draft.register == "terse":
        return _terse(draft, title, raw, sentences, contact, bank, rng)
    if draft.register == "chatty":
        return _chatty(draft, title, sentences, contact, bank, rng)
    return _formal(draft, title, sentences, contact, slots, bank, rng)


def _informal(raw: list[str], slots: Slots, rng: random.Random) -> list[str]:
    """The filled sentences, sometimes with slips or disguised words."""
    sentences = [raised(sentence.format_map(slots)) for sentence in raw]
    draw = rng.random()
    if draw > 0.19:
        return sentences
    free = [i for i, s in enumerate(raw) if not any(slot in s for slot in _CONTACT_SLOTS)]
    change = disguise if draw < 0.06 else mistype
    for i, changed in zip(free, change([sentences[i] for i in free], rng), strict=True):
        sentences[i] = changed
    return sentences


def _terse(
    draft: Draft,
    title: str,
    raw: list[str],
    sentences: list[str],
    contact: str,
    bank: PhraseBank,
    rng: random.Random,
) -> str:
    joint = _JOINTS[2 * draft.layout + (rng.random() < 0.5)]
    if joint not in (". ", "\n") or rng.random() < 0.2:
        sentences = [
            sentence if open_[0] == "{" else lowered(sentence, bank.proper)
            for open_, sentence in zip(raw, sentences, strict=True)
        ]
    elif joint == ". ":
        sentences = [s[:-1] if s[-1] == "." else s for s in sentences]
    shout = rng.random()
    if shout < 0.2:
        title = title.upper()
    body = joint.join(sentences)
    case = rng.random()
    if case < 0.1:
        body = body.lower()
    elif case < 0.13 and "@" not in body:
        body = body.upper()
    elif case < 0.27:
        body, title = body.translate(_BARE), title.translate(_BARE)
    between = joint if rng.random() < 0.6 else rng.choice((". ", ": ", "\n"))
    text = f"{title}{between}{body}" if body else title
    if not contact:
        return text
    if joint not in (". ", "\n", " | "):
        contact = lowered(contact, bank.proper)
    if rng.random() < 0.85:
        return f"{text}{joint}{contact}"
    return f"{title}{joint}{contact}{joint}{body}" if body else f"{title}{joint}{contact}"


def _chatty(
    draft: Draft,
    title: str,
    sentences: list[str],
    contact: str,
    bank: PhraseBank,
    rng: random.Random,
) -> str:
    wow = " !" if bank.language == "fr" else "!"
    ends = rng.choices((".", wow, "...", " :)"), (84, 10, 4, 2), k=len(sentences))
    if draft.layout == 3 and draft.style % 2:
        mark = rng.choice(_MARKS)
        lines = [mark + sentence for sentence in sentences]
        if contact:
            lines.append(contact)
        return "\n".join([title, *lines])
    marked = [_ended(sentence, end) for sentence, end in zip(sentences, ends, strict=True)]
    for at in range(1, len(marked)):
        if rng.random() < 0.05:
            marked[at] = f"{rng.choice(bank.style.links)} {lowered(marked[at], bank.proper)}"
    if contact:
        end = rng.choice((".", ".", "", wow))
        marked.insert(len(marked) if rng.random() < 0.8 else len(marked) // 2, f"{contact}{end}")
    if draft.layout < 2:
        marked.insert(0, f"{rng.choice(bank.greetings)}{rng.choice((wow, '.', ',', ' :)'))}")
        if marked[0][-1] == "," and len(marked) > 1:
            marked[1] = lowered(marked[1], bank.proper)
    if rng.random() < 0.45:
        marked.append(f"{rng.choice(bank.closers)}{rng.choice((wow, '.', ''))}")
    if len(marked) > 5 and rng.random() < 0.5:
        marked.insert(rng.randrange(2, len(marked) - 1), "\n")
    text = " ".join(marked).replace(" \n ", rng.choice(("\n", "\n\n")))
    return f"{title}\n{text}"


def _formal(
    draft: Draft,
    title: str,
    sentences: list[str],
    contact: str,
    slots: Slots,
    bank: PhraseBank,
    rng: random.Random,
) -> str:
    fields = [field.format_map(slots) for field in draft.fields]
    bullet = rng.choice(_BULLETS) if len(sentences) <= _MOST_BULLETS else ""
    with_headings = draft.headed and draft.layout < 2 and len(sentences) > 5
    upper, colon = rng.random() < 0.25, rng.random() < 0.4
    lines = [title.upper() if rng.random() < 0.15 else title, ""]
    if fields and draft.layout != 1:
        lines += [*fields, ""] if draft.layout else [". ".join(fields) + ".", ""]
    if with_headings:
        parts = min(5, max(2, len(sentences) // 5))
        headings = rng.sample(bank.headings, parts)
    else:
        parts = max(1, min(6, len(sentences) // 6))
        headings = []
    size = max(1, -(-len(sentences) // parts))
    for number, first in enumerate(range(0, len(sentences), size)):
        part = sentences[first : first + size]
        if headings:
            heading = headings[number].upper() if upper else headings[number]
            lines.append(f"{heading}:" if colon else heading)
        if bullet and (headings or draft.layout == 2):
            lines += [bullet + sentence for sentence in part]
        else:
            lines.append(" ".join([_ended(sentence, ".") for sentence in part]))
        lines.append("")
    if contact:
        lines += [_ended(contact, "."), ""]
    if fields and draft.layout == 1:
        lines.append(" ".join([f"{field}." for field in fields]))
    return "\n".join(lines).strip()


def _ended(sentence: str, end: str) -> str:
    return sentence if sentence[-1] in ".!?:)" else sentence + end


_ZERO_WIDTH = ("\u200b", "\u200c", "\u2060")
_LOOKALIKE = str.maketrans("aeopcx", "аеорсх")
_LEET = str.maketrans("aeiost", "4310$7")
_SHORTEST = 5  # letters of a word that may be changed


def mistype(sentences: list[str], rng: random.Random) -> list[str]:
    """The sentences with one or two typing slips."""
    return _changed(sentences, rng.randint(1, 2), _slip, rng)


def disguise(sentences: list[str], rng: random.Random) -> list[str]:
    """The sentences with a few words in a writing that a simple pattern misses."""
    return _changed(sentences, rng.randint(2, 5), rng.choice(_DISGUISES), rng)


def _changed(
    sentences: list[str],
    times: int,
    change: Callable[[str, random.Random], str],
    rng: random.Random,
) -> list[str]:
    sentences = list(sentences)
    for _ in range(times if sentences else 0):
        at = rng.randrange(len(sentences))
        words = sentences[at].split(" ")
        long = [i for i, word in enumerate(words) if len(word) >= _SHORTEST and word.isalpha()]
        if long:
            chosen = rng.choice(long)
            words[chosen] = change(words[chosen], rng)
            sentences[at] = " ".join(words)
    return sentences


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 2)
    if rng.random() < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :]


def _split_unseen(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + rng.choice(_ZERO_WIDTH) + word[at:]


def _lookalike(word: str, rng: random.Random) -> str:
    return word.translate(_LOOKALIKE)


def _leet(word: str, rng: random.Random) -> str:
    return word.translate(_LEET)


def _dotted(word: str, rng: random.Random) -> str:
    return rng.choice(".-* ").join(word)


_DISGUISES = (_split_unseen, _lookalike, _leet, _dotted)
