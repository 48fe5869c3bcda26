"""The fast paths of cleaning give the results of the slow ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.ingest.cleaning import _VISIBLE, Cleaner, _language_codes, _nuls, _visible
from adrisk.ingest.identity import Fingerprint, Identities
from adrisk.ingest.readers import Rows
from adrisk.ingest.values import begins_plainly
from adrisk.schema import ADS
from adrisk.text.arrow import string_buffers

BLANK = [
    "",
    " ",
    "\t\n",
    "\u200b",
    "\u3164\ufe0f",
    "\u0085",
    "\u2028",
    "\x1c",
    "\x7f",
    "\0",
    "\u20e3",
]
SHOWN = ["\u0301", "\u0301a", "\u200ba", " a", "\0a", "¿Cook?", "повар", "🍳", "1\ufe0f\u20e3", "~"]
HUGE = ["x" * 1_000_001, " " * 1_000_001, "\u200b" * 300_000 + "é"]

some_texts = st.lists(st.none() | st.sampled_from(BLANK + SHOWN) | st.text(max_size=4), max_size=9)


def clean(table, lines=None):
    """The ads and the refused (line, reason) of one batch."""
    refused = []
    places = np.arange(1, len(table) + 1) if lines is None else lines
    ads = Cleaner(ADS, detect_language=False).clean(
        Rows(table, places), lambda line, reason, detail, ad_id: refused.append((line, reason))
    )
    return ads, refused


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@given(texts=some_texts, start=st.integers(0, 3))
def test_what_begins_plainly_shows_something_and_the_rest_is_looked_at(kind, texts, start):
    column = pa.array(texts, kind).slice(start)
    shown = pc.fill_null(pc.match_substring_regex(column, _VISIBLE), False).to_pylist()
    assert _visible(column).tolist() == shown
    assert all(shows for shows, plain in zip(shown, begins_plainly(column), strict=True) if plain)


def test_exactly_the_ascii_characters_that_show_are_plain():
    characters = pa.array([chr(code) for code in range(256)])
    assert np.flatnonzero(begins_plainly(characters)).tolist() == list(range(0x21, 0x7F))


def test_blank_and_huge_texts_are_told_apart_by_the_long_look():
    texts = BLANK + SHOWN + HUGE
    shows = [False] * len(BLANK) + [True] * len(SHOWN) + [True, False, True]
    assert _visible(pa.array(texts, pa.large_string())).tolist() == shows


def test_a_null_that_has_bytes_behind_it_does_not_begin():
    behind = pa.array(["cook", "driver"])
    hidden = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\2"), *behind.buffers()[1:]])
    assert hidden.to_pylist() == [None, "driver"]
    assert begins_plainly(hidden).tolist() == [False, True]


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.nulls(2, pa.string())])
def test_columns_without_a_byte_have_spans_and_begin_nowhere(column):
    bounds, content = string_buffers(column)
    assert (len(bounds), len(content[bounds[0] : bounds[-1]])) == (len(column) + 1, 0)
    assert not begins_plainly(column).any()
    assert not _nuls(column).any()


@given(some_texts, st.integers(0, 3), st.integers(0, 6))
def test_nuls_are_found_in_the_slice_and_not_beside_it(texts, start, count):
    column = pa.array(texts, pa.large_string()).slice(start, count)
    assert _nuls(column).tolist() == ["\0" in (text or "") for text in column.to_pylist()]


@given(
    st.lists(st.none() | st.sampled_from(["cook", " ", "\u00a0", "é", "", "\u200b"]), max_size=8)
)
def test_an_id_is_missing_exactly_where_it_is_null_or_blank(ids):
    count = len(ids)
    supplied, texts = pa.array(ids, pa.string()), pa.array(["text"] * count, pa.large_string())
    nothing = pa.nulls(count, pa.timestamp("us", tz="UTC")), pa.nulls(count, pa.string())
    given_ids, _ = Identities().assign(supplied, texts, *nothing)
    for before, after in zip(ids, given_ids.to_pylist(), strict=True):
        missing = before is None or not before.strip()
        assert (after == before) is not missing


@given(st.lists(st.none() | st.sampled_from(["EN-us", " fr ", "und", "\0", "", "e"]), max_size=9))
def test_a_language_means_the_same_alone_and_among_others(given_codes):
    column = pa.array(given_codes, pa.string())
    texts = ["text"] * len(column)
    ads, refused = clean(pa.table({"text": texts, "language": column}))
    alone = [_language_codes(column.slice(i, 1))[0].as_py() for i in range(len(column))]
    assert (ads["language"].to_pylist(), refused) == (alone, [])


def test_a_slice_of_a_batch_is_cleaned_like_its_copy():
    texts = ["a\0b", "cook", " driver", "\u200b", "é", None, "tailor", "x\0"]
    ids = ["1", "", "3", None, "5", "5", "7", "8"]
    table = pa.table({"ad_id": ids, "text": texts, "language": ["en"] * 4 + ["FR"] * 4})
    part = table.slice(1, 6)
    copy = part.take(pa.array(range(6)))
    ads, refused = clean(part)
    assert ads.equals(clean(copy)[0])
    assert refused == clean(copy)[1]
    assert [line for line, _ in refused] == [3, 5]
    prints = Fingerprint(), Fingerprint()
    prints[0].update(ads)
    prints[1].update(ads.take(pa.array(range(len(ads)))))
    assert prints[0].hexdigest() == prints[1].hexdigest()


def test_ads_are_the_same_beside_a_refused_row_and_without_it(read, tmp_path):
    fine = pa.table({"id": ["1", "2"], "text": ["cook", "¿driver?"], "lang": ["en", "es"]})
    bad = pa.table({"id": ["3"], "text": ["\u200b"], "lang": ["en"]})
    pq.write_table(fine, tmp_path / "fine.parquet")
    pq.write_table(pa.concat_tables([bad, fine]), tmp_path / "bad.parquet")
    without, beside = read(tmp_path / "fine.parquet"), read(tmp_path / "bad.parquet")
    assert beside.table.equals(without.table)
    assert (len(beside.reasons), without.reasons) == (1, [])
