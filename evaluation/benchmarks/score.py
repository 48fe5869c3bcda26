"""Speed, memory and quality of adrisk compared with a standard scikit-learn pipeline.

    python evaluation/benchmarks/score.py [--ads N] [--runs 3] [--edited] [--parquet PATH]

Both sides are fitted on the same synthetic ads and score the same Parquet file. adrisk runs in
full: indicators, contacts, campaigns, a policy, evidence. scikit-learn fits one TF-IDF union (words
1-2, characters 3-5) and gives one probability. It runs in one process as usual; then in one forked
process per core, as adrisk does; then in one process that scores each text once, as adrisk does.

Nine in ten ads repeat an earlier one exactly, as in the field (of 5,053,249 ads 89.8 %, arXiv
2405.13348). With `--edited` half of them are edited near-copies instead and six in ten texts are
different, so most of the gain from copies is gone. Every run is a session of processes of its own,
the sides in turn; the time is from Parquet in to Parquet out. The processor time of all processes
of a side is printed too; it hardly depends on the number of cores or on other load.

The ads are synthetic: average precision compares the two sides and does not show quality on real
ads. Ads of `--parquet` are evaluated if they have a risk label.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import skops.io
from corpora import ads_to_score, train_adrisk, train_sklearn, training_ads
from sides import Measured, measure
from sklearn.pipeline import Pipeline

from adrisk.api import ingest
from adrisk.linking.run import link_texts
from adrisk.metrics.estimates import Bootstrap, Estimate, average_precision
from adrisk.parallel import cores
from adrisk.training.corpus import campaign_numbers, codes_of
from adrisk.types import RISKY, FloatArray

PATIENCE_SECONDS = 20.0
FIELD_COPIES = 0.9
NAMES = {
    "adrisk": "adrisk, whole way",
    "sklearn": "scikit-learn, risk only",
    "sklearn-cores": "the same on all cores",
    "sklearn-once": "the same, each text once",
}
JUDGED = ("adrisk", "sklearn")


@dataclass(frozen=True, slots=True)
class Run:
    """Number of ads scored by a run, and its time and memory."""

    ads: int
    measured: Measured

    @property
    def rate(self) -> float:
        """Ads per second."""
        return self.ads / self.measured.seconds

    @property
    def rate_a_processor(self) -> float:
        """Ads per second of processor time."""
        return self.ads / self.measured.processor_seconds


def main() -> None:
    """Train both sides, run them in turn, print the table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
        place = Path(scratch)
        training = training_ads(place / "training.parquet", arguments.train)
        models = dict.fromkeys(NAMES, place / "sk.skops") | {"adrisk": place / "model"}
        fitted_on = train_adrisk(training, models["adrisk"])
        pipeline = train_sklearn(fitted_on)
        skops.io.dump(pipeline, models["sklearn"])
        ads = _ads(arguments, place)
        _print_ads(ads)
        fewer = _fewer(ads, pipeline, place / "fewer.parquet")
        inputs = dict.fromkeys(NAMES, fewer) | {"adrisk": ads}
        outputs = {side: place / side for side in NAMES}
        runs: dict[str, list[Run]] = {side: [] for side in NAMES}
        for _ in range(arguments.runs):
            for side, taken in runs.items():
                shutil.rmtree(outputs[side], ignore_errors=True)
                measured = measure(side, models[side], inputs[side], outputs[side])
                taken.append(Run(pq.read_metadata(inputs[side]).num_rows, measured))
        _print_speed(runs, len(fitted_on))
        _print_quality(
            fewer,
            {
                "adrisk": pq.read_table(outputs["adrisk"] / "scores", columns=["ad_id", "risk"]),
                "sklearn": pq.read_table(outputs["sklearn"] / "scores.parquet"),
            },
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=1_000_000, help="synthetic ads to score")
    parser.add_argument("--train", type=int, default=8_000, help="synthetic ads to learn from")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    parser.add_argument(
        "--edited", action="store_true", help="edit the copies, so that most texts are different"
    )
    parser.add_argument("--parquet", type=Path, help="score the ads of this file instead")
    return parser.parse_args()


def _ads(arguments: argparse.Namespace, place: Path) -> Path:
    """The ads to score, in the canonical schema: cleaning of other columns is not measured."""
    if arguments.parquet is None:
        copies = None if arguments.edited else FIELD_COPIES
        return ads_to_score(place / "ads.parquet", arguments.ads, raw_copies=copies)
    return ingest([str(arguments.parquet)], place / "ads.parquet").ads


def _print_ads(ads: Path) -> None:
    texts = pq.read_table(ads, columns=["text"])["text"]
    different = pc.count_distinct(texts).as_py()
    print(
        f"{len(texts):,} ads of {pc.mean(pc.binary_length(texts)).as_py():.0f} bytes; "
        f"{different:,} different texts ({different / len(texts):.0%})"
    )


