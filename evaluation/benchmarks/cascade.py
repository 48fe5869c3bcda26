"""What the cascade keeps of the encoder's average precision, and what it costs of its time.

    python evaluation/benchmarks/cascade.py [--ads 3000] [--train 12000] [--model FOLDER]

The encoder reads all ads; the cascade, which holds the same encoder, all of them with the fast
family and few of them again; both in one process, on ads of another seed than those it was fitted
and settled on, whole campaigns and templates apart. Intervals are campaign bootstraps; the
ratio's is paired: both sides on the same draws. The ads are synthetic: this compares the sides
and says nothing of the field.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from corpora import ads_to_score, training_ads

from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.classifiers.cascade import CascadeClassifier
from adrisk.config import TrainConfig, load
from adrisk.engine import cores
from adrisk.metrics import Estimate, average_precision, estimate
from adrisk.model import Model
from adrisk.reading import prepare
from adrisk.stages import fit_model, load_corpus
from adrisk.stages.corpus import campaign_numbers
from adrisk.stages.train import split_corpus
from adrisk.types import RISKY

CONFIG = Path(__file__).parents[2] / "configs" / "train" / "cascade.yaml"


def main() -> None:
    """Train or load a cascade, read the ads both ways, print the table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
        place = Path(scratch)
        model = _model(arguments, place)
        table = pq.read_table(ads_to_score(place / "ads.parquet", arguments.ads))
    if "split" in table.column_names:
        table = table.filter(pc.equal(table["split"], "test"))
    cascade = model.classifier
    if not isinstance(cascade, CascadeClassifier):
        raise SystemExit("give a model of the family cascade")
    folded = prepare(table["text"], table["language"].to_pylist())
    cascade.margins(folded.slice(0, 64))
    cascade._encoder.margins(folded.slice(0, 64))

    begun = time.perf_counter()
    whole = cascade._encoder.margins(folded).risk[:, RISKY_COLUMN]
    encoder_seconds = time.perf_counter() - begun
    seconds = []
    for _ in range(arguments.runs):
        begun = time.perf_counter()
        few = cascade.margins(folded).risk[:, RISKY_COLUMN]
        seconds.append(time.perf_counter() - begun)
    fast = cascade._fast.margins(folded).risk[:, RISKY_COLUMN]
    share = float(cascade.reread(folded).mean())

    risk = np.array(table["risk"].to_pylist())
    truth = np.asarray(risk >= RISKY)
    campaigns = campaign_numbers(table)
    print(
        f"{cores()} cores ({platform.machine()}), {torch.get_num_threads()} threads, Python "
        f"{platform.python_version()}; {len(table):,} ads in {len(np.unique(campaigns)):,} "
        f"campaigns, {int(truth.sum()):,} risky ({truth.mean():.1%}); fitted on "
        f"{model.manifest.trained_on.ads:,} ads\n"
    )
    metrics = {
        name: average_precision(truth, margin)
        for name, margin in (("fast alone", fast), ("encoder alone", whole), ("cascade", few))
    }
    shown = {
        **metrics,
        "cascade / encoder, paired": lambda w: metrics["cascade"](w) / metrics["encoder alone"](w),
    }
    for name, metric in shown.items():
        figure = estimate(metric, campaigns, positives=int(truth.sum()))
        print(f"average precision, {name:26} {_words(figure)}")
    print(
        f"\ntime, encoder {encoder_seconds:.2f} s, cascade {median(seconds):.2f} s (median of "
        f"{len(seconds)}): {median(seconds) / encoder_seconds:.2%} of the encoder's "
        f"[{min(seconds) / encoder_seconds:.2%}, {max(seconds) / encoder_seconds:.2%}]"
    )
    print(f"reread: {share:.2%} of these ads; {model.manifest.facts['reread_because']}")


def _model(arguments: argparse.Namespace, place: Path) -> Model:
    if arguments.model is not None:
        return Model.load(arguments.model)
    config = load(CONFIG, TrainConfig)
    encoder = {**config.parameters["encoder"], "epochs": arguments.epochs}
    encoder["encoder"] = arguments.encoder or encoder["encoder"]
    config = config.model_copy(update={"parameters": {**config.parameters, "encoder": encoder}})
    corpus = load_corpus([str(training_ads(place / "training.parquet", arguments.train))])
    model = fit_model(config, corpus, split_corpus(corpus, config.seed))
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
        model = model.save(arguments.keep)
    return model


def _words(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=3000, help="made; those marked test are read")
    parser.add_argument("--runs", type=int, default=3, help="of the cascade")
    parser.add_argument("--train", type=int, default=12_000, help="synthetic ads to fit on")
    parser.add_argument("--encoder", help="hub name or folder, instead of the configuration's")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--model", type=Path, help="a model folder, instead of fitting one")
    parser.add_argument("--keep", type=Path, help="where to save the model that is fitted")
    return parser.parse_args()


if __name__ == "__main__":
    main()
