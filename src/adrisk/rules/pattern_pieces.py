"""Pieces of patterns, and which words a text must hold for a piece to match.

In: pieces. Out: pieces put together, each with its regular expression and the sets of words of
which a matching text holds one each. `notation` makes them of what people write, and `screen` asks
for the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

Words = frozenset[str]
"""Words of which one is needed; one that ends in * stands for all that begin so."""

GAP = r"[^\w%$]*+(?<![\w%$])"
"""All that stands between two words; there is a border."""

LAST_GAP = rf"(?:{GAP}|\Z)"
"""The same where a text may end. A text that must go on has no use for it, and `re` takes a third
less to compile a pattern without."""

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


class Piece(NamedTuple):
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


@cache
def commonness(words: Words) -> tuple[float, int, str]:
    """A guess at how often one of the words is seen: short and frequent words are."""
    guess = sum(1.0 if w in _COMMON else 3.0 ** -len(w.rstrip("*")) for w in words)
    return (guess, len(words), min(words))


@cache
def letters(word: str) -> Piece:
    """Letters as they stand."""
    return Piece(word, frozenset([word]))


def optional(part: Piece, sign: str) -> Piece:
    """A piece that may be missing (`?`), or come any number of times (`*`)."""
    regex = f"(?:{part.regex}){sign}" if len(part.regex) > 1 else f"{part.regex}{sign}"
    if part.gap:
        return Piece(regex, gap=True, begins=part.begins, ends=part.ends)
    return Piece(regex, None if part.words is None else part.words | {""})


def either(parts: Sequence[Piece]) -> Piece:
    """One of these: of each, its rarest set of words, all taken together."""
    regex = f"(?:{'|'.join(part.regex for part in parts)})"
    if not any(part.gap for part in parts):
        listed = [part.words for part in parts if part.words is not None]
        return Piece(regex, _bounded(listed) if len(listed) == len(parts) else None)
    needs = [closed(part) for part in parts]
    rarest = [min(sets, key=commonness) for sets in needs if sets]
    return Piece(
        regex,
        gap=True,
        needs=(frozenset().union(*rarest),) if len(rarest) == len(parts) else (),
        begins=all(part.begins for part in parts),
        ends=all(part.ends for part in parts),
    )


def closed(part: Piece) -> tuple[Words, ...]:
    """The sets of words of a part with the border of a word on either side."""
    if part.gap:
        return part.needs
    return () if part.words is None or "" in part.words else (part.words,)


def joined(parts: Sequence[Piece]) -> Piece:
    """Pieces one behind the other; letters that touch are one word.

    Whether words are whole is followed from left to right: `word` is what has been read of a word
    (None: nobody knows), `waiting` are sets that hold if a border comes next.
    """
    if len(parts) == 1:
        return parts[0]
    regex = _regex(parts)
    if not any(part.gap for part in parts):
        return Piece(regex, _product([part.words for part in parts]))
    needs: list[Words] = []
    waiting: tuple[Words, ...] = ()
    word: Words | None = _START
    for part in parts:
        at_border = word == _START and not waiting
        if not part.gap:
            word, waiting = (_product([word, part.words]) if not waiting else None), ()
            continue
        if part.begins or at_border:
            needs += [*waiting, *closed(Piece("", word))]
            if part.ends:
                needs += part.needs
                word, waiting = frozenset([""]), ()
            else:
                word, waiting = frozenset([""]), part.needs or (_NOTHING,)
        else:
            word, waiting = (frozenset([""]) if part.ends and not part.needs else None), ()
    needs += [*waiting, *closed(Piece("", word))]
    return Piece(
        regex,
        gap=True,
        needs=tuple(words for words in needs if words is not _NOTHING),
        begins=bool(parts) and parts[0].begins,
        ends=bool(parts) and parts[-1].ends,
    )


def _regex(parts: Sequence[Piece]) -> str:
    """That of pieces one behind the other: no text ends before a word that must still come."""
    regexes: list[str] = []
    goes_on = False
    for part in reversed(parts):
        regexes.append(part.regex.replace(LAST_GAP, GAP) if goes_on else part.regex)
        goes_on = goes_on or any(words.isdisjoint(_MAY_BE_EMPTY) for words in closed(part))
    return "".join(reversed(regexes))


_MAY_BE_EMPTY: Words = frozenset(["", "*"])
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
