"""Columns are mapped by --map, else by their usual names, never by values."""

from __future__ import annotations

from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.errors import SourceError
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.columns import recognise
from adrisk.schema import ADS

STRING = pa.string()


def schema(*names, **types):
    return pa.schema([(name, STRING) for name in names] + list(types.items()))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["text"], {"text": "text"}),
        (["ID", "Description"], {"body": "Description", "ad_id": "ID"}),
        (["Título", "Descripción"], {"title": "Título", "body": "Descripción"}),
        (["annonce", "ville"], {"body": "annonce", "location": "ville"}),
        (["Ad Text", "Created-At"], {"text": "Ad Text", "posted_at": "Created-At"}),
        (["message", "city"], {"body": "message", "location": "city"}),
        (["message", "User_ID"], {"body": "message", "account_id": "User_ID"}),
        (["text", "description"], {"text": "text"}),
        (["text", "id", "ad_id"], {"text": "text", "ad_id": "ad_id"}),
        (["text", "risk", "split"], {"text": "text", "risk": "risk", "split": "split"}),
    ],
)  # fmt: skip
def test_usual_names_are_recognised_whatever_their_case_and_accents(columns, found):
    assert recognise(schema(*columns), {}, "ads").found == found


def test_a_mapping_comes_before_the_usual_names():
    columns = schema("description", "text", "note")
    assert recognise(columns, {"body": "note"}, "ads").found == {"body": "note"}
    assert recognise(columns, {"text": "NOTE"}, "ads").found == {"text": "note"}


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"bodi": "description"}, r"no column 'bodi' \(did you mean 'body'\?\)"),
        (
            {"body": "descripton"},
            r"does not exist \(did you mean 'description'\?\); the columns are id",
        ),
        ({"text": "id", "body": "description"}, "both text and body"),
    ],
)
def test_a_mapping_that_does_not_fit_fails_with_the_nearest_name(read, tmp_path, mapping, says):
    (tmp_path / "ads.csv").write_text("id,description\n1,cook\n")
    with pytest.raises(SourceError, match=says):
        read(tmp_path / "ads.csv", mapping=mapping)


def test_a_file_without_a_text_column_says_which_columns_it_has_and_what_to_write():
    with pytest.raises(SourceError, match=r"columns are no, title\..*--map text=title"):
        recognise(schema("no", "title"), {}, "ads.csv")


def test_a_headerless_file_does_not_spill_control_characters_or_long_texts():
    with pytest.raises(SourceError) as failure:
        recognise(schema("\x1b[31m" + "words " * 100), {}, "ads.csv")
    assert "\x1b" not in str(failure.value).split("--map")[0]
    assert "words " * 20 not in str(failure.value).split("--map")[0]


@pytest.mark.parametrize(
    ("types", "says"),
    [
        ({"text": pa.int64()}, "text needs strings"),
        ({"text": STRING, "risk": pa.list_(pa.int8())}, "risk needs the numbers 0 to 3"),
        ({"text": STRING, "indicators": pa.int8()}, "indicators needs lists of strings"),
        ({"text": STRING, "date": pa.bool_()}, "posted_at needs times"),
        ({"text": STRING, "city": pa.struct([("x", STRING)])}, "location needs plain values"),
        ({"text": STRING, "id": pa.month_day_nano_interval()}, "ad_id needs plain values"),
    ],
)
def test_a_column_of_a_type_that_cannot_fit_fails_at_once(types, says):
    with pytest.raises(SourceError, match=says):
        recognise(schema(**types), {}, "ads.parquet")


def test_title_and_body_become_one_text(read, tmp_path):
    (tmp_path / "ads.csv").write_text("title,body\nCook,Evenings\n,Only body\nOnly title,\n")
    assert read(tmp_path / "ads.csv").column("text") == [
        "Cook\nEvenings",
        "Only body",
        "Only title",
    ]


def test_a_title_beside_a_text_is_put_above_it_unless_it_is_there(read, tmp_path):
    (tmp_path / "ads.csv").write_text("title,text\nCook,Evenings\nCook,Cook wanted\n,Driver\n")
    assert read(tmp_path / "ads.csv").column("text") == ["Cook\nEvenings", "Cook wanted", "Driver"]


def test_tables_have_the_schema_of_ads_then_labels_then_the_rest(read, tmp_path):
    (tmp_path / "ads.csv").write_text("colour,risk,text,id,split\nred,3,cook,1,train\n")
    found = read(tmp_path / "ads.csv")
    names = [*ADS.names, "risk", "split", "colour"]
    assert found.table.column_names == names
    assert found.table.schema == found.stream.schema
    assert found.table.select(ADS.names).schema == ADS
    assert found.table.slice(0, 1).to_pylist()[0]["risk"] == 3
    assert found.column("colour") == ["red"]


def test_sources_of_different_columns_come_out_in_one_schema(read, tmp_path):
    pq.write_table(
        pa.table({"text": ["a"], "n": [1], "m": [1.5], "deep": [[1]]}), tmp_path / "a.parquet"
    )
    (tmp_path / "b.csv").write_text("text,n,deep,risk\nb,x,y,1\n")
    found = read(tmp_path)
    assert found.column("n") == ["1", "x"]
    assert found.column("m") == [1.5, None]
    assert found.column("risk") == [None, 1]
    assert "deep" not in found.table.column_names
    assert any("'deep' has different types" in note for note in found.stream.notes)


def test_a_column_mapped_away_does_not_return_under_its_canonical_name(read, tmp_path):
    (tmp_path / "ads.csv").write_text("id,text,body\n1,short,the whole ad\n")
    found = read(tmp_path / "ads.csv", mapping={"text": "body"})
    assert found.column("text") == ["the whole ad"]
    assert "body" not in found.table.column_names


def test_repeated_and_nameless_columns_get_names_of_their_own(read, tmp_path):
    (tmp_path / "ads.csv").write_text(",text,tag,tag\n0,cook,a,b\n")
    found = read(tmp_path / "ads.csv")
    assert found.table.column_names[-3:] == ["column_1", "tag", "tag_2"]


def test_options_are_values(tmp_path):
    assert ReadOptions(mapping=MappingProxyType({})).batch_rows == 4096
