"""Every synthetic corpus has a datasheet with counts of the written ads."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import ingest
from adrisk.synthetic import datasheet
from adrisk.synthetic.generate import generate


@pytest.fixture(scope="module")
def ads():
    return pa.concat_tables(generate(900, seed=2, prevalence=0.1))


def sheet_of(ads, batch_rows=900):
    tally = datasheet.CorpusCounts()
    for batch in ads.to_batches(max_chunksize=batch_rows):
        tally.add(pa.Table.from_batches([batch]))
    return tally.datasheet("ads.parquet", ["synthetic:900?seed=2"])


def test_the_counts_are_those_of_the_corpus(ads):
    sheet = sheet_of(ads)
    campaigns = len(set(ads["campaign_id"].to_pylist()))
    texts = len(set(ads["text"].to_pylist()))
    risky = [r >= 2 for r, s in zip(*(ads[c].to_pylist() for c in ("true_risk", "split")),
                                    strict=True) if s == "test"]  # fmt: skip
    assert "| ads | 900 |" in sheet
    assert f"| campaigns | {campaigns:,} |" in sheet
    assert f"| distinct texts | {texts:,} |" in sheet
    assert f"{100 * sum(risky) / len(risky):.1f} % (test)" in sheet


def test_batches_make_no_difference(ads):
    assert sheet_of(ads, 100) == sheet_of(ads)


def test_it_says_what_there_is_how_it_was_labelled_and_what_it_cannot_show(ads):
    sheet = sheet_of(ads)
    for words in (
        "# Datasheet of ads.parquet",
        "`synthetic:900?seed=2`",
        "## Composition",
        "**Regions:**",
        "## Lengths",
        "## Marginals",
        "## Labels",
        "annotator-2",
        "## Probes",
        "## Known gaps",
        "## What a score on it does not show",
    ):
        assert words in sheet
    assert max(map(len, re.findall(r"^\|.*$", sheet, re.MULTILINE))) < 200


def test_the_probes_are_those_of_the_results_file(ads):
    probes = json.loads(datasheet._PROBES.read_text(encoding="utf-8"))
    for name, figure in probes["probes"].items():
        assert f"| {name} | {figure['value']:.3f} |" in sheet_of(ads)


def test_many_strings_are_counted_within_a_few_per_cent():
    distinct = datasheet._Distinct()
    distinct.add(f"ad {number % 20_000}" for number in range(30_000))
    assert distinct.count()._number == pytest.approx(20_000, rel=0.05)
    assert distinct.count().words().startswith("about ")


def test_ingesting_writes_it_beside_the_corpus(tmp_path):
    done = ingest(["synthetic:60?seed=1"], tmp_path / "ads.parquet")
    assert done.datasheet == tmp_path / "ads.datasheet.md"
    assert "| ads | 60 |" in done.datasheet.read_text(encoding="utf-8")


def test_among_other_sources_only_the_synthetic_ads_are_described(tmp_path):
    pq.write_table(pa.table({"text": ["Bicycle", "Sofa"]}), tmp_path / "other.parquet")
    sources = [str(tmp_path / "other.parquet"), "synthetic:40"]
    done = ingest(sources, tmp_path / "both.parquet")
    assert done.accepted == 42
    assert "| ads | 40 |" in done.datasheet.read_text(encoding="utf-8")


def test_other_ads_have_none_and_an_old_one_goes(tmp_path):
    pq.write_table(pa.table({"text": ["Bicycle"]}), tmp_path / "other.parquet")
    ingest(["synthetic:5"], tmp_path / "out.parquet")
    done = ingest([str(tmp_path / "other.parquet")], tmp_path / "out.parquet")
    assert done.datasheet is None
    assert not (tmp_path / "out.datasheet.md").exists()


def test_a_file_of_somebody_else_stays(tmp_path):
    pq.write_table(pa.table({"text": ["Bicycle"]}), tmp_path / "other.parquet")
    (tmp_path / "out.datasheet.md").write_text("my notes", encoding="utf-8")
    ingest([str(tmp_path / "other.parquet")], tmp_path / "out.parquet")
    assert (tmp_path / "out.datasheet.md").read_text(encoding="utf-8") == "my notes"
