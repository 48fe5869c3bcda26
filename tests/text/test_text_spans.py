"""Disjoint spans: overlaps are those a comparison with every span finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adrisk.text.spans import DisjointSpans

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda s: (s[0], sum(s))))


def touches(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


@given(SPANS)
def test_a_span_is_added_unless_it_overlaps_with_an_earlier_one(
    spans: list[tuple[int, int]],
) -> None:
    taken, kept = DisjointSpans(), list[tuple[int, int]]()
    for span in spans:
        free = not any(touches(span, other) for other in kept)
        assert taken.add(*span) is free
        kept += [span] * free


@given(SPANS, st.tuples(st.integers(0, 30), st.integers(1, 9)))
def test_spans_given_at_first_may_overlap(
    spans: list[tuple[int, int]], span: tuple[int, int]
) -> None:
    start, end = span[0], sum(span)
    expected = any(touches((start, end), other) for other in spans)
    assert DisjointSpans(spans).overlaps(start, end) is expected
