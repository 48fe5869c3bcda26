"""Counts of naive keywords, the baseline that every model has to beat.

In: folded texts. Out: how many words of `keywords.yaml`, of any language, each text holds.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.documents import read_yaml
from adrisk.types import ArrowValues, IntArray

_FILE = Path(__file__).with_name("keywords.yaml")


def keyword_counts(folded: ArrowValues) -> IntArray:
    """Occurrences of keywords in each text; shape (n,), 0 for a null.

    Args:
        folded: texts as `adrisk.text.normalise.fold_column` gives them.

    >>> keyword_counts(pa.array(["visa and passports, no experience", "bicycle"])).tolist()
    [3, 0]
    """
    counts = pc.fill_null(pc.count_substring_regex(folded, pattern=_pattern()), 0)
    return np.asarray(counts.cast(pa.int64()).to_numpy())


@lru_cache(maxsize=1)
def _pattern() -> str:
    """One RE2 alternation of all languages; words that languages share are counted once."""
    lists = read_yaml(_FILE).values()
    words = sorted({str(word) for words in lists for word in words}, key=lambda w: (-len(w), w))
    # RE2's \b covers ASCII letters only, so the borders of words are written out.
    ends = [w[:-1] if w.endswith("*") else rf"{w}(?:[^\p{{L}}\p{{N}}]|$)" for w in words]
    return rf"(?:^|[^\p{{L}}\p{{N}}])(?:{'|'.join(ends)})"
