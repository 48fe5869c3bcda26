"""The notation in which people write rules, and what a machine needs to find them.

In: a pattern such as "{we} (will )?keep<3>{papers}". Out: a compiled regular expression over plain
text (see `plain.py`), and sets of words: a text that holds no word of a set cannot match.

    a space     anything between two words of one sentence; an apostrophe too
    <n>         at most n words between (n from 0 to 9)
    <sum>       an amount of money
    <begin>     the beginning of the sentence: no word and no comma stands before
    <end>       the end of the clause
    (a|b)       one of these; (a )? may be missing, and so may the letter before a ?; (a )* may
                come any number of times
    {name}      a slot: the words that the language's file lists under `slots`
    *           any further letters of the word; deduct* is deduct, deducted, deduction
    -           a hyphen, a space or nothing; e-mail is email, e-mail and e mail
    [0-9]       one of these characters
    [a-z]*      any one word; a name of two is one, such as Anne-Marie, El Salvador or Cape Verde

Where a pattern names people of one gender, it finds those of the other as well: the language's file
lists the words that correspond under `genders`, and the whole pattern is read with them exchanged
too, so that "he sets her prices" is also "she sets his prices", and not "she sets her prices".

A pattern begins and ends at a word's border. Accents may be written or not: nobody types them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from adrisk.rules.pattern_pieces import (
    LAST_GAP,
    Piece,
    Words,
    closed,
    commonness,
    either,
    joined,
    letters,
    optional,
)
from adrisk.rules.plain_text import bare

# Plain text has no capitals, so these classes, which `re` compiles soonest, are letters and digits.
_WORD = r"[\w%$]++"
_END = r"(?=\W*\Z| ?[,:(])"
_BEGIN = r"(?<![a-z0-9_%$,;])(?<![a-z0-9_%$,;] )"
_BEFORE = r"(?:(?:r|us|a|ca|mx)?\$|eur|euros?|usd|gbp|brl|mxn|cop|ars|cad|aud)[ ]?"
_AMOUNT = r"[0-9](?:[0-9., ]*[0-9])?"
_AFTER = (
    r"[ ]?(?:de )?(?:\$|k\b|mil\b|euros?|eur|usd|gbp|brl|mxn|cop|ars|cad|aud|pounds?|dollars?"
    r"|dolares?|reais|pesos?|quid|bucks|thousand|million|millones|milhoes)"
)
# A bare number is money from three digits on: 12 is months or hours.
_SUM = rf"(?:{_BEFORE}{_AMOUNT}(?:{_AFTER})?|{_AMOUNT}{_AFTER}|[0-9][0-9., ]?[0-9][0-9., ]*[0-9])"
# A name of two words must not pass where one of one word does not: no place, nation or person is
# noticed sooner than another. These begin such names.
_BEFORE_NAMES = (
    "anna|anne|baja|belo|buenos|cabo|cape|cidade|ciudad|costa|cote d|dominican|east|el|guine|hong"
    "|ivory|jean|jose|juan|juiz de|la|las|le|les|los|luz|mar del|marc|maria|marie|mexico|mont|new"
    "|north|nova|nueva|nuevo|port|porto|puerto|republica|republique|ribeirao|rio|saint|sainte|san"
    "|santa|santo|sao|saudi|sierra|south|sri|st|united|vila|villa|west"
)
_NAME = rf"(?:(?:{_BEFORE_NAMES})[ '-])?[a-z]\w*+(?:-[a-z]\w*+)?"
_ANY_WORD = "[a-z]*"
_SPECIAL = set("()|{}<>[]*- ?")
_LETTERS = re.compile(r"[a-z0-9]+(?!\?)")  # a ? belongs to the letter before it


@dataclass(frozen=True, slots=True)
class Phrase:
    """One pattern: a text is worth searching if it holds a word of every set in `needs`.

    The sets are in order: the first is that whose words are thought to be the rarest.
    """

    regex: str
    needs: tuple[Words, ...]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled once a process, and only if it is ever searched: most never are."""
        return _compiled(self.regex)


_BLANK = Piece(LAST_GAP, gap=True, begins=True, ends=True)


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.ASCII)


class NotationError(ValueError):
    """A pattern that cannot be read; the message says where."""


