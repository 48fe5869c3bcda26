"""Training the encoder: what is learned and what is masked, where it begins, stops and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import average_precision_score

from adrisk.classifiers.base import RISKY_COLUMN, TrainContext
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.encoder.data import (
    Examples,
    head_targets,
    held_out_rows,
    sample_per_campaign,
    shuffled_batches,
)
from adrisk.classifiers.encoder.losses import (
    Balance,
    class_balance,
    elementwise_loss,
    start_heads,
    training_loss,
)
from adrisk.classifiers.encoder.network import Network, freeze, trainable_parameters
from adrisk.classifiers.encoder.pretrained import load_pretrained
from adrisk.classifiers.encoder.training import _remove_class_weights
from adrisk.labels.targets import Targets
from builders import make_learning

QUICK: dict[str, Any] = {"learning_rate": 1e-3, "epochs": 3}


def test_risk_is_asked_in_steps_and_a_soft_label_counts_as_far_as_it_reaches() -> None:
    shares = np.array([[0.5, 0.3, 0.2, 0.0], [1.0, 0, 0, 0], [np.nan] * 4])
    answers, counts = head_targets(
        Targets(("x",), np.array([[0.7], [np.nan], [0.0]]), np.array([0, 0, -1]), shares), ["x"]
    )
    np.testing.assert_allclose(answers[0], [0.5, 0.4, 0.0, 0.7])
    np.testing.assert_allclose(counts[0], [1.0, 0.5, 0.2, 1.0])
    np.testing.assert_array_equal(counts[1], [1, 0, 0, 0])  # at least 2 is not asked of a 0
    np.testing.assert_array_equal(counts[2], [0, 0, 0, 1])  # risk is not known


def test_whole_campaigns_of_both_kinds_are_held_back() -> None:
    _, targets = make_learning(400, 120)
    held = held_out_rows(targets, seed=3)
    assert not set(targets.campaigns[held]) & set(targets.campaigns[~held])
    assert 0.05 < held.mean() <= 0.1
    assert 0.05 < held[targets.risk >= 2].mean() < 0.15
    np.testing.assert_array_equal(held, held_out_rows(targets, seed=3))
    assert not held_out_rows(make_learning(40, 8)[1], seed=0).any()


def test_only_the_top_layers_learn_where_that_is_asked(tiny_encoder: Path) -> None:
    network = Network(load_pretrained(str(tiny_encoder)).encoder, 1)
    freeze(network, 1)
    names = {name.split(".layer.")[-1].split(".")[0] for name, _ in trainable_parameters(network)}
    assert names == {"1", "head", "link"}
    freeze(network, 0)
    assert {name.split(".")[0] for name, _ in trainable_parameters(network)} == {"head", "link"}


def test_frozen_layers_come_out_as_they_went_in(tiny_encoder: Path) -> None:
    model = EncoderClassifier(encoder=str(tiny_encoder), train_layers=1, **QUICK).fit(
        *make_learning()
    )
    before = load_pretrained(str(tiny_encoder)).encoder.state_dict()
    after = model._network.encoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert "embeddings.word_embeddings.weight" in same
    assert all((".layer.1." in name) != (name in same) for name in before)


def test_training_stops_when_the_held_back_campaigns_no_longer_gain(tiny_encoder: Path) -> None:
    told: list[dict[str, float]] = []
    model = EncoderClassifier(
        encoder=str(tiny_encoder), learning_rate=2e-2, epochs=30, patience=1
    ).set_context(TrainContext(log_metrics=lambda metrics, step: told.append(dict(metrics))))
    model.fit(*make_learning(200, 60))
    losses = [metrics["held_out_loss"] for metrics in told if "held_out_loss" in metrics]
    assert len(losses) < 30
    assert losses[-1] >= min(losses[:-1])
    assert model.facts()["held_out_loss"] == pytest.approx(min(losses))


def test_the_same_seed_gives_the_same_model_and_another_seed_another(tiny_encoder: Path) -> None:
    texts, targets = make_learning()
    first, again, other = (
        EncoderClassifier(encoder=str(tiny_encoder), seed=seed, **QUICK)
        .fit(texts, targets)
        .margins(texts)
        .risk
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_a_killed_training_goes_on_to_the_same_result(tiny_encoder: Path, tmp_path: Path) -> None:
    texts, targets = make_learning(400, 120)
    whole = EncoderClassifier(encoder=str(tiny_encoder), **QUICK).fit(texts, targets)

    def killed(metrics: dict[str, float], step: int) -> None:
        if step == 10:
            raise KeyboardInterrupt

    cut = EncoderClassifier(encoder=str(tiny_encoder), **QUICK)
    with pytest.raises(KeyboardInterrupt):
        cut.set_context(TrainContext(tmp_path, killed, every_seconds=0)).fit(texts, targets)
    kept = [path.suffix for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == [".safetensors"]
    steps: list[int] = []
    resumed = EncoderClassifier(encoder=str(tiny_encoder), **QUICK)
    resumed.set_context(TrainContext(tmp_path, lambda metrics, step: steps.append(step))).fit(
        texts, targets
    )
    assert min(steps) == 10  # the first epoch, told of at step 6, is not learned again
    np.testing.assert_allclose(
        resumed.margins(texts).risk, whole.margins(texts).risk, rtol=0, atol=1e-5
    )
    assert not list(tmp_path.iterdir())  # nothing is left once it is done


def test_another_corpus_does_not_take_up_a_kept_state(tiny_encoder: Path, tmp_path: Path) -> None:
    def killed(metrics: dict[str, float], step: int) -> None:
        raise KeyboardInterrupt

    def model() -> EncoderClassifier:
        return EncoderClassifier(encoder=str(tiny_encoder), **QUICK)

    with pytest.raises(KeyboardInterrupt):
        model().set_context(TrainContext(tmp_path, killed, every_seconds=0)).fit(
            *make_learning(400, 120)
        )
    texts, targets = make_learning(120, 40, seed=1)
    told: list[int] = []
    context = TrainContext(tmp_path, lambda metrics, step: told.append(step))
    found = model().set_context(context).fit(texts, targets).margins(texts).risk
    np.testing.assert_array_equal(found, model().fit(texts, targets).margins(texts).risk)


def test_an_epoch_reads_one_ad_of_every_campaign_another_one_each_time() -> None:
    campaigns = np.repeat(np.arange(40), 5)
    chosen = [sample_per_campaign(campaigns, np.random.default_rng(epoch)) for epoch in (0, 1)]
    for rows in chosen:
        assert campaigns[rows].tolist() == list(range(40))
    assert (chosen[0] != chosen[1]).mean() > 0.5


def test_learning_begins_where_the_findings_alone_lead(tiny_encoder: Path) -> None:
    """Planted: the first column says all, the second nothing; the text has taught nothing yet."""
    rng = np.random.default_rng(0)
    found = (rng.random((3000, 2)) < 0.3).astype(np.float32)
    answers = np.where(rng.random((3000, 1)) < 0.05, 1 - found[:, :1], found[:, :1])
    answers = np.concatenate([answers, np.full((3000, 2), np.nan), answers], axis=1)
    examples = Examples(
        [np.arange(5)] * 3000, found, np.arange(3000), answers, (~np.isnan(answers)).astype(float)
    )
    network = Network(load_pretrained(str(tiny_encoder)).encoder, 1, 2)
    start_heads(network, examples, class_balance(examples), smoothing=0.0)
    assert network.head.weight.abs().max() == 0
    truth = np.log(0.95 / 0.05)
    indicator = network.wide.weight[3].detach()
    assert indicator[0] == pytest.approx(2 * truth, rel=0.2)  # the ridge keeps it lower
    assert indicator[1].abs() < 1.0
    assert network.link.weight[0, 0] > 2.0  # risk hears it through the indicator
    assert network.wide.weight[0].abs().max() < 1.0


def rare(count: int, present: int, copies: int = 1) -> Examples:
    """Ads of which so many campaigns are at least risk 1 and show the one indicator.

    The first of these campaigns has so many ads instead of one.
    """
    truth = (np.arange(count) < present).astype(np.float64)
    campaigns = np.arange(count)
    truth = np.concatenate([truth, np.ones(copies - 1)])
    campaigns = np.concatenate([campaigns, np.zeros(copies - 1, dtype=int)])
    nothing = np.full_like(truth, np.nan)
    answers = np.stack([truth, nothing, nothing, truth], axis=1)
    return Examples(
        [np.arange(5)] * len(truth),
        np.zeros((len(truth), 0), dtype=np.float32),
        campaigns,
        answers,
        (~np.isnan(answers)).astype(float),
    )


@pytest.mark.parametrize("copies", [1, 20])
def test_the_rarer_answer_weighs_by_the_root_of_the_imbalance_a_campaign_once(copies: int) -> None:
    balance = class_balance(rare(99, 4, copies))
    share = (4 + 0.5) / (99 + 1)
    assert balance.prevalence[0] == pytest.approx(share)
    assert balance.prevalence[3] == pytest.approx(share)
    assert balance.weight[3] == pytest.approx(np.sqrt((1 - share) / share))
    assert balance.weight[1] == pytest.approx(1.0)  # of what is nowhere known


def test_no_answer_weighs_more_than_ten_times_the_other() -> None:
    assert class_balance(rare(5000, 1)).weight[3] == pytest.approx(10.0)
    assert class_balance(rare(5000, 4999)).weight[3] == pytest.approx(0.1)


def test_the_loss_weighs_present_answers_and_moves_targets_to_the_prevalence() -> None:
    examples = rare(2, 1)
    balance = Balance(torch.full((4,), 0.05), torch.full((4,), 3.0))
    logits = torch.full((2, 4), -1.0)
    each = elementwise_loss(logits, examples, balance, smoothing=0.2).numpy()
    yes, no = -np.log(1 / (1 + np.exp(1.0))), -np.log(1 / (1 + np.exp(-1.0)))
    for row, target in enumerate((0.8 * 1 + 0.2 * 0.05, 0.8 * 0 + 0.2 * 0.05)):
        expected = 3.0 * target * yes + (1 - target) * no
        assert each[row, [0, 3]] == pytest.approx(expected, rel=1e-5)
    assert (each[:, 1:3] == 0).all()  # not asked
    mean = each[:, 0].sum() / 2 + 4.0 * each[:, 3].sum() / 2
    assert training_loss(logits, examples, balance, 0.2).item() == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.3])
def test_learning_begins_at_the_prevalence_once_the_lift_is_taken_off(
    tiny_encoder: Path, smoothing: float
) -> None:
    """Smoothing moves targets towards the prevalence, and so moves nothing at the prevalence."""
    examples = rare(2000, 100)
    balance = class_balance(examples)
    network = Network(load_pretrained(str(tiny_encoder)).encoder, 1)
    start_heads(network, examples, balance, smoothing)
    share = 100.5 / 2001
    assert network.lift[0] == pytest.approx(0.5 * np.log((1 - share) / share), rel=1e-5)
    shown = torch.sigmoid(network.head.bias[3] - network.lift[0]).item()
    assert shown == pytest.approx(share, rel=1e-5)
    # And there the weighed and smoothed loss is at its lowest.
    bias = network.head.bias[3].detach()
    losses = [
        elementwise_loss((bias + step).expand(2000, 4), examples, balance, smoothing)[:, 3]
        .mean()
        .item()
        for step in (-0.05, 0.0, 0.05)
    ]
    assert losses[1] < min(losses[0], losses[2])
    _remove_class_weights(network, balance)
    assert network.lift.tolist() == [0.0]
    assert torch.sigmoid(network.head.bias[3]).item() == pytest.approx(share, rel=1e-5)


@pytest.mark.slow
def test_one_risky_ad_in_twenty_is_told_from_the_others_and_as_rare_as_it_is(
    tiny_encoder: Path,
) -> None:
    model = EncoderClassifier(
        encoder=str(tiny_encoder), learning_rate=3e-3, epochs=6, findings=False
    ).fit(*make_learning(800, 40))
    batch, targets = make_learning(800, 40, seed=9)
    risky = targets.risk >= 2
    margins = model.margins(batch)
    for logits in (margins.risk[:, RISKY_COLUMN], margins.indicators[:, 0]):
        assert average_precision_score(risky, logits) > 0.9
        assert 0.02 < expit(logits).mean() < 0.1  # what weighed more was taken out again


def test_an_epoch_has_every_ad_once_and_likes_together() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 500)
    batches = shuffled_batches(lengths, 16, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(500))
    spread_residual = np.mean([lengths[rows].max() - lengths[rows].min() for rows in batches])
    assert spread_residual < 30
