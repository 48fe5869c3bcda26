"""Write the text of one ad from what a campaign decided to say.

In: a `Draft`, sentences with their slots still open, and slot values. Out: a text in one of three
registers: a terse classified, a chatty post, a formal posting.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from adrisk.synthetic.bank import Bank, Slots

REGISTERS = ("terse", "chatty", "formal")

_MEDIAN_LENGTH = {"terse": 190, "chatty": 520, "formal": 900}
_SPREAD = {"terse": 0.55, "chatty": 0.5, "formal": 0.45}
SHORTEST, LONGEST = 60, 2_500

_PROPER = frozenset(("Telegram", "Signal", "Viber"))
_BARE = str.maketrans("áàâãäéèêëíìîïóòôõöúùûüçñÁÉÍÓÚÇÑ", "aaaaaeeeeiiiiooooouuuucnAEIOUCN")


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentences of a campaign, slots open, and the way in which they are set.

    `fixed` sentences are those an edit must not drop: they carry what the labels say. `style` is
    the seed of the small choices of a register, so that copies look alike. Only a `headed` draft
    has headings, which are about work, when it is set as a formal posting.
    """

    register: str
    title: str
    fixed: tuple[str, ...]
    filler: tuple[str, ...]
    contact: str
    headed: bool
    style: int


def target_length(register: str, rng: random.Random) -> int:
    """Characters to aim at; drawn without regard to the case, so that length tells nothing."""
    length = _MEDIAN_LENGTH[register] * rng.lognormvariate(0.0, _SPREAD[register])
    return int(min(max(length, SHORTEST), LONGEST))


def gather(sentences: Sequence[str], room: int) -> tuple[str, ...]:
    """As many of the sentences, in order, as fit into this many characters."""
    taken = []
    for sentence in sentences:
        room -= len(sentence) + 2
        if room < 0:
            break
        taken.append(sentence)
    return tuple(taken)


def write(draft: Draft, slots: Slots, bank: Bank) -> str:
    """The text of one ad."""
    rng = random.Random(draft.style)
    body = [*draft.fixed, *draft.filler]
    rng.shuffle(body)
    title = draft.title.format_map(slots)
    sentences = [sentence.format_map(slots) for sentence in body]
    contact = draft.contact.format_map(slots)
    if draft.register == "terse":
        return _terse(title, sentences, contact, rng)
    if draft.register == "chatty":
        return _chatty(title, sentences, contact, bank, rng)
    return _formal(draft, title, sentences, contact, bank, rng)


def _terse(title: str, sentences: list[str], contact: str, rng: random.Random) -> str:
    joint = rng.choice((". ", ", ", " - ", "; ", " / ", ". ", "\n"))
    if joint != ". ":
        sentences = [_uncapitalised(sentence) for sentence in sentences]
    if rng.random() < 0.25:
        title = title.upper()
    parts = [title, *sentences]
    if contact:
        parts.insert(len(parts) if rng.random() < 0.8 else 1, contact)
    text = joint.join(parts)
    if rng.random() < 0.12:
        text = text.lower()
    if rng.random() < 0.15:
        text = text.translate(_BARE)
    return text


def _chatty(title: str, sentences: list[str], contact: str, bank: Bank, rng: random.Random) -> str:
    ends = rng.choices((".", "!", "...", " :)"), (80, 12, 5, 3), k=len(sentences))
    marked = [_ended(sentence, end) for sentence, end in zip(sentences, ends, strict=True)]
    if contact:
        marked.insert(len(marked) if rng.random() < 0.75 else len(marked) // 2, f"{contact}.")
    if rng.random() < 0.6:
        marked.insert(0, f"{rng.choice(bank.greetings)}{rng.choice(('!', '.', ' :)'))}")
    if rng.random() < 0.45:
        marked.append(f"{rng.choice(bank.closers)}{rng.choice(('!', '.', ''))}")
    if rng.random() < 0.35 and len(marked) > 4:
        marked.insert(rng.randrange(2, len(marked) - 1), "\n")
    text = " ".join(marked).replace(" \n ", "\n\n")
    return f"{title}\n{text}"


def _formal(
    draft: Draft, title: str, sentences: list[str], contact: str, bank: Bank, rng: random.Random
) -> str:
    headings = rng.sample(bank.headings, rng.choice((2, 3, 3)))
    with_headings = draft.headed and len(sentences) > 4
    bullet = rng.choice(("- ", "• ", "", "* "))
    lines = [title, ""]
    size = max(2, -(-len(sentences) // len(headings)))
    for number, first in enumerate(range(0, len(sentences), size)):
        part = sentences[first : first + size]
        if with_headings:
            lines.append(headings[number])
        if bullet:
            lines += [bullet + sentence for sentence in part]
        else:
            lines.append(" ".join([_ended(sentence, ".") for sentence in part]))
        lines.append("")
    if contact:
        lines.append(_ended(contact, "."))
    return "\n".join(lines).strip()


def _ended(sentence: str, end: str) -> str:
    return sentence if sentence[-1] in ".!?" else sentence + end


def _uncapitalised(sentence: str) -> str:
    # "WhatsApp only" and "I work alone" keep their capital.
    word = sentence.split(" ", 1)[0]
    if word in _PROPER or not word[1:].islower():
        return sentence
    return sentence[0].lower() + sentence[1:]
