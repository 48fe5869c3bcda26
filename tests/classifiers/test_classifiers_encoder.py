"""The encoder: batches and precision, explaining, where it comes from, its folder."""

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

from adrisk.batch import make_batch
from adrisk.classifiers.encoder import attribution
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.encoder.data import batches_by_width, head_and_tail, pad
from adrisk.classifiers.encoder.inference import TOLERANCE, half_precision_copy, largest_difference
from adrisk.classifiers.encoder.network import Network, cumulative, device
from adrisk.classifiers.encoder.pretrained import DEFAULT, load_pretrained
from adrisk.errors import ConfigError, ModelError
from adrisk.progress import set_progress
from builders import RISKY, make_encoder, make_learning

QUICK: dict[str, Any] = {"learning_rate": 1e-3, "epochs": 3}


@pytest.fixture(scope="module")
def fitted(tiny_encoder: Path) -> EncoderClassifier:
    return EncoderClassifier(encoder=str(tiny_encoder), **QUICK).fit(*make_learning())


# The answers


@given(st.lists(st.tuples(*[st.floats(-80, 80, allow_nan=False)] * 3), min_size=1, max_size=5))
def test_the_cumulative_margins_never_cross_and_are_finite(rows: list[tuple[float, ...]]) -> None:
    margins = cumulative(torch.tensor(rows, dtype=torch.float32))
    assert torch.isfinite(margins).all()
    assert (margins.diff(dim=1) <= 1e-9).all()


def test_the_cumulative_margins_are_the_odds_of_the_products() -> None:
    conditional = torch.tensor([[1.0, -0.5, 2.0]])
    wanted = torch.cumprod(conditional.double().sigmoid(), dim=1)
    torch.testing.assert_close(cumulative(conditional).sigmoid(), wanted)


# Batches and precision


def test_a_long_ad_keeps_its_beginning_and_its_end() -> None:
    assert head_and_tail(np.arange(100), 8).tolist() == [0, 1, 2, 3, 4, 5, 98, 99]
    assert head_and_tail(np.arange(5), 8).tolist() == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(1, 70), max_size=60), st.integers(16, 200))
def test_every_ad_is_in_one_batch_as_wide_as_it_needs(lengths: list[int], room: int) -> None:
    seen = []
    for width, rows in batches_by_width(lengths, 64, room):
        assert all(lengths[row] <= width < lengths[row] + 16 for row in rows)
        assert len(rows) == 1 or width * len(rows) <= room
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_what_pads_changes_no_answer(tiny_encoder: Path) -> None:
    network = Network(load_pretrained(str(tiny_encoder)).encoder, 2).eval()
    row = np.arange(6, 20)
    with torch.inference_mode():
        narrow, wide = (
            network(*map(torch.from_numpy, pad([row], width, 0)), torch.zeros(1, 0))
            for width in (14, 64)
        )
    torch.testing.assert_close(narrow, wide, atol=1e-5, rtol=0)


def test_an_ad_scores_alike_whatever_stands_beside_it(fitted: EncoderClassifier) -> None:
    texts, _ = make_learning(60, 20, seed=4)
    together = fitted.margins(texts).risk
    apart = np.concatenate([fitted.margins(texts.take([i])).risk for i in range(len(texts))])
    np.testing.assert_allclose(together, apart, atol=1e-4)


def test_half_precision_stays_near_and_shares_no_weights(tiny_encoder: Path) -> None:
    """Whatever the hardware: without bfloat16 units it is slower, not different."""
    network = Network(load_pretrained(str(tiny_encoder)).encoder, 2).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    half = half_precision_copy(network)
    ids = torch.arange(6, 38)[None]
    real = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        full, near = (n(ids, real, torch.zeros(1, 0)).double().numpy() for n in (network, half))
    assert 0 < largest_difference(full, near) < TOLERANCE
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert half.head.weight.dtype == torch.float32


# Explaining


def test_integrated_gradients_miss_little_of_the_way(fitted: EncoderClassifier) -> None:
    """Before the rest is spread: the gradients alone against the blanked-out ad."""
    text = f"kitchen hotel season. {RISKY}"
    batch = make_batch([text], ["en"])
    found = attribution.integrated_gradients(
        fitted._predictor, fitted._settings["blank"], batch, [0, 1]
    )
    columns = torch.from_numpy(fitted._predictor.rule_features(batch)).to(device())
    tokens = attribution._tokenise(fitted._predictor, text)
    blanked = np.where(tokens.words, fitted._settings["blank"], tokens.ids)
    with torch.inference_mode():
        logits = [
            fitted._predictor.network(
                torch.from_numpy(ids)[None].to(device()),
                torch.ones(1, len(ids), device=device()),
                found,
            ).cpu()
            for ids, found in ((tokens.ids, columns), (blanked, 0 * columns))
        ]
    there, empty = (cumulative(part[:, :3])[0, 1] for part in logits)
    assert found[0].sum() == pytest.approx(float(there - empty), abs=0.05)
    assert found[1].sum() == pytest.approx(float(logits[0][0, 3] - logits[1][0, 3]), abs=0.05)


