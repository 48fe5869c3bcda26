"""Copies are read once, and what is remembered is bounded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from adrisk.stages.copies import Copies, Names, Records

RECORD = np.dtype([("length", np.int32)])


class Texts:
    """A batch of texts, and a reader that notes what it was asked to read."""

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self.read: list[str] = []

    def __call__(self, texts: Sequence[str]) -> tuple[list[int], Names]:
        def reader(rows: NDArray[np.int64]) -> tuple[Records, Names]:
            asked = [texts[row] for row in rows]
            self.read += asked
            found = self.copies.blank(len(asked))
            found["length"] = [len(text) for text in asked]
            return found, [(text[:1],) for text in asked]

        found, names = self.copies.read([text.encode() for text in texts], reader)
        return found["length"].tolist(), names


def test_each_text_is_read_once_however_often_it_comes() -> None:
    texts = Texts(Copies(RECORD))
    assert texts(["aa", "b", "aa"]) == ([2, 1, 2], [("a",), ("b",), ("a",)])
    assert texts(["b", "ccc", "aa"]) == ([1, 3, 2], [("b",), ("c",), ("a",)])
    assert texts.read == ["aa", "b", "ccc"]


def test_an_empty_batch_finds_nothing() -> None:
    assert Texts(Copies(RECORD))([]) == ([], [])


def test_the_oldest_text_is_forgotten_first() -> None:
    texts = Texts(Copies(RECORD, size=2))
    texts(["a"])
    texts(["b"])
    texts(["c"])
    assert texts(["c", "b", "a"])[0] == [1, 1, 1]
    assert texts.read == ["a", "b", "c", "a"]


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_larger_than_the_memory_is_answered_in_full(size: int) -> None:
    texts = Texts(Copies(RECORD, size=size))
    batch = ["x" * n for n in range(1, 9)]
    assert texts(batch)[0] == list(range(1, 9))
    assert texts(batch)[0] == list(range(1, 9))
    assert len(texts.read) == 16 - size
