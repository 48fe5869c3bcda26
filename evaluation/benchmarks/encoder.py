"""Speed and answers of the encoder compared with `transformers.pipeline` at its defaults.

    python evaluation/benchmarks/encoder.py [--ads 400] [--runs 3] [--model FOLDER] [--out FILE]

Both sides run the same fitted network on the same ads in one process, in turn. The pipeline
"text-classification" gives the probability of every head, one ad after another in float32, its
default. adrisk sorts by length and multiplies in bfloat16 if the hardware has it. The rules are not
used, so only the network is compared. Without `--model` (of the family encoder or cascade) the
encoder of the extra `offline` is fitted for one epoch on its top layer, enough for varied scores.
Ads longer than the network can read are left out, as the sides cut them in different places. Writes
evaluation/results/encoder.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from corpora import SCORE_SEED, ads_to_score, answered, training_ads
from scipy.special import expit
from transformers import PreTrainedModel, PreTrainedTokenizerFast, pipeline
from transformers.modeling_outputs import SequenceClassifierOutput

from adrisk.api import fit_model, load_corpus
from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.base import RISK_HEADS, RISKY_COLUMN
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.encoder.network import Network, cumulative
from adrisk.classifiers.encoder.pretrained import silenced
from adrisk.config import ModelConfig
from adrisk.errors import UsageError
from adrisk.model.model import Model
from adrisk.parallel import cores
from adrisk.rules.match import RuleHits
from adrisk.rules.ruleset import load_ruleset
from adrisk.training.train import split_corpus
from adrisk.types import FloatArray

LONGEST = 512
WARM = 16
RESULTS = Path(__file__).parents[1] / "results" / "encoder.json"


class Wrapped(PreTrainedModel):  # type: ignore[misc]
    """The network as a transformers model with one logit per head, for the pipeline."""

    _supports_sdpa = True  # as the network inside it does; it has no attention of its own

    def __init__(self, network: Network) -> None:
        config = network.encoder.config
        config.num_labels = network.head.out_features
        config.problem_type = "multi_label_classification"
        config.id2label = {i: f"head {i:03d}" for i in range(config.num_labels)}
        super().__init__(config)
        self.network = network
        self.found = 0 if network.wide is None else network.wide.in_features

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: object
    ) -> SequenceClassifierOutput:
        """Margins of the three risk questions and the indicators."""
        nothing = torch.zeros(len(input_ids), self.found, device=input_ids.device)
        logits = self.network(input_ids, attention_mask, nothing)
        risk = cumulative(logits[:, :RISK_HEADS])
        together = torch.cat([risk, logits[:, RISK_HEADS:].double()], dim=1)
        return SequenceClassifierOutput(logits=together)


def main() -> None:
    """Fit or load a model, run both sides in turn, print both and their ratio."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
        place = Path(scratch)
        encoder = _encoder(arguments, place)
        ads = ads_to_score(place / "ads.parquet", arguments.ads)
        folded = make_batch(pq.read_table(ads)["text"]).folded
    texts = [text for text in folded.to_pylist() if _tokens(encoder, text) <= _longest(encoder)]
    sides = {"transformers.pipeline": _theirs(encoder), "adrisk": _ours(encoder)}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    answers: dict[str, FloatArray] = {}
    for work in sides.values():
        work(texts[:WARM])
    for _ in range(arguments.runs):
        for side, work in sides.items():
            begun = time.perf_counter()
            answers[side] = work(texts)
            seconds[side].append(time.perf_counter() - begun)
    ratios = [theirs / ours for theirs, ours in zip(*seconds.values(), strict=True)]
    differences = np.abs(np.subtract(*answers.values()))
    found = {
        "command": "python evaluation/benchmarks/encoder.py"
        + ("" if arguments.model is None else " --model FOLDER (adrisk train made it)"),
        "data": f"synthetic ads, seed {SCORE_SEED}: the same to both sides",
        "machine": f"{cores()} cores ({platform.machine()}), {torch.get_num_threads()} threads",
        "python": platform.python_version(),
        "encoder": "of the model" if arguments.model is not None else arguments.encoder,
        "multiplied_in": "bfloat16" if encoder._predictor.half else "float32",
        "ads": len(texts),
        "left_out_as_too_long": len(folded) - len(texts),
        "runs": arguments.runs,
        "seconds": {side: [round(one, 3) for one in taken] for side, taken in seconds.items()},
        "ads_a_second": {
            side: round(len(texts) / median(taken), 1) for side, taken in seconds.items()
        },
        "times_the_ads": {
            "median": round(median(ratios), 3),
            "lowest": round(min(ratios), 3),
            "highest": round(max(ratios), 3),
        },
        "heads": differences.shape[1],
        "largest_difference": {
            "any head": round(float(differences.max()), 5),
            "risk": round(float(differences[:, RISKY_COLUMN].max()), 5),
        },
    }
    _print(found)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _print(found: dict[str, Any]) -> None:
    print(
        f"{found['machine']}, Python {found['python']}; {found['ads']:,} ads, "
        f"{found['left_out_as_too_long']:,} left out as too long; {found['runs']} runs of each "
        f"side in turn; adrisk multiplied in {found['multiplied_in']}\n"
    )
    for side, rate in found["ads_a_second"].items():
        print(f"{side:24} {rate:>8.1f} ads/s, median")
    times, largest = found["times_the_ads"], found["largest_difference"]
    print(
        f"\nadrisk / pipeline        {times['median']:.2f} times the ads/s "
        f"[{times['lowest']:.2f}, {times['highest']:.2f} lowest and highest pair]"
    )
    print(
        f"largest difference of a probability: {largest['any head']:.4f} over "
        f"{found['heads']} heads; of risk: {largest['risk']:.4f}"
    )


