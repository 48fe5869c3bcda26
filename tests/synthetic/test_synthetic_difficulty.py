"""The corpus is neither given away by a shortcut nor beyond learning."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from adrisk.indicators import keyword_counts
from adrisk.normalise import fold_column
from adrisk.synthetic import generate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus():
    return pa.concat_tables(generate(10_000, seed=0))


@pytest.fixture(scope="module")
def risky(corpus):
    return corpus["risk"].to_numpy() >= 2


def test_counting_keywords_is_not_enough(corpus, risky):
    counts = keyword_counts(fold_column(corpus["text"]))
    assert average_precision_score(risky, counts) < 0.15


def test_length_tells_nothing(corpus, risky):
    length = pc.utf8_length(corpus["text"]).to_numpy()
    assert average_precision_score(risky, length) < 0.08
    assert average_precision_score(risky, -length) < 0.08


@pytest.mark.parametrize("column", ["kind", "language", "location", "category"])
def test_no_column_gives_the_class_away(corpus, risky, column):
    values = np.array(corpus[column].to_pylist())
    train = np.array(corpus["split"].to_pylist()) == "train"
    rate = {value: risky[train & (values == value)].mean() for value in set(values[train])}
    scores = [rate.get(value, 0.0) for value in values[~train]]
    assert average_precision_score(risky[~train], scores) < 0.1


def test_a_plain_learner_gets_part_of_the_way(corpus, risky):
    texts = np.array(fold_column(corpus["text"]).to_pylist(), dtype=object)
    train = np.array(corpus["split"].to_pylist()) == "train"
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=10, class_weight="balanced", max_iter=400)
    model.fit(words.fit_transform(texts[train]), risky[train])
    scores = model.decision_function(words.transform(texts[~train]))
    assert 0.2 < average_precision_score(risky[~train], scores) < 0.85
