"""Review workload with and without campaigns, on planted campaigns with 90 % copies.

    .venv/bin/python evaluation/workload.py

Makes synthetic ads, trains one model on their training part and evaluates it on the other campaigns
as `adrisk evaluate` does: items a reviewer opens to see 90 % of the risky ads, where an item is an
ad, a text, or a campaign as linked by adrisk (the planted truth is not used to link); and the
quality of the campaign risk compared with the risk of the riskiest ad. Writes
`evaluation/results/campaigns-synthetic.json` and the page of all results.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.api import evaluate, fit_model, load_corpus, write_results
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.progress import set_progress
from adrisk.synthetic.generate import generate
from adrisk.training.train import split_corpus

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> None:
    """Make the ads, evaluate the model, write the results and print the main figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--duplicates", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("-o", "--out", type=Path, default=RESULTS)
    args = parser.parse_args(arguments)
    set_progress("lines")
    with tempfile.TemporaryDirectory() as scratch:
        share = f"{100 * args.duplicates:g}"
        ads = Path(scratch) / f"synthetic-{args.ads}-{share}-percent-copies.parquet"
        tables = generate(args.ads, seed=args.seed, duplicates=args.duplicates)
        pq.write_table(pa.concat_tables(tables), ads)
        corpus = load_corpus([str(ads)])
        recipe = ModelConfig(family="ngram", seed=args.seed)
        folder = Path(scratch) / "model"
        folder.mkdir()
        model = fit_model(recipe, corpus, split_corpus(corpus, args.seed)).save(folder)
        config = EvaluateConfig(resamples=args.resamples, baselines=False, random_split=False)
        done = evaluate(model, corpus, config, Path(scratch) / "out")
    path = write_results(args.out, "campaigns-synthetic", done.results)
    report = done.results.report
    for name, items in report.workload.items.items() if report.workload else ():
        print(f"{name:24} {items.value or 0:>8.0f} of {items.n:,} items opened")
    for name, figures in report.campaign_risk.items():
        print(f"{name:24} average precision {figures.average_precision.value or 0:.3f}, "
              f"calibration error {figures.calibration_error.value or 0:.4f}")  # fmt: skip
    print(f"results  {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
