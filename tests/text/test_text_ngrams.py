"""Hashed n-grams stay within a text, and a batch gives the sum of its parts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from adrisk.text.ngrams import bags, hashed_matrix

BITS = 14
TEXTS = st.lists(st.text(alphabet="ab é中\n9", max_size=20), max_size=6)


def matrix(texts: list[str]) -> np.ndarray:
    return hashed_matrix(pa.array(texts, pa.large_string()), BITS).toarray()


@given(TEXTS)
def test_a_batch_has_the_rows_of_its_texts(texts: list[str]) -> None:
    together = matrix(texts)
    assert together.shape == (len(texts), 1 << BITS)
    for row, text in zip(together, texts, strict=True):
        np.testing.assert_allclose(row, matrix([text])[0], rtol=1e-6)


def test_counts_are_those_of_a_plain_python_count() -> None:
    text = "aba aba"
    content = text.encode()
    chars = sum(max(0, len(content) - order + 1) for order in (3, 4, 5))
    row = matrix([text])[0]
    # 3-, 4- and 5-grams over the square root of their number, likewise words and pairs.
    expected = chars / np.sqrt(chars) + 3 / np.sqrt(3)
    assert np.isclose(row.sum(), expected)
    # "aba" occurs twice as a trigram, and twice as a word.
    assert np.isclose(np.sort(row)[-1], max(2 / np.sqrt(chars), 2 / np.sqrt(3)))


def test_the_same_words_give_the_same_rows_wherever_they_stand() -> None:
    first = pa.array(["contract", "signed contract here"], pa.large_string())
    bag = next(iter(bags(first, BITS)))
    words = bag.words[0]
    assert words[0] == words[2]
    assert len(set(words.tolist())) == 3


def test_empty_texts_and_slices_are_fine() -> None:
    assert matrix([]).shape == (0, 1 << BITS)
    assert matrix(["", ""]).sum() == 0
    column = pa.array(["xxxx", "abc def", "yyyy"], pa.large_string())
    np.testing.assert_allclose(
        hashed_matrix(column.slice(1, 1), BITS).toarray()[0], matrix(["abc def"])[0]
    )


def test_texts_larger_than_a_block_are_hashed_like_small_ones() -> None:
    long = "work abroad " * 40_000  # 480 kB, more than one block
    small = "work abroad "
    rows = matrix([small, long, small])
    np.testing.assert_allclose(rows[0], rows[2])
    assert set(np.flatnonzero(rows[0])) <= set(np.flatnonzero(rows[1]))


def test_a_million_distinct_words_spread_evenly() -> None:
    words = [f"w{i}" for i in range(20_000)]
    bag = next(iter(bags(pa.array([" ".join(words)], pa.large_string()), 16)))
    rows = bag.words[0]
    expected = 65_536 * (1 - np.exp(-20_000 / 65_536))  # distinct rows of a fair hash
    assert abs(len(np.unique(rows)) - expected) < 0.02 * expected
