"""Ordered parallel map on threads or processes, with bounded memory.

In: a function and an iterable. Out: results in the order of the items. numpy, Arrow and liblinear
release the interpreter lock in their inner loops, so threads serve small work and share one model;
processes, which take seconds to start, serve large work. Nothing here depends on ads.
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
from functools import partial
from itertools import chain
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

import pyarrow as pa

from adrisk.errors import RunError

Item = TypeVar("Item")
Result = TypeVar("Result")
Resource = TypeVar("Resource")


def cores() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def release_memory() -> None:
    """Return unused memory of Arrow and the C library to the system.

    Between two stages this is a quarter of the memory of the process. Without glibc only Arrow's
    part is returned.
    """
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int = 0
) -> Iterator[Result]:
    """Results of `work` for every item, computed on threads, in the order of the items.

    Args:
        work: called from several threads at once.
        items: consumed only a little ahead of the results.
        workers: threads; 0 for one a core, 1 for the caller's thread alone.

    Raises:
        whatever `work` raises, at the position of its item, after running items ended.
    """
    workers = workers or cores()
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="adrisk") as pool:
        yield from _ordered_results(lambda item: pool.submit(work, item), items, workers, (pool,))


class WorkerPool(Generic[Resource]):
    """Pool of processes that each hold one resource, made once, for several kinds of work."""

    def __init__(self, pool: Executor, started: Future[None], workers: int) -> None:
        self._pool, self._started, self.workers = pool, started, workers

    def in_order(
        self,
        work: Callable[[Resource, Item], Result],
        items: Iterable[Item],
        *,
        ahead: int = 0,
    ) -> Iterator[Result]:
        """Results of `work` for the resource and every item, in the order of the items.

        Args:
            work: a function of a module, called in any of the processes.
            items: can be pickled; consumed only a little ahead of the results.
            ahead: number of further items that may be consumed while the processes start.

        Raises:
            whatever making the resource or the work raises, at the position of its item.
            RunError: if a process was killed.
        """

        def submit(item: Item) -> Future[Result]:
            try:
                return self._pool.submit(_call, work, item)
            except (EOFError, ConnectionError) as error:  # the fork server has ended
                raise _worker_ended() from error

        source = iter(items)
        buffered: deque[Item] = deque()
        while len(buffered) < ahead and not self._started.done():
            try:
                buffered.append(next(source))
            except StopIteration:
                break
        if buffered:
            self._started.exception()  # submitting earlier would block as long
        try:
            yield from _ordered_results(submit, chain(_drained(buffered), source), self.workers, ())
        except BrokenExecutor as error:
            raise _worker_ended() from error


class ThreadWorkers(Generic[Resource]):
    """Threads that share one resource, with the interface of `WorkerPool`."""

    def __init__(self, resource: Resource, workers: int) -> None:
        self._resource, self.workers = resource, workers

    def in_order(
        self,
        work: Callable[[Resource, Item], Result],
        items: Iterable[Item],
        *,
        ahead: int = 0,
    ) -> Iterator[Result]:
        """As `WorkerPool.in_order`."""
        return in_order(partial(work, self._resource), items, self.workers)


def _worker_ended() -> RunError:
    return RunError(
        "a worker process was ended from outside, most often because memory ran out; free some "
        "memory or use fewer --workers, and repeat the command (score goes on with --resume)"
    )


def _drained(buffered: deque[Item]) -> Iterator[Item]:
    """The items from the first, each released as it is yielded."""
    while buffered:
        yield buffered.popleft()


@contextmanager
def start_pool(
    make: Callable[[], Resource], workers: int = 0, *, preload: Sequence[str] = ()
) -> Iterator[WorkerPool[Resource]]:
    """Context with a pool of processes that each hold the result of `make`.

    A script that uses it must guard its start with `if __name__ == "__main__":`, as Python's
    multiprocessing requires.

    Args:
        make: can be pickled; its result need not be.
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
        # Starting a process blocks until the modules are imported, hence the thread. Each submit
        # starts a process while none is free, so as many submits start all.
        def start() -> None:
            ready = [pool.submit(_ready) for _ in range(workers)]
            ready[0].result()

        started = starter.submit(start)
        try:
            yield WorkerPool(pool, started, workers)
        finally:
            pool.shutdown(cancel_futures=True)


def in_processes(
    make: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
    workers: int = 0,
    *,
    preload: Sequence[str] = (),
) -> Iterator[Result]:
    """Results of the function made by `make` in every process, in the order of the items.

    `start_pool` is for more than one kind of work.
    """
    with start_pool(make, workers, preload=preload) as pool:
        yield from pool.in_order(_do, items)


def _do(work: Callable[[Item], Result], item: Item) -> Result:
    return work(item)


def _ordered_results(
    submit: Callable[[Item], Future[Result]],
    items: Iterable[Item],
    workers: int,
    pools: Sequence[Executor],
) -> Iterator[Result]:
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(submit(item))
            if len(running) > 2 * workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for buffered in running:
            buffered.cancel()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


_installed: list[object] = []  # in a worker process: its resource
_failures: list[Exception] = []  # or the error of making it


def _install(make: Callable[[], object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _installed[:] = [make()]
    except Exception as error:  # noqa: BLE001, raised by the first work: here it breaks the pool
        _failures[:] = [error]
    # The resource lives until the end; freezing it saves the garbage collector a third of the time
    # of work that makes many small objects.
    gc.collect()
    gc.freeze()


def _ready() -> None:
    """No-op that completes once a process has started and made its resource."""


def _call(work: Callable[[Any, Any], Any], item: Any) -> Any:
    if _failures:
        raise _failures[0]
    return work(_installed[0], item)


def _end_with_parent() -> None:
    """End this worker when its parent ends, even if the parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