def _fewer(ads: Path, pipeline: Pipeline, path: Path) -> Path:
    """The ads for scikit-learn: only the first ones if all would take too long."""
    table = pq.read_table(ads)
    sample = table["text"].slice(0, 500).to_pylist()
    begun = time.perf_counter()
    pipeline.predict_proba(sample)
    rate = len(sample) / (time.perf_counter() - begun)
    if len(table) <= rate * PATIENCE_SECONDS:
        return ads
    count = int(rate * PATIENCE_SECONDS)
    print(
        f"scikit-learn is timed on the first {count:,} of {len(table):,} ads, as all would "
        f"take about {len(table) / rate:.0f} s; both are judged on those\n"
    )
    pq.write_table(table.slice(0, count), path)
    return path


def _print_speed(runs: dict[str, list[Run]], trained: int) -> None:
    print(
        f"{cores()} cores ({platform.machine()}), Python {platform.python_version()}; fitted on "
        f"{trained:,} synthetic ads; {len(runs['adrisk'])} runs of each side in turn"
    )
    print(
        "memory: all processes of a side together (proportional set size), at the peak and "
        "before the work,\nwith imports and model\n"
    )
    print(
        f"{'':24} {'ads':>9} {'ads/s, median':>14} {'a processor':>12} {'peak MiB':>9} "
        f"{'before':>7}"
    )
    for side, taken in runs.items():
        peak = max(run.measured.peak_mib for run in taken)
        loaded = max(run.measured.loaded_mib for run in taken)
        rate = median(run.rate for run in taken)
        single = median(run.rate_a_processor for run in taken)
        print(
            f"{NAMES[side]:24} {taken[0].ads:>9,} {rate:>14,.0f} {single:>12,.0f} {peak:>9,.0f} "
            f"{loaded:>7,.0f}"
        )
    print("\nadrisk compared, pair by pair [lowest and highest pair]")
    pairs = {side: list(zip(runs["adrisk"], taken, strict=True)) for side, taken in runs.items()}
    for what, ratios in (
        ("scikit-learn in one process", [a.rate / b.rate for a, b in pairs["sklearn"]]),
        ("scikit-learn on all cores", [a.rate / b.rate for a, b in pairs["sklearn-cores"]]),
        ("scikit-learn, each text once", [a.rate / b.rate for a, b in pairs["sklearn-once"]]),
        (
            "a second of processor time",
            [a.rate_a_processor / b.rate_a_processor for a, b in pairs["sklearn"]],
        ),
    ):
        found = f"{median(ratios):.2f} times the ads [{min(ratios):.2f}, {max(ratios):.2f}]"
        print(f"{what:28} {found}")


def _print_quality(ads: Path, scored: dict[str, pa.Table]) -> None:
    """Print the average precision of both on the labelled ads outside the training part."""
    table = pq.read_table(ads)
    if "risk" not in table.column_names:
        print("\nno risk labels in these ads: nothing to judge")
        return
    labels = table["risk"].to_pylist()
    judged = np.array([label is not None for label in labels])
    if "split" in table.column_names:
        judged &= np.array([split != "train" for split in table["split"].to_pylist()])
    rows = np.flatnonzero(judged)
    truth = np.array([labels[row] >= RISKY for row in rows], dtype=np.bool_)
    if truth.all() or not truth.any():
        print(f"\nthe {len(rows):,} labelled ads are of one class: nothing to judge")
        return
    campaigns = campaign_numbers(table, codes_of(link_texts(table).campaigns["campaign_id"]))[rows]
    ids = table["ad_id"].to_pylist()
    print(
        f"\naverage precision on {len(rows):,} labelled ads, {int(truth.sum()):,} risky, in "
        f"{len(np.unique(campaigns)):,} campaigns; 95 % bootstrap interval over campaigns"
    )
    metrics = {}
    for side in JUDGED:
        risk = dict(zip(*(scored[side][c].to_pylist() for c in ("ad_id", "risk")), strict=True))
        score: FloatArray = np.array([risk[ids[row]] for row in rows], dtype=np.float64)
        metrics[side] = average_precision(truth, score)
    ours, theirs = metrics["adrisk"], metrics["sklearn"]
    # Both on the same draws of campaigns: the interval of the difference is a paired one.
    shown = {NAMES["adrisk"]: ours, NAMES["sklearn"]: theirs,
             "difference, paired": lambda weights: ours(weights) - theirs(weights)}  # fmt: skip
    for name, metric in shown.items():
        print(f"{name:24} {_words(Bootstrap().estimate(metric, campaigns, int(truth.sum())))}")


def _words(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


if __name__ == "__main__":
    main()
