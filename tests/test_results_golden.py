"""Results compared with golden files: the same bytes for the same figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from adrisk.errors import UsageError
from adrisk.evaluation.markdown import render
from adrisk.evaluation.results import STUDY_RESULTS, Evaluation, results_page
from adrisk.evaluation.rule_report import RuleReport, RuleResults, rules_page
from adrisk.labels.targets import Targets
from adrisk.layout import BUDGETS
from adrisk.metrics.comparison import Pair, compare
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.figures import as_result, read_content, read_result
from adrisk.metrics.protocol import CAMPAIGNS, EXACT_COPIES, HIGHEST_AD, Items, Judged, judge
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import match_all
from adrisk.rules.matcher import resolve_overlaps
from adrisk.rules.rulebook import load_rulebook
from adrisk.rules.ruleset import load_ruleset
from builders import make_ads

GOLDEN = Path(__file__).parent / "golden"
RESULTS = Path(__file__).parents[1] / "evaluation" / "results"
LABELS = ("exit_penalty", "no_contract", "vague_role")


def make_targets(count: int) -> Targets:
    """Risk of 3 for every fifth ad; one indicator that no ad has, and one not known of ten ads."""
    row = np.arange(count)
    values = np.stack([row % 4 == 0, row % 3 == 0, row < 0], axis=1).astype(float)
    values[:10, 1] = np.nan
    return Targets(LABELS, values, np.where(row % 5 == 0, 3, row % 2))


def make_scores(targets: Targets, shift: float) -> np.ndarray:
    """Sixteenths, which every machine adds up alike; higher for most of the risky ads."""
    row = np.arange(len(targets))
    risky = np.where(targets.risk >= 2, 0.5, 0.0)
    return np.clip(risky + (row * 7 % 8) / 16 - np.where(row % 15 == 0, shift, 0), 0, 1)


def make_judged() -> Judged:
    count = 120
    targets = make_targets(count)
    risky = make_scores(targets, 0.25)
    campaigns = np.arange(count) // 3
    top = np.zeros(40)
    np.maximum.at(top, campaigns, risky)
    return Judged(
        risk=np.stack([np.minimum(1, risky + 0.125), risky, risky / 2], axis=1),
        indicators=np.stack([risky, 1 - risky, risky / 2], axis=1),
        labels=LABELS,
        targets=targets,
        campaigns=campaigns,
        thresholds={budget: np.full(count, 1 - budget * 10) for budget in BUDGETS},
        slices={
            "language": np.array(["en"] * 80 + ["es"] * 30 + [""] * 10),
            "kind": np.array(["job", "other"] * 60),
        },
        items={
            EXACT_COPIES: Items(np.arange(count), risky),
            HIGHEST_AD: Items(campaigns, top[campaigns]),
            CAMPAIGNS: Items(campaigns, top[campaigns] / 2),
        },
    )


def make_pair() -> Pair:
    targets = make_targets(120)
    first, second = make_scores(targets, 0.125), make_scores(targets, 0.5)
    return Pair(
        risk=(first, second),
        indicators=(
            np.stack([first, 1 - first, first], axis=1),
            np.stack([second, 1 - second, second], axis=1),
        ),
        labels=LABELS,
        targets=targets,
        campaigns=np.arange(120) // 3,
    )


def same(name: str, content: Any) -> None:
    """Compare with a golden file; ADRISK_GOLDEN=1 writes it anew, for a change that is meant."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / name
    if os.environ.get("ADRISK_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_figures_of_one_set_of_scores_are_the_golden_ones() -> None:
    same("judged.json", judge(make_judged(), Bootstrap(20, 3)).to_json())


def test_the_figures_of_a_comparison_are_the_golden_ones() -> None:
    same("compared.json", compare(make_pair(), Bootstrap(20, 3)).to_json())


def test_the_counts_of_rules_are_the_golden_ones() -> None:
    texts = ["We keep your passport", "Passports stay with the manager", "A garden with apples"] * 2
    ads = make_ads(
        texts,
        indicators=[["document_retention"], [], ["document_retention"]] * 2,
        risk=[2, 0, 3, 2, 0, 0],
    )
    everything = match_all(texts, ["en"] * len(texts))
    report = RuleReport(load_ruleset())
    report.add(ads, everything, [resolve_overlaps(found) for found in everything])
    found: Any = report.results().to_json()
    (source,) = found["sources"].values()
    source["rules"] = {name: rule for name, rule in source["rules"].items() if rule.get("ads")}
    source["indicators"] = {"document_retention": source["indicators"]["document_retention"]}
    same("counted.json", found)


def test_the_page_of_results_in_git_is_what_its_result_files_give() -> None:
    assert results_page(RESULTS) == (RESULTS / "results.md").read_text(encoding="utf-8")


KEPT = [
    path
    for path in sorted(RESULTS.glob("*.json"))
    if {"report", "corpora"} & set(read_content(path)) and path.stem != "campaigns"
]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_result_file_in_git_is_written_as_it_was_read(path: Path) -> None:
    content = read_content(path)
    kind = STUDY_RESULTS[str(content["study"])] if "study" in content else Evaluation
    text = json.dumps(as_result(content, kind, path).to_json(), indent=2, ensure_ascii=False) + "\n"
    assert text == path.read_text(encoding="utf-8")


def test_the_rules_in_git_are_written_as_they_were_read_and_give_their_page() -> None:
    path = RESULTS / "rules.json"
    found = read_result(path, RuleResults)
    text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
    assert text == path.read_text(encoding="utf-8")
    rules = {rule.id: rule for code in LANGUAGES for rule in load_rulebook(code).rules}
    assert rules_page(found, rules) == path.with_suffix(".md").read_text(encoding="utf-8")


def test_names_from_elsewhere_steer_neither_page_of_results(tmp_path: Path) -> None:
    hostile = "x|y\n# z <script>alert(1)</script> ![i](http://e.org/i) `c`"
    content: Any = read_content(RESULTS / "real-ngram.json")
    content["data"] |= {"target": hostile, "sources": [hostile], "split_by": hostile}
    few = {"n": 1, "positives": 0}
    content["report"]["slices"]["language"] = {hostile: few, "en": few}
    content["baselines"] = {hostile: {"left_out": hostile}}
    rules: Any = read_content(RESULTS / "rules.json")
    rules["sources"] = {hostile: rules["sources"]["eures"]}
    for page in (
        render("evaluation.md.j2", name="real", found=Evaluation.model_validate(content)),
        rules_page(RuleResults.model_validate(rules), {}),
    ):
        shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
        assert "<script" not in shown
        assert "<img" not in shown
        assert "x|y # z &lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "<h1>z" not in shown


def test_a_wrong_key_in_a_result_file_is_named_with_its_place(tmp_path: Path) -> None:
    content: Any = read_content(RESULTS / "real-ngram.json")
    content["report"]["risk"]["recall_at_0.1"] = content["report"]["risk"].pop("recall_at_0.01")
    path = tmp_path / "real-ngram.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match=r"real-ngram\.json: report\.risk\.recall_at_0\.1: extra"):
        results_page(tmp_path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        results_page(tmp_path)
