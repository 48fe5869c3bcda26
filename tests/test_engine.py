"""The engine: results in the order of the items, little under way at once, failures in place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from adrisk.engine import Crew, crew, give_back, in_order, in_processes


def twice(number: int) -> int:
    if number == 7:
        raise OSError("seven")
    return 2 * number


def make_twice() -> Callable[[int], int]:
    return twice


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(in_order(twice, [3, 1, 2, 9, 8], workers)) == [6, 2, 4, 18, 16]
    assert list(in_order(twice, [], workers)) == []


def test_items_are_taken_only_a_little_ahead_of_the_results() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10, 100):
            taken.append(number)
            yield number

    results = in_order(twice, items(), 2)
    next(results)
    assert len(taken) <= 6
    results.close()


def test_a_failure_comes_at_its_place() -> None:
    results = in_order(twice, [1, 2, 7, 3], 2)
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(OSError, match="seven"):
        next(results)


@pytest.mark.slow
def test_processes_give_what_threads_give() -> None:
    assert list(in_processes(make_twice, range(8, 40), 2)) == list(range(16, 80, 2))
    with pytest.raises(OSError, match="seven"):
        list(in_processes(make_twice, [6, 7, 8], 2))


def make_base() -> int:
    return 100


def added(base: int, number: int) -> int:
    return base + number


def taken(base: int, number: int) -> int:
    return base - number


@pytest.mark.slow
def test_a_crew_does_work_here_while_it_starts_and_several_kinds_of_work_there() -> None:
    here: list[int] = []

    def also_here(number: int) -> int:
        here.append(number)
        return added(make_base(), number)

    with crew(make_base, 2, preload=(__name__,)) as hands:
        assert list(hands.in_order(added, range(40), meanwhile=also_here)) == list(range(100, 140))
        assert list(hands.in_order(taken, range(3))) == [100, 99, 98]
    assert here[0] == 0


def test_what_waits_goes_to_the_processes_once_they_have_started_though_one_is_busy_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adrisk.engine._installed", [make_base()])
    started: Future[None] = Future()
    free, there = threading.Event(), threading.Event()
    here: list[int] = []

    def slowly(number: int) -> int:
        here.append(number)
        assert free.wait(10)
        return -number

    def at_once(base: int, number: int) -> int:
        if number == 4:
            there.set()
        return added(base, number)

    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        started.set_result(None)
        yield 4
        assert there.wait(10)  # while the first is still in hand here
        free.set()

    with ThreadPoolExecutor(2) as pool:
        results = Crew(pool, started, 4).in_order(at_once, items(), meanwhile=slowly)
        assert list(results) == [-1, 102, 103, 104]
    assert here == [1]


def test_a_place_that_is_closed_fails_at_the_item_it_was_to_do() -> None:
    started: Future[None] = Future()
    started.set_result(None)
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"):
        list(Crew(pool, started, 1).in_order(added, [1], meanwhile=abs))


def test_what_waits_is_given_up_with_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adrisk.engine._installed", [make_base()])
    started: Future[None] = Future()
    done: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        results = Crew(pool, started, 1).in_order(added, range(9), meanwhile=done.append)
        next(results)
        results.close()
        started.set_result(None)
    assert len(done) < 4


@pytest.mark.parametrize("failure", [None, OSError, TypeError, AttributeError])
def test_giving_memory_back_leaves_what_is_held_whatever_the_c_library(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception] | None
) -> None:
    held, freed = pa.array(range(100)), pa.array(np.arange(1 << 20))

    def none_here(name: str | None) -> None:
        assert failure is not None
        raise failure

    if failure is not None:
        monkeypatch.setattr("ctypes.CDLL", none_here)
    del freed
    give_back()
    assert held.to_pylist() == list(range(100))
