"""Ids of ads, and the fingerprint of a stream of ads.

An ad without an id gets one made of its content; its exact copies get the suffixes -2, -3 and so
on, because copies are ads too (nine in ten are). A repeated supplied id is reported as a duplicate.
Memory is bounded: 8 bytes for a supplied id and 12 for a distinct content, as sorted runs of 64-bit
hashes. The chance that two of five million ids share a hash is under one in a million; the later ad
then goes to the quarantine, where it can be seen.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.ingest.values import begins_plainly
from adrisk.text.arrow import string_buffers, text_list
from adrisk.types import ArrowArray, IntArray

IDENTIFYING = ("ad_id", "text", "posted_at", "account_id")
"""Columns that hold an ad's id or that an id is made of; they are always read."""

_Hashes = NDArray[np.uint64]
_GROWTH = 8  # size ratio of runs: a larger one means fewer runs to search and more merging
_MADE = re.compile(r"a([0-9a-f]{24})(?:-([1-9][0-9]*))?")


class IdCounts:
    """Counts of 64-bit hashes, in sorted runs of decreasing size."""

    def __init__(self, *, counting: bool) -> None:
        self._counting = counting
        self._runs: list[tuple[_Hashes, NDArray[np.uint32]]] = []

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    def counts(self, hashes: _Hashes) -> IntArray:
        """The count of each hash so far; 0 or 1 without `counting`."""
        seen = np.zeros(len(hashes), dtype=np.int64)
        for keys, counts in self._runs:
            at = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
            hit = keys[at] == hashes
            seen[hit] = counts[at[hit]] if self._counting else 1
        return seen

    def add(self, hashes: _Hashes) -> IntArray:
        """Count some hashes; returns the count of each before its own occurrence."""
        if not len(hashes):
            return np.zeros(0, dtype=np.int64)
        keys, inverse, times = np.unique(hashes, return_inverse=True, return_counts=True)
        before = self.counts(keys)
        if self._counting:
            self._raise(keys, times)
        fresh = before == 0
        if fresh.any():
            self._append(keys[fresh], times[fresh].astype(np.uint32))
        seen = before[inverse]
        return seen if len(keys) == len(hashes) else seen + _rank_among_equals(inverse)

    def _raise(self, keys: _Hashes, times: IntArray) -> None:
        for run, counts in self._runs:
            at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            hit = run[at] == keys
            counts[at[hit]] += times[hit].astype(np.uint32)

    def _append(self, keys: _Hashes, counts: NDArray[np.uint32]) -> None:
        self._runs.append((keys, counts if self._counting else counts[:0]))
        while len(self._runs) > 1 and _GROWTH * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            (old, old_counts), (new, new_counts) = self._runs[-2:]
            merged = np.concatenate([old, new])
            if self._counting:
                order = np.argsort(merged, kind="stable")
                self._runs[-2:] = [(merged[order], np.concatenate([old_counts, new_counts])[order])]
            else:
                merged.sort(kind="stable")
                self._runs[-2:] = [(merged, old_counts)]


