"""Training and judging: planted truth found, the report set unseen, mistakes named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk import api as stages
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.evaluate import alerts
from adrisk.evaluation.results import Evaluation, results_page
from adrisk.metrics.figures import read_result
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.tracking.registry import aliased, list_versions
from adrisk.tracking.runs import Store
from adrisk.training.train import split_corpus, thresholds
from builders import make_ads, make_corpus_file, make_texts

SMALL = ModelConfig(family="ngram", parameters={"bits": 14})
QUICK = EvaluateConfig(resamples=30)
HALF = resolve_policy(PolicyConfig(review_at=0.5), None)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("tracked"))


@pytest.fixture(scope="module")
def corpus(corpus_file: Path) -> stages.Corpus:
    return stages.load_corpus([str(corpus_file)])


@pytest.fixture(scope="module")
def trained(corpus: stages.Corpus, store: Store) -> stages.Trained:
    return stages.train(SMALL, corpus, store, experiment="test")


def test_a_first_model_is_registered_as_champion_with_its_run(
    trained: stages.Trained, store: Store
) -> None:
    import mlflow

    assert trained.alias == "champion"
    assert trained.uri == "models:/adrisk/1"
    found = mlflow.MlflowClient(store.uri).get_run(trained.run.run_id)
    assert found.data.params["family"] == "ngram"
    assert found.data.params["parameters.bits"] == "14"
    dataset = found.inputs.dataset_inputs[0].dataset
    assert dataset.digest == trained.model.manifest.trained_on.fingerprint[:36]
    assert trained.model.manifest.metrics["average_precision"]["n"] == 48


def test_the_registered_model_is_the_trained_one(
    trained: stages.Trained, store: Store, corpus: stages.Corpus
) -> None:
    found = stages.find_model("models:/adrisk@champion", store.workspace)
    assert found.version == "1"
    assert found.fingerprint == trained.model.fingerprint
    assert found.profile is not None
    assert found.profile.counts.ads == 192
    np.testing.assert_array_equal(
        found.score(corpus.ads.slice(0, 9)).risk, trained.model.score(corpus.ads.slice(0, 9)).risk
    )
    by_run = stages.find_model(f"runs:/{trained.run.run_id}/model", store.workspace)
    assert by_run.fingerprint == found.fingerprint


def test_the_pyfunc_flavour_predicts_with_a_signature(
    trained: stages.Trained, store: Store
) -> None:
    import mlflow
    import pandas as pd

    store.connect()
    flavour = mlflow.pyfunc.load_model(trained.uri)
    inputs = flavour.metadata.signature.inputs
    assert inputs.input_names() == ["text", "language", "location"]
    assert inputs.required_input_names() == ["text"]
    assert flavour.input_example is not None
    texts = ["we hold your passport until the debt is paid", "Hotel work", "", "!!!! ???"]
    texts += ["Wir suchen Leute für die Ernte im Sommer, wir behalten den Pass."]
    output = flavour.predict(pd.DataFrame({"text": texts}, index=[*"abcde"]))
    assert [*output.columns[:2], output.columns[-1]] == ["risk", "level", "incomplete"]
    assert list(output.index) == [*"abcde"]
    assert output["incomplete"].tolist() == ["", "too_short", "no text", "unreadable", "language"]
    assert output["risk"].isna().tolist() == [False, False, True, False, False]
    (store.workspace / "ads.jsonl").write_text(
        "".join(json.dumps({"text": t}) + "\n" for t in texts)
    )
    out = store.workspace / "scored"
    stages.score(trained.model, [str(store.workspace / "ads.jsonl")], out, store.workspace,
                 policy=PolicyConfig(review_at=0.5))  # fmt: skip
    of_the_command = pq.read_table(out / "scores").to_pandas()
    for name in ("risk", "level", *(f"p_{label}" for label in trained.model.labels)):
        assert output[name].dropna().tolist() == of_the_command[name].tolist()
    files = {path.suffix for path in (store.workspace / "artifacts").rglob("*") if path.is_file()}
    assert not files & {".pkl", ".pickle", ".joblib"}


def test_evaluation_uses_only_campaigns_the_model_never_saw(
    trained: stages.Trained, corpus: stages.Corpus, store: Store, tmp_path: Path
) -> None:
    model = stages.find_model(trained.uri, store.workspace)
    done = stages.evaluate(model, corpus, QUICK, tmp_path / "eval", store=store)
    report = done.results.report
    assert report.n == 48
    assert report.risk.average_precision.value > 0.99
    assert set(done.results.rankings()) == {
        "keyword count",
        "length only",
        "rules",
        "TF-IDF + logistic regression",
    }
    assert done.results.random_split is not None
    for name in ("results.json", "tables.md", "precision_recall.svg", "reliability.svg"):
        assert (tmp_path / "eval" / name).exists()
    assert read_result(done.path, Evaluation) == done.results
    version = aliased(store, "adrisk", "1")
    assert version.evaluation is not None
    assert version.evaluation.figures["average_precision"].n == 48


def test_every_figure_has_n_and_an_interval(
    trained: stages.Trained, corpus: stages.Corpus, tmp_path: Path
) -> None:
    done = stages.evaluate(trained.model, corpus, QUICK, tmp_path)
    for group in (done.results.report.risk, done.results.report.risk_by_campaign):
        for name, figure in group:
            assert figure.n > 0, name
            assert figure.low <= figure.value <= figure.high or "error" in name
    assert "under 200" in done.results.report.slices["length"]
    page = results_page(stages.write_results(tmp_path / "kept", "test-ngram", done.results).parent)
    assert "## test-ngram" in page
    assert "same recipe, single ads dealt at random" in page
    assert (tmp_path / "kept" / "results.md").read_text() == page


def test_campaign_risk_and_workload_stand_beside_the_plain_ways(tmp_path: Path) -> None:
    texts, truth = make_texts(90, 30, seed=5)
    copied = [f"{text} Now in {town}." for text in texts for town in ("Hull", "York", "Leeds")]
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(copied, risk=np.where(np.repeat(truth, 3), 3, 0)), path)
    results = stages.evaluate_recipe(
        SMALL,
        stages.load_corpus([str(path)]),
        EvaluateConfig(resamples=30, folds=3, baselines=False, random_split=False),
        tmp_path / "out",
    ).results
    report = results.report
    for name in ("campaigns", "campaigns by highest ad"):
        figures = report.campaign_risk[name]
        assert (figures.average_precision.n, figures.average_precision.positives) == (90, 30)
        assert figures.calibration_error.low is not None
    items = report.workload.items
    assert {name: figure.n for name, figure in items.items()} == {
        "single ads": 270,
        "exact copies once": 270,
        "campaigns by highest ad": 90,
        "campaigns": 90,
    }
    # A perfect ranking opens 90 % of the risky: 81 ads, or 27 campaigns.
    assert items["single ads"].value >= 81
    assert 27 <= items["campaigns"].value <= items["single ads"].value / 2
    page = (tmp_path / "out" / "tables.md").read_text()
    assert "| shown to a reviewer as | items | opened to see 90 % of the risky ads |" in page
    assert "| all ads, calibrated | 90 | 30 |" in page


def test_evaluating_on_training_ads_alone_is_refused(
    trained: stages.Trained, corpus: stages.Corpus, corpus_file: Path, tmp_path: Path
) -> None:
    part = trained.model.training_ids.part_of(corpus.ads["ad_id"])
    path = tmp_path / "seen.parquet"
    pq.write_table(corpus.ads.filter(part >= 0), path)
    with pytest.raises(CorpusError, match="all 192 ads belong to campaigns"):
        stages.evaluate(trained.model, stages.load_corpus([str(path)]), QUICK, tmp_path / "out")


def test_a_small_corpus_is_judged_whole_in_folds(corpus: stages.Corpus, tmp_path: Path) -> None:
    config = EvaluateConfig(resamples=30, folds=3)
    done = stages.evaluate_recipe(SMALL, corpus, config, tmp_path)
    assert done.results.report.n == 240
    assert done.results.report.risk.average_precision.value > 0.99
    assert done.results.data.split_by == "campaign, 3 folds"
    assert done.results.rankings()["TF-IDF + logistic regression"].average_precision.n == 240


def test_near_copies_flatter_a_random_split_and_the_protocol_shows_it(tmp_path: Path) -> None:
    """Labels that only a campaign's own wording tells: nothing to learn across campaigns."""
    rng = np.random.default_rng(0)
    texts, risk = [], []
    for campaign in range(80):
        words = " ".join(f"c{campaign}w{i}" for i in rng.integers(0, 400, 40))
        texts += [f"{words} copy {copy}" for copy in range(6)]
        risk += [3 if campaign % 4 == 0 else 0] * 6
    path = tmp_path / "copies.parquet"
    pq.write_table(make_ads(texts, risk=risk, dated=False), path)
    corpus = stages.load_corpus([str(path)])
    assert len(np.unique(corpus.campaigns)) == 80
    done = stages.evaluate_recipe(SMALL, corpus, EvaluateConfig(resamples=20, folds=4), tmp_path)
    assert done.results.report.risk.average_precision.value < 0.6
    assert done.results.random_split.average_precision.value > 0.95
    assert done.results.random_split.gap > 0.35


