"""Adapters of the corpora, on tiny made-up files of the same form."""

from __future__ import annotations

import hashlib
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.errors import MissingExtraError, SourceError
from adrisk.ingest.adapters import corpora
from adrisk.schema import ADS, LABELS

EMSCAD = (
    "job_id,title,location,department,salary_range,company_profile,description,requirements,"
    "benefits,telecommuting,function,fraudulent\n"
    '1,Cook,"GB, , Leeds",,20-25,We cook.,Evenings,,Meals,0,Kitchen,0\n'
    "2,Clerk,,,,,Send a fee first,,,1,,1\n"
    "3,Driver,,,,,Vans,,,1,,maybe\n"
)


def test_emscad_joins_its_parts_and_says_when_it_is_an_impostor(read, tmp_path):
    path = tmp_path / "fake_job_postings.csv"
    path.write_text(EMSCAD)
    found = read(f"emscad:{path}")
    assert found.column("text") == ["Cook\nWe cook.\nEvenings\nMeals", "Clerk\nSend a fee first"]
    assert found.column("ad_id") == ["emscad-1", "emscad-2"]
    assert found.column("risk") == [0, 2]
    assert found.column("indicators") == [None, None]
    assert set(found.column("label_source")) == {"emscad:employment_scam"}
    assert found.column("location") == ["GB, , Leeds", None]
    assert found.column("price") == ["20-25", None]
    assert found.column("telecommuting") == ["0", "1"]
    assert found.reasons == [(4, "unknown risk")]
    assert any("not the original EMSCAD of 17,880 rows" in note for note in found.stream.notes)
    assert found.stream.description[0]["kind"] == "emscad"
    assert found.stream.description[0]["columns"]["risk"] == "fraudulent"


def test_emscad_with_the_right_bytes_needs_no_warning(read, tmp_path, monkeypatch):
    content = EMSCAD.replace(",0\n", ",f\n").replace(",1\n", ",t\n").encode()
    (tmp_path / "jobs.csv").write_bytes(content)
    monkeypatch.setattr(corpora, "EMSCAD_BYTES", len(content))
    monkeypatch.setattr(corpora, "EMSCAD_SHA256", hashlib.sha256(content).hexdigest())
    found = read(f"emscad:{tmp_path / 'jobs.csv'}")
    assert found.stream.notes == []
    assert found.column("risk") == [0, 2]


