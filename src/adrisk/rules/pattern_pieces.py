"""Pieces of patterns with the words that a text must contain for a piece to match.

In: pieces. Out: pieces combined, each with its regular expression and sets of words of which a
matching text contains at least one each. `patterns` builds them from the notation, and `prefilter`
uses the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

Words = frozenset[str]
"""Words of which one is needed; one that ends in * stands for all that begin so."""

GAP = r"[^\w%$]*+(?<![\w%$])"
"""Anything between two words, with a border."""

LAST_GAP = rf"(?:{GAP}|\Z)"
"""A gap at which the text may end. It is used only there, as patterns without it compile in two
thirds of the time."""

_MANY_WORDS = 600

# Words of four languages that occur in nearly every ad, so that needing them excludes nothing.
_COMMON = frozenset(
    (
        "a al all an and any are as at au aux be by can ce com con d da das day days de des do"
        " dos du e el elle em en es est et every for from has have i if il in is it l la las le"
        " les lo los na nao ne no not nous o of on or os ou our par para pas por pour que qui se"
        " si su sur te that the this time to tu um uma un una votre vous we when who will with y"
        " you your"
    ).split()
)


class Piece(NamedTuple):
    """A piece of a pattern.

    `words` are all strings that it matches within one word, None where they cannot be listed. A
    piece with a `gap` spans more than one word: then `needs` are sets of words it needs between
    word borders, and `begins` and `ends` are whether it includes a border on that side.
    """

    regex: str
    words: Words | None = None
    gap: bool = False
    needs: tuple[Words, ...] = ()
    begins: bool = False
    ends: bool = False


@cache
def commonness(words: Words) -> tuple[float, int, str]:
    """Sort key: an estimate of how frequent the words are, from their length and `_COMMON`."""
    guess = sum(1.0 if w in _COMMON else 3.0 ** -len(w.rstrip("*")) for w in words)
    return (guess, len(words), min(words))


@cache
def letters(word: str) -> Piece:
    """Letters that match themselves."""
    return Piece(word, frozenset([word]))


def optional(part: Piece, sign: str) -> Piece:
    """A piece that may be missing (`?`) or be repeated any number of times (`*`)."""
    regex = f"(?:{part.regex}){sign}" if len(part.regex) > 1 else f"{part.regex}{sign}"
    if part.gap:
        return Piece(regex, gap=True, begins=part.begins, ends=part.ends)
    return Piece(regex, None if part.words is None else part.words | {""})


def either(parts: Sequence[Piece]) -> Piece:
    """An alternation; its needs are the union of the rarest set of each alternative."""
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
    """The sets of words that a piece needs if it has a word border on either side."""
    if part.gap:
        return part.needs
    return () if part.words is None or "" in part.words else (part.words,)


def joined(parts: Sequence[Piece]) -> Piece:
    """The concatenation of pieces; adjacent letters form one word.

    The scan runs from left to right: `word` are the strings that the current word may be so far
    (None: unknown), `waiting` are sets that are needed if a border comes next.
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
                word, waiting = frozenset([""]), part.needs or (_NO_WORDS,)
        else:
            word, waiting = (frozenset([""]) if part.ends and not part.needs else None), ()
    needs += [*waiting, *closed(Piece("", word))]
    return Piece(
        regex,
        gap=True,
        needs=tuple(words for words in needs if words is not _NO_WORDS),
        begins=bool(parts) and parts[0].begins,
        ends=bool(parts) and parts[-1].ends,
    )


def _regex(parts: Sequence[Piece]) -> str:
    """The expression of a concatenation; a text cannot end before a word that is still needed."""
    regexes: list[str] = []
    continues = False
    for part in reversed(parts):
        regexes.append(part.regex.replace(LAST_GAP, GAP) if continues else part.regex)
        continues = continues or any(words.isdisjoint(_MAY_BE_EMPTY) for words in closed(part))
    return "".join(reversed(regexes))


_MAY_BE_EMPTY: Words = frozenset(["", "*"])
_NO_WORDS: Words = frozenset(["\x00"])
_START: Words = frozenset([""])


def _product(sets: Sequence[Words | None]) -> Words | None:
    """All concatenations of one word of each set; None if unknown or too many."""
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
    """The union of the sets, or None if it is too large."""
    words = frozenset().union(*sets)
    return words if len(words) <= _MANY_WORDS else None
