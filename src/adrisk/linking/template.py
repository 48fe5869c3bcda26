"""Template of near-duplicates: the words all texts share, and the slots where they differ.

In: the texts of a campaign, in any script. Out: pieces in reading order, each common to all or a
slot with its values. Every text is aligned with the most typical one; shared words are kept. Texts
that share less than half with it belong to another template and are only counted.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex
from rapidfuzz.distance import LCSseq

MAX_TEXTS = 24
"""Most different texts to align."""

MAX_TOKENS = 1_200
"""Most tokens of a text to align."""

LEAST_SHARED = 0.5
"""Least share of tokens a text of the template shares with the typical one."""

# A contact that was blotted out, or a word, or a character of a script written without spaces, or a
# mark. Blanks go with what is before them, so that a template reads as it was written.
_TOKEN = regex.compile(
    r"(?:•(?:[^\p{L}\p{N}\n]{0,4}•)*"
    r"|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
    r"|[\p{L}\p{N}\p{M}]+(?<![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
    r"|\X)\s*",
)
_FEW = 3  # tokens in a slot
_ACCENTS = regex.compile(r"[\u0300-\u036f]")
_WORD = regex.compile(r"[^\p{P}\p{Z}\p{C}\s+|~^=<>]|•")  # an emoji is content, a dash is not


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a slot and the number of its texts; empty where texts have nothing there."""

    text: str
    texts: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that all texts share, or, if it has values, a slot; the most frequent value first."""

    text: str
    values: tuple[Value, ...] = ()

    @property
    def slot(self) -> bool:
        """Whether this is a slot."""
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces in reading order, made of `texts` different texts; `others` were too unlike."""

    pieces: tuple[Piece, ...]
    texts: int
    others: int


def template_of(texts: Sequence[str]) -> Template:
    """The template of these texts.

    Args:
        texts: n texts; equal ones count once, and at most `MAX_TEXTS` are looked at. Contacts are
            to be blotted out before.

    >>> [(p.text, [v.text for v in p.values]) for p in template_of(
    ...     ["Cooks wanted in Riverton now", "Cooks wanted in Lakeside now"]).pieces]
    [('Cooks wanted in ', []), ('', ['Lakeside ', 'Riverton ']), ('now', [])]
    """
    different = list(dict.fromkeys(texts))
    kept = different[:MAX_TEXTS]
    tokens = [tokens_of(text) for text in kept]
    if len(kept) < 2:
        return Template(tuple(Piece(text) for text in kept if text), len(kept), 0)
    keys = [[_key(token) for token in text] for text in tokens]
    shared = [[LCSseq.normalized_similarity(a, b) for b in keys] for a in keys]
    typical = max(
        range(len(keys)),
        key=lambda at: (sum(s >= LEAST_SHARED for s in shared[at]), sum(shared[at]), -at),
    )
    alike = [at for at in range(len(keys)) if shared[typical][at] >= LEAST_SHARED]
    matches = {at: _matches(keys[typical], keys[at]) for at in alike}
    anchors = [
        at for at in range(len(keys[typical])) if all(at in matched for matched in matches.values())
    ]
    anchors = _joining(anchors, keys[typical], matches)
    pieces = _pieces(anchors, tokens[typical], [(tokens[at], matches[at]) for at in alike])
    return Template(pieces, len(alike), len(different) - len(alike))


def tokens_of(text: str) -> list[str]:
    """The words and marks of a text, blanks with what is before them; together, the text.

    >>> tokens_of("Call now!  工作")
    ['Call ', 'now', '!  ', '工', '作']
    """
    found: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        found.append(text[at : match.end()])
        at = match.end()
        if len(found) == MAX_TOKENS:
            return found
    return found


def _key(token: str) -> str:
    """What a token is compared by: letters in any case, with or without accents; contacts alike."""
    if token.startswith("•"):
        return "•"
    return str(_ACCENTS.sub("", unicodedata.normalize("NFD", token.rstrip().casefold())))


def _matches(typical: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Token of the typical text -> the token of the other that it is aligned with."""
    matched: dict[int, int] = {}
    for block in LCSseq.opcodes(typical, other):
        if block.tag == "equal":
            matched |= zip(
                range(block.src_start, block.src_end),
                range(block.dest_start, block.dest_end),
                strict=True,
            )
    return matched


def _joining(
    anchors: Sequence[int], typical: Sequence[str], matches: Mapping[int, Mapping[int, int]]
) -> list[int]:
    """Drop runs of shared words that hold nothing together.

    Words that lie between two slots by chance, as after shuffled sentences, would cut a slot into
    scraps. A run between two slots is kept if it has at least half as many words as the smaller of
    the two has tokens; a single word is not kept where texts have nothing in both, or nothing in
    one and much in the other.
    """
    runs: list[tuple[int, int]] = []  # first and last token of the typical text
    for at in anchors:
        if runs and all(_follows(m, runs[-1][1], at) for m in matches.values()):
            runs[-1] = runs[-1][0], at
        else:
            runs.append((at, at))
    while len(runs) > 1:
        gaps = [_gap(before[1], after[0], matches) for before, after in pairwise(runs)]
        lacking = [
            _lacking(_words(typical[first : last + 1]), left, right)
            for (first, last), left, right in zip(runs[1:-1], gaps, gaps[1:], strict=False)
        ]
        worst = max(range(len(lacking)), key=lambda at: (lacking[at], -at), default=-1)
        if worst < 0 or lacking[worst] <= 0:
            break
        del runs[worst + 1]
    return [at for first, last in runs for at in range(first, last + 1)]


def _follows(matched: Mapping[int, int], before: int, after: int) -> bool:
    return matched[after] - matched[before] == after - before == 1


def _gap(before: int, after: int, matches: Mapping[int, Mapping[int, int]]) -> tuple[int, int]:
    """The fewest and the most tokens that a text has between two shared ones."""
    sizes = [matched[after] - matched[before] - 1 for matched in matches.values()]
    return min(sizes), max(sizes)


def _lacking(words: float, left: tuple[int, int], right: tuple[int, int]) -> float:
    """How much a run of so many words lacks to be kept between slots of these sizes."""
    optional = (left[0] == 0) + (right[0] == 0)
    if words <= 1 and (optional == 2 or (optional and max(left[1], right[1]) > _FEW)):
        return 1.0
    return min(left[1], right[1]) - 2 * words


def _words(tokens: Sequence[str]) -> float:
    """How many tokens are words; a mark is half of one."""
    return sum(1.0 if _WORD.search(token) else 0.5 for token in tokens)


def _pieces(
    anchors: Sequence[int],
    typical: Sequence[str],
    aligned: Sequence[tuple[Sequence[str], dict[int, int]]],
) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    common: list[str] = []

    def close() -> None:
        if common:
            pieces.append(Piece("".join(common)))
            common.clear()

    for before, after in pairwise([-1, *anchors, len(typical)]):
        if before >= 0:
            common.append(typical[before])
        values = Counter(
            "".join(tokens[_at(matched, before, tokens) + 1 : _at(matched, after, tokens)])
            for tokens, matched in aligned
        )
        if not any(_WORD.search(value) for value in values):  # marks alone: as the typical has it
            common += typical[before + 1 : after]
        else:
            close()
            ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
            pieces.append(Piece("", tuple(Value(text, n) for text, n in ordered)))
    close()
    return tuple(pieces)


def _at(matched: dict[int, int], anchor: int, tokens: Sequence[str]) -> int:
    """Where an anchor lies in a text; before its first token, and behind its last, at the ends."""
    if anchor < 0:
        return -1
    return matched.get(anchor, len(tokens))
