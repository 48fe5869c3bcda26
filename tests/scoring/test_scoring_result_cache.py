"""Copies are read once, and what is remembered is bounded."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest

from adrisk.scoring.dedupe import CacheLookup, ResultCache, TextNotes

RECORD = np.dtype([("length", np.int32)])


Names = list[tuple[str, ...]]


class Texts:
    """Batches of texts, and what was read of them; nothing is found of a text but its length."""

    def __init__(self, copies: ResultCache) -> None:
        self.copies = copies
        self.read: list[str] = []

    def lookup(self, texts: Sequence[str]) -> tuple[CacheLookup, list[str]]:
        asked = self.copies.lookup([text.encode() for text in texts])
        unread = [texts[row] for row in asked.rows]
        self.read += unread
        return asked, unread

    def store(self, asked: CacheLookup, unread: Sequence[str]) -> tuple[list[int], Names]:
        fresh = np.array([(len(text),) for text in unread], RECORD)
        found, notes = self.copies.store(asked, fresh, [TextNotes((text[:1],)) for text in unread])
        return found["length"].tolist(), [note.names for note in notes]

    def __call__(self, texts: Sequence[str]) -> tuple[list[int], Names]:
        return self.store(*self.lookup(texts))


def test_each_text_is_read_once_however_often_it_comes() -> None:
    texts = Texts(ResultCache(RECORD))
    assert texts(["aa", "b", "aa"]) == ([2, 1, 2], [("a",), ("b",), ("a",)])
    assert texts(["b", "ccc", "aa"]) == ([1, 3, 2], [("b",), ("c",), ("a",)])
    assert texts.read == ["aa", "b", "ccc"]


def test_a_text_that_is_being_read_for_one_batch_is_not_read_for_the_next() -> None:
    texts = Texts(ResultCache(RECORD))
    first, second, third = (
        texts.lookup(["aa", "b"]),
        texts.lookup(["b", "ccc", "b"]),
        texts.lookup(["ccc"]),
    )
    assert texts.read == ["aa", "b", "ccc"]
    assert texts.store(*first) == ([2, 1], [("a",), ("b",)])
    assert texts.store(*second) == ([1, 3, 1], [("b",), ("c",), ("b",)])
    assert texts.store(*third) == ([3], [("c",)])


def test_what_was_read_for_an_earlier_batch_is_there_though_it_is_forgotten_already() -> None:
    texts = Texts(ResultCache(RECORD, size=1))
    batches = [texts.lookup(["a"]), texts.lookup(["bb", "cc"]), texts.lookup(["a", "bb"])]
    assert [texts.store(*batch)[0] for batch in batches] == [[1], [2, 2], [1, 2]]
    assert texts.read == ["a", "bb", "cc"]


def test_batches_are_told_of_in_the_order_in_which_they_were_asked_about() -> None:
    texts = Texts(ResultCache(RECORD))
    texts.lookup(["a"])
    with pytest.raises(ValueError, match="order in which they were looked up"):
        texts.store(*texts.lookup(["a"]))


def test_no_batch_keeps_the_ones_before_it_alive() -> None:
    texts = Texts(ResultCache(RECORD))
    under_way = [texts.lookup([str(n), str(n + 1)]) for n in range(3)]
    oldest = weakref.ref(under_way[0][0])
    for _ in range(3):
        texts.store(*under_way.pop(0))
    gc.collect()
    assert oldest() is None


def test_an_empty_batch_finds_nothing() -> None:
    assert Texts(ResultCache(RECORD))([]) == ([], [])


def test_the_oldest_text_is_forgotten_first() -> None:
    texts = Texts(ResultCache(RECORD, size=2))
    texts(["a"])
    texts(["b"])
    texts(["c"])
    assert texts(["c", "b", "a"])[0] == [1, 1, 1]
    assert texts.read == ["a", "b", "c", "a"]


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_larger_than_the_memory_is_answered_in_full(size: int) -> None:
    texts = Texts(ResultCache(RECORD, size=size))
    batch = ["x" * n for n in range(1, 9)]
    assert texts(batch)[0] == list(range(1, 9))
    assert texts(batch)[0] == list(range(1, 9))
    assert len(texts.read) == 16 - size
