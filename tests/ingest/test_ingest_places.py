"""Files, globs, folders, URLs and standard input; what cannot be opened fails at once."""

from __future__ import annotations

import hashlib
import io
from types import SimpleNamespace

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.errors import SourceError
from adrisk.ingest.adapters import ADAPTERS


@pytest.fixture
def folder(tmp_path):
    for name, text in (("b.csv", "two"), ("a.csv", "one"), ("deep/c.jsonl", "three")):
        path = tmp_path / "ads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = f"text\n{text}\n" if name.endswith("csv") else f'{{"text": "{text}"}}\n'
        path.write_text(content)
    (tmp_path / "ads" / "readme.md").write_text("not ads")
    (tmp_path / "ads" / "_SUCCESS.csv").write_text("")
    (tmp_path / "ads" / ".hidden.csv").write_text("text\nhidden\n")
    return tmp_path / "ads"


def test_a_folder_is_all_files_below_it_in_order(read, folder):
    found = read(folder)
    assert found.column("text") == ["one", "two", "three"]
    assert found.stream.total_rows == 3
    assert any("passed over 1 files" in note for note in found.stream.notes)


def test_a_manifest_in_a_folder_is_not_taken_for_ads(read, folder):
    (folder / "manifest.json").write_text('{"version": 1}')
    assert read(folder).stream.accepted == 3
    (folder / "deep" / "c.jsonl").rename(folder / "deep" / "c.json")
    assert read(folder / "deep").column("text") == ["three"]


