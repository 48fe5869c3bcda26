"""Faithfulness of explanations: drop of the score without the marked words.

    python evaluation/faithfulness.py                          # ngram and linear on synthetic ads
    python evaluation/faithfulness.py MODEL --most 60 --draws 2    # a slow family: fewer ads
    python evaluation/faithfulness.py MODEL --source ads.parquet

Without MODEL each family is trained on the training part of the source, and its flagged ads of the
report set are explained. MODEL is a folder or a registered model; only ads outside its training are
used. Writes `evaluation/results/faithfulness.json`: a curve over the number of spans, the
same for other words of equal lengths, and the difference, each with a campaign-bootstrap interval.
Results of other families are kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from adrisk.api import Corpus, find_model, fit_model, load_corpus
from adrisk.config import ModelConfig, parse_model_config
from adrisk.errors import AdriskError
from adrisk.evaluation.faithfulness import FaithfulnessResult, faithfulness
from adrisk.files import workspace, write_json
from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.figures import Figure, read_result
from adrisk.model.model import Model
from adrisk.progress import set_progress
from adrisk.training.train import split_corpus

OUT = Path(__file__).parent / "results" / "faithfulness.json"


def main(arguments: list[str]) -> int:
    """Measure each model, write the results, print the losses."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument(
        "--family", dest="families", action="append", metavar="FAMILY|CONFIG", help="trained here"
    )
    parser.add_argument("--parameters", default="", help="of the families, as JSON")
    parser.add_argument("--source", default="synthetic:20000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=REVIEW_SHARE)
    parser.add_argument("--most", type=int, default=400, help="ads to explain")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("-o", "--out", type=Path, default=OUT)
    args = parser.parse_args(arguments)
    set_progress("lines")
    try:
        recipes = [
            parse_model_config(named, args.parameters, args.seed)
            for named in args.families or ("ngram", "linear")
        ]
        models = [find_model(name, workspace()) for name in args.models]
        corpus = load_corpus([args.source])
        found: dict[str, FaithfulnessResult] = {}
        if args.out.exists():
            found = read_result(args.out, dict[str, FaithfulnessResult])
        for model in models or _trained(recipes, corpus):
            result = faithfulness(
                model,
                corpus,
                budget=args.budget,
                most=args.most,
                draws=args.draws,
                resamples=args.resamples,
            )
            found[model.manifest.family] = result
            write_json(args.out, {name: found[name].to_json() for name in sorted(found)})
            _print(model.manifest.family, result)
    except AdriskError as error:
        sys.stderr.write(f"faithfulness.py: {error}\n")
        return error.exit_code
    print(f"results  {args.out}")
    return 0


def _trained(recipes: list[ModelConfig], corpus: Corpus) -> list[Model]:
    models = []
    for config in recipes:
        with tempfile.TemporaryDirectory() as folder:
            split = split_corpus(corpus, config.seed)
            models.append(fit_model(config, corpus, split).save(Path(folder)))
    return models


def _print(family: str, result: FaithfulnessResult) -> None:
    flagged = result.flagged
    print(f"{family}: {flagged.explained} of {flagged.ads} flagged ads explained")
    for point in result.points:
        for way, losses in (("deleted", point.deleted), ("kept", point.kept)):
            for name, loss in (losses or {}).items():
                print(
                    f"  {point.spans} {way:7} {name:11} loses {_value(loss.explanation)}, other "
                    f"words {_value(loss.other_words)}, difference {_value(loss.difference)} "
                    f"{_interval(loss.difference)}  n {loss.difference.n}"
                )


def _value(figure: Figure) -> str:
    return f"{'-':>6}" if figure.value is None else f"{figure.value:6.3f}"


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return "[no interval]"
    return f"[{figure.low:.3f}, {figure.high:.3f}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
