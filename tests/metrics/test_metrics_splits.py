"""Splits: every ad in one part, no campaign in two, the future unseen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.errors import CorpusError
from adrisk.metrics.splits import PARTS, SHARES, campaign_split, folds, random_split

CAMPAIGNS = st.lists(st.integers(0, 30), min_size=60, max_size=200).filter(
    lambda c: len(set(c)) >= 10
)


@given(CAMPAIGNS, st.integers(0, 100), st.booleans())
def test_no_campaign_straddles_a_split(campaigns: list[int], seed: int, dated: bool) -> None:
    numbers = np.array(campaigns)
    times = np.datetime64("2026-01-01", "us") + np.arange(len(numbers)) * np.timedelta64(1, "D")
    split = campaign_split(numbers, seed=seed, posted=times if dated else None)
    owners = [set(numbers[split[part]]) for part in PARTS]
    assert sum(len(o) for o in owners) == len(set(campaigns))
    assert sorted(np.concatenate([split[part] for part in PARTS])) == list(range(len(numbers)))


def test_parts_have_about_their_shares_and_their_share_of_the_positives() -> None:
    rng = np.random.default_rng(0)
    campaigns = rng.integers(0, 900, 4000)
    positive = rng.random(4000) < 0.05
    split = campaign_split(campaigns, seed=1, positive=positive)
    for part in PARTS:
        assert abs(len(split[part]) / 4000 - SHARES[part]) < 0.02
        assert abs(positive[split[part]].sum() / positive.sum() - SHARES[part]) < 0.05


def test_the_report_set_is_the_latest_campaigns() -> None:
    campaigns = np.arange(100) // 2
    times = np.datetime64("2026-01-01", "us") + np.arange(100) * np.timedelta64(1, "D")
    split = campaign_split(campaigns, seed=0, posted=times)
    assert split.by == "campaign and time"
    assert split["report"].min() > max(split[part].max() for part in PARTS[:3])
    assert len(split["report"]) == 20


def test_the_corpus_own_test_part_is_honoured_and_campaigns_with_a_test_ad_are_test() -> None:
    campaigns = np.arange(40) // 4
    stated = np.array(["train"] * 40)
    stated[[3, 37]] = "test"
    split = campaign_split(campaigns, seed=0, stated=stated)
    assert split["report"].tolist() == [0, 1, 2, 3, 36, 37, 38, 39]


def test_a_random_split_copies_the_sizes_but_not_the_campaigns() -> None:
    sizes = {"fit": 60, "calibrate": 20, "threshold": 5, "report": 15}
    split = random_split(100, seed=3, sizes=sizes)
    assert [len(split[part]) for part in PARTS] == [60, 20, 5, 15]


@given(CAMPAIGNS, st.integers(2, 5))
def test_folds_hold_every_ad_once_and_campaigns_whole(campaigns: list[int], count: int) -> None:
    numbers = np.array(campaigns)
    fold = folds(numbers, count, seed=0)
    assert set(fold) <= set(range(count))
    for campaign in set(campaigns):
        assert len(set(fold[numbers == campaign])) == 1


def test_too_few_campaigns_say_so() -> None:
    with pytest.raises(CorpusError, match="3 campaigns cannot be split four ways"):
        campaign_split(np.array([0, 1, 2, 2]), seed=0)
    with pytest.raises(CorpusError, match="cannot make 5 folds"):
        folds(np.array([0, 1, 2, 2]), 5, seed=0)


def test_equal_seeds_deal_equally() -> None:
    campaigns = np.random.default_rng(0).integers(0, 50, 300)
    first, second = campaign_split(campaigns, seed=4), campaign_split(campaigns, seed=4)
    assert all((first[part] == second[part]).all() for part in PARTS)
