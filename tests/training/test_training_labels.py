"""Training on votes: joined before anything is learned, and never with the report set's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

from adrisk import api as stages
from adrisk.config import LabelsConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.schema import VOTES
from adrisk.training.labels import AS_GIVEN, training_labels
from adrisk.training.train import split_corpus
from builders import make_ads, make_texts

ITEM = "document_retention"
FAMILIES = {"ngram": {"bits": 14}, "linear": {}}
# Chance of a wrong vote on an ad with the indicator, and on one without it.
ANNOTATORS = {"ann": (0.05, 0.02), "ben": (0.5, 0.25), "cleo": (0.45, 0.3)}


def make_voted(path: Path, count: int = 900, extra: dict | None = None) -> tuple[Path, np.ndarray]:
    """Ads that one good and two poor annotators judged, but for the test part, and the truth."""
    texts, truth = make_texts(count, count // 3)
    rng = np.random.default_rng(3)
    votes = []
    for row in range(count):
        if row >= count * 0.7:
            votes.append(None)
            continue
        mine = []
        for voter, errors in ANNOTATORS.items():
            present = truth[row] ^ (rng.random() < errors[0 if truth[row] else 1])
            mine.append(
                {"voter": voter, "item": ITEM, "says": "present" if present else "not_stated"}
            )
            mine.append({"voter": voter, "item": "risk", "says": "3" if present else "0"})
        votes.append([*mine, extra] if extra and row == 5 else mine)
    ads = make_ads(
        texts,
        risk=np.where(truth, 3, 0),
        indicators=[[ITEM] if t else [] for t in truth],
    )
    ads = ads.append_column("votes", pa.array(votes, VOTES))
    ads = ads.append_column("split", pa.array(["test" if v is None else "train" for v in votes]))
    pq.write_table(ads, path)
    return path, truth


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> tuple[stages.Corpus, np.ndarray]:
    path, truth = make_voted(tmp_path_factory.mktemp("voted") / "ads.parquet")
    return stages.load_corpus([str(path)]), truth


def wrong(corpus: stages.Corpus, truth: np.ndarray, config: LabelsConfig) -> float:
    rows = split_corpus(corpus, 0)["fit"]
    share = training_labels(corpus, rows, config).targets.columns([ITEM])[:, 0]
    return float(((share >= 0.5) != truth[rows]).mean())


def test_joined_labels_are_nearer_to_the_truth_than_a_majority(
    voted: tuple[stages.Corpus, np.ndarray],
) -> None:
    model = wrong(*voted, LabelsConfig(join="model", rules=False))
    assert model < wrong(*voted, LabelsConfig(join="majority", rules=False)) - 0.05
    assert model < 0.09


def test_without_joining_the_label_columns_are_learned(
    voted: tuple[stages.Corpus, np.ndarray],
) -> None:
    corpus, truth = voted
    assert wrong(corpus, truth, LabelsConfig(join="none")) == 0.0  # here the columns hold the truth
    rows = split_corpus(corpus, 0)["fit"]
    assert training_labels(corpus, rows, LabelsConfig(join="none")).made == AS_GIVEN


@pytest.mark.slow
def test_the_rules_vote_beside_the_annotators(voted: tuple[stages.Corpus, np.ndarray]) -> None:
    corpus, _ = voted
    rows = split_corpus(corpus, 0)["fit"]
    assert "3 voters and" in training_labels(corpus, rows, LabelsConfig()).made
    assert "rules" not in training_labels(corpus, rows, LabelsConfig(rules=False)).made


def test_rows_without_votes_keep_what_they_have(voted: tuple[stages.Corpus, np.ndarray]) -> None:
    corpus, truth = voted
    rows = np.arange(len(corpus))
    targets = training_labels(corpus, rows, LabelsConfig()).targets
    clean = corpus.ads["votes"].is_null().to_numpy()
    np.testing.assert_array_equal(targets.indicators[clean], corpus.targets.indicators[clean])
    np.testing.assert_array_equal(targets.risk[clean], np.where(truth, 3, 0)[clean])


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_learns_from_votes_and_is_judged_on_clean_labels(
    voted: tuple[stages.Corpus, np.ndarray], family: str
) -> None:
    corpus, truth = voted
    split = split_corpus(corpus, 0)
    assert set(corpus.ads["split"].take(pa.array(split["report"])).to_pylist()) == {"test"}
    config = ModelConfig(family=family, parameters=FAMILIES[family])
    model = stages.fit_model(config, corpus, split)
    report = split["report"]
    scores = model.score(corpus.ads.take(pa.array(report)))
    assert average_precision_score(truth[report], scores.risk) > 0.95
    assert "joined by a label model" in model.manifest.trained_on.labels


def test_a_malformed_vote_stops_training_before_it_begins(tmp_path: Path) -> None:
    extra = {"voter": "dan", "item": ITEM, "says": "perhaps"}
    path, _ = make_voted(tmp_path / "ads.parquet", extra=extra)
    with pytest.raises(CorpusError, match=r"row 5 \(ad_id ad00005\): the vote of 'dan' on"):
        stages.load_corpus([str(path)])
