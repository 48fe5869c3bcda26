"""Hashed byte n-grams and word n-grams of folded text.

In: a large_string array of folded texts. Out: rows of a weight table for the n-grams of each text,
or the same as a scipy matrix for training. Nothing is learned here, and no Python object is made
per ad.

Every occurrence counts once, and the counts of a text are divided by the square root of their
number, characters and words each on their own: a cheap stand-in for the Euclidean norm that needs
no sorting, and keeps the many characters from outweighing the words, as a scikit-learn union of
two normalised vectorisers does. (Hashing: Weinberger et al. 2009, "Feature hashing for large scale
multitask learning".)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adrisk.text.arrow import joined_bytes, row_groups
from adrisk.types import ArrowArray, FloatArray

Rows = NDArray[np.int32]

CHAR_ORDERS = (3, 4, 5)
_BLOCK_BYTES = 1 << 16  # of text at once, so that the intermediate arrays stay in cache

# Odd multipliers from the fractional digits of the golden ratio and of pi: one for each kind of
# n-gram, so that "abc" the trigram and "abc" the word have rows of their own.
_SPREAD = {
    3: np.uint32(0x9E3779B1),
    4: np.uint32(0x85EBCA77),
    5: np.uint32(0xC2B2AE3D),
}
_FIFTH = np.uint32(0x27D4EB2F)
_WORD = np.uint64(0x9E3779B97F4A7C15)
_PAIR = np.uint64(0xD1B54A32D192ED03)
_BASE = 0x100000001B3  # FNV prime; odd, so it has an inverse modulo 2^64
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)

_IS_WORD = np.zeros(256, dtype=np.bool_)
_IS_WORD[[*range(48, 58), *range(65, 91), *range(97, 123), *range(128, 256)]] = True


@dataclass(frozen=True, slots=True)
class Bags:
    """Rows of the weight table for a block of texts.

    `chars` holds an array for each of CHAR_ORDERS with one row a byte, the n-gram that begins
    there; text i owns `[char_offsets[i]:char_offsets[i + 1]]` of each. `words` holds two arrays
    with one row a word, itself and the pair it begins, likewise with `word_offsets`; word j is
    the bytes `word_starts[j]` to `word_ends[j]` of the block. The row `2 ** bits` means "no
    n-gram begins here" and must have weight 0. `char_scale[i]` and `word_scale[i]` multiply the
    sum over a text's rows.
    """

    chars: tuple[Rows, ...]
    char_offsets: NDArray[np.int32]
    char_scale: FloatArray
    words: tuple[Rows, ...]
    word_offsets: NDArray[np.int32]
    word_scale: FloatArray
    word_starts: NDArray[np.int64]
    word_ends: NDArray[np.int64]


def bags(folded: ArrowArray, bits: int) -> Iterator[Bags]:
    """Bags for consecutive blocks of the texts, in order; none for an empty array.

    Args:
        folded: large_string, no nulls; folded by `adrisk.text.normalise`.
        bits: rows are numbered 0 to 2 ** bits - 1, with 2 ** bits for "no n-gram".
    """
    content, offsets = joined_bytes(folded)
    for first, end in row_groups(offsets, _BLOCK_BYTES):
        block = offsets[first : end + 1]
        yield _block(content[block[0] : block[-1]], block - block[0], bits)


def _block(content: NDArray[np.uint8], offsets: NDArray[np.int64], bits: int) -> Bags:
    lengths = np.diff(offsets)
    words, word_offsets, word_starts, word_ends = _word_rows(content, offsets, bits)
    counts = np.diff(word_offsets)
    grams = sum(np.maximum(lengths - order + 1, 0) for order in CHAR_ORDERS)
    return Bags(
        chars=_char_rows(content, offsets, bits),
        char_offsets=offsets.astype(np.int32),
        char_scale=_scale(np.asarray(grams)),
        words=words,
        word_offsets=word_offsets.astype(np.int32),
        word_scale=_scale(counts + np.maximum(counts - 1, 0)),
        word_starts=word_starts,
        word_ends=word_ends,
    )


def _char_rows(
    content: NDArray[np.uint8], offsets: NDArray[np.int64], bits: int
) -> tuple[Rows, ...]:
    """A row for each byte and order; "no n-gram" where one would reach beyond its text."""
    length = len(content)
    padded: NDArray[np.uint32] = np.zeros(length + max(CHAR_ORDERS), dtype=np.uint32)
    padded[:length] = content
    three: NDArray[np.uint32] = padded[1 : length + 1] << np.uint32(8)
    three |= padded[:length]
    three |= padded[2 : length + 2] << np.uint32(16)
    four = padded[3 : length + 3] << np.uint32(24)
    four |= three
    five = four * _FIFTH
    five += padded[4 : length + 4]
    return tuple(
        _mixed(packed * _SPREAD[order], offsets, order, bits)
        for order, packed in zip(CHAR_ORDERS, (three, four, five), strict=True)
    )


def _mixed(hashes: NDArray[np.uint32], offsets: NDArray[np.int64], order: int, bits: int) -> Rows:
    """Rows from hashes, in place: most of the time of scoring is spent here."""
    hashes ^= hashes >> np.uint32(15)
    hashes *= _FIFTH
    hashes >>= np.uint32(32 - bits)
    rows = hashes.view(np.int32)
    # The last order - 1 bytes of a text begin no n-gram of this order.
    for back in range(1, order):
        at = offsets[1:] - back
        rows[at[at >= offsets[:-1]]] = 1 << bits
    return rows


def _word_rows(
    content: NDArray[np.uint8], offsets: NDArray[np.int64], bits: int
) -> tuple[tuple[Rows, Rows], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Two rows for each word, itself and the pair it begins; a text's last word begins none."""
    length = len(content)
    inside = np.zeros(length + 2, dtype=np.bool_)
    inside[1:-1] = _IS_WORD[content]
    begins = inside[1:-1] & ~inside[:-2]
    finishes = inside[1:-1] & ~inside[2:]
    cuts = offsets[1:-1]
    cuts = cuts[(cuts > 0) & (cuts < length)]
    # Words do not reach across the border of two texts.
    begins[cuts] = inside[1:-1][cuts]
    finishes[cuts - 1] = inside[1:-1][cuts - 1]
    starts = np.flatnonzero(begins)
    ends = np.flatnonzero(finishes) + 1
    # Prefix sums of content[i] * base ** i give every word's hash at once, modulo 2^64.
    sums = np.zeros(length + 1, dtype=np.uint64)
    np.cumsum((content.astype(np.uint64) + 1) * _powers(_BASE, length), out=sums[1:])
    hashes = (sums[ends] - sums[starts]) * _powers(_BASE_INVERSE, length)[starts]
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _WORD
    counts = np.searchsorted(starts, offsets)
    top = np.uint64(64 - bits)
    singles = ((hashes ^ (hashes >> np.uint64(32))) >> top).astype(np.int32)
    pairs = hashes * _PAIR + np.roll(hashes, -1)
    doubles = (((pairs ^ (pairs >> np.uint64(31))) * _WORD) >> top).astype(np.int32)
    doubles[counts[1:][counts[1:] > counts[:-1]] - 1] = 1 << bits
    return (singles, doubles), counts, starts, ends


