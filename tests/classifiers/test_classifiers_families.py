"""Every family: the planted truth comes back, explanations add up, a saved model is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import Classifier
from adrisk.errors import CorpusError, ModelError
from adrisk.labels.targets import Targets
from adrisk.text.normalise import fold_text
from builders import RISKY, make_texts

LABELS = ("document_retention", "worker_protection", "never_seen")


def column(texts: list[str]) -> TextBatch:
    return make_batch(texts, ["en"] * len(texts))


def make_targets(truth: np.ndarray) -> Targets:
    indicators = np.full((len(truth), 3), np.nan)
    indicators[:, 0] = truth
    indicators[::2, 1] = ~truth[::2]
    return Targets(LABELS, indicators, np.where(truth, 3, 0).astype(np.int64))


@pytest.fixture(scope="module")
def small(tiny_encoder: Path) -> dict[str, dict[str, Any]]:
    """Parameters with which each family is fitted in a moment."""
    tiny = {
        "encoder": str(tiny_encoder),
        "learning_rate": 1e-3,
        "epochs": 6,
    }
    fast = {"bits": 14}
    cascade = {"fast": fast, "encoder": tiny}
    return {"ngram": fast, "linear": {}, "encoder": tiny, "cascade": cascade}


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def fitted(request: pytest.FixtureRequest, small: dict[str, dict[str, Any]]) -> Classifier:
    texts, truth = make_texts(200, 60)
    family = FAMILIES[request.param]
    return family(**small[request.param]).fit(column(texts), make_targets(truth))


def test_every_family_fulfils_the_protocol(fitted: Classifier) -> None:
    assert isinstance(fitted, Classifier)
    assert FAMILIES[fitted.family] is type(fitted)


def test_the_planted_phrase_is_found_in_new_ads(fitted: Classifier) -> None:
    texts, truth = make_texts(120, 30, seed=5)
    margins = fitted.margins(column(texts))
    assert average_precision_score(truth, margins.risk[:, 1]) > 0.99
    assert average_precision_score(truth, margins.indicators[:, 0]) > 0.99


def test_indicators_without_examples_get_no_head(fitted: Classifier) -> None:
    assert fitted.labels_ == LABELS[:2]


def test_the_three_questions_never_cross(fitted: Classifier) -> None:
    texts, _ = make_texts(50, 10, seed=9)
    assert (np.diff(fitted.margins(column(texts)).risk, axis=1) <= 0).all()


def test_no_ads_give_empty_shapes(fitted: Classifier) -> None:
    margins = fitted.margins(column([]))
    assert margins.risk.shape == (0, 3)
    assert margins.indicators.shape == (0, 2)


@given(text=st.text(max_size=60) | st.just(f"{RISKY}. {RISKY}"))
@settings(max_examples=40)
def test_contributions_and_the_intercept_make_the_margin(fitted: Classifier, text: str) -> None:
    contributions = fitted.contributions(column([text]))
    assert contributions.shape == (3, len(fold_text(text)))
    empty, margins = fitted.margins(column([""])), fitted.margins(column([text]))
    assert np.isclose(contributions[0].sum(), margins.risk[0, 1] - empty.risk[0, 1], atol=1e-3)
    np.testing.assert_allclose(
        contributions[1:].sum(axis=1), (margins.indicators - empty.indicators)[0], atol=1e-3
    )


def test_the_planted_words_contribute_most(fitted: Classifier) -> None:
    text = f"hotel team bus season. {RISKY}."
    contributions = fitted.contributions(column([text]))[0]
    at = text.index(RISKY)
    assert contributions[at : at + len(RISKY)].mean() > contributions[: text.index(".")].mean()


def test_a_saved_family_scores_the_same_after_loading(fitted: Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = type(fitted).load(tmp_path, fitted.parameters(), fitted.labels_)
    texts, _ = make_texts(20, 5, seed=2)
    np.testing.assert_array_equal(
        fitted.margins(column(texts)).risk, again.margins(column(texts)).risk
    )
    assert not list(tmp_path.glob("*.pkl"))


def test_weights_of_another_shape_are_refused(fitted: Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    with pytest.raises(ModelError, match="different models"):
        type(fitted).load(tmp_path, fitted.parameters(), ["one", "two", "three"])
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="incomplete or damaged"):
        type(fitted).load(tmp_path, fitted.parameters(), fitted.labels_)


def test_a_damaged_vocabulary_is_refused(tmp_path: Path) -> None:
    texts, truth = make_texts(60, 20)
    FAMILIES["linear"]().fit(column(texts), make_targets(truth)).save(tmp_path)
    (tmp_path / "vocabulary.json").write_text(json.dumps({"words": ["a", "a"], "chars": []}))
    with pytest.raises(ModelError, match="occurs twice"):
        FAMILIES["linear"].load(tmp_path, {}, LABELS[:2])


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_corpus_of_one_class_or_without_labels_is_refused(family: str) -> None:
    texts, _ = make_texts(20, 5)
    for risk, message in ((np.full(20, -1), "has a risk label"), (np.zeros(20), "have risk below")):
        targets = Targets((), np.zeros((20, 0)), risk.astype(np.int64))
        with pytest.raises(CorpusError, match=message):
            FAMILIES[family]().fit(column(texts), targets)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_unstated_rows_do_not_count_as_absent(
    family: str, small: dict[str, dict[str, Any]]
) -> None:
    """Ads with the phrase that are unlabelled must not teach that the phrase means absent."""
    texts, truth = make_texts(200, 100)
    indicators = np.full((200, 1), np.nan)
    stated = np.flatnonzero(truth)[:20]
    indicators[stated, 0] = 1.0
    indicators[~truth, 0] = 0.0
    risk = np.where(truth, 2, 0).astype(np.int64)
    model = FAMILIES[family](**small[family]).fit(column(texts), Targets(("x",), indicators, risk))
    margins = model.margins(column(texts)).indicators[:, 0]
    assert margins[truth].min() > margins[~truth].max()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_soft_labels_lie_between_hard_ones(family: str, small: dict[str, dict[str, Any]]) -> None:
    texts, truth = make_texts(200, 100)
    soft = np.where(truth, 0.6, 0.0)[:, None]
    hard = np.where(truth, 1.0, 0.0)[:, None]
    risk = np.where(truth, 2, 0).astype(np.int64)
    found = [
        FAMILIES[family](**small[family])
        .fit(column(texts), Targets(("x",), values, risk))
        .margins(column(texts))
        .indicators[truth, 0]
        .mean()
        for values in (soft, hard)
    ]
    assert 0 < found[0] < found[1]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_soft_risk_lies_between_hard_levels(family: str, small: dict[str, dict[str, Any]]) -> None:
    texts, truth = make_texts(200, 100)
    risk = np.where(truth, 2, 0).astype(np.int64)
    doubtful = np.where(truth[:, None], [[0.4, 0.0, 0.6, 0.0]], [[1.0, 0.0, 0.0, 0.0]])
    found = [
        FAMILIES[family](**small[family])
        .fit(column(texts), Targets((), np.zeros((200, 0)), risk, shares))
        .margins(column(texts))
        .risk[truth, 1]
        .mean()
        for shares in (doubtful, None)
    ]
    assert 0 < found[0] < found[1]
