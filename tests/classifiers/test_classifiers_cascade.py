"""The cascade: which ads are reread and why, in one order, at most as many as allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrisk.api import fit_model, load_corpus, score
from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.cascade import CascadeClassifier, band
from adrisk.config import ModelConfig
from adrisk.errors import ConfigError, ModelError
from adrisk.labels.targets import Targets
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.training.corpus import Corpus
from adrisk.training.train import split_corpus
from builders import RISKY, make_texts


def ads(count: int, positives: int, seed: int) -> tuple[TextBatch, Targets]:
    texts, truth = make_texts(count, positives, seed)
    risk = np.where(truth, 2, 0).astype(np.int64)
    targets = Targets(("document_retention",), truth[:, None].astype(np.float64), risk)
    return make_batch(texts, ["en"] * count), targets


@pytest.fixture(scope="module")
def parameters(tiny_encoder: Path) -> dict[str, Any]:
    encoder = {"encoder": str(tiny_encoder), "learning_rate": 1e-3, "epochs": 3}
    return {"fast": {"bits": 14}, "encoder": encoder, "review_share": 0.1, "most_reread": 0.2}


@pytest.fixture(scope="module")
def settled(parameters: dict[str, Any]) -> CascadeClassifier:
    model = CascadeClassifier(**parameters).fit(*ads(160, 50, 0))
    return model.calibrate_band(*ads(120, 20, 1))


def test_before_it_is_settled_the_encoder_scores_alone(parameters: dict[str, Any]) -> None:
    model = CascadeClassifier(**parameters).fit(*ads(160, 50, 0))
    texts, _ = ads(30, 8, 2)
    assert model.reread(texts).all()
    np.testing.assert_allclose(
        model.margins(texts).risk, model._encoder.margins(texts).risk, atol=1e-9
    )


def test_no_more_ads_are_reread_than_allowed_and_the_facts_say_why(
    settled: CascadeClassifier,
) -> None:
    texts, _ = ads(120, 20, 1)
    share = settled.reread(texts).mean()
    facts = settled.facts()
    assert 0 < share <= 0.2
    assert facts["reread_share"] == pytest.approx(share)
    assert "0.1 review share" in facts["reread_because"]
    assert facts["reread_from"] < facts["reread_to"]
    assert facts["settled_on_ads"] == 120
    assert facts["encoder_scored_in"] in ("float32", "bfloat16")


def test_the_encoder_sees_only_what_is_reread(
    settled: CascadeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, _ = ads(120, 20, 3)
    seen: list[str] = []
    batch = settled._encoder.margins
    monkeypatch.setattr(
        settled._encoder, "margins", lambda t: (seen.extend(t.folded.to_pylist()), batch(t))[1]
    )
    settled.margins(texts)
    again = settled.reread(texts)
    assert seen == texts.take(np.flatnonzero(again)).folded.to_pylist()


def test_a_batch_scores_like_its_parts(settled: CascadeClassifier) -> None:
    texts, _ = ads(40, 10, 4)
    apart = np.concatenate([settled.margins(texts.take([i])).risk for i in range(len(texts))])
    np.testing.assert_allclose(settled.margins(texts).risk, apart, atol=1e-4)


def test_the_band_lies_where_a_second_reading_changes_the_decision() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(size=4000)
    after = before + rng.uniform(-0.2, 0.3, size=4000)
    low, high, why = band(before, after, review_share=0.1, most_reread=1.0)
    edge = np.sort(before)[-400]
    assert low == pytest.approx(edge - 0.3, abs=0.02)
    assert high == pytest.approx(edge + 0.2, abs=0.02)
    assert why.startswith("a second reading moves 98% of the ads near the threshold")
    changed = (before >= edge) != (after >= edge)
    assert ((before >= low) & (before <= high))[changed].mean() > 0.98


def test_the_nearest_are_reread_where_not_all_may_be() -> None:
    before = np.linspace(-3, 3, 1001)
    after = -before
    low, high, why = band(before, after, review_share=0.1, most_reread=0.05)
    within = (before >= low) & (before <= high)
    edge = np.sort(before)[-100]
    assert within.sum() <= 50
    assert np.abs(before[within] - edge).max() <= np.abs(before[~within] - edge).min()
    assert "most_reread (0.05) leaves the nearest" in why


def test_where_a_second_reading_moves_nothing_hardly_an_ad_is_reread() -> None:
    before = np.linspace(-3, 3, 1001)
    low, high, _ = band(before, before, review_share=0.1, most_reread=0.5)
    assert ((before >= low) & (before <= high)).sum() == 1


def test_the_better_part_gets_the_weight() -> None:
    """Planted: the second margin is the truth's own log-odds, the first is noise."""
    from adrisk.classifiers.cascade import _fit_scale

    rng = np.random.default_rng(0)
    real = rng.normal(size=4000) * 2
    truth = (rng.random(4000) < 1 / (1 + np.exp(-real))).astype(np.float64)
    first, second, shift = _fit_scale(np.stack([rng.normal(size=4000), real], axis=1), truth)
    assert first < 0.1
    assert second == pytest.approx(1.0, abs=0.1)
    assert shift == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"fast": {"bitts": 14}}, "fast has no parameter 'bitts' [(]did you mean 'bits'"),
        ({"encoder": {"layers": 2}}, "encoder has no parameter 'layers'"),
        ({"review_share": 0.0}, "review_share is below 1"),
    ],
)
def test_a_wrong_parameter_is_named(
    parameters: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        CascadeClassifier(**{**parameters, **more}).fit(*ads(60, 20, 0))


def test_a_saved_cascade_is_the_same_and_a_missing_part_is_named(
    settled: CascadeClassifier, tmp_path: Path
) -> None:
    settled.save(tmp_path)
    again = CascadeClassifier.load(tmp_path, settled.parameters(), settled.labels_)
    texts, _ = ads(40, 10, 5)
    np.testing.assert_array_equal(again.margins(texts).risk, settled.margins(texts).risk)
    risky = make_batch([RISKY], ["en"])
    np.testing.assert_allclose(again.contributions(risky), settled.contributions(risky), atol=1e-6)
    (tmp_path / "encoder").rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="the folder encoder is missing"):
        CascadeClassifier.load(tmp_path, settled.parameters(), settled.labels_)


