"""Compiler of the rule notation to regular expressions and the words that they need.

In: a pattern such as "{we} (will )?keep<3>{papers}". Out: `Phrase`s, each a regular expression over
plain text (`plain_text`) and sets of words: a text without a word of every set cannot match.

    a space     anything between two words of one sentence; an apostrophe too
    <n>         at most n words between (n from 0 to 9)
    <sum>       an amount of money
    <begin>     the beginning of the sentence, with no word and no comma before it
    <end>       the end of the clause
    (a|b)       one of these; (a )? may be missing, and so may the letter before a ?; (a )* may
                be repeated any number of times
    {name}      a slot: the words that the language's file lists under `slots`
    *           any further letters of the word; deduct* is deduct, deducted, deduction
    -           a hyphen, a space or nothing; e-mail is email, e-mail and e mail
    [0-9]       one of these characters
    [a-z]*      any one word; a name of two is one, such as Anne-Marie, El Salvador or Cape Verde

A pattern that names people of one gender also matches those of the other: the rule book lists the
corresponding words under `genders`, and the whole pattern is compiled a second time with them
exchanged, so that "he sets her prices" is also "she sets his prices", and not "she sets her
prices".

A pattern begins and ends at a word's border. Accents are optional, in patterns and in ads.
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
# A name may have two words, so that no place, nation or person is matched sooner than another.
# These words begin such names.
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

    The sets are ordered by the estimated frequency of their words, the rarest first.
    """

    regex: str
    needs: tuple[Words, ...]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The compiled expression, made on first use: most phrases are never searched."""
        return _compiled(self.regex)


_BLANK = Piece(LAST_GAP, gap=True, begins=True, ends=True)


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.ASCII)


class NotationError(ValueError):
    """A pattern that cannot be parsed; the message gives the position."""


class Slots(dict[str, str]):
    """The patterns of slots by name, with a cache of their parsed pieces.

    Args:
        texts: name -> pattern.
        people: a word for a person of one gender -> the notation of its counterparts; used in
            both directions.
        agreeing: a word that agrees with one gender -> the notation of its form for the other.
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
        # A word that agrees with a person here may agree with a thing elsewhere, so both fit.
        self.agreeing = {
            word: f"{word}|{other}" for word, other in _counterparts(agreeing or {}).items()
        }

    def names_both(self, name: str) -> bool:
        """Whether a slot has a counterpart for every word for a person in it."""
        if name not in self._both:
            words = set(re.findall("[a-z]+", bare(self[name])))
            self._both[name] = all(
                words & set(re.findall("[a-z]+", self.counterparts[word]))
                for word in words & self.counterparts.keys()
            )
        return self._both[name]


def _counterparts(pairs: Mapping[str, str]) -> dict[str, str]:
    """Word -> the notation of its counterparts, in both directions; phrases are values only."""
    both: dict[str, list[str]] = {}
    for one, others in pairs.items():
        for other in bare(others).split("|"):
            both.setdefault(bare(one), []).append(other)
            if other.isalnum():
                both.setdefault(other, []).append(bare(one))
    return {word: "|".join(dict.fromkeys(others)) for word, others in both.items()}


def phrases(notation: str, slots: Mapping[str, str]) -> list[Phrase]:
    """The phrases of a pattern: one for each of its outermost alternatives.

    Phrases that name people are followed by their counterparts of the other gender.

    >>> (phrase,) = phrases("papers?<2>after", {})
    >>> bool(phrase.pattern.search("your papers come much after"))
    True
    >>> [sorted(words) for words in phrase.needs]
    [['after'], ['paper', 'papers']]

    Many patterns are parsed several times as fast with the same `Slots` for all.

    Raises:
        NotationError: if the pattern cannot be parsed.
    """
    known = slots if isinstance(slots, Slots) else Slots(slots)
    parser = _Parser(notation, known)
    parts = parser.alternatives()
    if parser.at < len(parser.text):
        raise NotationError(f"')' without '(' at character {parser.at + 1} of {notation!r}")
    if parser.people:
        parts += _Parser(notation, known, exchanged=True).counterparts()
    return [_phrase(part, notation) for part in dict.fromkeys(parts)]


def _phrase(part: Piece, notation: str) -> Phrase:
    if not part.regex:
        raise NotationError(f"an alternative of {notation!r} is empty")
    regex = rf"(?<!\w)(?:{part.regex})(?!\w)"
    return Phrase(regex, tuple(sorted(set(closed(part)), key=commonness)))


class _Parser:
    """A recursive-descent parser of a pattern; one method for each level of nesting."""

    def __init__(
        self,
        notation: str,
        slots: Slots,
        within: frozenset[str] = frozenset(),
        *,
        exchanged: bool = False,
    ) -> None:
        # In plain text œ is the single letter o, so that offsets stay.
        spelt = re.sub(r"\s*(<[0-9]>)\s*", r"\1", notation.strip())
        self.text = bare(spelt.replace("œ", "oe?"))
        self.slots = slots
        self.within = within  # names of the slots that are being parsed
        self.exchanged = exchanged  # whether words for people are replaced by their counterparts
        self.people = 0  # words for people so far, without slots that name both genders
        self.at = 0

    def alternatives(self) -> list[Piece]:
        """The pieces between | signs, up to a ) or the end."""
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts

    def counterparts(self) -> list[Piece]:
        """The outermost alternatives that name people."""
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
            parser = _Parser(self.slots[name], self.slots, within, exchanged=exchanged)
            part = either(parser.alternatives())
            self.slots.parts[name, within, exchanged] = part, 0 if both else parser.people
        part, people = self.slots.parts[name, within, exchanged]
        self.people += people
        return part

    def _word(self, word: str) -> Piece:
        other = self.slots.counterparts.get(word)
        self.people += other is not None
        other = (other or self.slots.agreeing.get(word)) if self.exchanged else None
        return either(_Parser(other, self.slots).alternatives()) if other else letters(word)

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