class Slots(dict[str, str]):
    """The words under each slot's name; what has been read of them is kept for the next pattern.

    Args:
        texts: name -> words.
        people: a word for a person of one gender -> the notation of its counterparts; the other
            way round it holds too.
        agreeing: a word that agrees with one -> the notation of the same beside the other.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        people: Mapping[str, str] | None = None,
        agreeing: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(texts)
        self.parts: dict[tuple[str, frozenset[str], bool], tuple[Piece, int]] = {}
        self._both: dict[str, bool] = {}
        self.counterparts = _counterparts(people or {})
        # What agrees with a person in one place may stand beside a thing in another.
        self.agreeing = {
            word: f"{word}|{other}" for word, other in _counterparts(agreeing or {}).items()
        }

    def names_both(self, name: str) -> bool:
        """Whether a slot names for every word for a person a counterpart: nothing is missing."""
        if name not in self._both:
            words = set(re.findall("[a-z]+", bare(self[name])))
            self._both[name] = all(
                words & set(re.findall("[a-z]+", self.counterparts[word]))
                for word in words & self.counterparts.keys()
            )
        return self._both[name]


def _counterparts(pairs: Mapping[str, str]) -> dict[str, str]:
    """Word -> the notation of its counterparts, both ways; but no way leads back to a phrase."""
    both: dict[str, list[str]] = {}
    for one, others in pairs.items():
        for other in bare(others).split("|"):
            both.setdefault(bare(one), []).append(other)
            if other.isalnum():
                both.setdefault(other, []).append(bare(one))
    return {word: "|".join(dict.fromkeys(others)) for word, others in both.items()}


def phrases(notation: str, slots: Mapping[str, str]) -> list[Phrase]:
    """The phrases of a pattern: one for each of its outermost alternatives.

    One that names people is followed by another that names those of the other gender.

    >>> (phrase,) = phrases("papers?<2>after", {})
    >>> bool(phrase.pattern.search("your papers come much after"))
    True
    >>> [sorted(words) for words in phrase.needs]
    [['after'], ['paper', 'papers']]

    Many patterns are read several times as fast with the same `Slots` for all.

    Raises:
        NotationError: if the pattern cannot be read.
    """
    known = slots if isinstance(slots, Slots) else Slots(slots)
    reader = _Reader(notation, known)
    parts = reader.alternatives()
    if reader.at < len(reader.text):
        raise NotationError(f"')' without '(' at character {reader.at + 1} of {notation!r}")
    if reader.people:
        parts += _Reader(notation, known, exchanged=True).counterparts()
    return [_phrase(part, notation) for part in dict.fromkeys(parts)]


def _phrase(part: Piece, notation: str) -> Phrase:
    if not part.regex:
        raise NotationError(f"an alternative of {notation!r} is empty")
    regex = rf"(?<!\w)(?:{part.regex})(?!\w)"
    return Phrase(regex, tuple(sorted(set(closed(part)), key=commonness)))


class _Reader:
    """Reads a pattern from left to right; one method for each level of nesting."""

    def __init__(
        self,
        notation: str,
        slots: Slots,
        within: frozenset[str] = frozenset(),
        *,
        exchanged: bool = False,
    ) -> None:
        # In plain text œ is the one letter o, as everything stays at its place.
        spelt = re.sub(r"\s*(<[0-9]>)\s*", r"\1", notation.strip())
        self.text = bare(spelt.replace("œ", "oe?"))
        self.slots = slots
        self.within = within  # names of the slots that are being read
        self.exchanged = exchanged  # whether people are read as those of the other gender
        self.people = 0  # named so far, but for those of slots that name both genders
        self.at = 0

    def alternatives(self) -> list[Piece]:
        """What stands between | signs, up to a ) or the end."""
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts

    def counterparts(self) -> list[Piece]:
        """The outermost alternatives that name people, with the words of the other gender."""
        parts: list[Piece] = []
        while True:
            before = self.people
            part = self._sequence()
            if self.people > before:
                parts.append(part)
            if not self._take("|"):
                return parts

    def _sequence(self) -> Piece:
        parts: list[Piece] = []
        text, size, run_at = self.text, len(self.text), _LETTERS.match
        while self.at < size and text[self.at] not in "|)":
            if self._is_word_of_any_letters():
                self.at += len(_ANY_WORD)
                parts.append(Piece(_NAME))
            elif run := run_at(text, self.at):
                self.at = run.end()
                parts.append(self._word(run.group()))
            else:
                parts.append(self._repeated(self._atom()))
        return joined(parts)

    def _is_word_of_any_letters(self) -> bool:
        stop = self.at + len(_ANY_WORD)
        return (
            self.text.startswith(_ANY_WORD, self.at)
            and not self.text[self.at - 1 : self.at].isalnum()
            and not self.text[stop : stop + 1].isalnum()
        )

    def _atom(self) -> Piece:
        sign = self.text[self.at]
        if sign == "(":
            return self._group()
        if sign == "{":
            return self._slot()
        if sign == "<":
            return self._angle()
        if sign == "[":
            return self._class()
        self.at += 1
        if sign == " ":
            return _BLANK
        if sign == "'":
            return Piece("[' ]++", gap=True, begins=True, ends=True)
        if sign == "*":
            return Piece(r"\w*+", frozenset("*"))
        if sign == "-":
            return Piece(r"\W?", frozenset("*"))
        if sign in _SPECIAL:
            raise NotationError(f"{sign!r} at character {self.at} of {self.text!r} is out of place")
        if not sign.isalnum():
            return Piece(re.escape(sign), gap=True, begins=True, ends=True)
        return letters(sign)

    def _group(self) -> Piece:
        self.at += 1
        parts = self.alternatives()
        if not self._take(")"):
            raise NotationError(f"'(' without ')' in {self.text!r}")
        return either(parts)

    def _slot(self) -> Piece:
        name = self._until("}")
        known = self.slots.keys() - self.within
        if name not in known:
            raise NotationError(
                f"there is no slot {name!r}; the file has {', '.join(sorted(known)) or 'none'}"
            )
        within = self.within | {name}
        both = self.slots.names_both(name)
        exchanged = self.exchanged and not both
        if (name, within, exchanged) not in self.slots.parts:
            reader = _Reader(self.slots[name], self.slots, within, exchanged=exchanged)
            part = either(reader.alternatives())
            self.slots.parts[name, within, exchanged] = part, 0 if both else reader.people
        part, people = self.slots.parts[name, within, exchanged]
        self.people += people
        return part

    def _word(self, word: str) -> Piece:
        other = self.slots.counterparts.get(word)
        self.people += other is not None
        other = (other or self.slots.agreeing.get(word)) if self.exchanged else None
        return either(_Reader(other, self.slots).alternatives()) if other else letters(word)

    def _angle(self) -> Piece:
        name = self._until(">")
        if name == "sum":
            return Piece(_SUM)
        if name == "begin":
            return Piece(_BEGIN, gap=True, begins=True, ends=True)
        if name == "end":
            return Piece(_END, gap=True, begins=True, ends=True)
        if len(name) == 1 and name.isdigit():
            regex = f"{LAST_GAP}(?:{_WORD}{LAST_GAP}){{0,{name}}}?"
            return Piece(regex, gap=True, begins=True, ends=True)
        raise NotationError(
            f"<{name}> is neither <sum>, <begin>, <end> nor a number of words such as <3>"
        )

    def _class(self) -> Piece:
        return _one_of(self._until("]"))

    def _repeated(self, part: Piece) -> Piece:
        if self._take("?"):
            return optional(part, "?")
        if self.text[self.at - 1] == ")" and self._take("*"):
            return optional(part._replace(words=None), "*")
        return part

    def _until(self, end: str) -> str:
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise NotationError(f"{self.text[self.at]!r} without {end!r} in {self.text!r}")
        inside = self.text[self.at + 1 : stop]
        self.at = stop + 1
        return inside

    def _take(self, sign: str) -> bool:
        taken = self.text.startswith(sign, self.at)
        self.at += taken
        return taken


@cache
def _one_of(inside: str) -> Piece:
    if not re.fullmatch(r"[a-z0-9., -]+", inside):
        raise NotationError(f"[{inside}] may list letters, digits, points, commas and blanks only")
    listed = re.findall(f"[{inside}]", "".join(map(chr, range(32, 127))))
    return Piece(f"[{inside}]", frozenset(listed) if len(listed) <= 10 else None)
