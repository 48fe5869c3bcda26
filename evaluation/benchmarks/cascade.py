"""Average precision and time of the cascade as shares of those of its encoder.

    python evaluation/benchmarks/cascade.py [--ads 12000] [--model FOLDER] [--runs 3]

The encoder scores all ads. The cascade, with the same encoder, scores all with the fast family and
few of them again. Both run in one process on ads of another seed than the training ads, with other
campaigns and templates. Without `--model` one is trained as in configs/train/cascade.yaml.

Both sides use the rule features, so the rules, with an empty sentence cache, are part of both
times. Seconds are wall-clock; processor seconds of all threads are given for shared machines.
Intervals are campaign bootstraps; those of ratios are paired (the same draws for both sides). The
ads are synthetic: the benchmark compares the sides and does not show quality on real ads. Writes
evaluation/results/cascade.json.
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
from typing import Any, TypeVar

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from corpora import SCORE_SEED, ads_to_score, answered

from adrisk.api import fit_model, load_corpus
from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.classifiers.cascade import CascadeClassifier
from adrisk.config import TrainConfig, load
from adrisk.errors import UsageError
from adrisk.linking.run import link_texts
from adrisk.metrics.estimates import Bootstrap, Estimate, average_precision
from adrisk.model.model import Model
from adrisk.parallel import cores
from adrisk.rules.matcher import clear_caches
from adrisk.training.corpus import campaign_numbers, codes_of
from adrisk.training.train import split_corpus
from adrisk.types import RISKY

CONFIG = Path(__file__).parents[2] / "configs" / "train" / "cascade.yaml"
RESULTS = Path(__file__).parents[1] / "results" / "cascade.json"
KEPT, COST = 0.98, 0.05
"""Targets: share of the encoder's average precision, share of its time."""

_WARM = 64
_Answer = TypeVar("_Answer")


