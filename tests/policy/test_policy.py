"""Policy: capacity is kept, higher risk is never served worse, the audit is always there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from adrisk.model.campaign_risk import Pooling, campaign_risk
from adrisk.policy.policy import Policy, PolicyConfig
from adrisk.policy.queue import AdExceptions, apply_policy
from adrisk.policy.reasons import reasons
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.types import Level


def make_policy(**changes: object) -> Policy:
    values = {
        "policy_id": "test-1",
        "name": "test",
        "review_at": 0.3,
        "review_at_reason": "set in the policy",
        "urgent_at": 0.8,
        "capacity": 10,
        "audit_share": 0.2,
        "seed": 0,
    }
    return Policy(**{**values, **changes})  # type: ignore[arg-type]


ADS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20)), min_size=1, max_size=80)


def arrays(ads: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    _, campaigns = np.unique([c for _, c in ads], return_inverse=True)
    return np.array([r for r, _ in ads], dtype=np.float32), campaigns.astype(np.int32)


@given(ADS, st.integers(1, 30))
def test_the_queue_is_never_longer_than_the_capacity(
    ads: list[tuple[float, int]], capacity: int
) -> None:
    queue = apply_policy(make_policy(capacity=capacity), *arrays(ads))
    ranks = np.unique(queue.ranks[queue.ranks > 0])
    assert ranks.tolist() == list(range(1, len(ranks) + 1))
    assert len(ranks) <= capacity


@given(ADS, st.data())
def test_a_higher_score_is_never_flagged_lower(
    ads: list[tuple[float, int]], data: st.DataObject
) -> None:
    risk, campaigns = arrays(ads)
    row = data.draw(st.integers(0, len(risk) - 1))
    before = apply_policy(make_policy(), risk, campaigns).levels[row]
    risk[row] = max(risk[row], np.float32(data.draw(st.floats(0, 1))))
    assert apply_policy(make_policy(), risk, campaigns).levels[row] >= before


@given(ADS)
def test_a_campaign_has_one_rank_and_clear_ads_none(ads: list[tuple[float, int]]) -> None:
    risk, campaigns = arrays(ads)
    queue = apply_policy(make_policy(), risk, campaigns)
    for campaign in np.unique(campaigns):
        ranks = queue.ranks[(campaigns == campaign) & (queue.ranks > 0)]
        assert len(np.unique(ranks)) <= 1
    assert ((queue.ranks > 0) == ((queue.levels > 0) | queue.audit)).all()


def test_urgent_campaigns_come_first_then_the_riskier() -> None:
    risk = np.array([0.4, 0.9, 0.35, 0.85, 0.1, 0.2], dtype=np.float32)
    queue = apply_policy(make_policy(audit_share=0.0), risk, np.arange(6, dtype=np.int32))
    assert queue.ranks.tolist() == [3, 1, 4, 2, 0, 0]
    assert [queue.level(i) for i in range(5)] == [
        Level.REVIEW, Level.URGENT, Level.REVIEW, Level.URGENT, Level.CLEAR,
    ]  # fmt: skip


def test_campaigns_stand_in_the_order_of_their_own_risk_behind_the_urgent() -> None:
    risk = np.array([0.85, 0.6, 0.5, 0.4], dtype=np.float32)
    of = np.arange(4, dtype=np.int32)
    own = np.array([0.2, 0.3, 0.9, 0.3])
    queue = apply_policy(make_policy(audit_share=0.0), risk, of, own)
    # The urgent first; of two that tie, the one with the riskier ad.
    assert queue.ranks.tolist() == [1, 3, 2, 4]
    assert [queue.level(row) for row in range(2)] == [Level.URGENT, Level.REVIEW]


@given(ADS, st.data())
def test_with_a_campaign_risk_a_higher_score_is_never_flagged_lower(
    ads: list[tuple[float, int]], data: st.DataObject
) -> None:
    risk, campaigns = arrays(ads)
    texts = np.arange(len(risk))
    pooling = Pooling(slope=0.7, shrink=0.3, shift=-0.5, campaigns=9)

    def levels() -> np.ndarray:
        own = campaign_risk(risk, campaigns, texts, pooling)
        return apply_policy(make_policy(), risk, campaigns, own).levels

    row = data.draw(st.integers(0, len(risk) - 1))
    before = levels()[row]
    risk[row] = max(risk[row], np.float32(data.draw(st.floats(0, 1))))
    assert levels()[row] >= before


@given(ADS, st.sets(st.integers(0, 79)), st.sets(st.integers(0, 79)), st.data())
def test_the_level_never_falls_when_the_score_rises_whatever_stands_apart(
    ads: list[tuple[float, int]], first: set[int], foreign: set[int], data: st.DataObject
) -> None:
    risk, campaigns = arrays(ads)
    rows = np.arange(len(risk))
    apart = AdExceptions(np.isin(rows, list(first)), np.isin(rows, list(foreign)))
    row = data.draw(st.integers(0, len(risk) - 1))
    before = apply_policy(make_policy(capacity=6), risk, campaigns, exceptions=apart).levels[row]
    risk[row] = max(risk[row], np.float32(data.draw(st.floats(0, 1))))
    assert (
        apply_policy(make_policy(capacity=6), risk, campaigns, exceptions=apart).levels[row]
        >= before
    )


def test_what_escalates_comes_first_and_is_never_displaced() -> None:
    risk = np.array([0.95, 0.9, 0.01, 0.02, 0.5], dtype=np.float32)
    apart = AdExceptions(np.array([False, False, True, True, False]), np.zeros(5, dtype=bool))
    policy = make_policy(capacity=1, audit_share=0.0)
    queue = apply_policy(policy, risk, np.arange(5, dtype=np.int32), exceptions=apart)
    assert [queue.level(row) for row in range(5)] == [
        *(Level.CLEAR, Level.CLEAR, Level.URGENT, Level.URGENT, Level.CLEAR)
    ]
    assert queue.ranks.tolist() == [0, 0, 2, 1, 0]
    assert queue.over_capacity.tolist() == [True, True, False, False, True]


def test_the_other_ads_of_an_escalated_campaign_keep_their_own_level() -> None:
    risk = np.array([0.1, 0.5, 0.1, 0.99], dtype=np.float32)
    apart = AdExceptions(np.array([True, False, False, False]), np.zeros(4, dtype=bool))
    campaigns = np.array([0, 0, 0, 1], dtype=np.int32)
    queue = apply_policy(make_policy(audit_share=0.0), risk, campaigns, exceptions=apart)
    assert queue.levels.tolist() == [2, 1, 0, 2]
    assert queue.ranks.tolist() == [1, 1, 0, 2]


def test_ads_that_cannot_be_judged_are_incomplete_and_do_not_flood_the_queue() -> None:
    risk = np.full(1000, 0.99, dtype=np.float32)
    risk[:30] = 0.4
    foreign = AdExceptions(np.zeros(1000, dtype=bool), np.arange(1000) >= 30)
    policy = make_policy(capacity=40, audit_share=0.0, incomplete_share=0.1)
    queue = apply_policy(policy, risk, np.arange(1000, dtype=np.int32), exceptions=foreign)
    assert (queue.levels[30:] == 3).all()
    assert sorted(queue.ranks[:30]) == list(range(1, 31))
    assert sorted(queue.ranks[30:])[-4:] == [31, 32, 33, 34]
    assert (queue.ranks[30:] > 0).sum() == 4


def test_of_the_campaigns_that_cannot_be_judged_the_largest_are_looked_at() -> None:
    campaigns = np.array([0, 1, 1, 1, 2, 2], dtype=np.int32)
    foreign = AdExceptions(np.zeros(6, dtype=bool), np.ones(6, dtype=bool))
    policy = make_policy(capacity=10, incomplete_share=0.1)
    queue = apply_policy(policy, np.full(6, 0.9, dtype=np.float32), campaigns, exceptions=foreign)
    assert queue.ranks.tolist() == [0, 1, 1, 1, 0, 0]
    assert not queue.audit.any()


def test_an_escalated_ad_says_so_in_words_and_nothing_of_a_threshold() -> None:
    apart = AdExceptions(np.ones(1, dtype=bool), np.ones(1, dtype=bool))
    low, alone = np.array([0.01], dtype=np.float32), np.zeros(1, dtype=np.int32)
    queue = apply_policy(make_policy(), low, alone, exceptions=apart)
    words = reasons(
        make_policy(), queue, 0, 0.01, {}, 1, load_taxonomy(), escalated=["minor_recruitment"]
    )
    assert queue.level(0) is Level.URGENT
    title = load_taxonomy().get("minor_recruitment").title["en"].lower()
    assert words == [f"shows what is always looked at first, whatever its risk: {title}"]


def test_a_thousand_copies_take_one_place() -> None:
    risk = np.full(1001, 0.5, dtype=np.float32)
    risk[-1] = 0.4
    campaigns = np.zeros(1001, dtype=np.int32)
    campaigns[-1] = 1
    queue = apply_policy(make_policy(capacity=2, audit_share=0.0), risk, campaigns)
    assert set(queue.ranks[:-1]) == {1}
    assert queue.ranks[-1] == 2


def test_the_audit_is_drawn_from_below_the_threshold_and_stands_behind_the_urgent() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(1000).astype(np.float32) * 0.25
    risk[:30] = 0.95
    queue = apply_policy(
        make_policy(capacity=40, audit_share=0.25), risk, np.arange(1000, dtype=np.int32)
    )
    assert queue.audit.sum() == 10
    assert (risk[queue.audit] < 0.3).all()
    assert (queue.levels[queue.audit] == 0).all()
    assert queue.ranks[queue.audit].min() > 30


def test_the_audit_is_drawn_evenly() -> None:
    risk = np.zeros(100, dtype=np.float32)
    drawn = np.zeros(100)
    for seed in range(300):
        policy = make_policy(capacity=20, audit_share=0.5, seed=seed)
        drawn += apply_policy(policy, risk, np.arange(100, dtype=np.int32)).audit
    assert drawn.sum() == 3000
    assert abs(drawn - 30).max() < 25  # five standard deviations


def test_ads_beyond_the_capacity_are_told_so() -> None:
    risk = np.array([0.9, 0.8, 0.7], dtype=np.float32)
    policy = make_policy(capacity=1, audit_share=0.0)
    queue = apply_policy(policy, risk, np.arange(3, dtype=np.int32))
    assert queue.over_capacity.tolist() == [False, True, True]
    words = reasons(policy, queue, 1, 0.8, {}, 1, load_taxonomy())
    assert "fill today's capacity of 1" in words[0]


def test_reasons_name_threshold_indicators_and_copies() -> None:
    policy = make_policy()
    queue = apply_policy(policy, np.array([0.9], dtype=np.float32), np.zeros(1, dtype=np.int32))
    words = reasons(
        policy, queue, 0, 0.9, {"document_retention": 0.92, "no_contract": 0.2}, 14, load_taxonomy()
    )
    assert words[0] == "risk 0.90 is at or above the urgent threshold 0.80"
    assert words[1].startswith("likely: ")
    assert words[1].endswith("(0.92)")
    assert words[-1] == "one of 14 linked ads"
    assert len(words) == 3


def test_reasons_end_with_what_shows_across_the_ads() -> None:
    policy = make_policy()
    queue = apply_policy(policy, np.array([0.9], dtype=np.float32), np.zeros(1, dtype=np.int32))
    across = ["posted in 7 places within 3 days from 5 accounts"]
    words = reasons(policy, queue, 0, 0.9, {}, 14, load_taxonomy(), across)
    assert words[-2:] == ["one of 14 linked ads", *across]


def test_a_policy_with_thresholds_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"review_at \(0.9\) must not be above urgent_at \(0.8\)"
    ):
        PolicyConfig(review_at=0.9, urgent_at=0.8)
    with pytest.raises(ValidationError, match="leave out recall and review_share, or it"):
        PolicyConfig(review_at=0.3, recall=0.8)


@st.composite
def mixed_cases(
    draw: st.DrawFn,
) -> tuple[Policy, NDArray[np.float32], NDArray[np.int32], AdExceptions]:
    """Small batches in which campaigns mix ads that are judged, escalated and not judged."""
    count = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    campaigns = np.unique(rng.integers(0, draw(st.integers(1, 20)), count), return_inverse=True)[1]
    policy = make_policy(
        capacity=draw(st.integers(1, 30)),
        audit_share=draw(st.sampled_from([0.0, 0.1, 0.5])),
        incomplete_share=draw(st.sampled_from([0.0, 0.2, 0.5])),
        seed=draw(st.integers(0, 1000)),
    )
    apart = AdExceptions(
        rng.random(count) < 0.05, rng.random(count) < draw(st.sampled_from([0.2, 0.6]))
    )
    return policy, rng.random(count).astype(np.float32) ** 2, campaigns.astype(np.int32), apart


@given(mixed_cases())
@settings(max_examples=400)
def test_a_campaign_has_at_most_one_place_and_every_place_one_campaign(
    case: tuple[Policy, NDArray[np.float32], NDArray[np.int32], AdExceptions],
) -> None:
    policy, risk, campaigns, apart = case
    queue = apply_policy(policy, risk, campaigns, exceptions=apart)
    queued = queue.ranks > 0
    places = set(zip(campaigns[queued].tolist(), queue.ranks[queued].tolist(), strict=True))
    assert sorted(rank for _, rank in places) == list(range(1, len(places) + 1))
    assert len({campaign for campaign, _ in places}) == len(places)
    assert len(places) <= policy.capacity + len(np.unique(campaigns[apart.escalated]))


def test_the_unjudged_ads_of_an_audited_campaign_share_its_place() -> None:
    campaigns = np.array([0, 0, 0, 1], dtype=np.int32)
    foreign = AdExceptions(np.zeros(4, dtype=bool), np.array([True, True, False, True]))
    policy = make_policy(capacity=4, audit_share=0.25, incomplete_share=0.25)
    queue = apply_policy(policy, np.zeros(4, dtype=np.float32), campaigns, exceptions=foreign)
    assert queue.audit.tolist() == [False, False, True, False]
    assert queue.ranks.tolist() == [1, 1, 1, 2]
    assert queue.levels.tolist() == [3, 3, 0, 3]
