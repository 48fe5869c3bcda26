"""Bytes and bounds of string columns, for every type, slice and group size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.text.arrow import as_large_strings, joined_bytes, row_groups


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@given(texts=st.lists(st.text(alphabet="aé中\0", max_size=4), max_size=6), start=st.integers(0, 3))
def test_joined_bytes_hold_each_text_between_its_bounds(kind, texts, start):
    column = pa.array(texts, kind).slice(start)
    content, bounds = joined_bytes(column)
    cut = [content[a:b].tobytes().decode() for a, b in pairwise(bounds)]
    assert cut == texts[start:]
    assert bounds[0] == 0
    assert bounds[-1] == len(content)


@given(sizes=st.lists(st.integers(0, 9), max_size=12), limit=st.integers(1, 12))
def test_row_groups_cover_all_rows_and_only_a_single_row_exceeds_the_limit(sizes, limit):
    groups = list(row_groups(np.cumsum([0, *sizes]), limit))
    assert [row for first, end in groups for row in range(first, end)] == list(range(len(sizes)))
    assert all(sum(sizes[a:b]) <= limit or b == a + 1 for a, b in groups)


def test_nulls_are_refused():
    with pytest.raises(ValueError, match="got 1 nulls"):
        as_large_strings(pa.chunked_array([["a"], [None]], pa.string()))
