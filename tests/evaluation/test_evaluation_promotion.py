"""Promotion: a comparison in pairs on ads that neither learned from, or a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk import api as stages
from adrisk.cli.show import compared, described, listed
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.errors import CorpusError, ModelError, UsageError
from adrisk.metrics.comparison import Predictions, pair_of
from adrisk.tracking.registry import ENOUGH_ADS, aliased, list_versions
from adrisk.tracking.runs import Store
from builders import make_ads, make_corpus_file, make_texts

SMALL = ModelConfig(family="ngram", parameters={"bits": 14})
BLIND = ModelConfig(family="ngram", parameters={"bits": 14, "strength": 1e-9}, seed=1)
QUICK = EvaluateConfig(resamples=20, baselines=False, random_split=False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> stages.Corpus:
    """Large enough that its report set shows a difference."""
    path = tmp_path_factory.mktemp("corpus") / "ads.parquet"
    return stages.load_corpus([str(make_corpus_file(path, 1200, 300))])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "ws")


def shuffled(corpus: stages.Corpus, share: float = 1.0) -> stages.Corpus:
    """The corpus with the labels of some ads dealt out anew: what is learned from it is worse."""
    rng = np.random.default_rng(0)
    rows = np.arange(len(corpus))
    some = np.flatnonzero(rng.random(len(corpus)) < share)
    rows[some] = rng.permutation(some)
    return replace(corpus, targets=corpus.targets.take(rows))


def more_ads(path: Path, count: int, seed: int = 9) -> str:
    """Labelled ads that no model of these tests saw."""
    texts, truth = make_texts(count, count // 4, seed)
    ads = make_ads(texts, risk=np.where(truth, 3, 0))
    ids = pa.array([f"other-{row}" for row in range(count)])
    pq.write_table(ads.set_column(0, ads.schema.field(0), ids), path)
    return str(path)


def judge_all(store: Store, corpus: stages.Corpus, out: Path) -> None:
    for version in list_versions(store, "adrisk"):
        model = stages.find_model(f"models:/adrisk/{version.version}", store.workspace)
        stages.evaluate(model, corpus, QUICK, out, store=store)


def champion(store: Store) -> str:
    return aliased(store, "adrisk", "champion").version


def test_a_better_model_replaces_the_champion(
    corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    stages.train(SMALL, shuffled(corpus), store, experiment="p")
    assert stages.train(SMALL, corpus, store, experiment="p").alias == "challenger"
    with pytest.raises(UsageError, match="cannot be compared in pairs: they were not evaluated"):
        stages.promote_model("challenger", store.workspace)
    judge_all(store, corpus, tmp_path / "e")
    done = stages.promote_model("challenger", store.workspace)
    assert done.found is not None
    assert done.found.n == 240
    assert done.found.risk.average_precision.difference.low > 0
    assert (done.version.version, done.replaced.version if done.replaced else "") == ("2", "1")
    assert [v.aliases for v in list_versions(store, "adrisk")] == [("champion",), ("challenger",)]
    with pytest.raises(UsageError, match="is the champion already"):
        stages.promote_model("2", store.workspace)
    with pytest.raises(UsageError, match="version 1 is worse than the champion, version 2, which"):
        stages.promote_model("1", store.workspace)
    assert champion(store) == "2"


def test_an_equal_model_shows_no_difference_and_needs_a_reason(
    corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    for _ in range(2):
        stages.train(SMALL, corpus, store, experiment="p")
    judge_all(store, corpus, tmp_path / "e")
    with pytest.raises(UsageError, match="no difference shown .* on 240 ads that neither") as told:
        stages.promote_model("2", store.workspace)
    assert "is not shown to be better" in str(told.value)
    assert champion(store) == "1"
    done = stages.promote_model("2", store.workspace, because="newer ads")
    assert (champion(store), done.found) == ("2", None)


def test_a_toy_becomes_neither_challenger_nor_champion(
    corpus: stages.Corpus, corpus_file: Path, store: Store, tmp_path: Path
) -> None:
    """It has fewer heads, and was judged on few ads."""
    stages.train(SMALL, corpus, store, experiment="p")
    path = tmp_path / "toy.parquet"
    texts, truth = make_texts(240, 60)
    ads = make_ads(texts, risk=np.where(truth, 3, 0))
    pq.write_table(ads, path)
    toy = stages.train(SMALL, stages.load_corpus([str(path)]), store, experiment="p")
    assert toy.alias == ""
    assert "lacks 2 of the champion's 2 (document_retention, worker_protection)" in toy.why
    few = stages.train(SMALL, stages.load_corpus([str(corpus_file)]), store, experiment="p")
    assert (few.alias, few.why[:36]) == ("", "48 ads, 19 of them risky, are too fe")
    assert [v.aliases for v in list_versions(store, "adrisk")] == [(), (), ("champion",)]
    with pytest.raises(UsageError, match="lacks 2 of the champion's 2"):
        stages.promote_model("2", store.workspace, on=more_ads(tmp_path / "more.parquet", 400))
    judge_all(store, stages.load_corpus([more_ads(tmp_path / "few.parquet", 150)]), tmp_path / "e")
    with pytest.raises(UsageError, match="150 ads, 37 of them risky, are too few to judge it on"):
        stages.promote_model("3", store.workspace)
    assert champion(store) == "1"
    stages.promote_model("2", store.workspace, because="a drill")
    assert champion(store) == "2"


def test_a_model_of_another_target_is_refused(
    corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    stages.train(SMALL, corpus, store, experiment="p")
    other = replace(corpus, target="whether the ad is long")
    done = stages.train(SMALL, other, store, experiment="p")
    assert done.why.startswith("it was trained for another target (whether the ad is long)")
    with pytest.raises(UsageError, match="another target"):
        stages.promote_model("2", store.workspace, on=more_ads(tmp_path / "more.parquet", 400))


def test_both_are_compared_on_ads_that_are_named(
    corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    stages.train(SMALL, shuffled(corpus), store, experiment="p")
    stages.train(SMALL, corpus, store, experiment="p")
    few = more_ads(tmp_path / "few.parquet", ENOUGH_ADS - 1)
    with pytest.raises(UsageError, match="199 ads, 49 of them risky, are too few"):
        stages.promote_model("2", store.workspace, on=few)
    seen = tmp_path / "seen.parquet"
    part = stages.find_model("models:/adrisk/1", store.workspace).training_ids.part_of(
        corpus.ads["ad_id"]
    )
    pq.write_table(corpus.ads.filter(part >= 0), seen)
    with pytest.raises(CorpusError, match="one of the models was trained on"):
        stages.promote_model("2", store.workspace, on=str(seen))
    done = stages.promote_model("2", store.workspace, on=more_ads(tmp_path / "more.parquet", 400))
    assert done.found is not None
    assert done.found.n == 400


def test_a_damaged_model_is_not_promoted(corpus: stages.Corpus, store: Store) -> None:
    for _ in range(2):
        stages.train(SMALL, corpus, store, experiment="p")
    folder = stages.find_model("models:/adrisk/2", store.workspace).folder
    assert folder is not None
    (folder / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="was altered"):
        stages.promote_model("2", store.workspace, because="a drill")
    assert champion(store) == "1"


def test_evaluations_are_listed_by_data_set(
    corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    stages.train(SMALL, corpus, store, experiment="p")
    stages.train(SMALL, corpus, store, experiment="p")
    more = stages.load_corpus([more_ads(tmp_path / "more.parquet", 400)])
    for data in (corpus, more, corpus):
        judge_all(store, data, tmp_path / "e")
    version = aliased(store, "adrisk", "2")
    names = [data.fingerprint for data in (corpus, more)]
    assert [one.fingerprint for one in version.evaluations] == names
    page = described(version)
    assert f"data     {names[0][:8]}, 240 ads" in page
    assert f"data     {names[1][:8]}, 400 ads" in page
    assert names[0][:8] in listed([version], store.uri)
    both = compared(aliased(store, "adrisk", "1"), version)
    assert both.count("judged on") == 2


def make_predictions(ads: list[int], labels: list[int]) -> Predictions:
    return Predictions(
        np.array(ads, np.uint64), np.array(ads), np.array(labels), np.linspace(0, 1, len(ads))
    )


def test_kept_scores_are_paired_by_ad() -> None:
    first, second = make_predictions([5, 1, 3], [3, 0, 0]), make_predictions([3, 5, 9], [0, 3, 0])
    pair = pair_of(first, second)
    assert pair.campaigns.tolist() == [3, 5]
    assert [side.tolist() for side in pair.risk] == [[1.0, 0.0], [0.0, 0.5]]
    assert pair.targets.risk.tolist() == [0, 3]
    again = Predictions.from_bytes(first.to_bytes())
    np.testing.assert_array_equal(again.risk, first.risk)
    with pytest.raises(CorpusError, match="no ad in common"):
        pair_of(first, make_predictions([8], [0]))
    with pytest.raises(CorpusError, match="labels of the ads changed"):
        pair_of(first, make_predictions([5], [0]))
    for content in (b"", b"x" * 99, replace(first, risk=first.risk[:1]).to_bytes()):
        with pytest.raises(ModelError):
            Predictions.from_bytes(content)
