"""Rates by group where the answer is planted; small groups are named and withheld."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adrisk.evaluation.fairness.rates import (
    LEAST_ADS,
    Decided,
    Dimension,
    GroupSize,
    by_value,
    compare,
    rate,
)
from adrisk.evaluation.fairness.swap_test import movement
from adrisk.metrics.estimates import Bootstrap


def make_decided(
    flagged: np.ndarray, lawful: np.ndarray | None = None, incomplete: np.ndarray | None = None
) -> Decided:
    """Ads of which every two are a campaign."""
    n = len(flagged)
    lawful = np.ones(n, dtype=bool) if lawful is None else lawful
    risk = np.where(flagged, 0.9, 0.1)
    left = np.zeros(n, dtype=bool) if incomplete is None else incomplete
    return Decided(flagged.astype(bool), risk, lawful, ~lawful, np.arange(n) // 2, left)


def groups(*sizes: int) -> list[str]:
    return [f"group {g}" for g, size in enumerate(sizes) for _ in range(size)]


def test_a_group_that_is_flagged_more_often_is_found_with_its_difference() -> None:
    flagged = np.r_[np.arange(400) % 4 == 0, np.arange(400) % 20 == 0]
    found = compare(make_decided(flagged), by_value(groups(400, 400)))
    first = found.groups["group 0"]
    assert first.false_positive_rate.value == 0.25
    assert first.others.value == 0.05
    assert first.difference.value == pytest.approx(0.2)
    assert first.difference.low > 0.1
    assert found.groups["group 1"].difference.high < -0.1
    assert (list(found.differ), found.compared) == (["group 0", "group 1"], 2)


def test_groups_that_are_treated_alike_do_not_differ() -> None:
    rng = np.random.default_rng(4)
    found = compare(make_decided(rng.random(1000) < 0.1), by_value(groups(500, 500)))
    assert (list(found.differ), found.compared) == ([], 2)


def test_risky_ads_count_for_recall_and_never_as_false_flags() -> None:
    lawful = np.arange(400) % 2 == 0
    flagged = ~lawful & (np.arange(400) % 4 == 1)
    found = compare(make_decided(flagged, lawful), by_value(groups(400))).groups["group 0"]
    assert found.false_positive_rate.value == 0.0
    assert found.recall.value == 0.5
    assert found.calibration_error is not None
    assert found.difference is None  # there is nobody else


def test_a_small_group_is_named_without_figures() -> None:
    found = compare(make_decided(np.ones(160)), by_value(groups(LEAST_ADS - 1, 111)))
    assert list(found.groups) == ["group 1"]
    assert found.withheld == {"group 0": GroupSize(n=LEAST_ADS - 1, campaigns=25)}
    assert (found.withheld_groups, found.withheld_ads) == (1, LEAST_ADS - 1)


def test_many_ads_of_few_campaigns_are_withheld_too() -> None:
    decided = make_decided(np.ones(400))
    same = replace(decided, campaigns=np.arange(400) // 100)
    assert list(compare(same, by_value(groups(400))).withheld) == ["group 0"]


def test_a_group_that_is_not_judged_has_its_share_left_to_people_and_no_rate() -> None:
    flagged = np.r_[np.zeros(400), np.arange(400) % 20 == 0]
    incomplete = np.r_[np.arange(400) >= 20, np.arange(400) % 4 == 3]
    found = compare(make_decided(flagged, None, incomplete), by_value(groups(400, 400)))
    first, second = found.groups["group 0"], found.groups["group 1"]
    assert (first.n, first.judged, first.incomplete.value) == (400, 20, 0.95)
    assert first.false_positive_rate is None
    assert (second.n, second.judged, second.incomplete.value) == (400, 300, 0.25)
    assert second.false_positive_rate.value == pytest.approx(20 / 300, abs=1e-6)
    assert second.false_positive_rate.n == 300
    assert second.difference is None  # too few of the others are judged


def test_where_nothing_is_judged_there_is_no_rate_at_all() -> None:
    everyone = np.ones(200, dtype=bool)
    decided = make_decided(~everyone, None, everyone)
    figure = rate(decided.flagged, decided.campaigns, Bootstrap(), decided.judged)
    assert figure.figure().value is None
    assert figure.n == 0


def test_no_false_flag_is_not_taken_for_a_rate_of_nothing() -> None:
    decided = make_decided(np.zeros(200))
    figure = rate(decided.flagged, decided.campaigns, Bootstrap(), decided.judged)
    assert (figure.value, figure.low, figure.campaigns) == (0.0, 0.0, 100)
    assert figure.high == pytest.approx(1 - 0.025 ** (1 / 100))
    gap = compare(decided, by_value(groups(100, 100))).groups["group 0"].difference
    assert (gap.value, gap.low) == (0.0, None)


def test_finding_every_risky_ad_is_not_taken_for_certainty() -> None:
    lawful = np.arange(200) >= 40
    found = compare(make_decided(~lawful, lawful), by_value(groups(200))).groups["group 0"].recall
    assert (found.value, found.high, found.campaigns) == (1.0, 1.0, 20)
    assert found.low == pytest.approx(0.025 ** (1 / 20), abs=1e-6)


def test_ads_of_which_nothing_is_known_are_on_neither_side() -> None:
    values = ["a"] * 100 + ["b"] * 100 + [None] * 100
    flagged = np.r_[np.zeros(200), np.ones(100)]
    found = compare(make_decided(flagged), by_value(values))
    assert found.groups["a"].others.n == 100
    assert found.groups["a"].others.value == 0.0


def test_groups_may_overlap() -> None:
    everyone = np.ones(200, dtype=bool)
    half = np.arange(200) < 100
    found = compare(
        make_decided(half), Dimension(everyone, {"half": half, "quarter": np.arange(200) < 50})
    )
    assert found.groups["half"].others.value == 0.0
    assert found.groups["quarter"].others.value == pytest.approx(50 / 150)


def test_swaps_that_move_nothing_and_swaps_that_flip_a_decision_are_told_apart() -> None:
    before = np.array([0.01, 0.01, 0.5, 0.5])
    after = np.array([0.02, 0.01, 0.5, 0.8])
    found = movement(before, after, np.arange(4), threshold=0.6)
    assert found.over.value == 0.25
    assert found.over.low < 0.25 < found.over.high
    assert found.over_of_could.value == 0.5  # two of the four could have moved so far
    assert found.decision_changed.value == 0.25
    assert found.largest == 0.3
    assert found.mean_change.value == pytest.approx(0.0775)