class Identities:
    """The ids assigned so far."""

    def __init__(self) -> None:
        self._supplied = IdCounts(counting=False)
        self._contents = IdCounts(counting=True)

    def assign(
        self, supplied: ArrowArray, texts: ArrowArray, posted_at: ArrowArray, accounts: ArrowArray
    ) -> tuple[ArrowArray, NDArray[np.bool_]]:
        """An id for each row, and which rows repeat a supplied id.

        Args:
            supplied: ids from the source; null or blank where missing.
            texts: the content of which an id is made, with `posted_at` and `accounts` if given.
            posted_at: timestamps in microseconds, or null.
            accounts: strings, or null.

        Returns:
            The ids as strings, and a mask of the rows to be quarantined.
        """
        has_id = begins_plainly(supplied)
        if not has_id.all():
            given = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(supplied), ""), False)
            has_id = given.to_numpy(zero_copy_only=False)
        repeated = np.zeros(len(has_id), dtype=np.bool_)
        ids = text_list(supplied)  # the missing ones are replaced below
        if has_id.all():
            return supplied.cast(pa.string()), self._repeats(ids)
        own = np.flatnonzero(has_id)
        if len(own):
            repeated[own] = self._repeats([ids[i] for i in own])
        missing = np.flatnonzero(~has_id)
        if len(missing):
            made = self._make(texts.take(missing), posted_at.take(missing), accounts.take(missing))
            for i, name in zip(missing.tolist(), made, strict=True):
                ids[i] = name
        return pa.array(ids, pa.string()), repeated

    def _repeats(self, ids: list[str]) -> NDArray[np.bool_]:
        repeated = self._supplied.add(_hashes(ids)) > 0
        if len(self._contents):
            # Ads that adrisk wrote earlier come back with ids made here.
            for i, match in enumerate(map(_MADE.fullmatch, ids)):
                if match is not None:
                    seen = self._contents.counts(_content_hashes([match.group(1)]))[0]
                    repeated[i] |= int(match.group(2) or 1) <= seen
        return repeated

    def _make(self, texts: ArrowArray, posted_at: ArrowArray, accounts: ArrowArray) -> list[str]:
        digests = _digests(texts, posted_at, accounts)
        copies = self._contents.add(_content_hashes(digests))
        ids = [
            f"a{digest}-{copy + 1}" if copy else f"a{digest}"
            for digest, copy in zip(digests, copies.tolist(), strict=True)
        ]
        if len(self._supplied):
            taken = self._supplied.counts(_hashes(ids)) > 0
            for i in np.flatnonzero(taken).tolist():
                ids[i] = self._next_free(digests[i])
        return ids

    def _next_free(self, digest: str) -> str:
        """The next id of a copy that is not a supplied id."""
        while True:
            copy = int(self._contents.add(_content_hashes([digest]))[0])
            name = f"a{digest}-{copy + 1}"
            if not self._supplied.counts(_hashes([name]))[0]:
                return name


class Fingerprint:
    """SHA-256 over the ids and texts of ads in order, independent of batches."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, ads: pa.Table) -> None:
        """Add ads; a NUL ends each id and each text, and occurs in neither."""
        empty, nul = pa.scalar("", pa.large_string()), pa.scalar("\0", pa.large_string())
        for ids, texts in zip(ads["ad_id"].chunks, ads["text"].chunks, strict=True):
            ended = pc.binary_join_element_wise(ids.cast(pa.large_string()), texts, empty, nul)
            bounds, content = string_buffers(ended)
            self._hash.update(content[bounds[0] : bounds[-1]].data)

    def hexdigest(self) -> str:
        """The fingerprint so far."""
        return self._hash.hexdigest()


def _rank_among_equals(inverse: IntArray) -> IntArray:
    """For each element, the number of equal elements before it.

    >>> _rank_among_equals(np.array([0, 1, 0, 0, 1])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(inverse, kind="stable")
    ordered = inverse[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    ranks = np.empty(len(inverse), dtype=np.int64)
    ranks[order] = np.arange(len(inverse)) - np.repeat(starts, sizes)
    return ranks


def _hashes(ids: list[str]) -> _Hashes:
    """Python's own hash (SipHash under a key of the process): collisions cannot be forged."""
    return np.fromiter(map(hash, ids), np.int64, len(ids)).view(np.uint64)


def _content_hashes(digests: list[str]) -> _Hashes:
    return np.array([int(digest[:16], 16) for digest in digests], dtype=np.uint64)


def _digests(texts: ArrowArray, posted_at: ArrowArray, accounts: ArrowArray) -> list[str]:
    """24 hexadecimal digits for each ad's content."""
    plain = posted_at.null_count == len(posted_at) and accounts.null_count == len(accounts)
    if plain:
        return [hashlib.sha256(text.encode()).hexdigest()[:24] for text in text_list(texts)]
    moments = posted_at.cast(pa.int64()).to_pylist()
    digests: list[str] = []
    for text, moment, account in zip(text_list(texts), moments, accounts.to_pylist(), strict=True):
        content = text
        # NUL occurs in no text, so the separators are unambiguous.
        content += f"\0posted_at={moment}" if moment is not None else ""
        content += f"\0account_id={account}" if account is not None else ""
        digests.append(hashlib.sha256(content.encode()).hexdigest()[:24])
    return digests