def main() -> None:
    """Train or load a cascade, score the ads both ways, print the table, write the results."""
    arguments = _arguments()
    model = _model(arguments)
    cascade = model.classifier
    if not isinstance(cascade, CascadeClassifier):
        raise UsageError("give a model of the family cascade")
    with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
        table = pq.read_table(ads_to_score(Path(scratch) / "ads.parquet", arguments.ads))
    table = table.filter(pc.equal(table["split"], "test"))
    languages = table["language"].to_pylist()
    clear_caches()
    some = make_batch(table["text"].slice(0, _WARM), languages[:_WARM])
    cascade.margins(some)
    cascade._encoder.margins(some)
    batch = make_batch(table["text"], languages)

    _, rules = _timed(lambda: batch.rule_hits)
    few, first = _timed(lambda: cascade.margins(batch))
    whole, encoder = _timed(lambda: cascade._encoder.margins(batch))
    again = [_timed(lambda: cascade.margins(batch))[1] for _ in range(arguments.runs - 1)]
    fast = cascade._fast.margins(batch)
    truth = np.asarray(np.array(table["risk"].to_pylist()) >= RISKY)
    campaigns = campaign_numbers(table, codes_of(link_texts(table).campaigns["campaign_id"]))
    metrics = {
        name: average_precision(truth, margins.risk[:, RISKY_COLUMN])
        for name, margins in (("fast", fast), ("encoder", whole), ("cascade", few))
    }
    shown = {
        **metrics,
        "cascade / encoder": lambda w: metrics["cascade"](w) / metrics["encoder"](w),
        "cascade / fast": lambda w: metrics["cascade"](w) / metrics["fast"](w),
    }
    figures = {
        name: Bootstrap().estimate(metric, campaigns, int(truth.sum()))
        for name, metric in shown.items()
    }
    shares = {
        kind: [(rules[kind] + one[kind]) / (rules[kind] + encoder[kind]) for one in (first, *again)]
        for kind in rules
    }
    reread = float(cascade.reread(batch).mean())
    results = {
        "command": "python evaluation/benchmarks/cascade.py"
        + ("" if arguments.model is None else " --model FOLDER (adrisk train made it)"),
        "data": f"synthetic ads, seed {SCORE_SEED}, the test part: they say nothing of the field",
        "machine": f"{cores()} cores ({platform.machine()}), {torch.get_num_threads()} threads",
        "trained_on": {
            "sources": list(model.manifest.trained_on.sources),
            "ads": model.manifest.trained_on.ads,
        },
        "parameters": dict(model.manifest.parameters),
        "average_precision": {name: figure.figure().to_json() for name, figure in figures.items()},
        "seconds": {
            "rules, of both sides": _rounded(rules),
            "encoder, all ads": _rounded(encoder),
            "cascade, all ads": [_rounded(one) for one in (first, *again)],
        },
        "share_of_time": {kind: round(median(found), 4) for kind, found in shares.items()},
        "reread_share": round(reread, 4),
        "reread_because": model.manifest.facts["reread_because"],
        "aim_met": {
            "precision": bool(figures["cascade / encoder"].value >= KEPT),
            "time": bool(median(shares["processor"]) <= COST),
        },
    }
    _print(results, figures, shares, table.num_rows, truth)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _print(
    results: dict[str, Any],
    figures: dict[str, Estimate],
    shares: dict[str, list[float]],
    ads: int,
    truth: np.ndarray,
) -> None:
    campaigns = figures["cascade"].campaigns
    print(
        f"{results['machine']}, Python {platform.python_version()}; {ads:,} ads in {campaigns:,} "
        f"campaigns, {int(truth.sum()):,} risky ({truth.mean():.1%}); fitted on "
        f"{results['trained_on']['ads']:,} ads\n"
    )
    for name, figure in figures.items():
        print(
            f"average precision, {name:18} {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
        )
    print()
    for kind, found in shares.items():
        print(
            f"time by {kind:9} {median(found):.2%} of the encoder's [{min(found):.2%}, "
            f"{max(found):.2%} of {len(found)} runs]"
        )
    print(f"reread: {results['reread_share']:.2%} of these ads; {results['reread_because']}")


def _timed(work: Callable[[], _Answer]) -> tuple[_Answer, dict[str, float]]:
    """The result of the work, with its wall-clock and processor seconds."""
    clock, processor = time.perf_counter(), time.process_time()
    answer = work()
    return answer, {
        "clock": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
    }


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {kind: round(value, 3) for kind, value in seconds.items()}


def _model(arguments: argparse.Namespace) -> Model:
    if arguments.model is not None:
        return Model.load(arguments.model)
    if arguments.keep is not None and arguments.keep.exists():
        raise UsageError(f"--keep {arguments.keep} exists already; name a new folder")
    config = load(CONFIG, TrainConfig)
    changed = {"encoder": arguments.encoder, "epochs": arguments.epochs}
    encoder = {**config.parameters["encoder"], **{k: v for k, v in changed.items() if v}}
    config = config.model_copy(update={"parameters": {**config.parameters, "encoder": encoder}})
    stated = config.corpus.sources if config.corpus else ()
    sources = [f"synthetic:{arguments.train}"] if arguments.train else stated
    corpus = load_corpus(sources)
    model = fit_model(config, corpus, split_corpus(corpus, config.seed))
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
        model = model.save(arguments.keep)
    return model


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--ads", type=int, default=12_000, help="synthetic ads; the test part is scored"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of the cascade")
    parser.add_argument("--model", type=Path, help="a model folder, instead of fitting one")
    parser.add_argument("--train", type=int, help="training ads, instead of the configuration's")
    parser.add_argument("--encoder", help="hub name or folder, instead of the configuration's")
    parser.add_argument("--epochs", type=int, help="epochs, instead of the configuration's")
    parser.add_argument("--keep", type=Path, help="folder to save the fitted model")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="RESULTS.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(answered(main))
