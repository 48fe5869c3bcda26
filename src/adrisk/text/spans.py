"""A set of spans of a text, none of which overlap."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable


class DisjointSpans:
    """Half-open spans in order; finding an overlap takes logarithmic time.

    A text of a megabyte can hold 100,000 links, so comparing each with all others takes hours.
    """

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if self._spans and start < self._spans[-1][1]:  # overlapping ones become one
                first, last = self._spans.pop()
                start, end = first, max(last, end)
            self._spans.append((start, end))

    def overlaps(self, start: int, end: int) -> bool:
        """Whether `[start, end)` shares a character with a span of the set."""
        before_end = bisect_left(self._spans, (end, 0))
        return before_end > 0 and self._spans[before_end - 1][1] > start

    def add(self, start: int, end: int) -> bool:
        """Add a span unless it overlaps with one of the set; whether it was added."""
        if self.overlaps(start, end):
            return False
        insort(self._spans, (start, end))
        return True