def test_some_heads_are_explained_as_all_of_them(fitted: EncoderClassifier) -> None:
    text = make_batch([f"kitchen. {RISKY}"], ["en"])
    np.testing.assert_allclose(fitted.contributions_to(text, [1]), fitted.contributions(text)[1:])


def test_what_is_not_read_of_a_long_ad_explains_nothing(tiny_encoder: Path) -> None:
    model = EncoderClassifier(encoder=str(tiny_encoder), max_tokens=16, **QUICK).fit(
        *make_learning()
    )
    text = "kitchen " * 10 + "garden " * 30 + RISKY
    found = model.contributions(make_batch([text], ["en"]))[0]
    middle = text.index("garden") + 70
    assert (found[middle : middle + 70] == 0).all()
    assert np.abs(found[-len("paid") :]).min() > 0


# Where an encoder comes from, and its folder


def test_a_missing_folder_says_what_can_be_named_instead() -> None:
    with pytest.raises(ConfigError, match=r"no folder './nowhere'; name a local folder .* offline"):
        load_pretrained("./nowhere")


def test_without_a_hub_a_hub_name_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"cannot be read or fetched .*`encoder: offline`"):
        load_pretrained("example/no-such-encoder")


def test_what_a_hub_is_asked_for_is_said_before_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    tiny_encoder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import huggingface_hub
    import transformers

    heard = []

    def asked(*_: object, **__: object) -> None:
        heard.append(capsys.readouterr().err)
        raise OSError("no network here")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", asked)
    set_progress("lines")
    try:
        for name in (DEFAULT, str(tiny_encoder)):
            with pytest.raises(ModelError, match="no network here"):
                load_pretrained(name)
    finally:
        set_progress("off")
    assert heard == [f"fetching the encoder {DEFAULT} from https://huggingface.co/{DEFAULT}\n", ""]


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
        EncoderClassifier(encoder="offline", **parameters).fit(*make_learning())


def test_a_folder_needs_no_base_to_load_and_holds_no_pickle(tmp_path: Path) -> None:
    base = make_encoder(tmp_path / "base")
    model = EncoderClassifier(encoder=str(base), **QUICK).fit(*make_learning())
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    for path in base.iterdir():
        path.unlink()
    again = EncoderClassifier.load(tmp_path / "saved", model.parameters(), model.labels_)
    texts, _ = make_learning(20, 5, seed=9)
    np.testing.assert_array_equal(again.margins(texts).risk, model.margins(texts).risk)
    risky = make_batch([RISKY], ["en"])
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


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("config", "auto_map", {"AutoModel": "somebody/code--m.Model"}, "could run code"),
        ("config", "_attn_implementation", "somebody/kernels", "could run code"),
        ("config", "text_config", {"attn_implementation": "somebody/kernels"}, "could run code"),
        ("config", "layers", [{"attn_implementation": "somebody/kernels"}], "could run code"),
        ("config", "quantization_config", {"quant_method": "fp8"}, "could run code"),
        ("config", "num_hidden_layers", 10**9, "implausible 'num_hidden_layers'"),
        ("config", "hidden_size", 10**9, "implausible 'hidden_size'"),
        ("config", "intermediate_size", 4_000_000, "more weights than its file holds"),
        ("config", "hidden_size", -32, "architecture is not one"),
        ("config", "num_attention_heads", 0, "architecture is not one"),
        ("config", "vocab_size", 10, "different models"),
        ("", "longest", 10**9, "that no encoder has"),
        ("", "blank", -1, "that no encoder has"),
        ("", "filler", 10**6, "that no encoder has"),
        ("", "found", [1], "that no encoder has"),
    ],
)
def test_an_architecture_that_asks_for_code_or_for_all_memory_is_refused(
    fitted: EncoderClassifier, tmp_path: Path, where: str, key: str, value: object, message: str
) -> None:
    fitted.save(tmp_path)
    settings = json.loads((tmp_path / "encoder.json").read_text())
    (settings[where] if where else settings)[key] = value
    (tmp_path / "encoder.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=message):
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
    texts, targets = make_learning(64, 24)
    model = EncoderClassifier(
        encoder="offline", train_layers=0, epochs=6, learning_rate=1e-3, max_tokens=64
    ).fit(texts, targets)
    near = ["they keep my passport until i repay the journey", "a written contract, paid weekly"]
    risk = model.margins(make_batch(near, ["en"] * 2)).risk[:, 1]
    assert risk[0] > risk[1]
