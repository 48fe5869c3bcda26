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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from adrisk.indicators.plain import bare

Words = frozenset[str]
"""Words of which one is needed; one that ends in * stands for all that begin so."""

_GAP = r"(?:[^a-z0-9_%$]++|(?<![a-z0-9_%$])|\Z)"
_WORD = "[a-z0-9_%$]++"
_END = r"(?=[^a-z0-9_]*\Z| ?[,:(])"
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
_NAME = rf"(?:(?:{_BEFORE_NAMES})[ '-])?[a-z][a-z0-9_]*+(?:-[a-z][a-z0-9_]*+)?"
_ANY_WORD = "[a-z]*"
_SPECIAL = set("()|{}<>[]*- ?")
_LETTERS = re.compile(r"[a-z0-9]+(?!\?)")  # a ? belongs to the letter before it
_MANY_WORDS = 600

# Words of four languages that nearly every ad holds: asking for them first screens nothing.
_COMMON_LINES = (
    "a al all an and any are as at au aux be by can ce com con d da das day days de des do",
    "dos du e el elle em en es est et every for from has have i if il in is it l la las le",
    "les lo los na nao ne no not nous o of on or os ou our par para pas por pour que qui se",
    "si su sur te that the this time to tu um uma un una votre vous we when who will with y",
    "you your",
)
_COMMON = frozenset(word for line in _COMMON_LINES for word in line.split())


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


class _Part(NamedTuple):
    """A piece of a pattern.

    `words` are all that it may be while it lies within one word, None where they cannot be listed.
    A piece with a `gap` reaches over more than one word: then `needs` hold if it stands between
    words, and `begins` and `ends` say whether it brings the border of a word along on that side.
    """

    regex: str
    words: Words | None = None
    gap: bool = False
    needs: tuple[Words, ...] = ()
    begins: bool = False
    ends: bool = False


_BLANK = _Part(_GAP, gap=True, begins=True, ends=True)


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
        self.parts: dict[tuple[str, frozenset[str], bool], tuple[_Part, int]] = {}
        self.counterparts = _counterparts(people or {})
        # What agrees with a person in one place may stand beside a thing in another.
        self.agreeing = {
            word: f"{word}|{other}" for word, other in _counterparts(agreeing or {}).items()
        }

    def names_both(self, name: str) -> bool:
        """Whether a slot names for every word for a person a counterpart: nothing is missing."""
        words = set(re.findall("[a-z]+", bare(self[name])))
        return all(
            words & set(re.findall("[a-z]+", self.counterparts[word]))
            for word in words & self.counterparts.keys()
        )


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
    if known.counterparts:
        parts += _Reader(notation, known, exchanged=True).counterparts()
    return [_phrase(part, notation) for part in dict.fromkeys(parts)]


def _phrase(part: _Part, notation: str) -> Phrase:
    if not part.regex:
        raise NotationError(f"an alternative of {notation!r} is empty")
    regex = rf"(?<![a-z0-9_])(?:{part.regex})(?![a-z0-9_])"
    return Phrase(regex, tuple(sorted(set(_closed(part)), key=_commonness)))


@cache
def _commonness(words: Words) -> tuple[float, int, str]:
    """A guess at how often one of the words is seen: short and frequent words are."""
    guess = sum(1.0 if w in _COMMON else 3.0 ** -len(w.rstrip("*")) for w in words)
    return (guess, len(words), min(words))


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
        self.people = 0  # exchanged so far
        self.at = 0

    def alternatives(self) -> list[_Part]:
        """What stands between | signs, up to a ) or the end."""
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts

    def counterparts(self) -> list[_Part]:
        """The outermost alternatives that name people, with the words of the other gender."""
        parts: list[_Part] = []
        while True:
            before = self.people
            part = self._sequence()
            if self.people > before:
                parts.append(part)
            if not self._take("|"):
                return parts

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        text, size, letters = self.text, len(self.text), _LETTERS.match
        while self.at < size and text[self.at] not in "|)":
            if self._is_word_of_any_letters():
                self.at += len(_ANY_WORD)
                parts.append(_Part(_NAME))
            elif run := letters(text, self.at):
                self.at = run.end()
                parts.append(self._word(run.group()) if self.exchanged else _letters(run.group()))
            else:
                parts.append(self._repeated(self._atom()))
        return _joined(parts)

    def _is_word_of_any_letters(self) -> bool:
        stop = self.at + len(_ANY_WORD)
        return (
            self.text.startswith(_ANY_WORD, self.at)
            and not self.text[self.at - 1 : self.at].isalnum()
            and not self.text[stop : stop + 1].isalnum()
        )

    def _atom(self) -> _Part:
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
            return _Part("[' ]++", gap=True, begins=True, ends=True)
        if sign == "*":
            return _Part("[a-z0-9_]*+", frozenset("*"))
        if sign == "-":
            return _Part("[^a-z0-9_]?", frozenset("*"))
        if sign in _SPECIAL:
            raise NotationError(f"{sign!r} at character {self.at} of {self.text!r} is out of place")
        if not sign.isalnum():
            return _Part(re.escape(sign), gap=True, begins=True, ends=True)
        return _letters(sign)

    def _group(self) -> _Part:
        self.at += 1
        parts = self.alternatives()
        if not self._take(")"):
            raise NotationError(f"'(' without ')' in {self.text!r}")
        return _either(parts)

    def _slot(self) -> _Part:
        name = self._until("}")
        known = self.slots.keys() - self.within
        if name not in known:
            raise NotationError(
                f"there is no slot {name!r}; the file has {', '.join(sorted(known)) or 'none'}"
            )
        within = self.within | {name}
        exchanged = self.exchanged and not self.slots.names_both(name)
        if (name, within, exchanged) not in self.slots.parts:
            reader = _Reader(self.slots[name], self.slots, within, exchanged=exchanged)
            self.slots.parts[name, within, exchanged] = (
                _either(reader.alternatives()),
                reader.people,
            )
        part, people = self.slots.parts[name, within, exchanged]
        self.people += people
        return part

    def _word(self, word: str) -> _Part:
        """Letters where people are exchanged."""
        other = self.slots.counterparts.get(word)
        if other is not None:
            self.people += 1
        else:
            other = self.slots.agreeing.get(word)
        if other is None:
            return _letters(word)
        return _either(_Reader(other, self.slots).alternatives())

    def _angle(self) -> _Part:
        name = self._until(">")
        if name == "sum":
            return _Part(_SUM)
        if name == "begin":
            return _Part(_BEGIN, gap=True, begins=True, ends=True)
        if name == "end":
            return _Part(_END, gap=True, begins=True, ends=True)
        if len(name) == 1 and name.isdigit():
            regex = f"{_GAP}(?:{_WORD}{_GAP}){{0,{name}}}?"
            return _Part(regex, gap=True, begins=True, ends=True)
        raise NotationError(
            f"<{name}> is neither <sum>, <begin>, <end> nor a number of words such as <3>"
        )

    def _class(self) -> _Part:
        return _one_of(self._until("]"))

    def _repeated(self, part: _Part) -> _Part:
        if self._take("?"):
            return _optional(part, "?")
        if self.text[self.at - 1] == ")" and self._take("*"):
            return _optional(part._replace(words=None), "*")
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
def _one_of(inside: str) -> _Part:
    if not re.fullmatch(r"[a-z0-9., -]+", inside):
        raise NotationError(f"[{inside}] may list letters, digits, points, commas and blanks only")
    listed = re.findall(f"[{inside}]", "".join(map(chr, range(32, 127))))
    return _Part(f"[{inside}]", frozenset(listed) if len(listed) <= 10 else None)


