"""Studies: what they change is changed as they say, and what was planted comes out."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk import api as stages
from adrisk.batch import TextBatch
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import Margins
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.baselines import TrainSet, random_gap, risk_alone
from adrisk.evaluation.results import results_page
from adrisk.evaluation.studies import (
    StudySettings,
    findings,
    judge_families,
    judge_saved,
    label_noise,
    learning_curve,
    open_study_data,
    run_study,
    transfer,
)
from adrisk.evaluation.studies.data import StudyData, fit_predict, labelled, pair
from adrisk.evaluation.studies.label_noise import ad_by_ad, by_campaign, three_voters
from adrisk.evaluation.studies.learning_curve import first_share
from adrisk.labels.targets import Targets
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.results import Report
from adrisk.training.train import split_corpus
from builders import FILLER, make_ads, make_corpus_file, make_texts
from manifests import make_report

BOOTSTRAP = Bootstrap(resamples=50)
NGRAM = ModelConfig(family="ngram")
LINEAR = ModelConfig(family="linear")
STUDY = Path(__file__).parents[2] / "evaluation" / "study.py"


@pytest.fixture(scope="module")
def ground(corpus_file: Path) -> StudyData:
    return open_study_data(str(corpus_file), folds=0)


def make_labels(count: int = 4000, risky: float = 0.1, seed: int = 0) -> Targets:
    rng = np.random.default_rng(seed)
    values = (rng.random((count, 2)) < 0.3).astype(float)
    values[:50, 1] = np.nan
    risk = np.where(rng.random(count) < risky, rng.integers(2, 4, count), rng.integers(0, 2, count))
    risk[-50:] = -1
    return Targets(("exit_penalty", "no_contract"), values, risk, campaigns=np.arange(count))


def wrong_share(before: np.ndarray, after: np.ndarray, known: np.ndarray) -> float:
    return float(((before >= 0.5) != (after >= 0.5))[known].mean())


def test_a_larger_share_holds_the_smaller_one_and_campaigns_stay_whole() -> None:
    campaigns = np.repeat(np.arange(100), 3)
    risky = campaigns % 10 == 0
    taken = {share: first_share(campaigns, risky, share, 7) for share in (1 / 16, 1 / 4, 1 / 2, 1)}
    for smaller, larger in zip((1 / 16, 1 / 4, 1 / 2), (1 / 4, 1 / 2, 1), strict=True):
        assert (taken[larger] | ~taken[smaller]).all()
    assert taken[1].all()
    assert taken[1 / 2].sum() == 150
    assert (taken[1 / 2] & risky).sum() == 15
    assert (taken[1 / 16] & risky).sum() == 3  # one campaign at least
    for share in taken.values():
        assert all(len(set(share[campaigns == name].tolist())) == 1 for name in range(100))
    assert (first_share(campaigns, risky, 1 / 2, 8) != taken[1 / 2]).any()


@pytest.mark.slow
def test_more_campaigns_teach_more_and_every_point_has_its_interval(tmp_path: Path) -> None:
    """The risk of an ad is that of the tool it names; a tool not met in training tells nothing."""
    rng = np.random.default_rng(0)
    tools = ["".join(rng.choice(list("bcdfghklmnprstvwz"), 7)) for _ in range(48)]
    texts, risk = [], []
    for number in range(480):
        words, tool = " ".join(rng.choice(FILLER, 14)), number * 7 % 48
        texts.append(f"{words} {tools[tool]} {number * 7919 % 9973}")
        risk.append(3 if tool % 4 == 0 else 0)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts, risk=risk), path)
    points = learning_curve(open_study_data(str(path), folds=0), [NGRAM], BOOTSTRAP, seeds=2).points
    assert [point.share for point in points] == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]
    learned = [point.fitted_on.campaigns for point in points]
    assert learned == sorted(learned)
    values = [point.average_precision.value for point in points]
    assert values[-1] > values[0] + 0.3
    for point in points:
        figure = point.average_precision
        assert figure.n == points[0].average_precision.n > 0
        assert figure.low <= figure.value <= figure.high
        assert point.lowest <= figure.value <= point.highest


@pytest.mark.parametrize("spoil", [ad_by_ad, by_campaign])
def test_as_many_labels_are_wrong_as_asked_and_unknown_ones_stay_so(spoil: object) -> None:
    right = make_labels()
    campaigns = np.arange(4000) // 2
    wrong = spoil(right, campaigns, 0.2, np.random.default_rng(0))  # type: ignore[operator]
    known = right.risk >= 0
    assert wrong_share(right.risk / 4 + 0.1, wrong.risk / 4 + 0.1, known) == pytest.approx(
        0.2, abs=0.03
    )
    np.testing.assert_array_equal(wrong.risk[~known], -1)
    told = ~np.isnan(right.indicators)
    assert wrong_share(right.indicators, wrong.indicators, told) == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(np.isnan(wrong.indicators), ~told)
    flipped = (wrong.indicators != right.indicators)[:, 0].reshape(-1, 2)
    alike = (flipped[:, 0] == flipped[:, 1]).all()
    assert alike == (spoil is by_campaign)


def test_three_voters_are_less_often_wrong_together_than_each_alone() -> None:
    right = make_labels(risky=0.3)
    joined = three_voters(right, np.arange(4000), 0.2, np.random.default_rng(0))
    told = ~np.isnan(right.indicators)
    np.testing.assert_array_equal(np.isnan(joined.indicators), ~told)
    # Two of three are wrong with a chance of 3 * 0.2 ** 2 * 0.8 + 0.2 ** 3.
    assert wrong_share(right.indicators, joined.indicators, told) == pytest.approx(0.104, abs=0.02)
    known = right.risk >= 0
    said = joined.risk_at_least(2)
    assert wrong_share((right.risk >= 2) * 1.0, said, known) < 0.12
    assert joined.campaigns is right.campaigns


@pytest.mark.slow
def test_wrong_labels_cost_and_the_report_labels_stay_right(ground: StudyData) -> None:
    found = label_noise(ground, NGRAM, BOOTSTRAP, seeds=1, every=1)
    assert found.clean.risk.value > 0.99
    assert found.clean.indicators.value > 0.99
    at = {(point.way, point.wrong): point for point in found.points}
    worst = at["ad by ad", 0.4]
    assert worst.risk_change.high < 0
    assert worst.indicators_change.high < 0
    assert at["three voters, joined", 0.1].risk.value > 0.9
    for point in found.points:
        assert point.risk.positives == found.clean.risk.positives


def two_languages(path: Path) -> Path:
    """Each language tells its risk in a word of its own."""
    tables = []
    for language, word, seed in (("en", "cellar", 1), ("es", "sótano", 2)):
        rng = np.random.default_rng(seed)
        texts = [
            f"{language} {number * 7919 % 9973} {' '.join(rng.choice(FILLER, 14))} "
            f"{word if number % 4 == 0 else 'garden'}"
            for number in range(240)
        ]
        risk = [3 if number % 4 == 0 else 0 for number in range(240)]
        table = make_ads(texts, risk=risk, language=language)
        ids = [f"{language}-{number}" for number in range(240)]
        tables.append(table.set_column(0, "ad_id", [ids]))
    pq.write_table(pa.concat_tables(tables), path)
    return path


@pytest.mark.slow
def test_a_language_that_was_not_taught_is_not_known(tmp_path: Path) -> None:
    ground = open_study_data(str(two_languages(tmp_path / "ads.parquet")), folds=0)
    found = transfer(ground, {"plain": ModelConfig(family="ngram")}, BOOTSTRAP)
    assert [row.language for row in found.languages] == ["en", "es"]
    for row in found.languages:
        assert row.n == 48
        risk = row.risk.average_precision
        assert risk.second.value > 0.95  # taught all
        assert row.alone.value > 0.95
        assert risk.first.value < 0.6  # taught the other
        assert risk.difference.high < 0
        taught = row.fitted_on
        assert taught.others + taught.alone == pytest.approx(taught.all, abs=1)


def test_transfer_needs_two_languages(ground: StudyData) -> None:
    with pytest.raises(CorpusError, match="1 languages with 10 risky ads"):
        transfer(ground, {"plain": ModelConfig(family="ngram")}, BOOTSTRAP)


@pytest.mark.slow
def test_findings_know_what_no_training_ad_said(tmp_path: Path) -> None:
    """Who holds the papers is told in words that come once each."""
    holds = ("keep", "hold", "store", "retain", "lock", "collect", "safeguard", "gather")
    things = ("passports", "passport", "identity cards", "documents")
    rng = np.random.default_rng(0)
    texts, risk = [], []
    for number in range(320):
        words = " ".join(rng.choice(FILLER, 14))
        hold, thing = holds[number % 8], things[number // 8 % 4]
        risky = number % 5 == 0
        said = f"We {hold} your {thing}" if risky else f"You {hold} your {thing}"
        texts.append(f"{words}. {said}. {number * 7919 % 9973}")
        risk.append(3 if risky else 0)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(texts, risk=risk), path)
    found = findings(open_study_data(str(path), folds=3), [NGRAM], BOOTSTRAP).families["ngram"]
    risk_figures = found.risk.average_precision
    assert risk_figures.first.value > 0.95
    assert risk_figures.difference.low > 0
    assert found.indicators is None  # the ads are not labelled with any


def test_what_is_taught_of_risk_alone_still_knows_its_campaigns(ground: StudyData) -> None:
    (taught,) = labelled(ground)
    alone = risk_alone(taught.targets)
    assert alone.labels == ()
    np.testing.assert_array_equal(alone.campaigns, ground.corpus.campaigns[taught.rows])


def test_an_indicator_that_only_one_side_learned_ranks_no_ad_on_the_other(
    ground: StudyData,
) -> None:
    whole = labelled(ground)
    blank = [
        TrainSet(one.rows, Targets((), np.zeros((len(one.rows), 0)), one.targets.risk))
        for one in whole
    ]
    recipe = ModelConfig(family="ngram", parameters={"bits": 14})
    full = fit_predict(ground, recipe, whole, only_risk=False)
    bare = fit_predict(ground, recipe, blank, only_risk=False)
    both = pair(ground, bare, full)
    assert set(both.labels) == set(full.labels) == {"document_retention", "worker_protection"}
    assert (both.indicators[0] == 0).all()
    assert np.unique(both.indicators[1]).size > 2


@pytest.mark.slow
def test_a_study_is_written_and_stands_on_the_page(corpus_file: Path, tmp_path: Path) -> None:
    asked = StudySettings(recipes=(NGRAM,), seeds=1, resamples=30, folds=2)
    path = run_study("findings", [str(corpus_file)], asked, tmp_path)
    content = json.loads(path.read_text())
    (corpus,) = content["corpora"]
    assert (content["study"], content["resamples"]) == ("findings", 30)
    assert (corpus["n"], corpus["positives"], corpus["folds"]) == (240, 60, 2)
    assert str(corpus_file.parent) not in path.read_text()  # results are read elsewhere
    page = (tmp_path / "results.md").read_text()
    assert page == results_page(tmp_path)
    assert "## findings" in page
    assert "| family | average precision of | with findings | text alone | difference |" in page
    assert "| ngram | 2 indicators, mean |" in page


class Choosy(NgramClassifier):
    """Ranks upside down until it has been settled, and remembers on what it was."""

    settled_on: ClassVar[list[int]] = []

    def calibrate_band(self, batch: TextBatch, targets: Targets) -> Self:
        assert len(batch) == len(targets)
        self.settled_on.append(len(batch))
        self._chosen = True
        return self

    def margins(self, batch: TextBatch) -> Margins:
        found = super().margins(batch)
        return found if hasattr(self, "_chosen") else Margins(found.indicators, -found.risk)


@pytest.mark.slow
def test_a_family_with_a_choice_to_make_makes_it_wherever_it_is_judged(
    ground: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "choosy", Choosy)
    recipe = ModelConfig(family="choosy", parameters={"bits": 14})
    said = fit_predict(ground, recipe, labelled(ground), only_risk=True)
    usual = fit_predict(
        ground, recipe.model_copy(update={"family": "ngram"}), labelled(ground), only_risk=True
    )
    assert np.array_equal(said.risk, usual.risk)
    honest = Report.model_validate(make_report())
    for splits in (ground.splits, ground.splits * 2):
        gap = random_gap(recipe, ground.corpus, list(splits), BOOTSTRAP, honest)
        assert gap.average_precision.value > 0.5
        kept = honest.risk.average_precision.value
        assert gap.gap == pytest.approx(gap.average_precision.value - kept, abs=2e-6)
    calibrate = len(ground.splits[0]["calibrate"])
    assert Choosy.settled_on == [calibrate] * 4


@pytest.mark.slow
def test_families_are_judged_under_the_protocol_and_listed(
    ground: StudyData, tmp_path: Path
) -> None:
    texts, _ = make_texts(60, 0, seed=11)
    benign = tmp_path / "benign.parquet"
    pq.write_table(make_ads(texts), benign)
    written = judge_families(
        ground, [NGRAM, LINEAR], tmp_path / "out", resamples=30, benign=[str(benign)]
    )
    assert [path.name for path in written] == ["ads-ngram.json", "ads-linear.json"]
    results = json.loads(written[0].read_text())
    assert results["report"]["n"] == 48
    assert set(results) >= {"baselines", "random_split", "alerts"}
    page = (tmp_path / "out" / "results.md").read_text()
    (alerts,) = results["alerts"].values()
    assert alerts["guaranteed"] is False
    assert "promises nothing" in alerts["words"]
    assert "The policy's threshold: no threshold has at most 0.01 of the campaigns" in page
    assert "not judged and left to people as incomplete | 60 |" in page
    assert "| [ads-ngram](#ads-ngram) | 19 of 48 |" in page
    assert "## ads-ngram" in page
    assert "## ads-linear" in page


@pytest.mark.slow
def test_a_saved_model_is_judged_on_the_report_part_even_of_ads_it_never_saw(
    corpus_file: Path, tmp_path: Path
) -> None:
    ads = pq.read_table(make_corpus_file(tmp_path / "own.parquet", 200, 50, seed=9))
    pq.write_table(
        ads.set_column(0, "ad_id", [[f"own-{number}" for number in range(200)]]),
        tmp_path / "own.parquet",
    )
    config = ModelConfig(family="ngram", parameters={"bits": 14})
    for source, judged in ((corpus_file, 48), (tmp_path / "own.parquet", 48)):
        corpus = stages.load_corpus([str(source)])
        folder = tmp_path / f"model-{source.stem}"
        folder.mkdir()
        model = stages.fit_model(config, corpus, split_corpus(corpus, 0)).save(folder)
        ground = open_study_data(str(corpus_file), folds=0)
        written = judge_saved(model, ground, tmp_path / source.stem, resamples=30)
        results = json.loads(written.read_text())
        assert results["report"]["n"] == judged
        assert "random_split" not in results
        assert results["data"]["sources"] == [corpus_file.name]


@pytest.mark.slow
def test_the_command_runs_a_study_from_end_to_end(corpus_file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, str(STUDY), "learning-curve", "--source", str(corpus_file),
            "--families", "ngram", "--seeds", "1", "--resamples", "20", "--folds", "0",
            "-o", str(tmp_path),
        ],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"written  {tmp_path / 'learning-curve.json'}\n"
    assert "## learning-curve" in (tmp_path / "results.md").read_text()
    again = subprocess.run(
        [sys.executable, str(STUDY), "transfer", "--source", "nothing.csv", "-o", str(tmp_path)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].startswith("study.py: nothing.csv")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "given", "message"),
    [
        ("study.py", "findings --families ngrm", "did you mean 'ngram'"),
        ("study.py", "findings --families x.yml", "configuration x.yml cannot be read"),
        ("study.py", "families --model nope", "no model nope"),
        ("study.py", "transfer --model nope", "--model is for the study families"),
        ("study.py", "all --model nope", "--model is for the study families"),
        ("study.py", "families --model m --source a --source b", "is evaluated on one --source"),
        ("study.py", "families --model m --families ngram", "not both"),
        ("study.py", "label-noise --families ngram linear", "label-noise studies one family"),
        ("study.py", "transfer --families ngram linear", "transfer studies one family"),
        ("fairness.py", "--family linera", "did you mean 'linear'"),
        ("fairness.py", "nope", "no model nope"),
        ("faithfulness.py", "--family linera", "did you mean 'linear'"),
        ("faithfulness.py", "--parameters {bits:3}", "are not valid JSON"),
        ("faithfulness.py", '--parameters {"bit":3}', "did you mean 'bits'"),
        ("faithfulness.py", "nope", "no model nope"),
    ],
)
def test_what_a_study_cannot_do_is_refused_in_one_line_before_ads_are_read(
    script: str, given: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    main = runpy.run_path(str(STUDY.with_name(script)))["main"]
    monkeypatch.setattr("adrisk.training.corpus.open_ads", None)  # reading ads would fail
    assert main([*given.split(), "-o", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{script}: ")
    assert message in line
    assert not (tmp_path / "out").exists()
