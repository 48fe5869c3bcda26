"""Folding removes invisible and look-alike characters and keeps offsets into the raw text."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.text.normalise import fold, fold_column, fold_text

TEXT = st.text(max_size=80)
HARD = st.text(
    alphabet="aeоеАΣσßİıﬁ５\u200b\u0301\u1161\u11a8각é🅰️\ufe0f\u20e3\u202e\n Ａ１", max_size=30
)


@given(TEXT | HARD)
def test_folding_twice_changes_nothing_more(raw: str) -> None:
    assert fold_text(fold_text(raw)) == fold_text(raw)


@given(TEXT | HARD)
def test_both_ways_of_folding_give_the_same_text(raw: str) -> None:
    assert fold(raw).text == fold_text(raw)


@given(st.lists(TEXT | HARD, max_size=5))
def test_a_column_folds_like_its_texts(raw: list[str]) -> None:
    assert fold_column(pa.array(raw, pa.large_string())).to_pylist() == [fold_text(r) for r in raw]


@given(TEXT | HARD, st.data())
def test_spans_lie_in_the_raw_text_and_keep_their_order(raw: str, data: st.DataObject) -> None:
    folded = fold(raw)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    first, last = folded.span(start, end)
    assert 0 <= first <= last <= len(raw)
    assert folded.span(0, start)[1] <= last or start == 0


@given(HARD)
def test_a_raw_span_folds_back_to_at_least_what_was_found(raw: str) -> None:
    folded = fold(raw)
    for i, character in enumerate(folded.text):
        first, last = folded.span(i, i + 1)
        assert last > first
        if character.isascii() and character.isalnum():
            assert character in fold(raw[first:last]).text or fold(raw).text != fold_text(character)


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("ＷｏｒＫ", "work"),
        ("5️⃣5️⃣", "55"),
        ("pass\u200bport", "passport"),
        ("раssроrt", "passport"),  # Cyrillic р, а, о among Latin letters
        ("работа", "работа"),  # all of one script: untouched
        ("рaботa", "работа"),  # Latin a among Cyrillic letters
        ("cafe\u0301", "café"),
        ("🅰gency", "agency"),
        ("ﬁne", "fine"),
        ("يعمل الآن", "يعمل الآن"),
    ],
)
def test_obfuscation_is_undone_and_honest_scripts_are_left_alone(raw: str, folded: str) -> None:
    assert fold_text(raw) == folded


def test_spans_cut_out_exactly_what_they_claim() -> None:
    raw = "Give us your p\u200bа\u0441sport, Ｊｏｈｎ"  # zero width space, Cyrillic а and с
    folded = fold(raw)
    at = folded.text.index("pacsport") if "pacsport" in folded.text else folded.text.index("p")
    start, end = folded.span(folded.text.index("john"), len(folded.text))
    assert raw[start:end] == "Ｊｏｈｎ"
    assert raw[folded.span(at, at + 1)[0]] == "p"


def test_a_slice_of_a_column_folds_only_itself() -> None:
    column = pa.array(["A", "Ｂ", "C"], pa.large_string()).slice(1, 1)
    assert fold_column(column).to_pylist() == ["b"]
    assert fold_column(pa.chunked_array([column])).to_pylist() == ["b"]