@cache
def _letters(word: str) -> _Part:
    return _Part(word, frozenset([word]))


def _optional(part: _Part, sign: str) -> _Part:
    regex = f"(?:{part.regex}){sign}"
    if part.gap:
        return _Part(regex, gap=True, begins=part.begins, ends=part.ends)
    return _Part(regex, None if part.words is None else part.words | {""})


def _either(parts: Sequence[_Part]) -> _Part:
    """One of these: of each, its rarest set of words, all taken together."""
    regex = f"(?:{'|'.join(part.regex for part in parts)})"
    if not any(part.gap for part in parts):
        listed = [part.words for part in parts if part.words is not None]
        return _Part(regex, _bounded(listed) if len(listed) == len(parts) else None)
    needs = [_closed(part) for part in parts]
    rarest = [min(sets, key=_commonness) for sets in needs if sets]
    return _Part(
        regex,
        gap=True,
        needs=(frozenset().union(*rarest),) if len(rarest) == len(parts) else (),
        begins=all(part.begins for part in parts),
        ends=all(part.ends for part in parts),
    )


def _closed(part: _Part) -> tuple[Words, ...]:
    """The sets of words of a part with the border of a word on either side."""
    if part.gap:
        return part.needs
    return () if part.words is None or "" in part.words else (part.words,)


def _joined(parts: Sequence[_Part]) -> _Part:
    """Pieces one behind the other; letters that touch are one word.

    Whether words are whole is followed from left to right: `word` is what has been read of a word
    (None: nobody knows), `waiting` are sets that hold if a border comes next.
    """
    if len(parts) == 1:
        return parts[0]
    regex = "".join([part.regex for part in parts])
    if not any(part.gap for part in parts):
        return _Part(regex, _product([part.words for part in parts]))
    needs: list[Words] = []
    waiting: tuple[Words, ...] = ()
    word: Words | None = _START
    for part in parts:
        at_border = word == _START and not waiting
        if not part.gap:
            word, waiting = (_product([word, part.words]) if not waiting else None), ()
            continue
        if part.begins or at_border:
            needs += [*waiting, *_closed(_Part("", word))]
            if part.ends:
                needs += part.needs
                word, waiting = frozenset([""]), ()
            else:
                word, waiting = frozenset([""]), part.needs or (_NOTHING,)
        else:
            word, waiting = (frozenset([""]) if part.ends and not part.needs else None), ()
    needs += [*waiting, *_closed(_Part("", word))]
    return _Part(
        regex,
        gap=True,
        needs=tuple(words for words in needs if words is not _NOTHING),
        begins=bool(parts) and parts[0].begins,
        ends=bool(parts) and parts[-1].ends,
    )


_NOTHING: Words = frozenset(["\x00"])
_START: Words = frozenset([""])


def _product(sets: Sequence[Words | None]) -> Words | None:
    """All words that the pieces can make, one of each behind the other."""
    words: Words | None = _START
    for following in sets:
        if words is None or following is None:
            return None
        if words is _START:
            words = following
        else:
            joined = {w if w.endswith("*") else w + f for w in words for f in following}
            words = frozenset(joined) if len(joined) <= _MANY_WORDS else None
    return words


def _bounded(sets: Iterable[Words]) -> Words | None:
    """The sets as one, or None where listing them would take too long."""
    words = frozenset().union(*sets)
    return words if len(words) <= _MANY_WORDS else None
