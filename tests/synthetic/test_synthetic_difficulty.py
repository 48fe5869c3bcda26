"""The corpus is neither given away by a shortcut nor beyond learning.

A smaller run of `evaluation/benchmarks/probes.py`, on another seed than the reported one, so the
bounds here are a little wider than those it is held to.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from adrisk.synthetic.generate import generate

BENCHMARKS = Path(__file__).parents[2] / "evaluation" / "benchmarks"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def probes():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import probes
    finally:
        sys.path.remove(str(BENCHMARKS))
    return probes


@pytest.fixture(scope="module")
def corpus(probes):
    return probes.Corpus(pa.concat_tables(generate(14_000, seed=6)))


@pytest.fixture(scope="module")
def found(probes, corpus):
    return {name: figure.value for name, figure in probes.probe(corpus).items()}


@pytest.mark.parametrize(
    "shortcut",
    [
        "keyword count",
        "length only",
        "metadata only, tree",
        "metadata only, logistic regression",
        "template family",
        "template shape",
        "nearest training template",
    ],
)
def test_no_shortcut_gives_the_class_away(found, shortcut):
    assert found[shortcut] < 0.17


@pytest.mark.parametrize("learner", ["rules", "TF-IDF + logistic regression"])
def test_what_reads_the_words_gets_part_of_the_way(found, learner):
    assert 0.3 < found[learner] < 0.87


def test_dealing_single_ads_at_random_flatters(found):
    honest = found["TF-IDF + logistic regression"]
    assert found["TF-IDF + logistic regression, ads dealt at random"] > honest + 0.1


def test_the_truth_itself_does_not_decide_the_risk(found):
    assert found["stated indicators, graded (ceiling of rules)"] < 0.95
