"""The first pass over raw texts hides no match."""

import doctest
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.rules import prefilter as raw
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.prefilter import RawTexts, without_lookarounds
from adrisk.rules.rulebook import load_rulebook

PATTERNS = sorted(
    {p.pattern for code in LANGUAGES for r in load_rulebook(code).rules for p in r.raw_patterns}
)


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(raw).failed == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_of_ours_is_looked_for_in_one_pass_first(pattern):
    assert without_lookarounds(re.compile(pattern)) is not None


@given(st.text("0123456789OIl .-*_２⑤\ufe0f\u20e3a\n", max_size=40), st.sampled_from(PATTERNS))
def test_the_first_pass_never_hides_a_match(text, pattern):
    wider = without_lookarounds(re.compile(pattern))
    if re.search(pattern, text):
        assert pc.match_substring_regex(pa.array([text]), wider)[0].as_py()


@pytest.mark.parametrize(
    "pattern",
    [r"\d+", r"a\b", "^a", "a$", "a++", "(?i:a)", "(?P<x>a)", "a{,3}", "(a)(?=b)?", "a{2000}",
     r"(a)\1", "(?>a)"],
)  # fmt: skip
def test_a_pattern_that_the_engines_may_read_differently_has_no_first_pass(pattern):
    assert without_lookarounds(re.compile(pattern)) is None


def test_a_pattern_with_flags_has_no_first_pass():
    assert without_lookarounds(re.compile("a", re.IGNORECASE)) is None


@pytest.mark.parametrize("pattern", ["b+", r"\bb+", "^b+"])
def test_spans_are_given_by_ad_whether_there_is_a_first_pass_or_not(pattern):
    assert RawTexts(["a", "bb", "", "b"]).spans(re.compile(pattern)) == {1: [(0, 2)], 3: [(0, 1)]}


def test_a_pattern_sees_one_ad_at_a_time():
    assert RawTexts(["xa", "ax"]).spans(re.compile("a[^b]")) == {1: [(0, 2)]}
