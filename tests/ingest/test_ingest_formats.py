"""Every format gives the same ads, compressed or not, however they are batched."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ADS = [
    {"ad_id": "a1", "text": "Kitchen help wanted, evenings", "city": "Lyon"},
    {"ad_id": "a2", "text": 'Two lines\nand "quotes", with commas', "city": "Graz"},
    {"ad_id": "a3", "text": "Señora busca trabajo de limpieza", "city": None},
]


def as_csv(ads, delimiter=","):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ads[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ads)
    return text.getvalue().encode()


def as_jsonl(ads):
    return "".join(json.dumps(ad, ensure_ascii=False) + "\n" for ad in ads).encode()


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
    ],
)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ads.csv", as_csv(ADS)),
        ("ads.tsv", as_csv(ADS, "\t")),
        ("ads.jsonl", as_jsonl(ADS)),
        ("ads.NDJSON", as_jsonl(ADS)),
    ],
)
def test_text_files_give_the_same_ads_however_compressed(
    read, tmp_path, name, content, ending, pack
):
    (tmp_path / (name + ending)).write_bytes(pack(content))
    found = read(tmp_path / (name + ending))
    assert found.column("ad_id") == ["a1", "a2", "a3"]
    assert found.column("text") == [ad["text"] for ad in ADS]
    assert found.column("location") == ["Lyon", "Graz", None]
    assert found.quarantined == []
    assert found.stream.total_rows == 3


def test_parquet_gives_the_same_ads_and_fingerprint_as_text(read, tmp_path):
    pq.write_table(pa.Table.from_pylist(ADS), tmp_path / "ads.parquet")
    (tmp_path / "ads.csv").write_bytes(as_csv(ADS))
    binary, text = read(tmp_path / "ads.parquet"), read(tmp_path / "ads.csv")
    assert binary.table.equals(text.table)
    assert binary.stream.fingerprint == text.stream.fingerprint
    assert len(text.stream.fingerprint) == 64


# Surrogates cannot be written, NUL is quarantined, and a text of blanks is no ad.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40).map(
    lambda text: f"x{text}"
)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=1, max_size=12), st.integers(1, 5))
def test_any_text_survives_every_format_and_every_batch_size(read, written, batch_rows):
    ads = [{"ad_id": f"n{i}", "text": text} for i, text in enumerate(written)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ads.csv").write_bytes(as_csv(ads))
        (folder / "ads.tsv.gz").write_bytes(gzip.compress(as_csv(ads, "\t")))
        (folder / "ads.jsonl").write_bytes(as_jsonl(ads))
        pq.write_table(pa.Table.from_pylist(ads), folder / "ads.parquet")
        found = [
            read(folder / file, batch_rows=batch_rows)
            for file in ("ads.csv", "ads.tsv.gz", "ads.jsonl", "ads.parquet")
        ]
    for one in found:
        assert one.column("text") == written
        assert one.quarantined == []
        assert one.stream.fingerprint == found[0].stream.fingerprint


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"x", b"\xff", b"\0", b'""']), max_size=40)
)
def test_no_csv_whatsoever_stops_the_reading_and_every_row_is_counted(read, pieces):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ads.csv").write_bytes(b"ad_id,text\n1,fine\n" + b"".join(pieces))
        found = read(folder / "ads.csv")
    assert found.column("text")[:1] == ["fine"]
    assert found.stream.read == found.stream.accepted + len(found.quarantined)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60))
def test_no_jsonl_whatsoever_stops_the_reading(read, junk):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ads.jsonl").write_bytes(b'{"text": "fine"}\n' + junk)
        found = read(folder / "ads.jsonl")
    assert found.column("text")[:1] == ["fine"]


def test_a_batch_has_at_most_the_rows_asked_for(read, tmp_path):
    (tmp_path / "ads.jsonl").write_bytes(as_jsonl([{"text": f"ad {i}"} for i in range(10)]))
    found = read(tmp_path / "ads.jsonl", batch_rows=4)
    assert [len(chunk) for chunk in found.table["text"].chunks if len(chunk)] == [4, 4, 2]


def test_other_delimiters_and_a_byte_order_mark_are_understood(read, tmp_path):
    (tmp_path / "ads.csv").write_bytes(b'\xef\xbb\xbf"id";text\n7;cook, part time\n')
    found = read(tmp_path / "ads.csv")
    assert found.column("ad_id") == ["7"]
    assert found.column("text") == ["cook, part time"]


def test_a_long_text_is_read_whole(read, tmp_path):
    long = "word " * 150_000
    (tmp_path / "ads.csv").write_bytes(as_csv([{"id": 1, "text": long}]))
    assert read(tmp_path / "ads.csv").column("text") == [long]


def test_numbers_and_lists_in_jsonl_become_strings_and_text_numbers_are_refused(read, tmp_path):
    lines = [
        {"id": 12, "text": "one", "price": 20.5, "tags": ["a"]},
        {"id": 13, "text": 5, "price": None, "tags": None},
    ]
    (tmp_path / "ads.jsonl").write_bytes(as_jsonl(lines))
    found = read(tmp_path / "ads.jsonl")
    assert found.column("ad_id") == ["12"]
    assert found.column("price") == ["20.5"]
    assert found.column("tags") == ['["a"]']
    assert found.reasons == [(2, "wrong type")]


def test_keys_that_come_late_are_left_out_and_said(read, tmp_path):
    lines = [{"text": f"ad {i}"} for i in range(1000)] + [{"text": "last", "extra": "x"}]
    (tmp_path / "ads.jsonl").write_bytes(as_jsonl(lines))
    found = read(tmp_path / "ads.jsonl")
    assert "extra" not in found.table.column_names
    assert found.stream.accepted == 1001
    assert any("1 keys first appeared" in note for note in found.stream.notes)


def test_dictionary_and_view_columns_of_parquet_are_read_as_strings(read, tmp_path):
    table = pa.table(
        {
            "text": pa.array(["cook", "driver"]).dictionary_encode(),
            "city": pa.array(["Lyon", None], pa.string_view()),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "tags": pa.array([["x"], None]),
        }
    )
    pq.write_table(table, tmp_path / "ads.parquet")
    found = read(tmp_path / "ads.parquet")
    assert found.column("text") == ["cook", "driver"]
    assert found.column("location") == ["Lyon", None]
    assert found.column("kind") == ["a", "b"]
    assert found.column("tags") == [["x"], None]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_only_the_columns_asked_for_are_read_and_the_ads_are_the_same(read, tmp_path, ending):
    path = tmp_path / f"ads.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist([ad | {"note": "x"} for ad in ADS]), path)
    else:
        path.write_bytes(as_jsonl([ad | {"note": "x"} for ad in ADS]))
    everything, some = read(path), read(path, columns=frozenset({"location"}))
    asked = ["ad_id", "text", "posted_at", "location", "account_id"]
    assert some.table.column_names == asked
    assert some.table.equals(everything.table.select(asked))
    assert some.stream.fingerprint == everything.stream.fingerprint
    assert some.stream.description == everything.stream.description


def test_the_first_batch_comes_before_the_file_is_read_to_its_end(tmp_path, monkeypatch):
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.locations import SourceFile
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads

    path = tmp_path / "ads.csv"
    path.write_bytes(b"text\n" + b"one more ad with a few words\n" * 300_000)
    taken = 0
    opened = SourceFile.open_raw

    class Counting(io.RawIOBase):
        def __init__(self, raw):
            self.raw = raw

        def readable(self):
            return True

        def read(self, size=-1):
            nonlocal taken
            piece = self.raw.read(size)
            taken += len(piece)
            return piece

        def close(self):
            self.raw.close()
            super().close()

    monkeypatch.setattr(SourceFile, "open_raw", lambda self: Counting(opened(self)))
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        stream = open_ads([str(path)], ReadOptions(detect_language=False), quarantine)
        batches = iter(stream)
        assert next(batches).num_rows == 4096
        assert taken < path.stat().st_size / 4
        batches.close()
