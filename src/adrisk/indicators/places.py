"""The way between the places of a folded text and those of the raw one, for one ad.

In: a raw text and its folded form. Out: spans, either way. Most ads are folded character for
character; the slow form of the way is made only where they are not, and only if it is asked for.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from adrisk.text.normalise import Folded, fold


class Places:
    """The places of one ad."""

    def __init__(self, raw: str, folded: str) -> None:
        self._raw = raw
        self.same = raw.isascii() or (len(raw) == len(folded) and raw.lower() == folded)

    @cached_property
    def _folded(self) -> Folded:
        return fold(self._raw)

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of a folded one."""
        return (start, end) if self.same else self._folded.span(start, end)

    def folded(self, start: int, end: int) -> tuple[int, int]:
        """The folded characters that come from a raw span.

        >>> Places("Ｃａｌｌ 5\\ufe0f\\u20e35\\ufe0f\\u20e3", "call 55").folded(5, 8)
        (5, 6)
        """
        if self.same:
            return start, end
        first = int(np.searchsorted(self._folded.ends, start, side="right"))
        last = int(np.searchsorted(self._folded.starts, end, side="left"))
        return first, max(first, last)
