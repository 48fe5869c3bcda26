"""A regular expression of many words that costs little where none of them stands."""

from __future__ import annotations

from collections.abc import Iterable


def any_of(words: Iterable[str]) -> str:
    """Pattern of any of the words (or patterns that begin with a plain letter), earlier ones first.

    Words are put together by their first letter, so that `re` tries few of them at each place.

    >>> any_of(["ten", "two", "six"])
    '(?:t(?:en|wo)|s(?:ix))'
    """
    rests: dict[str, list[str]] = {}
    for word in words:
        rests.setdefault(word[0], []).append(word[1:])
    return "(?:" + "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in rests.items()) + ")"
