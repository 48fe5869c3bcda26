"""Faithfulness of a model's own explanations, on ads that it never saw."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from adrisk.api import load_corpus
from adrisk.errors import CorpusError
from adrisk.evaluation.faithfulness import FaithfulnessResult, faithfulness, shown
from adrisk.model.manifest import ThresholdEntry
from adrisk.model.model import Model
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.types import Evidence, State
from builders import make_texts

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Model:
    """Whatever it was trained to, it flags from an even chance on."""
    model = Model.load(model_folder)
    even = (ThresholdEntry(budget=0.05, threshold=0.5, n=100),)
    return replace(model, manifest=model.manifest.model_copy(update={"thresholds": even}))


@pytest.mark.slow
def test_a_model_that_found_the_planted_phrase_is_explained_faithfully(
    model: Model, corpus_file: Path
) -> None:
    corpus = load_corpus([str(corpus_file)])
    found = faithfulness(model, corpus, budget=0.05, draws=2, resamples=50)
    assert found.flagged.without_spans == 0
    assert found.data.unseen == 48
    last = found.points[-1]
    assert last.deleted["log_odds"].difference.low > 0
    assert last.deleted["probability"].explanation.value > 0.3
    assert last.kept["log_odds"].difference.high < 0


@pytest.mark.slow
def test_ads_of_which_none_is_flagged_are_refused_with_the_way_out(
    model: Model, tmp_path: Path
) -> None:
    texts, _ = make_texts(60, positives=0, seed=9)
    path = tmp_path / "other.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    with pytest.raises(CorpusError, match="never saw reaches its threshold"):
        faithfulness(model, load_corpus([str(path)]), budget=0.05)


def test_the_script_prints_losses_of_a_single_campaign_without_an_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = {"value": 0.5, "low": None, "high": None, "n": 2, "positives": 2, "campaigns": 1}
    loss = {"explanation": alone, "other_words": alone, "difference": alone}
    point = {"spans": 1, "ads": 2, "without_room": 0, "deleted": {"log_odds": loss}}
    content = json.loads((ROOT / "tests" / "golden" / "faithfulness.json").read_text("utf-8"))
    content["points"] = [point, {"spans": 2, "ads": 0, "without_room": 2}]
    script = run_path(str(ROOT / "evaluation" / "faithfulness.py"))
    script["_print"]("ngram", FaithfulnessResult.model_validate(content))
    assert "difference  0.500 [no interval]  n 2" in capsys.readouterr().out


def test_words_for_the_risk_come_first_and_counter_evidence_is_left_out() -> None:
    evidence = [
        Evidence("risk", 10, 20, "ngram", strength=2.0),
        Evidence("debt_or_deduction", 40, 50, "ngram", strength=1.0),
        Evidence("document_retention", 12, 30, "en.a"),
        Evidence("exit_penalty", 60, 70, "en.b"),
        Evidence("worker_protection", 80, 90, "en.c"),
        Evidence("recruitment_fee", 100, 110, "en.d", State.ABSENT),
    ]
    assert shown(evidence, load_taxonomy()) == ((10, 20), (60, 70))
