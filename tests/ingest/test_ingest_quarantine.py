"""A row that cannot be an ad is quarantined with its place and reason; reading continues."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.errors import RunError
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import ACTIONS, Quarantine, Reason
from adrisk.ingest.stream import open_ads
from adrisk.types import Quarantined

INVISIBLE = " \u200b\u3164\ufe0f\u2800\u00ad\t"


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,text\n1,ok\n2,\n", (3, Reason.NO_TEXT)),
        (f"id,text\n1,ok\n2,{INVISIBLE}\n", (3, Reason.NO_TEXT)),
        ("id,text\n1,ok\n2,b,c\n", (3, Reason.FIELD_COUNT)),
        ("id,text\n1,ok\n2\n", (3, Reason.FIELD_COUNT)),
        ('id,text\n1,ok\n2,"b" c\n', (3, Reason.QUOTING)),
        ('id,text\n1,ok\n2,"never closed\n', (3, Reason.QUOTING)),
        (b"id,text\n1,ok\n2,caf\xe9\n", (3, Reason.ENCODING)),
        (b"id,text\n1,ok\n2,a\0b\n", (3, Reason.NUL)),
        ("id,text\n1,ok\n1,other\n", (3, Reason.DUPLICATE_ID)),
        (f"id,text\n1,ok\n2,{'x' * 1_000_001}\n", (3, Reason.TEXT_TOO_LONG)),
        (f"id,text\n1,ok\n{'9' * 513},x\n", (3, Reason.ID_TOO_LONG)),
        ("id,text,risk\n1,ok,2\n2,b,5\n", (3, Reason.UNKNOWN_RISK)),
        ("id,text,risk\n1,ok,2\n2,b,high\n", (3, Reason.UNKNOWN_RISK)),
    ],
)
def test_a_csv_row_that_is_no_ad_is_quarantined_with_its_line(read, tmp_path, content, expected):
    found = read(write(tmp_path, "ads.csv", content))
    assert found.column("text") == ["ok"]
    assert found.reasons == [expected]
    assert (found.stream.read, found.stream.accepted) == (2, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "b"', Reason.NOT_JSON),
        (b'["b"]', Reason.NOT_JSON),
        (b"7", Reason.NOT_JSON),
        (b"[" * 100_000, Reason.NOT_JSON),
        (b'{"text": "b", "n": ' + b"9" * 5000 + b"}", Reason.NOT_JSON),
        (b'{"text": 7}', Reason.WRONG_TYPE),
        (b'{"text": {"a": "b"}}', Reason.WRONG_TYPE),
        (b'{"text": null}', Reason.NO_TEXT),
        (b'{"other": "b"}', Reason.NO_TEXT),
        (b'{"text": "caf\xe9"}', Reason.ENCODING),
        (b'{"text": "\\ud800"}', Reason.ENCODING),
        (b'{"text": "a\\u0000b"}', Reason.NUL),
    ],
)
def test_a_json_line_that_is_no_ad_is_quarantined_with_its_line(read, tmp_path, line, reason):
    found = read(write(tmp_path, "ads.jsonl", b'{"text": "ok"}\n\n' + line + b'\n{"text": "on"}\n'))
    assert found.column("text") == ["ok", "on"]
    assert found.reasons == [(3, reason)]


def test_a_line_of_twenty_megabytes_is_skipped_without_being_kept(read, tmp_path):
    content = b'{"text": "ok"}\n{"text": "' + b"x" * 20_000_000 + b'"}\n{"text": "on"}\n'
    found = read(write(tmp_path, "ads.jsonl", content))
    assert found.column("text") == ["ok", "on"]
    assert found.reasons == [(2, Reason.LINE_TOO_LONG)]
    long_csv = b"text,n\nok,1\n" + b"x" * 20_000_000 + b",2\non,3\n"
    found = read(write(tmp_path, "ads.csv", long_csv))
    assert found.column("text") == ["ok", "on"]
    assert found.reasons == [(3, Reason.LINE_TOO_LONG)]


def test_a_quote_that_never_closes_costs_its_own_line_only(read, tmp_path):
    rows = "".join(f"{i},row {i}\n" for i in range(2, 3000))
    found = read(write(tmp_path, "ads.csv", f'id,text\n1,"open\n{rows}'))
    assert found.stream.accepted == 2998
    assert found.reasons == [(2, Reason.QUOTING)]


def test_a_record_of_many_lines_with_too_many_fields_is_refused_whole(read, tmp_path):
    content = 'id,text\n1,"two\nlines, one, field",extra\n2,ok\n'
    found = read(write(tmp_path, "ads.csv", content))
    assert found.column("text") == ["ok"]
    assert found.reasons == [(2, Reason.FIELD_COUNT)]
    assert "lines 2 to 3: expected 2 fields, found 3" in found.quarantined[0]["action"]


def test_invalid_utf8_inside_parquet_is_found(read, tmp_path):
    bad = pa.Array.from_buffers(
        pa.string(),
        2,
        [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"ok\xff\xfe")],
    )
    pq.write_table(pa.table({"text": bad}), tmp_path / "ads.parquet")
    pq.write_table(pa.table({"title": bad, "body": ["b", "c"]}), tmp_path / "parts.parquet")
    found = read(tmp_path / "ads.parquet")
    assert found.column("text") == ["ok"]
    assert found.reasons == [(2, Reason.ENCODING)]
    assert read(tmp_path / "parts.parquet").column("text") == ["ok\nb"]


def test_the_quarantine_names_source_action_and_supplied_id(read, tmp_path):
    path = write(tmp_path, "ads.csv", "id,text\n7,ok\n7,again\n")
    row = read(path).quarantined[0]
    assert row == {
        "source": str(path),
        "line": 3,
        "reason": "duplicate ad_id",
        "action": ACTIONS[Reason.DUPLICATE_ID],
        "ad_id": "7",
    }


def test_the_quarantine_holds_no_word_of_an_ad(read, tmp_path):
    content = 'id,text\n1,"secret" secret\n2,secret,secret\n3,secret\0secret\n'
    found = read(write(tmp_path, "ads.csv", content))
    assert len(found.quarantined) == 3
    assert "secret" not in json.dumps(found.quarantined)


def add_and_fail(quarantine):
    with quarantine:
        quarantine.add(Quarantined("ads.csv", 3, "no text", "look at it", "\x1b[31m"))
        _ = 1 / 0


def test_quarantine_is_written_even_when_empty_and_even_on_failure(tmp_path):
    path = tmp_path / "run" / "quarantine.jsonl"
    with Quarantine(path):
        assert not path.exists()
    assert path.read_text() == ""
    quarantine = Quarantine(path)
    with pytest.raises(ZeroDivisionError):
        add_and_fail(quarantine)
    assert quarantine.count == 1
    assert quarantine.by_reason == {"no text": 1}
    assert json.loads(path.read_text())["line"] == 3
    assert "\x1b" not in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_a_closed_quarantine_refuses_rows(tmp_path):
    with pytest.raises(ValueError, match="with statement"):
        Quarantine(tmp_path / "q.jsonl").add(Quarantined("a", 1, "b", "c"))


@pytest.mark.parametrize(
    "name", ["b.csv.gz", "b.jsonl.zst", "b.csv.xz", "b.jsonl.bz2", "b.parquet"]
)
def test_a_truncated_file_in_a_folder_stops_the_run_and_is_named(tmp_path, name):
    import bz2
    import gzip
    import lzma
    import random

    noise = random.Random(5)
    texts = ["".join(noise.choices("abcdefghij klmnop", k=80)) for _ in range(50_000)]
    csv = ("text\n" + "\n".join(texts) + "\n").encode()
    jsonl = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    pq.write_table(pa.table({"text": texts}), tmp_path / "whole.parquet")
    damaged = bytearray((tmp_path / "whole.parquet").read_bytes())
    (tmp_path / "whole.parquet").unlink()
    damaged[1000:400_000] = b"\7" * 399_000
    content = {
        "b.csv.gz": lambda: gzip.compress(csv)[:-200_000],
        "b.jsonl.zst": lambda: pa.compress(jsonl, codec="zstd", asbytes=True)[:-200_000],
        "b.csv.xz": lambda: lzma.compress(csv, preset=0)[:-200_000],
        "b.jsonl.bz2": lambda: bz2.compress(jsonl)[:-200_000],
        "b.parquet": lambda: bytes(damaged),
    }[name]()
    write(tmp_path, "a.csv", "text\nfine\n")
    write(tmp_path, name, content)
    with Quarantine(tmp_path / "q" / "quarantine.jsonl") as quarantine:
        stream = open_ads([str(tmp_path)], ReadOptions(detect_language=False), quarantine)
        with pytest.raises(RunError, match=name) as failure:
            list(stream)
    assert "again" in str(failure.value)
    assert stream.accepted >= 1


def test_a_failure_with_nothing_to_tell_leaves_no_file(tmp_path):
    path = tmp_path / "quarantine.jsonl"
    with pytest.raises(OSError), Quarantine(path):
        raise OSError
    assert list(tmp_path.iterdir()) == []
