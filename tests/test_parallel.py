"""The engine: results in the order of the items, little under way at once, failures in place."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from adrisk.errors import ModelError, RunError
from adrisk.parallel import WorkerPool, in_order, in_processes, release_memory, start_pool


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
def test_a_crew_does_several_kinds_of_work() -> None:
    with start_pool(make_base, 2, preload=(__name__,)) as hands:
        assert list(hands.in_order(added, range(40), ahead=8)) == list(range(100, 140))
        assert list(hands.in_order(taken, range(3))) == [100, 99, 98]


def killed(base: int, number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return base + number


def make_nothing() -> int:
    raise ModelError("model.json is damaged")


@pytest.mark.slow
def test_a_killed_worker_is_one_line_that_says_what_to_do() -> None:
    with (
        start_pool(make_base, 2) as hands,
        pytest.raises(RunError, match="a worker process was ended"),
    ):
        list(hands.in_order(killed, range(8)))


@pytest.mark.slow
def test_a_worker_that_cannot_be_made_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        start_pool(make_nothing, 1) as hands,
        pytest.raises(ModelError, match=r"model.json is damaged"),
    ):
        list(hands.in_order(added, range(3)))
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("failure", [EOFError(), ConnectionRefusedError()])
def test_a_killed_fork_server_is_one_line_too(failure: Exception) -> None:
    class Gone(ThreadPoolExecutor):
        def submit(self, *_: object, **__: object) -> Future[int]:  # type: ignore[override]
            raise failure

    started: Future[None] = Future()
    started.set_result(None)
    with Gone(1) as pool, pytest.raises(RunError, match="a worker process was ended"):
        list(WorkerPool(pool, started, 1).in_order(added, range(8)))


@pytest.mark.parametrize(("ahead", "before"), [(2, 2), (9, 5)])
def test_a_few_items_are_made_while_the_processes_start(
    monkeypatch: pytest.MonkeyPatch, ahead: int, before: int
) -> None:
    monkeypatch.setattr("adrisk.parallel._installed", [make_base()])
    started: Future[None] = Future()
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    def start() -> None:
        while len(made) < before:
            time.sleep(0.001)
        made_before.append(len(made))
        started.set_result(None)

    made_before: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        pool.submit(start)
        results = WorkerPool(pool, started, 1).in_order(added, items(), ahead=ahead)
        assert list(results) == list(range(100, 105))
    assert made_before == [before]


@pytest.mark.parametrize("ahead", [0, 4])
def test_a_crew_that_cannot_start_fails_at_the_first_item(ahead: int) -> None:
    started: Future[None] = Future()
    started.set_exception(RuntimeError("no process"))
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"):
        list(WorkerPool(pool, started, 1).in_order(added, [1], ahead=ahead))


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
    release_memory()
    assert held.to_pylist() == list(range(100))