def test_difraud_takes_its_near_copy_groups_as_campaigns(read, tmp_path):
    table = pa.table(
        {
            "text": ["Cook wanted", "Pay first"],
            "label": [0, 1],
            "split": ["train", "test"],
            "group_tfidf50": pa.array([1, 2], pa.int32()),
            "group_tfidf30": pa.array([7, 8], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    found = read(f"difraud:{tmp_path / 'd.parquet'}")
    assert found.column("risk") == [0, 2]
    assert found.column("campaign_id") == ["difraud-7", "difraud-8"]
    assert found.column("label_source") == ["difraud:employment_scam"] * 2
    assert found.column("corpus_split") == ["train", "test"]
    assert "split" not in found.table.column_names
    (tmp_path / "train.jsonl").write_text('{"text": "Pay first", "label": 1}\n')
    lines = read(f"difraud:{tmp_path / 'train.jsonl'}")
    assert lines.column("risk") == [2]
    assert "campaign_id" not in lines.table.column_names


def h2_table(**changes):
    columns = {
        "case_number": ["H-300-1", "H-300-2"],
        "visa_class": ["H-2A", "H-2B"],
        "job_title": ["Picker", "Cook"],
        "text": ["Picker\nApples", "Cook\nSummer"],
        "basic_rate_from": [9.59, 12.0],
        "basic_rate_to": [0.0, 14.5],
        "pay_range_desc": ["Hour", "Week"],
        "begin_date": ["2025-05-01T00:00:00Z"] * 2,
        "worksite_state": ["OHIO", None],
        "employer_group": [4, 5],
        "template_group": [1, 1],
    }
    return pa.table(columns | changes)


def test_h2_orders_are_ads_without_labels(read, tmp_path):
    pq.write_table(h2_table(), tmp_path / "h2.parquet")
    found = read(f"h2:{tmp_path / 'h2.parquet'}", detect_language=True)
    first = found.table.to_pylist()[0]
    assert {name: first[name] for name in ADS.names} == {
        "ad_id": "H-300-1",
        "text": "Picker\nApples",
        "language": "en",
        "posted_at": None,
        "source": "h2",
        "category": "Picker",
        "location": "OHIO",
        "account_id": "h2-4",
        "url": None,
        "price": "9.59 USD per hour",
    }
    assert found.column("price")[1] == "12-14.5 USD per week"
    assert found.column("campaign_id") == ["h2-1", "h2-1"]
    assert found.column("begin_date") == ["2025-05-01T00:00:00Z"] * 2
    assert not {"risk", "indicators", "label_source"} & set(found.table.column_names)


def test_eures_loses_its_telltale_tail_and_its_placeholder_title(read, tmp_path):
    tail = " Datos de contacto: CÓDIGO DE OFERTA: 000 Interesados escriban a ofertas@example.org"
    other = " Fechas de contacto: 01/10 CÓDIGO DE OFERTA: 000"
    table = pa.table(
        {
            "id": ["https://example.org/1", "https://example.org/2", "https://example.org/3"],
            "timestamp": ["10/12/2025", "1/2/2025", "soon"],
            "titulo": ["WORK/LOCATION", "CAMARERO", "WORK/LOCATION"],
            "ocupacion": ["cocinero", "camarero", "camarero"],
            "descripcion": [
                f"Se busca cocinero para un restaurante pequeño, con contrato.{tail}",
                f"Se busca camarero para las tardes y los fines de semana.{other}",
                tail,
            ],
            "provincia": ["Huesca", None, None],
            "tipo_contrato": ["Contrato"] * 3,
            "dup_group": [3, 4, 5],
        }
    )
    pq.write_table(table, tmp_path / "eures.parquet")
    found = read(f"eures:{tmp_path / 'eures.parquet'}", detect_language=True)
    assert found.column("text") == [
        "Se busca cocinero para un restaurante pequeño, con contrato.",
        "CAMARERO\nSe busca camarero para las tardes y los fines de semana.",
    ]
    assert [moment.date().isoformat() for moment in found.column("posted_at")] == [
        "2025-12-10",
        "2025-02-01",
    ]
    assert found.column("language") == ["es", "es"]
    assert found.column("campaign_id") == ["eures-3", "eures-4"]
    assert found.column("tipo_contrato") == ["Contrato"] * 2
    assert found.reasons == [(3, "no text")]


def test_a_file_that_is_not_the_corpus_is_refused_with_the_way_out(read, tmp_path):
    pq.write_table(h2_table().drop_columns(["template_group"]), tmp_path / "h2.parquet")
    with pytest.raises(SourceError, match=r"is not h2, .*'template_group'.*Leave out 'h2:'"):
        read(f"h2:{tmp_path / 'h2.parquet'}")


def test_a_corpus_with_columns_of_other_types_is_refused(read, tmp_path):
    pq.write_table(h2_table(text=[[1], [2]]), tmp_path / "h2.parquet")
    with pytest.raises(SourceError, match="text needs strings"):
        read(f"h2:{tmp_path / 'h2.parquet'}")
    pq.write_table(h2_table(employer_group=[[4], [5]]), tmp_path / "h2.parquet")
    with pytest.raises(SourceError, match="of other types"):
        read(f"h2:{tmp_path / 'h2.parquet'}")


def test_h2_orders_are_read_from_csv_too(read, tmp_path):
    header = ",".join(h2_table().column_names)
    row = "H-300-1,H-2A,Picker,Apples,9.59,0.0,Hour,2025-05-01T00:00:00Z,OHIO,4,1"
    (tmp_path / "h2.csv").write_text(f"{header}\n{row}\n")
    found = read(f"h2:{tmp_path / 'h2.csv'}")
    assert found.column("price") == ["9.59 USD per hour"]
    assert found.column("campaign_id") == ["h2-1"]


def test_a_mapping_beside_a_corpus_is_said_to_have_no_effect(read, tmp_path):
    pq.write_table(h2_table(), tmp_path / "h2.parquet")
    found = read(f"h2:{tmp_path / 'h2.parquet'}", mapping={"text": "job_title"})
    assert any("--map is not used" in note for note in found.stream.notes)


def test_the_real_generator_passes_the_cleaning_whole(read):
    found = read("synthetic:40?seed=1")
    assert (found.stream.accepted, found.quarantined) == (40, [])
    assert set(LABELS.names) <= set(found.table.column_names)
    assert found.stream.fingerprint == read("synthetic:40?seed=1").stream.fingerprint


def test_synthetic_ads_may_be_of_some_languages_and_kinds_only(read):
    found = read("synthetic:60?languages=es,pt&kinds=job&duplicates=0.2&edited=0")
    assert set(found.column("language")) == {"es", "pt"}
    assert set(found.column("kind")) == {"job"}
    judged = [votes is not None for votes in found.column("votes")]
    assert judged == [split == "train" for split in found.column("split")]


@pytest.fixture
def generator(monkeypatch):
    """Stands for adrisk.synthetic; records how it was asked."""
    asked = []

    def generate(count, **arguments):
        asked.append((count, arguments))
        for start in range(0, count, arguments["batch_rows"]):
            n = min(arguments["batch_rows"], count - start)
            columns = {name: pa.nulls(n, ADS.field(name).type) for name in ADS.names}
            columns["ad_id"] = pa.array([f"s{start + i}" for i in range(n)])
            columns["text"] = pa.array([f"ad {start + i}" for i in range(n)], pa.large_string())
            columns["risk"] = pa.array([1] * n, LABELS.field("risk").type)
            columns["indicators"] = pa.array([["vague_role"]] * n, LABELS.field("indicators").type)
            yield pa.table(columns)

    monkeypatch.setitem(
        sys.modules, "adrisk.synthetic.generate", SimpleNamespace(generate=generate)
    )
    return asked


def test_synthetic_ads_come_with_their_truth_and_their_count(read, generator):
    found = read("synthetic:10?seed=7&prevalence=0.05", batch_rows=4)
    assert found.stream.total_rows == found.stream.accepted == 10
    assert found.column("risk") == [1] * 10
    assert found.column("indicators")[0] == ["vague_role"]
    assert generator[-1] == (10, {"batch_rows": 4, "seed": 7, "prevalence": 0.05})


def test_what_is_not_asked_of_the_generator_is_left_to_its_defaults(read, generator):
    assert read("synthetic:1_000").stream.accepted == 1000
    assert generator[-1] == (1000, {"batch_rows": 4096})


def save_dataset(folder, splits):
    import datasets

    made = {name: datasets.Dataset.from_dict(columns) for name, columns in splits.items()}
    datasets.DatasetDict(made).save_to_disk(folder)


@pytest.fixture
def dataset(tmp_path):
    rows = {"id": ["1", "2"], "description": ["cook", "driver"], "stars": [3, 4]}
    save_dataset(tmp_path / "set", {"train": rows, "test": {k: v[:1] for k, v in rows.items()}})
    return tmp_path / "set"


def test_a_saved_hugging_face_dataset_is_read_with_its_columns_recognised(read, dataset):
    found = read(f"hf:{dataset}")
    assert found.column("text") == ["cook", "driver"]
    assert found.column("stars") == [3, 4]
    assert found.stream.total_rows == 2
    assert any("read split train; others: test" in note for note in found.stream.notes)
    assert read(f"hf:{dataset}?split=test").column("ad_id") == ["1"]


def test_a_missing_split_or_dataset_fails_with_what_there_is(read, dataset, tmp_path):
    with pytest.raises(SourceError, match=r"no split 'tran' \(did you mean 'train'\?\)"):
        read(f"hf:{dataset}?split=tran")
    with pytest.raises(SourceError, match="expected a dataset's name"):
        read("hf:")


def test_without_the_extra_a_dataset_says_what_to_install(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'adrisk\[hub\]'"):
        read("hf:some/name")