def test_parquet_with_a_repeated_column_is_refused(read, tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"])
    pq.write_table(table, tmp_path / "ads.parquet")
    with pytest.raises(SourceError, match="more than one column 'text'"):
        read(tmp_path / "ads.parquet")


def test_a_glob_and_several_sources_are_read_in_order(read, folder):
    assert read(folder / "*.csv").column("text") == ["two", "one"][::-1]
    assert read(folder / "b.csv", folder / "**" / "*.jsonl").column("text") == ["two", "three"]


def test_one_note_covers_files_with_the_same_columns(read, tmp_path):
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text("description\nkitchen help wanted\n")
    notes = [note for note in read(tmp_path).stream.notes if "recognised" in note]
    assert len(notes) == 1
    assert notes[0].endswith("recognised description -> body (and in 2 more files)")


def test_columns_under_their_own_names_need_no_note(read, folder):
    assert not [note for note in read(folder).stream.notes if "recognised" in note]


def test_relative_paths_stay_relative_in_messages_and_manifest(read, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    files = [file["path"] for file in read("ads").stream.description[0]["files"]]
    assert files == ["ads/a.csv", "ads/b.csv", "ads/deep/c.jsonl"]


def test_the_description_fingerprints_every_local_file(read, folder):
    described = read(folder / "a.csv").stream.description
    content = (folder / "a.csv").read_bytes()
    assert described == [
        {
            "spec": str(folder / "a.csv"),
            "kind": "file",
            "files": [
                {
                    "path": str(folder / "a.csv"),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            ],
            "columns": {"text": "text"},
        }
    ]


def test_urls_of_fsspec_are_read_and_not_fingerprinted(read):
    memory = fsspec.filesystem("memory")
    memory.pipe("/ads/one.csv", b"text\nfrom memory\n")
    table = io.BytesIO()
    pq.write_table(pa.table({"text": ["from parquet"]}), table)
    memory.pipe("/ads/two.parquet", table.getvalue())
    try:
        found = read("memory://ads")
    finally:
        memory.rm("/ads", recursive=True)
    assert found.column("text") == ["from memory", "from parquet"]
    files = found.stream.description[0]["files"]
    assert [(file["path"], file["sha256"]) for file in files] == [
        ("memory:///ads/one.csv", None),
        ("memory:///ads/two.parquet", None),
    ]


def test_a_file_url_is_a_local_file(read, folder):
    found = read(f"file://{folder}/a.csv")
    assert found.column("text") == ["one"]
    assert found.stream.description[0]["files"][0]["sha256"]


@pytest.mark.parametrize(
    "content", [b'{"text": "piped"}\n', b"\n {}\n" + b'{"text": "piped"}\n', b"id,text\n1,piped\n"]
)
def test_standard_input_is_recognised_by_its_first_bytes(read, monkeypatch, content):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    found = read("-")
    assert found.column("text") == ["piped"]
    assert found.stream.description[0]["files"] == [{"path": "-", "bytes": None, "sha256": None}]


def test_a_long_standard_input_is_read_to_its_end(read, monkeypatch):
    lines = b"text\n" + b"".join(b"ad number %d\n" % i for i in range(60_000))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    found = read("-")
    assert found.stream.accepted == 60_000
    assert found.stream.total_rows is None


@pytest.mark.parametrize("start", [b"PAR1....", b"\x1f\x8b...."])
def test_binary_standard_input_is_refused(read, monkeypatch, start):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(start)))
    with pytest.raises(SourceError, match="JSONL or CSV text"):
        read("-")


def test_rows_of_a_plain_text_file_are_estimated_from_its_size(read, tmp_path):
    path = tmp_path / "ads.csv"
    path.write_bytes(b"text\n" + b"an ad of the same length\n" * 50_000)
    total = read(path).stream.total_rows
    assert abs(total - 50_000) < 500


def test_an_empty_file_among_others_is_noted(read, folder):
    (folder / "z.jsonl").write_text("")
    found = read(folder)
    assert found.stream.accepted == 3
    assert any("z.jsonl: is empty" in note for note in found.stream.notes)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("emscd:jobs.csv", r"no source named 'emscd' \(did you mean 'emscad'\?\)"),
        ("{folder}/a.cvs", r"no such file or folder \(did you mean 'a.csv'\?\)"),
        ("{folder}/*.pq", "no file matches"),
        ("{folder}/readme.md", "not one that adrisk reads"),
        ("{folder}/empty", "no file with a known ending"),
        ("{folder}/_SUCCESS.csv", "is empty"),
        ("{folder}/bad.csv.gz", "cannot be read"),
        ("{folder}/bad.parquet", "cannot be read as Parquet"),
        ("{folder}/ads.parquet.gz", "decompress the file first"),
        ("{folder}/array.json", "write one object a line"),
        ("{folder}/wide.csv", "save it as UTF-8"),
        ("memry://ads", r"did you mean 'memory'\?"),
        ("", "a source is empty"),
        ("synthetic:many", "how many ads"),
        ("synthetic:0", "how many ads"),
        ("synthetic:10?sed=3", r"no parameter 'sed' \(did you mean 'seed'\?\)"),
        ("synthetic:10?seed=x", "seed must be a number"),
        ("synthetic:10?prevalence=5", "share between 0 and 1"),
        ("synthetic:10?duplicates=2", "duplicates must be from 0 to 0.95, got 2"),
        ("synthetic:10?languages=en,sp", "en, es, pt, fr, and 'sp' is none of them"),
        ("synthetic:10?kinds=jobs", r"did you mean 'job'"),
    ],
)
def test_what_cannot_be_opened_fails_at_once_and_says_how_to_go_on(read, folder, spec, says):
    (folder / "empty").mkdir()
    (folder / "bad.csv.gz").write_bytes(b"this is no gzip")
    (folder / "bad.parquet").write_bytes(b"PAR1 this is no Parquet")
    (folder / "ads.parquet.gz").write_bytes(b"")
    (folder / "array.json").write_text('[{"text": "a"}]')
    (folder / "wide.csv").write_bytes("text\na\n".encode("utf-16"))
    with pytest.raises(SourceError, match=says):
        read(spec.format(folder=folder))


def test_no_source_at_all_is_wrong_usage(read):
    with pytest.raises(SourceError, match="no source was given"):
        read()


def test_a_stream_is_read_once_and_knows_its_fingerprint_afterwards(tmp_path, folder):
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads

    with Quarantine(tmp_path / "q.jsonl") as quarantine:
        stream = open_ads([str(folder)], ReadOptions(detect_language=False), quarantine)
        with pytest.raises(ValueError, match="after reading all"):
            _ = stream.fingerprint
        list(stream)
        assert len(stream.fingerprint) == 64
        with pytest.raises(ValueError, match="read once"):
            list(stream)


def test_every_scheme_is_explained():
    assert {"synthetic", "emscad", "difraud", "h2", "eures", "hf"} < set(ADAPTERS)
    assert all(a.usage.strip() and a.purpose.strip() for a in ADAPTERS.values())
