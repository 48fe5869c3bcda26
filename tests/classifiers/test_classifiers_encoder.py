"""The encoder: what is learned and what is masked, stopping, resuming, explaining, its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adrisk.classifiers.base import Workshop
from adrisk.classifiers.encoder import EncoderClassifier, attribution
from adrisk.classifiers.encoder.batches import by_width, padded, shortened, shuffled
from adrisk.classifiers.encoder.examples import Examples, answers_of, held_back, one_of_each
from adrisk.classifiers.encoder.losses import balance_of
from adrisk.classifiers.encoder.network import Network, cumulative, freeze, learned
from adrisk.classifiers.encoder.scoring import TOLERANCE, furthest, halved
from adrisk.classifiers.encoder.source import load_base
from adrisk.classifiers.encoder.start import start_heads
from adrisk.errors import ConfigError, ModelError
from adrisk.labels import Targets
from adrisk.reading import Reading, prepare
from builders import RISKY, make_encoder, make_texts

QUICK: dict[str, Any] = {"learning_rate": 1e-3, "epochs": 3}


def ads(count: int = 120, positives: int = 40, seed: int = 0) -> tuple[Reading, Targets]:
    """Folded texts, and targets in which two neighbouring ads are one campaign."""
    texts, truth = make_texts(count, positives, seed)
    targets = Targets(
        ("document_retention",),
        truth[:, None].astype(np.float64),
        np.where(truth, 2, 0).astype(np.int64),
        campaigns=np.arange(count) // 2,
    )
    return prepare(texts, ["en"] * count), targets


@pytest.fixture(scope="module")
def fitted(tiny_encoder: Path) -> EncoderClassifier:
    return EncoderClassifier(encoder=str(tiny_encoder), **QUICK).fit(*ads())


# What is learned


def test_risk_is_asked_in_steps_and_a_soft_label_counts_as_far_as_it_reaches() -> None:
    shares = np.array([[0.5, 0.3, 0.2, 0.0], [1.0, 0, 0, 0], [np.nan] * 4])
    answers, counts = answers_of(
        Targets(("x",), np.array([[0.7], [np.nan], [0.0]]), np.array([0, 0, -1]), shares), ["x"]
    )
    np.testing.assert_allclose(answers[0], [0.5, 0.4, 0.0, 0.7])
    np.testing.assert_allclose(counts[0], [1.0, 0.5, 0.2, 1.0])
    np.testing.assert_array_equal(counts[1], [1, 0, 0, 0])  # at least 2 is not asked of a 0
    np.testing.assert_array_equal(counts[2], [0, 0, 0, 1])  # risk is not known


@given(st.lists(st.tuples(*[st.floats(-80, 80, allow_nan=False)] * 3), min_size=1, max_size=5))
def test_the_cumulative_margins_never_cross_and_are_finite(rows: list[tuple[float, ...]]) -> None:
    margins = cumulative(torch.tensor(rows, dtype=torch.float32))
    assert torch.isfinite(margins).all()
    assert (margins.diff(dim=1) <= 1e-9).all()


def test_the_cumulative_margins_are_the_odds_of_the_products() -> None:
    conditional = torch.tensor([[1.0, -0.5, 2.0]])
    wanted = torch.cumprod(conditional.double().sigmoid(), dim=1)
    torch.testing.assert_close(cumulative(conditional).sigmoid(), wanted)


def test_whole_campaigns_of_both_kinds_are_held_back() -> None:
    _, targets = ads(400, 120)
    held = held_back(targets, seed=3)
    assert not set(targets.campaigns[held]) & set(targets.campaigns[~held])
    assert 0.05 < held.mean() <= 0.1
    assert 0.05 < held[targets.risk >= 2].mean() < 0.15
    np.testing.assert_array_equal(held, held_back(targets, seed=3))
    assert not held_back(ads(40, 8)[1], seed=0).any()


def test_only_the_top_layers_learn_where_that_is_asked(tiny_encoder: Path) -> None:
    network = Network(load_base(str(tiny_encoder)).encoder, 1)
    freeze(network, 1)
    names = {name.split(".layer.")[-1].split(".")[0] for name, _ in learned(network)}
    assert names == {"1", "head", "link"}
    freeze(network, 0)
    assert {name.split(".")[0] for name, _ in learned(network)} == {"head", "link"}


def test_frozen_layers_come_out_as_they_went_in(tiny_encoder: Path) -> None:
    model = EncoderClassifier(encoder=str(tiny_encoder), train_layers=1, **QUICK).fit(*ads())
    before = load_base(str(tiny_encoder)).encoder.state_dict()
    after = model._network.encoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert "embeddings.word_embeddings.weight" in same
    assert all((".layer.1." in name) != (name in same) for name in before)


def test_training_stops_when_the_held_back_campaigns_no_longer_gain(tiny_encoder: Path) -> None:
    told: list[dict[str, float]] = []
    model = EncoderClassifier(
        encoder=str(tiny_encoder), learning_rate=2e-2, epochs=30, patience=1
    ).attend(Workshop(measured=lambda metrics, step: told.append(dict(metrics))))
    model.fit(*ads(200, 60))
    losses = [metrics["held_out_loss"] for metrics in told if "held_out_loss" in metrics]
    assert len(losses) < 30
    assert losses[-1] >= min(losses[:-1])
    assert model.facts()["held_out_loss"] == pytest.approx(min(losses))


def test_the_same_seed_gives_the_same_model_and_another_seed_another(tiny_encoder: Path) -> None:
    texts, targets = ads()
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
    texts, targets = ads(400, 120)
    whole = EncoderClassifier(encoder=str(tiny_encoder), **QUICK).fit(texts, targets)

    def killed(metrics: dict[str, float], step: int) -> None:
        if step == 10:
            raise KeyboardInterrupt

    cut = EncoderClassifier(encoder=str(tiny_encoder), **QUICK)
    with pytest.raises(KeyboardInterrupt):
        cut.attend(Workshop(tmp_path, killed, every_seconds=0)).fit(texts, targets)
    kept = [path.suffix for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == [".safetensors"]
    steps: list[int] = []
    resumed = EncoderClassifier(encoder=str(tiny_encoder), **QUICK)
    resumed.attend(Workshop(tmp_path, lambda metrics, step: steps.append(step))).fit(texts, targets)
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
        model().attend(Workshop(tmp_path, killed, every_seconds=0)).fit(*ads(400, 120))
    texts, targets = ads(120, 40, seed=1)
    told: list[int] = []
    workshop = Workshop(tmp_path, lambda metrics, step: told.append(step))
    found = model().attend(workshop).fit(texts, targets).margins(texts).risk
    np.testing.assert_array_equal(found, model().fit(texts, targets).margins(texts).risk)


def test_an_epoch_reads_one_ad_of_every_campaign_another_one_each_time() -> None:
    campaigns = np.repeat(np.arange(40), 5)
    chosen = [one_of_each(campaigns, np.random.default_rng(epoch)) for epoch in (0, 1)]
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
    network = Network(load_base(str(tiny_encoder)).encoder, 1, 2)
    start_heads(network, examples, balance_of(examples), smoothing=0.0)
    assert network.head.weight.abs().max() == 0
    truth = np.log(0.95 / 0.05)
    indicator = network.wide.weight[3].detach()
    assert indicator[0] == pytest.approx(2 * truth, rel=0.2)  # the ridge keeps it lower
    assert indicator[1].abs() < 1.0
    assert network.link.weight[0, 0] > 2.0  # risk hears it through the indicator
    assert network.wide.weight[0].abs().max() < 1.0


# Batches and precision


def test_a_long_ad_keeps_its_beginning_and_its_end() -> None:
    assert shortened(np.arange(100), 8).tolist() == [0, 1, 2, 3, 4, 5, 98, 99]
    assert shortened(np.arange(5), 8).tolist() == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(1, 70), max_size=60), st.integers(16, 200))
def test_every_ad_is_in_one_batch_as_wide_as_it_needs(lengths: list[int], room: int) -> None:
    seen = []
    for width, rows in by_width(lengths, 64, room):
        assert all(lengths[row] <= width < lengths[row] + 16 for row in rows)
        assert len(rows) == 1 or width * len(rows) <= room
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_an_epoch_has_every_ad_once_and_likes_together() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 500)
    batches = shuffled(lengths, 16, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(500))
    spread = np.mean([lengths[rows].max() - lengths[rows].min() for rows in batches])
    assert spread < 30


def test_what_pads_changes_no_answer(tiny_encoder: Path) -> None:
    network = Network(load_base(str(tiny_encoder)).encoder, 2).eval()
    row = np.arange(6, 20)
    with torch.inference_mode():
        narrow, wide = (
            network(*map(torch.from_numpy, padded([row], width, 0)), torch.zeros(1, 0))
            for width in (14, 64)
        )
    torch.testing.assert_close(narrow, wide, atol=1e-5, rtol=0)


def test_an_ad_scores_alike_whatever_stands_beside_it(fitted: EncoderClassifier) -> None:
    texts, _ = ads(60, 20, seed=4)
    together = fitted.margins(texts).risk
    apart = np.concatenate([fitted.margins(texts.take([i])).risk for i in range(len(texts))])
    np.testing.assert_allclose(together, apart, atol=1e-4)


def test_half_precision_stays_near_and_shares_no_weights(tiny_encoder: Path) -> None:
    """Whatever the hardware: without bfloat16 units it is slower, not different."""
    network = Network(load_base(str(tiny_encoder)).encoder, 2).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    half = halved(network)
    ids = torch.arange(6, 38)[None]
    real = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        full, near = (n(ids, real, torch.zeros(1, 0)).double().numpy() for n in (network, half))
    assert 0 < furthest(full, near) < TOLERANCE
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert half.head.weight.dtype == torch.float32


# Explaining


def test_integrated_gradients_miss_little_of_the_way(fitted: EncoderClassifier) -> None:
    """Before the rest is spread: the gradients alone against the blanked-out ad."""
    text = f"kitchen hotel season. {RISKY}"
    reading = prepare([text], ["en"])
    found = attribution.integrated(fitted._reader, fitted._settings["blank"], reading, [0, 1])
    columns = torch.from_numpy(fitted._reader.found(reading))
    tokens = attribution._read(fitted._reader, text)
    blanked = np.where(tokens.words, fitted._settings["blank"], tokens.ids)
    with torch.inference_mode():
        logits = [
            fitted._reader.network(torch.from_numpy(ids)[None], torch.ones(1, len(ids)), found)
            for ids, found in ((tokens.ids, columns), (blanked, 0 * columns))
        ]
    there, empty = (cumulative(part[:, :3])[0, 1] for part in logits)
    assert found[0].sum() == pytest.approx(float(there - empty), abs=0.05)
    assert found[1].sum() == pytest.approx(float(logits[0][0, 3] - logits[1][0, 3]), abs=0.05)


def test_some_heads_are_explained_as_all_of_them(fitted: EncoderClassifier) -> None:
    text = prepare([f"kitchen. {RISKY}"], ["en"])
    np.testing.assert_allclose(fitted.contributions_to(text, [1]), fitted.contributions(text)[1:])


def test_what_is_not_read_of_a_long_ad_explains_nothing(tiny_encoder: Path) -> None:
    model = EncoderClassifier(encoder=str(tiny_encoder), max_tokens=16, **QUICK).fit(*ads())
    text = "kitchen " * 10 + "garden " * 30 + RISKY
    found = model.contributions(prepare([text], ["en"]))[0]
    middle = text.index("garden") + 70
    assert (found[middle : middle + 70] == 0).all()
    assert np.abs(found[-len("paid") :]).min() > 0


# Where an encoder comes from, and its folder


def test_a_missing_folder_says_what_can_be_named_instead() -> None:
    with pytest.raises(ConfigError, match=r"no folder './nowhere'; name a local folder .* offline"):
        load_base("./nowhere")


def test_without_a_hub_a_hub_name_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"cannot be read or fetched .*`encoder: offline`"):
        load_base("example/no-such-encoder")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"precision": "int8"}, "must be one of auto, float32"),
        ({"epochs": 0}, r"epochs \(0\) must be at least 1"),
        ({"train_layers": -1}, "must not be below 0"),
        ({"smoothing": 1.0}, "must be from 0 up to 1"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EncoderClassifier(encoder="offline", **parameters).fit(*ads())


def test_a_folder_needs_no_base_to_load_and_holds_no_pickle(tmp_path: Path) -> None:
    base = make_encoder(tmp_path / "base")
    model = EncoderClassifier(encoder=str(base), **QUICK).fit(*ads())
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    for path in base.iterdir():
        path.unlink()
    again = EncoderClassifier.load(tmp_path / "saved", model.parameters(), model.labels_)
    texts, _ = ads(20, 5, seed=9)
    np.testing.assert_array_equal(again.margins(texts).risk, model.margins(texts).risk)
    risky = prepare([RISKY], ["en"])
    np.testing.assert_allclose(again.contributions(risky), model.contributions(risky), atol=1e-6)
    names = sorted(path.name for path in (tmp_path / "saved").iterdir())
    assert names == ["encoder.json", "tokenizer.json", "weights.safetensors"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("encoder.json", "{}", "file of another kind of model"),
        ("encoder.json", "{", "is not JSON"),
        ("tokenizer.json", "{}", "is not a tokeniser"),
        ("tokenizer.json", None, "incomplete or damaged"),
    ],
)
def test_a_damaged_file_is_named(
    fitted: EncoderClassifier, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    fitted.save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=message):
        EncoderClassifier.load(tmp_path, fitted.parameters(), fitted.labels_)


def test_an_unknown_architecture_is_refused(fitted: EncoderClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    settings = json.loads((tmp_path / "encoder.json").read_text())
    settings["config"]["model_type"] = "oracle"
    (tmp_path / "encoder.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="architecture is not one this transformers builds"):
        EncoderClassifier.load(tmp_path, fitted.parameters(), fitted.labels_)


def test_importing_the_families_loads_no_transformers() -> None:
    code = (
        "import sys, adrisk.classifiers, adrisk.config\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'captum'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_package_of_the_extra_offline_is_an_encoder() -> None:
    """The real weights: what is near in meaning is near in score, after a few steps on heads."""
    texts, targets = ads(64, 24)
    model = EncoderClassifier(
        encoder="offline", train_layers=0, epochs=6, learning_rate=1e-3, max_tokens=64
    ).fit(texts, targets)
    near = ["they keep my passport until i repay the journey", "a written contract, paid weekly"]
    risk = model.margins(prepare(near, ["en"] * 2)).risk[:, 1]
    assert risk[0] > risk[1]
