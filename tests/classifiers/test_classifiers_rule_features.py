"""Rule findings as features: what is stated, graded risk, where a weight lies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from adrisk.batch import make_batch
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.rule_features import (
    RuleFeatureWeights,
    rule_feature_matrix,
    rule_feature_names,
    rule_feature_places,
    training_rule_features,
)
from adrisk.errors import ModelError
from adrisk.labels.targets import Targets
from adrisk.rules.taxonomy import graded_risk, load_taxonomy

HOLDS = "We keep your passport until the debt is paid."
RETURNS = "You keep your passport."


def columns(text: str, names: tuple[str, ...] = ()) -> dict[str, float]:
    names = names or rule_feature_names()
    values = rule_feature_matrix(make_batch([text], ["en"]), names)[0]
    return {name: float(value) for name, value in zip(names, values, strict=True) if value}


def test_present_absent_and_not_stated_are_three_facts() -> None:
    assert "present:document_retention" in columns(HOLDS)
    assert "absent:document_retention" in columns(RETURNS)
    assert "present:document_retention" not in columns(RETURNS)
    assert columns("Kitchen help wanted.") == {}


def test_what_is_present_is_graded_as_the_taxonomy_does() -> None:
    found = columns(HOLDS)
    present = {name.partition(":")[2] for name in found if name.startswith("present:")}
    grade = graded_risk(present, load_taxonomy())
    assert [f"graded:{step}" in found for step in (1, 2, 3)] == [grade >= s for s in (1, 2, 3)]
    assert grade >= 2


def test_a_column_the_taxonomy_no_longer_has_is_never_set() -> None:
    names = ("present:gone", "present:document_retention")
    assert columns(HOLDS, names) == {"present:document_retention": 1.0}


def test_three_in_ten_campaigns_are_learned_from_as_if_nothing_were_found() -> None:
    campaigns = np.arange(1000) // 2
    batch = make_batch([HOLDS], ["en"]).take([0] * 1000)
    targets = Targets((), np.zeros((1000, 0)), np.zeros(1000, dtype=np.int64), campaigns=campaigns)
    trainable_parameters = training_rule_features(batch, rule_feature_names(), targets, seed=0).any(
        axis=1
    )
    assert 0.6 < trainable_parameters.mean() < 0.8
    np.testing.assert_array_equal(trainable_parameters[::2], trainable_parameters[1::2])
    assert rule_feature_matrix(batch, rule_feature_names()).any(axis=1).all()


def test_a_weight_lies_on_the_words_that_were_found() -> None:
    batch = make_batch([f"Kitchen help. {HOLDS}"], ["en"])
    names = ("present:document_retention",)
    placed = rule_feature_places(batch, names, np.array([[2.0, -1.0]]))
    np.testing.assert_allclose(placed.sum(axis=0), [2.0, -1.0])
    words = batch.folded[0].as_py()
    at = words.index("we keep your passport")
    assert placed[at : at + len("we keep your passport"), 0].sum() == pytest.approx(2.0)


def test_an_ad_gets_the_same_from_a_batch_and_alone() -> None:
    names = rule_feature_names()
    rng = np.random.default_rng(0)
    weights = RuleFeatureWeights(names, rng.normal(size=(len(names), 5)).astype(np.float32))
    batch = make_batch([HOLDS, RETURNS, "Kitchen help.", HOLDS], ["en"] * 4)
    together = weights.products(batch)
    apart = np.concatenate([weights.products(batch.take([row])) for row in range(4)])
    np.testing.assert_array_equal(together, apart)
    assert (together[2] == 0).all()


def test_weights_come_back_and_damaged_names_are_refused(tmp_path: Path) -> None:
    weights = RuleFeatureWeights(("present:exit_penalty",), np.ones((1, 4), dtype=np.float32))
    weights.save(tmp_path)
    again = RuleFeatureWeights.load(tmp_path, 4)
    assert again.names == weights.names
    np.testing.assert_array_equal(again.weights, weights.weights)
    (tmp_path / "found.json").write_text(json.dumps(["one", "two"]))
    with pytest.raises(ModelError, match="different models"):
        RuleFeatureWeights.load(tmp_path, 4)
    (tmp_path / "found.json").write_text("{}")
    with pytest.raises(ModelError, match="list of column names"):
        RuleFeatureWeights.load(tmp_path, 4)


def test_without_findings_nothing_is_written_or_asked(tmp_path: Path) -> None:
    weights = RuleFeatureWeights((), np.zeros((0, 4), dtype=np.float32))
    weights.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert RuleFeatureWeights.load(tmp_path, 4).products(make_batch([HOLDS])).shape == (1, 4)


@pytest.mark.parametrize("family", ["ngram", "linear"])
def test_what_the_rules_know_carries_over_to_words_never_seen(family: str) -> None:
    """Risky ads in English teach a model that reads Spanish through the rules alone."""
    texts = [f"{HOLDS} Shift {n}." if n % 3 == 0 else f"Kitchen help {n}." for n in range(90)]
    truth = np.arange(90) % 3 == 0
    targets = Targets((), np.zeros((90, 0)), np.where(truth, 2, 0).astype(np.int64))
    asked = make_batch(
        ["Retenemos su pasaporte hasta que pague la deuda.", "Se busca ayudante de cocina."],
        ["es", "es"],
    )
    gap = {}
    for findings in (True, False):
        model = FAMILIES[family](findings=findings).fit(make_batch(texts, ["en"] * 90), targets)
        margins = model.margins(asked).risk[:, 1]
        gap[findings] = margins[0] - margins[1]
    assert gap[True] > gap[False] + 0.8
