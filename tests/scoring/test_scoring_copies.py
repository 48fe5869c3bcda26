"""Copies are read once, and what is remembered is bounded."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest

from adrisk.scoring.dedupe import Asked, Copies, Names

RECORD = np.dtype([("length", np.int32)])


class Texts:
    """Batches of texts, and what was read of them; nothing is found of a text but its length."""

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self.read: list[str] = []

    def ask(self, texts: Sequence[str]) -> tuple[Asked, list[str]]:
        asked = self.copies.ask([text.encode() for text in texts])
        unread = [texts[row] for row in asked.rows]
        self.read += unread
        return asked, unread

    def tell(self, asked: Asked, unread: Sequence[str]) -> tuple[list[int], Names]:
        fresh = np.array([(len(text),) for text in unread], RECORD)
        found, names = self.copies.tell(asked, fresh, [(text[:1],) for text in unread])
        return found["length"].tolist(), names

    def __call__(self, texts: Sequence[str]) -> tuple[list[int], Names]:
        return self.tell(*self.ask(texts))


def test_each_text_is_read_once_however_often_it_comes() -> None:
    texts = Texts(Copies(RECORD))
    assert texts(["aa", "b", "aa"]) == ([2, 1, 2], [("a",), ("b",), ("a",)])
    assert texts(["b", "ccc", "aa"]) == ([1, 3, 2], [("b",), ("c",), ("a",)])
    assert texts.read == ["aa", "b", "ccc"]


def test_a_text_that_is_being_read_for_one_batch_is_not_read_for_the_next() -> None:
    texts = Texts(Copies(RECORD))
    first, second, third = texts.ask(["aa", "b"]), texts.ask(["b", "ccc", "b"]), texts.ask(["ccc"])
    assert texts.read == ["aa", "b", "ccc"]
    assert texts.tell(*first) == ([2, 1], [("a",), ("b",)])
    assert texts.tell(*second) == ([1, 3, 1], [("b",), ("c",), ("b",)])
    assert texts.tell(*third) == ([3], [("c",)])


def test_what_was_read_for_an_earlier_batch_is_there_though_it_is_forgotten_already() -> None:
    texts = Texts(Copies(RECORD, size=1))
    batches = [texts.ask(["a"]), texts.ask(["bb", "cc"]), texts.ask(["a", "bb"])]
    assert [texts.tell(*batch)[0] for batch in batches] == [[1], [2, 2], [1, 2]]
    assert texts.read == ["a", "bb", "cc"]


def test_batches_are_told_of_in_the_order_in_which_they_were_asked_about() -> None:
    texts = Texts(Copies(RECORD))
    texts.ask(["a"])
    with pytest.raises(ValueError, match="asked about earlier"):
        texts.tell(*texts.ask(["a"]))


def test_no_batch_keeps_the_ones_before_it_alive() -> None:
    texts = Texts(Copies(RECORD))
    under_way = [texts.ask([str(n), str(n + 1)]) for n in range(3)]
    oldest = weakref.ref(under_way[0][0])
    for _ in range(3):
        texts.tell(*under_way.pop(0))
    gc.collect()
    assert oldest() is None


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