def _encoder(arguments: argparse.Namespace, place: Path) -> EncoderClassifier:
    if arguments.model is not None:
        classifier = Model.load(arguments.model).classifier
        found = getattr(classifier, "_encoder", classifier)
        if not isinstance(found, EncoderClassifier):
            raise UsageError("give a model of the family encoder or cascade")
        return found
    corpus = load_corpus([str(training_ads(place / "training.parquet", arguments.train))])
    parameters = {
        "encoder": arguments.encoder,
        "train_layers": 1,
        "epochs": 1,
        "learning_rate": 3e-4,
        "max_tokens": LONGEST,
    }
    config = ModelConfig(family="encoder", parameters=parameters)
    fitted = fit_model(config, corpus, split_corpus(corpus, 0)).classifier
    if not isinstance(fitted, EncoderClassifier):
        raise TypeError("the family encoder has another classifier")
    return fitted


def _longest(encoder: EncoderClassifier) -> int:
    return int(encoder._settings["longest"])


def _tokens(encoder: EncoderClassifier, text: str) -> int:
    return len(encoder._tokeniser.encode(text).ids)


def _ours(encoder: EncoderClassifier) -> Callable[[list[str]], FloatArray]:
    def work(texts: list[str]) -> FloatArray:
        margins = encoder.margins(_batch_without_hits(texts))
        return np.asarray(expit(np.concatenate([margins.risk, margins.indicators], axis=1)))

    return work


def _batch_without_hits(texts: list[str]) -> TextBatch:
    """A batch of folded texts without rule hits."""
    folded = pa.array(texts, pa.large_string())
    count = len(texts)
    batch = TextBatch(
        folded,
        folded,
        np.zeros(count, dtype=np.bool_),
        [None] * count,
        [None] * count,
        load_ruleset(),
    )
    none = np.zeros(0, dtype=np.int64)
    batch._rule_hits = RuleHits(
        ads=count,
        ad=none,
        indicator=none.astype(np.int16),
        present=none.astype(np.bool_),
        start=none.astype(np.int32),
        end=none.astype(np.int32),
    )
    return batch


def _theirs(encoder: EncoderClassifier) -> Callable[[list[str]], FloatArray]:
    import transformers

    tokeniser = PreTrainedTokenizerFast(
        tokenizer_object=encoder._tokeniser,
        pad_token=encoder._tokeniser.id_to_token(encoder._settings["filler"]),
        model_max_length=_longest(encoder),
    )
    with silenced(transformers):
        ready = pipeline(
            "text-classification", model=Wrapped(encoder._network), tokenizer=tokeniser
        )

    def work(texts: list[str]) -> FloatArray:
        found = ready(texts, top_k=None)  # every head's answer, not only the highest
        ordered = [sorted(ad, key=lambda head: head["label"]) for ad in found]
        return np.array([[head["score"] for head in ad] for ad in ordered])

    return work


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=400)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--train", type=int, default=600, help="synthetic ads to fit on")
    parser.add_argument("--encoder", default="offline", help="hub name, folder, or offline")
    parser.add_argument("--model", type=Path, help="a model folder, instead of fitting one")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="RESULTS.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(answered(main))
