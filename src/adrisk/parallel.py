"""Where batches run: here, on a few threads or processes, in order, with few under way at once.

numpy, Arrow and liblinear let go of the interpreter lock in their inner loops, so threads
serve small work and share one model; processes, which take seconds to start, serve large work.
Results come in the order of the items either way, and memory stays flat. It knows nothing of ads,
so any room may use it.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

import pyarrow as pa

from adrisk.errors import RunError

Given = TypeVar("Given")
Made = TypeVar("Made")
Held = TypeVar("Held")


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def release_memory() -> None:
    """Give memory that is free again back to the system: Arrow and the C library like to keep it.

    Between two stages it is a quarter of what the process holds. Where the C library is not glibc,
    that part is left out.
    """
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def in_order(
    work: Callable[[Given], Made], items: Iterable[Given], workers: int = 0
) -> Iterator[Made]:
    """`work` of every item on threads, results in the order of the items.

    Args:
        work: called from several threads at once.
        items: consumed only a little ahead of the results.
        workers: threads; 0 for one a core, 1 for none beside the caller's.

    Raises:
        whatever `work` raises, at the place of its item; what is under way is awaited first.
    """
    workers = workers or cores()
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="adrisk") as pool:
        yield from _through(lambda item: pool.submit(work, item), items, workers, (pool,))


class WorkerPool(Generic[Held]):
    """Processes that each hold one thing, made once, and do several kinds of work with it."""

    def __init__(self, pool: Executor, started: Future[None], workers: int) -> None:
        self._pool, self._started, self._workers = pool, started, workers

    def in_order(
        self,
        work: Callable[[Held, Given], Made],
        items: Iterable[Given],
        *,
        ahead: int = 0,
    ) -> Iterator[Made]:
        """`work` of what a process holds and every item, in the order of the items.

        Args:
            work: a function of a module, called in any of the processes.
            items: can be pickled; consumed only a little ahead of the results.
            ahead: of how many items more may be consumed while the processes start, as making
                the items is work, too.

        Raises:
            whatever making the thing or the work raises, at the place of its item.
            RunError: if a process was killed.
        """

        def submit(item: Given) -> Future[Made]:
            try:
                return self._pool.submit(_call, work, item)
            except (EOFError, ConnectionError) as error:  # the process that starts them is gone
                raise _lost() from error

        coming = iter(items)
        waiting: deque[Given] = deque()
        while len(waiting) < ahead and not self._started.done():
            try:
                waiting.append(next(coming))
            except StopIteration:
                break
        if waiting:
            self._started.exception()  # asking earlier for a process would wait as long
        try:
            yield from _through(submit, chain(_emptied(waiting), coming), self._workers, ())
        except BrokenExecutor as error:
            raise _lost() from error


def _lost() -> RunError:
    return RunError(
        "a worker process was ended from outside, most often because memory ran out; free some "
        "memory or use fewer --workers, and repeat the command (score goes on with --resume)"
    )


def _emptied(waiting: deque[Given]) -> Iterator[Given]:
    """The items from the first, each let go as it is given."""
    while waiting:
        yield waiting.popleft()


@contextmanager
def start_pool(
    make: Callable[[], Held], workers: int = 0, *, preload: Sequence[str] = ()
) -> Iterator[WorkerPool[Held]]:
    """Processes that hold what `make` makes, until the end of the context.

    A script that gets here must guard its start with `if __name__ == "__main__":`, as Python's
    multiprocessing asks.

    Args:
        make: can be pickled; what it makes need not be.
        workers: processes; 0 for one a core.
        preload: modules that the processes need, imported once for all of them.
    """
    workers = workers or cores()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    with (
        ProcessPoolExecutor(workers, context, initializer=_install, initargs=(make,)) as pool,
        ThreadPoolExecutor(1, thread_name_prefix="adrisk-start") as starter,
    ):
        # Even asking for a process waits until the modules are imported, hence on a thread. One
        # starts with each question while none is free: with as many questions, all at once.
        def start() -> None:
            ready = [pool.submit(_ready) for _ in range(workers)]
            ready[0].result()

        started = starter.submit(start)
        try:
            yield WorkerPool(pool, started, workers)
        finally:
            pool.shutdown(cancel_futures=True)


def in_processes(
    make: Callable[[], Callable[[Given], Made]],
    items: Iterable[Given],
    workers: int = 0,
    *,
    preload: Sequence[str] = (),
) -> Iterator[Made]:
    """`make()` once in every process, then its result of every item, in the order of the items.

    See `start_pool`, which serves where there is more than one kind of work.
    """
    with start_pool(make, workers, preload=preload) as hands:
        yield from hands.in_order(_do, items)


def _do(work: Callable[[Given], Made], item: Given) -> Made:
    return work(item)


def _through(
    submit: Callable[[Given], Future[Made]],
    items: Iterable[Given],
    workers: int,
    pools: Sequence[Executor],
) -> Iterator[Made]:
    under_way: deque[Future[Made]] = deque()
    try:
        for item in items:
            under_way.append(submit(item))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for waiting in under_way:
            waiting.cancel()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


_installed: list[Any] = []  # in a worker process: the one thing it holds
_failures: list[Exception] = []  # or why it could not be made


def _install(make: Callable[[], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _installed[:] = [make()]
    except Exception as error:  # noqa: BLE001, raised by the first work: here it breaks the pool
        _failures[:] = [error]
    # What is held stays to the end: the garbage collector need not go through it again and again,
    # which took a third of the time of work that makes many small objects.
    gc.collect()
    gc.freeze()


def _ready() -> None:
    """Answered by a process that has started and installed what it needs."""


def _call(work: Callable[[Any, Any], Any], item: Any) -> Any:
    if _failures:
        raise _failures[0]
    return work(_installed[0], item)


def _end_with_parent() -> None:
    """A killed parent cannot end its workers, so they watch it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