@pytest.fixture(scope="module")
def corpus(corpus_file: Path) -> Corpus:
    return load_corpus([str(corpus_file)])


@pytest.fixture(scope="module")
def trained(parameters: dict[str, Any], corpus: Corpus) -> Model:
    config = ModelConfig(family="cascade", parameters=parameters)
    return fit_model(config, corpus, split_corpus(corpus, 0))


def test_a_cascade_trains_saves_and_scores_as_a_model(trained: Model, tmp_path: Path) -> None:
    assert trained.manifest.facts["reread_share"] <= 0.2
    trained.save(tmp_path)
    again = Model.load(tmp_path)
    assert again.manifest.facts == trained.manifest.facts
    assert "encoder/weights.safetensors" in again.manifest.files
    texts, _ = make_texts(20, 5, seed=6)
    np.testing.assert_array_equal(again.score(texts).risk, trained.score(texts).risk)
    (tmp_path / "encoder" / "encoder.json").write_text("{}")
    with pytest.raises(ModelError, match="encoder/encoder.json was altered"):
        Model.load(tmp_path)


def test_a_score_run_says_how_many_ads_were_reread_and_why(
    trained: Model, corpus: Corpus, corpus_file: Path, tmp_path: Path
) -> None:
    done = score(trained, [str(corpus_file)], tmp_path / "out", tmp_path, policy=PolicyConfig())
    counts = json.loads(done.manifest.read_text())["counts"]
    wanted = int(trained.classifier.reread(corpus.batch).sum())
    assert counts["reread"] == wanted > 0
    assert counts["reread_share"] == pytest.approx(wanted / len(corpus))
    assert "review share" in counts["reread_because"]
