"""Search ads as they came, many at once, for the few patterns that need it.

In: raw texts, and compiled patterns. Out: the spans of a pattern by ad. How a contact is written
shows in the raw text only. Arrow (RE2) first tells in one pass which ads may hold a match, by the
pattern without its looks ahead and behind; Python's `re`, several times as slow, reads those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Span = tuple[int, int]

# What both engines read alike: characters, classes, groups, repetitions, and a look to either side.
_ESCAPED = r"\\[!-/:-@\[-`{-~]"
_ITEM = re.compile(
    rf"(?P<look>\(\?<?[=!])|(?P<open>\(\?:|\((?!\?))|(?P<close>\))|\[\^?(?:[^\]\\\[]|{_ESCAPED})+\]"
    rf"|{_ESCAPED}|(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})(?!\+)|[^\\^$()\[\]{{*+?]"
)
_REPEATS = "*+?{"


class RawTexts:
    """Ads as they came. What was found by one pattern is kept, as languages share most."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._column = pa.array(texts, pa.large_string())
        self._found: dict[re.Pattern[str], dict[int, list[Span]]] = {}

    def spans(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        """Where the pattern matches: of each ad in which it does, by its number, the spans."""
        if pattern not in self._found:
            self._found[pattern] = self._search(pattern)
        return self._found[pattern]

    def _search(self, pattern: re.Pattern[str]) -> dict[int, list[Span]]:
        asked: Sequence[int] = range(len(self._texts))
        if (wider := without_looks(pattern)) is not None:
            may_match = pc.match_substring_regex(self._column, wider)
            asked = np.flatnonzero(may_match.to_numpy(zero_copy_only=False)).tolist()
        found = ((ad, [m.span() for m in pattern.finditer(self._texts[ad])]) for ad in asked)
        return {ad: spans for ad, spans in found if spans}


@lru_cache(maxsize=1024)
def without_looks(pattern: re.Pattern[str]) -> str | None:
    """A pattern for RE2 that matches wherever this one does, and perhaps elsewhere.

    >>> without_looks(re.compile("[0-9](?<![.][0-9])(?:a|b)(?![0-9])"))
    '[0-9](?:a|b)'

    None where the two engines might not agree: on flags, classes such as \\\\w, and edges.
    """
    if pattern.flags != re.UNICODE:
        return None
    written = pattern.pattern
    kept: list[str] = []
    within: list[bool] = []  # of each open group, whether it is a look
    at = 0
    while at < len(written):
        item = _ITEM.match(written, at)
        if item is None:
            return None
        at = item.end()
        if item["look"] or item["open"]:
            within.append(bool(item["look"]))
        if not any(within):
            kept.append(item.group())
        if item["close"] and within.pop() and written[at : at + 1] in set(_REPEATS):
            return None
    return _accepted("".join(kept))


def _accepted(pattern: str) -> str | None:
    """The pattern if RE2 takes it; it has bounds of its own."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return None
    return pattern
