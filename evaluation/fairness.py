"""Fairness: false-positive rates by group, and the swap test.

    python evaluation/fairness.py                                # ngram on synthetic ads
    python evaluation/fairness.py MODEL
    python evaluation/fairness.py --lawful h2:PATH --lawful eures:PATH

Without MODEL the family is trained on the training part of the source and judged on its report
set. MODEL is a folder or a registered model; only ads that it never saw are used. Corpora named by
--lawful are held to be lawful: every flag there is counted as a wrong one. Writes
`evaluation/results/fairness.json` and the generated part of `evaluation/fairness.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from adrisk.api import find_model, fit_model, load_corpus
from adrisk.config import parse_model_config
from adrisk.errors import AdriskError
from adrisk.evaluation.fairness.run import FairnessResult, fairness, fairness_page
from adrisk.files import replacing, workspace, write_json
from adrisk.metrics.figures import read_result
from adrisk.progress import set_progress
from adrisk.training.train import split_corpus

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main(arguments: list[str]) -> int:
    """Measure, write the results and the page, print where they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", metavar="MODEL")
    parser.add_argument(
        "--family", default="ngram", metavar="FAMILY|CONFIG", help="trained here without MODEL"
    )
    parser.add_argument("--source", default="synthetic:20000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lawful", action="append", default=[], metavar="SOURCE")
    parser.add_argument("--most", type=int, default=2000, help="ads per kind of swap")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--page", type=Path, default=HERE / "fairness.md")
    parser.add_argument("-o", "--out", type=Path, default=HERE / "results" / "fairness.json")
    parser.add_argument("--only-page", action="store_true", help="write the page from the results")
    args = parser.parse_args(arguments)
    set_progress("lines")
    try:
        if not args.only_page:
            config = parse_model_config(args.family, seed=args.seed)
            model = find_model(args.model, workspace()) if args.model else None
            corpus = load_corpus([args.source])
            if model is None:
                with tempfile.TemporaryDirectory() as folder:
                    model = fit_model(config, corpus, split_corpus(corpus, config.seed))
                    model = model.save(Path(folder))
            others = [load_corpus([source]) for source in args.lawful]
            found = fairness(model, corpus, others, most=args.most, resamples=args.resamples)
            write_json(args.out, found.to_json())
        write_page(args.page, args.out)
    except AdriskError as error:
        sys.stderr.write(f"fairness.py: {error}\n")
        return error.exit_code
    print(f"results  {args.out}\npage     {args.page}")
    return 0


def write_page(page: Path, results: Path) -> None:
    """Write the figures between the markers of the page; the rest is kept."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} lacks the lines {BEGIN} and {END}; put them back")
    written = fairness_page(read_result(results, FairnessResult))
    with replacing(page) as draft:
        draft.write_text(f"{before}{BEGIN}\n{written}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
