"""Two trained models compared: only on ads that neither saw, and written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from adrisk import api as stages
from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.results import ModelComparison
from adrisk.metrics.figures import as_result, read_content
from adrisk.model.model import Model
from adrisk.training.train import split_corpus
from builders import make_corpus_file


@pytest.fixture(scope="module")
def corpus(corpus_file: Path) -> stages.Corpus:
    return stages.load_corpus([str(corpus_file)])


def fitted(corpus: stages.Corpus) -> Model:
    """A small model."""
    config = ModelConfig(family="ngram", parameters={"bits": 14})
    return stages.fit_model(config, corpus, split_corpus(corpus, 0))


def misled(corpus: stages.Corpus) -> Model:
    """A model of the same ads, whose labels were dealt out anew."""
    rows = np.random.default_rng(0).permutation(len(corpus))
    return fitted(replace(corpus, targets=corpus.targets.take(rows)))


def test_models_are_compared_on_the_ads_that_neither_saw(
    corpus: stages.Corpus, tmp_path: Path
) -> None:
    good, bad = fitted(corpus), misled(corpus)
    ads = pq.read_table(make_corpus_file(tmp_path / "more.parquet", 120, 30, seed=9))
    others = ads.set_column(0, "ad_id", [[f"other-{number}" for number in range(120)]])
    pq.write_table(others, tmp_path / "more.parquet")
    more = stages.load_corpus([str(tmp_path / "more.parquet")])
    for found_in, ads, left_out in ((corpus, 48, 192), (more, 120, 0)):
        found = stages.compare_models(good, bad, found_in, tmp_path, 30).results
        assert (found.n, found.data.left_out) == (ads, left_out)
    assert found.risk.average_precision.difference.low > 0
    kept = read_content(tmp_path / "comparison.json")
    assert as_result(kept, ModelComparison, tmp_path) == found
    assert found.indicators.by_indicator.keys() == {"document_retention", "worker_protection"}


def test_an_ad_that_either_model_saw_is_left_out(corpus: stages.Corpus, tmp_path: Path) -> None:
    """Trained on different halves: what is left is neither's."""
    halves = [corpus.ads.take(np.arange(start, 200, 2)) for start in (0, 1)]
    models = []
    for number, half in enumerate(halves):
        pq.write_table(half, tmp_path / f"{number}.parquet")
        models.append(fitted(stages.load_corpus([str(tmp_path / f"{number}.parquet")])))
    unseen = np.all(
        [model.training_ids.part_of(corpus.ads["ad_id"]) == -1 for model in models], axis=0
    )
    there = stages.compare_models(models[0], models[1], corpus, tmp_path, 30).results
    back = stages.compare_models(models[1], models[0], corpus, tmp_path, 30).results
    assert there.n == back.n == unseen.sum() == 80
    assert there.first.fingerprint == back.second.fingerprint


def test_models_that_saw_every_ad_between_them_cannot_be_compared(
    corpus: stages.Corpus, tmp_path: Path
) -> None:
    model = fitted(corpus)
    seen = model.training_ids.part_of(corpus.ads["ad_id"]) >= 0
    pq.write_table(corpus.ads.filter(seen), tmp_path / "seen.parquet")
    with pytest.raises(CorpusError, match="one of the models was trained on"):
        stages.compare_models(
            model, model, stages.load_corpus([str(tmp_path / "seen.parquet")]), tmp_path
        )
