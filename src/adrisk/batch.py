"""Ads as every model reads them: cut, folded, and with what the evidence rules find in them.

In: raw texts and, where known, their languages. Out: a `TextBatch`. The rules are asked only once
somebody wants to know what they find, and once only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.rules.match import RuleHits, RuleMatches
from adrisk.text.normalise import fold_column
from adrisk.types import IntArray

MAX_CHARS = 20_000
"""Only so many characters of an ad are read; a longer one is marked `truncated`."""


class TextBatch:
    """n ads.

    Attributes:
        raw: n texts of at most `MAX_CHARS` characters.
        folded: the same, folded.
        truncated: shape (n,), whether a text was cut.
        languages: n, ISO 639-1 where known.
    """

    __slots__ = (
        "_rule_hits",
        "_rule_matches",
        "_whole",
        "folded",
        "languages",
        "raw",
        "truncated",
    )

    def __init__(
        self,
        raw: pa.Array,
        folded: pa.Array,
        truncated: NDArray[np.bool_],
        languages: Sequence[str | None],
        rule_hits: RuleHits | None = None,
    ) -> None:
        self.raw = raw
        self.folded = folded
        self.truncated = truncated
        self.languages = languages
        self._rule_hits = rule_hits
        self._rule_matches: RuleMatches | None = None
        self._whole: tuple[TextBatch, IntArray] | None = None

    def __len__(self) -> int:
        return len(self.folded)

    @property
    def rule_hits(self) -> RuleHits:
        """What the rules find. Readings taken from one share what was found for it."""
        if self._rule_hits is None:
            if self._whole is not None:
                whole, rows = self._whole
                self._rule_hits = whole.rule_hits.take(rows)
            else:
                matches = self._rule_matches or self._matched()
                self._rule_hits = matches.hits()
        return self._rule_hits

    @property
    def rule_matches(self) -> RuleMatches:
        """The same with rules and raw spans, which takes memory: kept where it is asked for first.

        `rule_hits` are then made of it, without another pass.
        """
        if self._rule_matches is None:
            self._rule_matches = self._matched()
        return self._rule_matches

    def _matched(self) -> RuleMatches:
        return RuleMatches(self.raw.to_pylist(), self.folded, self.languages)

    def take(self, rows: Sequence[int] | IntArray) -> TextBatch:
        """The same of some rows, in their order."""
        at = np.asarray(rows, dtype=np.int64)
        places = pa.array(at)
        taken = TextBatch(
            self.raw.take(places),
            self.folded.take(places),
            self.truncated[at],
            [self.languages[row] for row in at],
        )
        taken._whole = (self, at)
        return taken


def make_batch(
    texts: pa.ChunkedArray | pa.Array | Sequence[str],
    languages: Sequence[str | None] | None = None,
) -> TextBatch:
    """Cut and fold raw texts; without languages, the rules of all of theirs are tried."""
    if not isinstance(texts, pa.ChunkedArray | pa.Array):
        texts = pa.array(list(texts), pa.large_string())
    raw, truncated = cut(texts)
    known = [None] * len(raw) if languages is None else languages
    return TextBatch(raw, fold_column(raw), truncated, known)


def cut(texts: pa.ChunkedArray | pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """The first `MAX_CHARS` characters of each text, and whether there were more."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = texts.cast(pa.large_string())
    truncated = np.zeros(len(texts), dtype=np.bool_)
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > MAX_CHARS:
        truncated = pc.greater(pc.utf8_length(texts), MAX_CHARS).to_numpy(zero_copy_only=False)
        texts = pc.utf8_slice_codeunits(texts, 0, MAX_CHARS)
    return texts, truncated
