"""What stands in many otherwise unlike ads, and so makes nobody a copy of anybody.

In: distinct signatures and who is thought to have written each. Out: their columns that many
authors have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adrisk.campaigns.minhash import WIDTH
from adrisk.parallel import in_order
from adrisk.types import IntArray

_COMMON_AUTHORS = 8  # what as many authors have in common is nobody's own,
_COMMON_SHARE = 0.002  # and in a large corpus it takes this share of all authors
NOTHING_COMMON = np.zeros((0, 0), dtype=np.bool_)


def common_columns(
    signatures: NDArray[np.uint32], distinct: IntArray, among: IntArray, author: IntArray
) -> NDArray[np.bool_]:
    """For each number and column, whether many authors have that value there.

    Authors count, not ads, so that a campaign's own template, however often it was edited, is not
    taken for boilerplate.
    """
    picked = distinct[among]
    authors = np.unique(author[among], return_inverse=True)[1].astype(np.uint64)
    count = int(authors.max(initial=0)) + 1
    limit = max(_COMMON_AUTHORS, _COMMON_SHARE * count)
    if count < limit:
        return NOTHING_COMMON
    common = np.zeros((len(distinct), WIDTH), dtype=np.bool_)

    def mark(column: int) -> None:
        values = signatures[picked, column]
        pairs = (values.astype(np.uint64) << np.uint64(32)) | authors
        pairs.sort()  # several times as fast as np.unique
        pairs = pairs[_first_of_equals(pairs)] >> np.uint64(32)
        starts = np.flatnonzero(_first_of_equals(pairs))
        often = pairs[starts[np.diff(starts, append=len(pairs)) >= limit]].astype(np.uint32)
        if len(often):
            common[among, column] = np.isin(values, often)

    for _ in in_order(mark, range(WIDTH)):
        pass
    return common if common.any() else NOTHING_COMMON


def _first_of_equals(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    first = np.ones(len(ordered), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first
