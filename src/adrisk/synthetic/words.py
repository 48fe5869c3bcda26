"""Typing slips and disguised words in sentences.

In: sentences. Out: sentences of the same meaning. Sentences with a contact are left out by the
caller.
"""

from __future__ import annotations

import random
from collections.abc import Callable

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
