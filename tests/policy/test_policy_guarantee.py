"""Guarantees: kept as often as they say, refused in plain words, one voice a campaign."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from adrisk.errors import ModelError
from adrisk.model.model import Model
from adrisk.model.training_ids import ThresholdSet
from adrisk.policy.guarantee import RiskTarget, guaranteed, sample_per_campaign
from adrisk.policy.policy import PolicyConfig, resolve_policy

MEAN = 1.5  # of the log-odds of risky ads; of the others -1.5, both with deviation 1


def make_held(positives: int, others: int, seed: int = 0, copies: int = 1) -> ThresholdSet:
    rng = np.random.default_rng(seed)
    risky = np.repeat(np.arange(positives + others) < positives, copies)
    campaigns = np.repeat(np.arange(positives + others), copies)
    odds = np.repeat(rng.normal(0, 1, positives + others), copies) + np.where(risky, MEAN, -MEAN)
    return ThresholdSet(
        expit(odds).astype(np.float32), risky.astype(np.int8), campaigns.astype(np.int32)
    )


def true_recall(threshold: float) -> float:
    return float(norm.sf(logit(threshold) - MEAN))


def true_share(threshold: float, positive_share: float) -> float:
    false_alarms = float(norm.sf(logit(threshold) + MEAN))
    return positive_share * true_recall(threshold) + (1 - positive_share) * false_alarms


@pytest.mark.slow
def test_the_recall_promised_is_kept_as_often_as_promised() -> None:
    found = [
        guaranteed(make_held(80, 200, seed), RiskTarget(0.8, None, 0.9)) for seed in range(120)
    ]
    assert all(f.qualified for f in found)
    kept = [true_recall(f.threshold) >= 0.8 for f in found]
    assert np.mean(kept) >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / 120)
    # Not by promising nothing: most thresholds are within reach of the best one.
    assert np.mean([true_recall(f.threshold) for f in found]) < 0.92


@pytest.mark.slow
def test_the_share_promised_is_kept_as_often_as_promised() -> None:
    found = [
        guaranteed(make_held(40, 760, seed), RiskTarget(None, 0.1, 0.9)) for seed in range(120)
    ]
    kept = [true_share(f.threshold, 0.05) <= 0.1 for f in found if f.qualified]
    assert len(kept) == 120
    assert np.mean(kept) >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / 120)


def test_recall_and_share_are_kept_together_where_both_can_be() -> None:
    found = guaranteed(make_held(150, 850), RiskTarget(0.7, 0.25))
    assert found.qualified
    assert true_recall(found.threshold) >= 0.7
    assert true_share(found.threshold, 0.15) <= 0.25
    assert found.words.startswith(
        "recall at least 0.7 and at most 0.25 of the campaigns flagged with 90% confidence, "
        "on 150 risky of 1,000 campaigns of the threshold set, one ad each (there: recall 0."
    )


def test_that_none_qualifies_is_said_with_the_labels_that_would_help() -> None:
    found = guaranteed(make_held(5, 200), RiskTarget(0.8, None))
    assert not found.qualified
    # 0.8 ** 11 is the first power of 0.8 below 0.1: eleven of eleven found prove a recall of 0.8.
    assert found.more_positives == 6
    assert found.words.startswith("no threshold has recall at least 0.8 with 90% confidence, on 5 ")
    assert "What helps: about 6 more labelled risky campaigns" in found.words
    assert "; the one taken, the highest that finds as much here, promises nothing" in found.words
    enough = guaranteed(make_held(11, 200), RiskTarget(0.8, None))
    assert enough.qualified


def test_a_recall_seen_above_the_wish_says_how_many_labels_would_prove_it() -> None:
    held = make_held(8, 40)
    found = guaranteed(held, RiskTarget(0.8, None))
    assert (found.qualified, found.recall_seen) == (False, 7 / 8)
    assert found.more_positives is not None
    assert found.more_positives > 11 - 8  # more than if nothing were ever missed


def test_where_the_model_is_what_is_lacking_no_labels_are_asked_for() -> None:
    found = guaranteed(make_held(400, 400), RiskTarget(0.95, 0.2))
    assert (found.qualified, found.more_positives) == (False, None)
    assert found.share_seen <= 0.2
    assert found.words.endswith("a larger share to review, a lower recall or a better model does")


def test_with_no_positive_there_is_no_recall_to_speak_of() -> None:
    found = guaranteed(make_held(0, 50), RiskTarget(0.8, None))
    assert (found.qualified, found.recall_seen, found.more_positives) == (False, None, 11)


def test_copies_add_no_confidence() -> None:
    alone, copied = make_held(30, 100), make_held(30, 100, copies=50)
    assert guaranteed(copied, RiskTarget(0.8, None)) == guaranteed(alone, RiskTarget(0.8, None))
    risk, risky = sample_per_campaign(copied)
    assert (len(risk), int(risky.sum())) == (130, 30)


def test_a_risky_campaign_speaks_by_a_risky_ad_and_unlabelled_ads_are_silent() -> None:
    held = ThresholdSet(
        np.array([0.9, 0.2, 0.6, 0.7], dtype=np.float32),
        np.array([0, 1, -1, 0], dtype=np.int8),
        np.array([0, 0, 1, 2], dtype=np.int32),
    )
    risk, risky = sample_per_campaign(held)
    assert risk.round(2).tolist() == [0.2, 0.7]
    assert risky.tolist() == [True, False]


def test_a_model_settles_a_recall_from_its_own_threshold_set(model_folder: Path) -> None:
    model = Model.load(model_folder)
    assert model.threshold_set is not None
    assert len(model.threshold_set.risk) == model.manifest.thresholds[0].n
    policy = resolve_policy(PolicyConfig(recall=0.5), model)
    assert policy.guarantee is not None
    assert policy.review_at_reason == policy.guarantee.words
    assert policy.review_at == policy.guarantee.threshold


def test_a_model_saved_without_its_threshold_set_still_settles_a_share(model_folder: Path) -> None:
    old = replace(Model.load(model_folder), threshold_set=None)
    assert (
        resolve_policy(PolicyConfig(review_share=0.02), old).review_at
        == old.threshold(0.02).threshold
    )
    with pytest.raises(ModelError, match="no recall can be guaranteed; train it again"):
        resolve_policy(PolicyConfig(recall=0.8), old)


def test_too_few_campaigns_for_a_share_are_said_to_be_too_few() -> None:
    found = guaranteed(make_held(5, 35), RiskTarget(None, 0.02))
    assert not found.qualified
    # 0.98 ** 114 is the first power of 0.98 below 0.1.
    assert found.words.endswith("What helps: at least 114 labelled campaigns in the threshold set")
    assert "; the one taken, the lowest that flags no more here, promises nothing" in found.words
    assert found.share_seen <= 0.02


def test_few_campaigns_and_few_risky_ones_are_both_named_and_what_helps_where_they_do_not() -> None:
    held = make_held(2, 58)
    low = ThresholdSet(
        np.where(held.risky, 0.01, held.risk).astype(np.float32), held.risky, held.campaigns
    )
    found = guaranteed(low, RiskTarget(0.9, 0.02))
    assert (found.qualified, found.more_positives, found.positives) == (False, None, 2)
    # With half the error allowed for each: 0.98 ** 149 and 0.9 ** 29 are the first below 0.05.
    assert found.words.endswith(
        "What helps: at least 149 labelled campaigns in the threshold set and at least 29 labelled "
        "risky campaigns there, 2 now; and where recall stays as it is, a larger share to review, "
        "a lower recall or a better model"
    )
