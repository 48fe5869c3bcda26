"""Metrics: equal to scikit-learn's, worked by hand where small, honest where undefined."""

from __future__ import annotations

import doctest
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from adrisk.metrics import estimates as metrics

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60).filter(
    lambda rows: any(y for y, _ in rows)
)


def once(metric: metrics.Metric, count: int) -> float:
    return float(metric(np.ones((1, count)))[0])


@given(CASES)
def test_average_precision_is_that_of_scikit_learn_ties_included(
    rows: list[tuple[bool, int]],
) -> None:
    truth = np.array([y for y, _ in rows])
    score = np.array([s for _, s in rows], dtype=float)
    expected = average_precision_score(truth, score)
    assert math.isclose(once(metrics.average_precision(truth, score), len(rows)), expected)


@given(CASES)
def test_weights_count_like_repeated_ads(rows: list[tuple[bool, int]]) -> None:
    truth = np.array([y for y, _ in rows])
    score = np.array([s for _, s in rows], dtype=float)
    times = np.arange(len(rows)) % 3
    times[truth.argmax()] = 1
    weighted = metrics.average_precision(truth, score)(times[None, :].astype(float))[0]
    repeated = average_precision_score(np.repeat(truth, times), np.repeat(score, times))
    assert math.isclose(weighted, repeated)


def test_recall_and_precision_at_a_budget_by_hand() -> None:
    truth = np.array([True, False, True, False, False, False, False, False, False, True])
    score = np.linspace(1, 0.1, 10)
    at = metrics.at_budget(truth, score, 0.3)  # the first three: two of three positives
    assert math.isclose(once(at.recall, 10), 2 / 3)
    assert math.isclose(once(at.precision, 10), 2 / 3)


def test_ties_at_the_edge_of_a_budget_share_it() -> None:
    truth = np.array([True, False, False, False])
    at = metrics.at_budget(truth, np.ones(4), 0.5)
    assert math.isclose(once(at.recall, 4), 0.5)
    assert math.isclose(once(at.precision, 4), 0.25)


def test_alerts_and_ordinal_error_by_hand() -> None:
    assert once(metrics.alerts_per_10000(np.array([0.1, 0.5, 0.9, 0.5]), 0.5), 4) == 7500
    error = metrics.ordinal_error(np.array([0, 3, 1]), np.array([0, 1, 2]))
    assert math.isclose(once(error, 3), 1.0)


def test_calibration_error_of_the_truth_is_small_and_of_a_lie_is_large() -> None:
    rng = np.random.default_rng(0)
    stated = rng.random(20_000) * 0.2
    truth = rng.random(20_000) < stated
    assert once(metrics.calibration_error(truth, stated), 20_000) < 0.01
    assert once(metrics.calibration_error(truth, stated + 0.5), 20_000) > 0.45
    bins = metrics.reliability(truth, stated)
    assert len(bins) == 10
    assert all(abs(b.stated - b.observed) < 0.03 for b in bins)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        flagged = np.repeat(rng.random(80) < 0.3, 5)  # campaigns of five equal ads
        metric = metrics.alerts_per_10000(flagged.astype(float), 0.5)
        found = metrics.Bootstrap(200).estimate(metric, np.repeat(np.arange(80), 5), 0)
        covered += found.low <= 3000 <= found.high
    assert covered >= 52  # 95 % of 60 is 57; drawing single ads would cover about 37


def test_copies_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(1)
    score, truth = rng.random(200), rng.random(200) < 0.2
    campaigns = np.arange(200)
    positives = int(truth.sum())
    bootstrap = metrics.Bootstrap()
    single = bootstrap.estimate(metrics.average_precision(truth, score), campaigns, positives)
    ninefold = metrics.average_precision(np.repeat(truth, 9), np.repeat(score, 9))
    copies = bootstrap.estimate(ninefold, np.repeat(campaigns, 9), 9 * positives)
    assert abs((copies.high - copies.low) - (single.high - single.low)) < 0.03
    assert copies.campaigns == 200


def test_no_ads_or_no_positives_give_no_figure_rather_than_zero() -> None:
    bootstrap = metrics.Bootstrap()
    empty = bootstrap.estimate(lambda w: w.sum(axis=1), np.zeros(0, dtype=int), 0)
    assert math.isnan(empty.value)
    no_positives = metrics.average_precision(np.zeros(5, dtype=bool), np.arange(5.0))
    none = bootstrap.estimate(no_positives, np.arange(5), 0)
    assert math.isnan(none.value)
    assert none.figure().value is None


def test_items_to_see_by_hand() -> None:
    hits = np.array([0, 6, 0, 3, 1])
    score = np.array([0.1, 0.9, 0.8, 0.7, 0.2])
    assert once(metrics.items_to_see(hits, score, 0.6), 5) == 1  # the first item shows 6 of 10
    assert once(metrics.items_to_see(hits, score, 0.9), 5) == 3
    assert once(metrics.items_to_see(hits, score, 1.0), 5) == 4
    assert math.isclose(once(metrics.items_to_see(hits, score, 0.75), 5), 2.5)  # half an item


def test_items_that_tie_are_opened_in_random_order() -> None:
    hits, tied = np.array([1, 0, 0, 1]), np.zeros(4)
    assert once(metrics.items_to_see(hits, tied, 0.5), 4) == 2


def test_nothing_to_see_has_no_cost() -> None:
    metric = metrics.items_to_see(np.zeros(3, dtype=np.int64), np.arange(3.0))
    assert math.isnan(once(metric, 3))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1))
def test_items_to_see_weighs_items_like_repeating_them(rows: list[tuple[int, int]]) -> None:
    hits, score = (np.array(column) for column in zip(*rows, strict=True))
    weights = 1 + np.arange(len(rows)) % 3
    repeated = metrics.items_to_see(np.repeat(hits, weights), np.repeat(score, weights) * 1.0)
    weighted = metrics.items_to_see(hits, score * 1.0)(weights[None, :].astype(float))[0]
    assert np.isclose(weighted, once(repeated, int(weights.sum())), equal_nan=True)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(metrics).failed == 0