_power_tables: dict[int, NDArray[np.uint64]] = {}


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """base ** 0 .. base ** (count - 1) modulo 2^64, from a cached table."""
    table = _power_tables.get(base)
    if table is None or len(table) < count:
        size = max(count, _BLOCK_BYTES)
        factors = np.full(size, base, dtype=np.uint64)
        factors[0] = 1
        table = np.multiply.accumulate(factors)
        if size <= _BLOCK_BYTES:  # the table of a huge text is not kept
            _power_tables[base] = table
    return table[:count]


def hashed_matrix(folded: ArrowArray, bits: int) -> sparse.csr_array:
    """The bags as a sparse matrix of scaled counts, for training.

    Args:
        folded: n folded texts; none is allowed.
        bits: the matrix has 2 ** bits columns.

    Returns:
        Shape (n, 2 ** bits), float32; an empty text gives an empty row.
    """
    columns = 1 << bits
    blocks = [_matrix(bag, columns) for bag in bags(folded, bits)]
    if not blocks:
        return sparse.csr_array((0, columns), dtype=np.float32)
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def _matrix(bag: Bags, columns: int) -> sparse.csr_array:
    """A block as a matrix, without the row "no n-gram" (= columns)."""
    owners, rows, values = [], [], []
    for kinds, offsets, scale in (
        (bag.chars, bag.char_offsets, bag.char_scale),
        (bag.words, bag.word_offsets, bag.word_scale),
    ):
        owner = np.repeat(np.arange(len(scale), dtype=np.int32), np.diff(offsets))
        for kind in kinds:
            real = kind != columns
            owners.append(owner[real])
            rows.append(kind[real])
            values.append(scale.astype(np.float32)[owner[real]])
    entries = (np.concatenate(values), (np.concatenate(owners), np.concatenate(rows)))
    return sparse.csr_array(entries, shape=(len(bag.char_scale), columns))


def _scale(counts: NDArray[np.int64]) -> FloatArray:
    """One over the square root of each count; 0 for a text without n-grams."""
    return np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0.0)
