import json

import pytest

from adrisk.errors import UsageError
from adrisk.evaluation.rule_report import RuleReport, match_and_report
from adrisk.rules.match import match_all
from adrisk.rules.matcher import resolve_overlaps
from adrisk.rules.ruleset import load_ruleset
from builders import make_ads

KEEP, HELD = "We keep your passport", "Passports stay with the manager"
NOTHING = "A garden with apple trees"


def report(texts, **labels):
    ads = make_ads(texts, **labels)
    everything = match_all(texts, ["en"] * len(texts))
    figures = RuleReport(load_ruleset())
    figures.add(ads, everything, [resolve_overlaps(found) for found in everything])
    return figures.results().to_json()["sources"]["test"]


def test_precision_and_recall_of_a_rule_are_counted_against_the_labels():
    found = report(
        [KEEP, KEEP, KEEP, NOTHING],
        indicators=[["document_retention"], ["document_retention"], [], ["document_retention"]],
        risk=[2, 2, 0, 2],
    )
    for figures in (
        found["rules"]["en.document_retention.held_by"],
        found["indicators"]["document_retention"],
    ):
        assert round(figures["precision"]["value"], 3) == round(2 / 3, 3)
        assert round(figures["recall"]["value"], 3) == round(2 / 3, 3)
        assert figures["true"] == 3
    assert found["macro"]["en"] == {
        "ads": 4, "precision": 0.6667, "recall": 0.6667, "indicators": 1,
    }  # fmt: skip


def test_coverage_and_alarms_need_no_labels():
    found = report([KEEP, NOTHING, NOTHING, NOTHING])
    rule = found["rules"]["en.document_retention.held_by"]
    assert (rule["ads"], rule["coverage"], rule["alarms_per_10000"]) == (1, 0.25, 2500.0)
    assert "precision" not in rule
    assert found["indicators"]["document_retention"]["alarms_per_10000"] == 2500.0


def test_overlap_and_conflict_are_told_with_the_rule_that_says_so():
    both = f"{KEEP}. You get your passport back when you leave. You keep your passport."
    rule = report([both, KEEP])["rules"]["en.document_retention.held_by"]
    assert (rule["overlap"], rule["conflict"]) == (0.5, 0.5)
    assert rule["overlaps_most"] == {"en.document_retention.back_later": 1}


def test_a_rule_is_not_asked_about_ads_in_another_language():
    rules = report([KEEP, NOTHING])["rules"]
    assert rules["fr.document_retention.held_by"] == {"read_by_it": 0}


def test_the_training_part_of_a_corpus_is_left_out():
    ads = make_ads([KEEP, HELD])
    ads = ads.append_column("split", [["train", "test"]])
    everything = match_all([KEEP, HELD], ["en", "en"])
    figures = RuleReport(load_ruleset())
    figures.add(ads, everything, everything)
    told = figures.results().to_json()
    assert told["left_out_as_training_split"] == 1
    assert told["sources"]["test"]["ads"] == 1


def test_a_table_and_json_are_written_beside_the_evidence(tmp_path):
    import pyarrow.parquet as pq

    source = tmp_path / "ads.parquet"
    pq.write_table(make_ads([KEEP, NOTHING], indicators=[["document_retention"], []]), source)
    match_and_report([str(source)], tmp_path / "e.parquet", {}, tmp_path / "rules.md")
    table = (tmp_path / "rules.md").read_text(encoding="utf-8")
    assert "| document_retention | 1 | 1.00 | 1.00 |" in table
    assert "| en.document_retention.held_by | present | 0.500 | 0.000 | 0.000 |" in table
    assert KEEP not in table
    figures = json.loads((tmp_path / "rules.json").read_text(encoding="utf-8"))
    assert figures["sources"]["test"]["ads"] == 2


def test_a_report_must_be_a_table_for_people(tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.md"):
        match_and_report([], tmp_path / "e.parquet", {}, tmp_path / "rules.json")
