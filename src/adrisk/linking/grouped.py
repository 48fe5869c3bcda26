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
    """The values of n ads as codes: `names[codes[i]]` is a value, code -1 is unknown."""

    codes: IntArray
    names: Sequence[str]

    @classmethod
    def of(cls, values: ArrowValues, *, fold: bool = False) -> Column:
        """Encode a column of strings; empty ones and nulls are unknown.

        Args:
            values: n strings.
            fold: ignore case; the first spelling is the name.
        """
        if isinstance(values, pa.ChunkedArray):
            values = values.unify_dictionaries().combine_chunks()
        coded = values.dictionary_encode()
        spellings = text_list(coded.dictionary)
        names = list(map(str.strip, spellings))
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        if not fold and names == spellings and "" not in names:
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
    """Facts of n ads beside their text.

    Attributes:
        posted: shape (n,), microseconds, NaT where unknown.
        places, languages, accounts, categories: of n ads.
        contact_rows, contacts: pairs of an ad's row and a contact in it; `contacts.codes` has one
            entry a pair. Contacts held back by a guard (a platform's own number) are left out.
    """

    posted: Moments
    places: Column
    languages: Column
    accounts: Column
    categories: Column
    contact_rows: IntArray
    contacts: Column


def pairs(of: IntArray, codes: IntArray) -> tuple[IntArray, int]:
    """Group and known value as one number, `group * width + value`; and the width."""
    known = codes >= 0
    width = int(codes.max(initial=-1)) + 1
    return of[known] * width + codes[known], max(width, 1)


def distinct(of: IntArray, codes: IntArray, count: int) -> IntArray:
    """Number of distinct known values of each of `count` groups.

    >>> distinct(np.array([0, 0, 1, 1]), np.array([5, 5, 7, -1]), 2).tolist()
    [1, 1]
    """
    keys, width = pairs(of, codes)
    return np.bincount(sorted_unique(keys) // width, minlength=count)


def sorted_unique(keys: IntArray) -> IntArray:
    """The distinct keys in order; several times as fast as `np.unique`, which hashes.

    >>> sorted_unique(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(keys)
    return ordered[first_of_equals(ordered)]


def first_of_equals(ordered: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mask of the first of each run of equal values."""
    first = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def packed(*keys: IntArray) -> IntArray:
    """One sort key a row, ordered by the first key, then by the next.

    Sorting one number is several times as fast as sorting several keys. Keys that do not fit into
    63 bits are replaced by ranks.

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
    """The most distinct values of each key within any window of so many days.

    A value is in the window that ends at a moment if it was seen at most `days` before. So each
    sighting covers the time from its own moment to the next sighting of the value, at most `days`;
    the result is the largest number of sightings that cover one moment.

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