def test_a_campaign_named_by_the_corpus_is_joined_with_its_near_copies(tmp_path: Path) -> None:
    texts, _ = make_texts(6, 2)
    texts = [*texts[:4], texts[0] + " now", texts[5]]
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts, campaigns=["a", "a", "b", "c", "d", "e"]), path)
    campaigns = stages.load_corpus([str(path)]).campaigns
    assert campaigns[0] == campaigns[1] == campaigns[4]
    assert len(set(campaigns.tolist())) == 4


def test_thresholds_flag_no_more_than_their_budget() -> None:
    risk = np.random.default_rng(0).random(1000)
    for entry in thresholds(risk):
        assert (risk >= entry.threshold).mean() <= entry.budget
        assert (risk >= entry.threshold).mean() > entry.budget - 0.002
    ties = np.full(1000, 0.5)
    assert all((ties >= entry.threshold).sum() == 0 for entry in thresholds(ties))


def test_alerts_on_unlabelled_ads_carry_n_and_interval(
    trained: stages.Trained, corpus_file: Path, tmp_path: Path
) -> None:
    texts, _ = make_texts(80, 0, seed=11)
    path = tmp_path / "benign.parquet"
    pq.write_table(make_ads(texts), path)
    found = alerts(trained.model, (str(path),), HALF, resamples=30)
    (figure,) = found.values()
    assert figure.n == 80
    assert figure.value == figure.incomplete.value == 0
    assert 0 < figure.high < 10_000  # none of few is not none of all
    assert (figure.words, figure.guaranteed) == ("set in the policy", False)


