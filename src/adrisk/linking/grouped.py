"""Grouped counts over whole columns, for campaign facts.

In: columns as numbers, -1 where a value is unknown. Out: a number for each group. Unknown values
are never counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.text.arrow import text_list
from adrisk.types import ArrowValues, IntArray

Moments = NDArray[np.datetime64]

_MOST = np.iinfo(np.int64).max
_LATEST, _UNKNOWN = np.iinfo(np.int64).max, np.iinfo(np.int64).min  # as a moment, that is NaT


@dataclass(frozen=True, slots=True)
class Column:
    """The values of n ads as numbers: `names[codes[i]]` is the value, -1 where it is unknown."""

    codes: IntArray
    names: Sequence[str]

    @classmethod
    def of(cls, values: ArrowValues, *, fold: bool = False) -> Column:
        """Number the values of a column of strings; empty ones and nulls are unknown.

        Args:
            values: n strings.
            fold: take values that differ in case and outer blanks only for one, by the name that
                comes first.
        """
        if isinstance(values, pa.ChunkedArray):
            values = values.unify_dictionaries().combine_chunks()
        coded = values.dictionary_encode()
        written = text_list(coded.dictionary)
        names = list(map(str.strip, written))
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        if not fold and names == written and "" not in names:
            return cls(codes, names)
        number: dict[str, int] = {}
        kept: list[str] = []
        to = np.full(len(names) + 1, -1, dtype=np.int64)
        for code, name in enumerate(names):
            if not name:
                continue
            key = name.casefold() if fold else name
            if key not in number:
                number[key] = len(kept)
                kept.append(name)
            to[code] = number[key]
        return cls(to[codes], kept)


@dataclass(frozen=True, slots=True)
class AdFacts:
    """What is known of n ads beside their text.

    Attributes:
        posted: shape (n,), microseconds, NaT where unknown.
        places, languages, accounts, categories: of n ads.
        contact_rows, contacts: pairs of an ad's row and a contact in it; `contacts.codes` has one
            entry a pair. Contacts that a guard let go (a platform's own number) are left out.
    """

    posted: Moments
    places: Column
    languages: Column
    accounts: Column
    categories: Column
    contact_rows: IntArray
    contacts: Column


def pairs(of: IntArray, codes: IntArray) -> tuple[IntArray, int]:
    """Group and value as one number, where the value is known; and what to divide it by."""
    known = codes >= 0
    width = int(codes.max(initial=-1)) + 1
    return of[known] * width + codes[known], max(width, 1)


def distinct(of: IntArray, codes: IntArray, count: int) -> IntArray:
    """How many different known values each of `count` groups has.

    >>> distinct(np.array([0, 0, 1, 1]), np.array([5, 5, 7, -1]), 2).tolist()
    [1, 1]
    """
    keys, width = pairs(of, codes)
    return np.bincount(sorted_unique(keys) // width, minlength=count)


def sorted_unique(keys: IntArray) -> IntArray:
    """The different keys in order; numpy's own `unique` hashes, which takes several times as long.

    >>> sorted_unique(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(keys)
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def packed(*keys: IntArray) -> IntArray:
    """One number a row that puts the rows in the order of the first key, then of the next.

    Numbers are sorted several times as fast as rows of several keys. Ranks take the place of keys
    that lie too far apart for 63 bits.

    >>> packed(np.array([1, 0, 1]), np.array([5, 9, 5])).argsort(kind="stable").tolist()
    [1, 0, 2]
    """
    code, width = np.zeros(len(keys[0]), dtype=np.int64), 1
    for key in keys if len(keys[0]) else ():
        low = int(key.min())
        size = int(key.max()) - low + 1
        if width * size > _MOST:
            code, key = (np.unique(each, return_inverse=True)[1] for each in (code, key))
            low, width, size = 0, int(code.max()) + 1, int(key.max()) + 1
        code = code * size + (key - low)
        width *= size
    return code


def span(keys: IntArray, posted: Moments, count: int) -> tuple[Moments, Moments]:
    """The first and the last moment of each of `count` keys; NaT for a key without any.

    Args:
        keys: shape (n,), 0 to count - 1.
        posted: shape (n,), without NaT.
        count: of the keys.
    """
    at = posted.astype("datetime64[us]").astype(np.int64)
    first, last = np.full(count, _LATEST), np.full(count, _UNKNOWN)
    np.minimum.at(first, keys, at)
    np.maximum.at(last, keys, at)
    first[last == _UNKNOWN] = _UNKNOWN
    return first.view("datetime64[us]"), last.view("datetime64[us]")


def busiest(
    keys: IntArray, values: IntArray | None, posted: Moments, days: float, count: int
) -> IntArray:
    """The most different values that each key has within so many days, wherever they begin.

    A value is in the window that ends at a moment if it was seen at most `days` before. So each
    sighting covers the moments from its own to the value's next, or for `days`; the answer is the
    largest number of sightings that cover one moment.

    Args:
        keys: shape (n,), 0 to count - 1.
        values: shape (n,); equal values within a window count once. None where no key has a value
            twice.
        posted: shape (n,), without NaT.
        days: the length of the window, both ends in it.
        count: of the keys.

    >>> days = np.array(["2026-01-01", "2026-01-02", "2026-01-09"], "datetime64[us]")
    >>> busiest(np.zeros(3, int), np.array([1, 2, 3]), days, 3, 1).tolist()
    [2]
    """
    most = np.zeros(count, dtype=np.int64)
    if not len(keys):
        return most
    at = posted.astype("datetime64[us]").astype(np.int64)
    if values is not None:
        order = np.argsort(packed(keys, values, at))
        keys, values, at = keys[order], values[order], at[order]
    end = at + round(days * 86_400_000_000) + 1
    if values is not None:
        same = (keys[1:] == keys[:-1]) & (values[1:] == values[:-1])
        end[:-1] = np.where(same, np.minimum(end[:-1], at[1:]), end[:-1])
    moments = np.concatenate((at, end))
    steps = np.repeat([1, -1], len(at))
    owner = np.concatenate((keys, keys))
    order = np.argsort(packed(owner, moments, steps))  # what ends at a moment before what begins
    # Every key's steps sum to zero, so one running sum serves all keys.
    np.maximum.at(most, owner[order], np.cumsum(steps[order]))
    return most
