"""Every ad has one id of its own, the same on every machine and in every batching."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.ingest.identity import Fingerprint, IdCounts, Identities


def assign(identities, ids, texts, posted=None, accounts=None):
    n = len(texts)
    made, repeated = identities.assign(
        pa.array(ids, pa.string()),
        pa.array(texts, pa.large_string()),
        pa.array(posted or [None] * n, pa.timestamp("us", tz="UTC")),
        pa.array(accounts or [None] * n, pa.string()),
    )
    return made.to_pylist(), repeated.tolist()


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=12))
def test_a_counting_tally_agrees_with_a_counter(batches):
    tally, counter = IdCounts(counting=True), Counter()
    for batch in batches:
        before = tally.add(np.array(batch, dtype=np.uint64)).tolist()
        for value, seen in zip(batch, before, strict=True):
            assert seen == counter[value]
            counter[value] += 1
    assert len(tally) == len(counter)


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=12))
def test_a_set_tally_knows_what_was_seen(batches):
    tally, seen = IdCounts(counting=False), set()
    for batch in batches:
        before = tally.add(np.array(batch, dtype=np.uint64))
        for value, count in zip(batch, before.tolist(), strict=True):
            assert (count > 0) == (value in seen)
            seen.add(value)


def test_a_tally_of_two_hundred_thousand_ids_stays_in_few_runs():
    tally = IdCounts(counting=False)
    for start in range(0, 200_000, 4000):
        assert not tally.add(np.arange(start, start + 4000, dtype=np.uint64)).any()
    assert tally.counts(np.array([5, 199_999, 200_000], dtype=np.uint64)).tolist() == [1, 1, 0]
    assert len(tally._runs) < 12


def test_a_missing_id_is_made_of_the_content_and_copies_are_numbered():
    made, repeated = assign(Identities(), [None, "", None], ["cook", "cook", "driver"])
    assert made[0] == "a03fb94180aa0ff2c583d97bb"
    assert made[1] == f"{made[0]}-2"
    assert made[2] not in made[:2]
    assert repeated == [False] * 3


def test_time_and_account_make_different_ads_of_the_same_text():
    same = Identities()
    made, _ = assign(same, [None] * 3, ["cook"] * 3, [None, 5, 5], [None, None, "u1"])
    assert len({name[:25] for name in made}) == 3


def test_a_supplied_id_that_comes_again_is_a_repetition():
    identities = Identities()
    assert assign(identities, ["x", "y", "x"], ["a", "b", "c"])[1] == [False, False, True]
    assert assign(identities, ["y", "z"], ["a", "b"])[1] == [True, False]


def test_ids_made_here_and_read_again_are_repetitions_beside_their_source():
    identities = Identities()
    made, _ = assign(identities, [None] * 2, ["cook"] * 2)
    third = f"{made[0]}-3"
    assert assign(identities, [*made, third], ["cook"] * 3)[1] == [True, True, False]


def test_ids_made_here_avoid_those_supplied_before():
    first, _ = assign(Identities(), [None] * 2, ["cook"] * 2)
    identities = Identities()
    assign(identities, first, ["cook"] * 2)
    made, repeated = assign(identities, [None, None], ["cook"] * 2)
    assert made == [f"{first[0]}-3", f"{first[0]}-4"]
    assert repeated == [False, False]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, "x", "y", "z"]), st.sampled_from("abc")), max_size=25
    ),
    st.integers(1, 7),
)
def test_ids_do_not_depend_on_the_batches(rows, size):
    def run(step):
        identities, out = Identities(), []
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            made, repeated = assign(identities, [i for i, _ in part], [t for _, t in part])
            out += zip(made, repeated, strict=True)
        return out

    whole, parts = run(max(1, len(rows))), run(size)
    assert parts == whole
    kept = [name for name, repeated in whole if not repeated]
    assert len(kept) == len(set(kept))


def test_the_fingerprint_depends_on_order_and_content_but_not_on_batches():
    def digest(*tables):
        fingerprint = Fingerprint()
        for table in tables:
            fingerprint.update(table)
        return fingerprint.hexdigest()

    ads = pa.table({"ad_id": ["a", "b"], "text": pa.array(["x", "y"], pa.large_string())})
    assert digest(ads) == digest(ads.slice(0, 1), ads.slice(1))
    assert digest(ads) != digest(ads.slice(1), ads.slice(0, 1))
    moved = pa.table({"ad_id": ["ax", "b"], "text": pa.array(["", "y"], pa.large_string())})
    assert digest(ads) != digest(moved)


def test_ads_written_and_read_again_keep_their_ids_and_fingerprint(read, tmp_path):
    (tmp_path / "ads.csv").write_text("text,city\ncook,Lyon\ncook,Lyon\ndriver,Graz\n")
    first = read(tmp_path / "ads.csv")
    pq.write_table(first.table, tmp_path / "again.parquet")
    again = read(tmp_path / "again.parquet")
    assert again.table.equals(first.table)
    assert again.stream.fingerprint == first.stream.fingerprint