def test_alerts_are_what_scoring_flags_and_what_it_does_not_judge_stands_beside_them(
    trained: stages.Trained, tmp_path: Path
) -> None:
    texts, _ = make_texts(80, 40, seed=11)
    texts = [text.partition(": ")[2] for text in texts]  # "Ad 16: night" reads like an age
    under_age = "Harvest work in the north. 16 and over welcome, no papers checked, good food."
    ads = pa.concat_tables(
        [make_ads(texts), make_ads(texts, language="ca"), make_ads([under_age], language="ca")]
    )
    ads = ads.set_column(0, ads.schema.field(0), [[f"a{row}" for row in range(len(ads))]])
    path = tmp_path / "ads.parquet"
    pq.write_table(ads, path)
    (figure,) = alerts(trained.model, (str(path),), HALF, resamples=30).values()
    out = tmp_path / "out"
    policy = PolicyConfig(review_at=0.5, capacity=1000)
    stages.score(trained.model, [str(path)], out, tmp_path / "ws", policy=policy)
    levels = pq.read_table(out / "flags.parquet")["level"].to_pylist()
    assert levels.count("incomplete") == figure.incomplete.positives == 80
    flagged = levels.count("review") + levels.count("urgent")
    assert flagged == figure.positives == figure.judged.positives
    assert levels[160] == "urgent"  # what escalates is never left unjudged
    assert (figure.n, figure.judged.n) == (161, 81)


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        (None, "none of the 40 ads has a risk label"),
        ([0] * 40, "all 40 labelled ads have risk below 2"),
        ([3] * 40, "all 40 labelled ads have risk 2 or more"),
    ],
)
def test_a_corpus_that_cannot_be_learned_from_says_why(
    tmp_path: Path, risk: list[int] | None, message: str
) -> None:
    texts, _ = make_texts(40, 10)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts, risk=risk), path)
    store = Store(tmp_path / "ws")
    with pytest.raises(CorpusError, match=message):
        stages.train(SMALL, stages.load_corpus([str(path)]), store, experiment="x")
    assert list_versions(store, "adrisk") == []


def test_a_family_of_ones_own_trains_scores_and_explains(
    corpus: stages.Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A family is one file and one line, as in CONTRIBUTING.md."""
    from adrisk.classifiers import FAMILIES
    from families.keyword import KeywordClassifier

    monkeypatch.setitem(FAMILIES, "keyword", KeywordClassifier)
    config = ModelConfig(family="keyword", parameters={"words": ["passport", "debt"]})
    store = Store(tmp_path / "ws")
    done = stages.train(config, corpus, store, experiment="own")
    model = stages.find_model(done.uri, store.workspace)
    assert isinstance(model, Model)
    assert model.manifest.family == "keyword"
    judged = stages.evaluate(model, corpus, QUICK, tmp_path / "e", store=store)
    assert judged.results.report.risk.average_precision.value > 0.99
    from adrisk.model.explain import explain

    why = explain(model, "They keep every passport here")
    assert any("They keep every passport here"[e.start : e.end] == "passport" for e in why.evidence)


def test_splitting_respects_the_time(corpus: stages.Corpus) -> None:
    split = split_corpus(corpus, 0)
    assert split.by == "campaign and time"


def test_a_corpus_file_is_deterministic(tmp_path: Path) -> None:
    first = stages.load_corpus([str(make_corpus_file(tmp_path / "a.parquet", 60, 20))])
    second = stages.load_corpus([str(make_corpus_file(tmp_path / "b.parquet", 60, 20))])
    assert first.fingerprint == second.fingerprint
