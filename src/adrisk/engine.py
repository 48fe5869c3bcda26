"""Where batches run: here, on a few threads, in order, with a bounded number under way.

numpy, Arrow, torch and liblinear let go of the interpreter lock in their inner loops, so threads
are enough and a model is in memory once. It knows nothing of ads, so any room may use it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Given], Made], items: Iterable[Given], workers: int = 0
) -> Iterator[Made]:
    """`work` of every item, results in the order of the items.

    Args:
        work: called from several threads at once.
        items: consumed only a little ahead of the results, so memory stays flat.
        workers: threads; 0 for one a core, 1 for none beside the caller's.

    Raises:
        whatever `work` raises, at the place of its item; what is under way is awaited first.
    """
    workers = workers or cores()
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="adrisk") as pool:
        under_way: deque[Future[Made]] = deque()
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
