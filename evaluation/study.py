"""Command for the studies of the protocol; each writes its JSON and the page of results.

    python evaluation/study.py learning-curve | label-noise | transfer | findings | families | all
    python evaluation/study.py families --model FOLDER    # a saved model instead of training one
    python evaluation/study.py page                       # write only results.md

Synthetic ads are generated. Real ads are not in this repository: set ADRISK_DIFRAUD to the DIFrauD
file, or name any labelled source with --source. `protocol.md` describes each study.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from adrisk.api import find_model
from adrisk.config import ModelConfig, parse_model_config
from adrisk.errors import AdriskError, UsageError
from adrisk.evaluation.results import write_page
from adrisk.evaluation.studies import (
    STUDIES,
    SYNTHETIC,
    Study,
    StudySettings,
    judge_families,
    judge_saved,
    open_study_data,
    run_study,
)
from adrisk.files import workspace
from adrisk.progress import say, set_progress

RESULTS = Path(__file__).parent / "results"
FAMILIES = ("ngram", "linear")


def main(arguments: list[str]) -> int:
    """Run one study or all, and print the files written."""
    args = _parser().parse_args(arguments)
    set_progress("lines")
    try:
        _check(args)
        recipes = tuple(parse_model_config(named) for named in args.families or FAMILIES)
        names = [*STUDIES, "families"] if args.study == "all" else [args.study]
        for name in names:
            for path in _run(name, args, recipes):
                print(f"written  {path}")
    except AdriskError as error:
        sys.stderr.write(f"study.py: {error}\n")
        return error.exit_code
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise for options that the study would ignore."""
    if args.model and args.study != "families":
        raise UsageError(f"--model is for the study families; {args.study} trains its own models")
    if args.model and len(args.source or ()) > 1:
        raise UsageError("--model is evaluated on one --source; run it once for each")
    if args.model and args.families:
        raise UsageError("give --model for a saved model or --families to train, not both")
    alone = args.study in STUDIES and STUDIES[args.study].one_family
    if alone and len(args.families or ()) > 1:
        raise UsageError(f"{args.study} studies one family; name one with --families")


def _run(name: str, args: argparse.Namespace, recipes: tuple[ModelConfig, ...]) -> list[Path]:
    if name == "page":
        return [write_page(args.out)]
    if name == "families":
        return _families(args, recipes)
    settings = StudySettings(recipes, args.seeds, args.resamples, args.folds)
    return [run_study(name, _sources(args, STUDIES[name]), settings, args.out)]


def _families(args: argparse.Namespace, recipes: tuple[ModelConfig, ...]) -> list[Path]:
    """Every family on every source; a saved model on synthetic ads or on --source."""
    written = []
    if args.model:
        model = find_model(args.model, workspace())
        data = open_study_data((args.source or [SYNTHETIC])[0], folds=0)
        return [judge_saved(model, data, args.out, resamples=args.resamples)]
    for source in _sources(args):
        data = open_study_data(source, folds=args.folds)
        benign = [] if data.name == "synthetic" else _benign()
        written += judge_families(data, recipes, args.out, resamples=args.resamples, benign=benign)
    return written


def _sources(args: argparse.Namespace, study: Study | None = None) -> list[str]:
    if args.source:
        return list(args.source)
    synthetic = study.synthetic if study else SYNTHETIC
    if study and study.languages:
        return [synthetic]  # DIFrauD is in English
    path = os.environ.get("ADRISK_DIFRAUD")
    if path is None:
        say("ADRISK_DIFRAUD is not set, so only synthetic ads are used")
    return [synthetic, f"difraud:{path}"] if path else [synthetic]


def _benign() -> list[str]:
    """Sources of real lawful ads, where their variables are set."""
    named = {scheme: os.environ.get(f"ADRISK_{scheme.upper()}") for scheme in ("h2", "eures")}
    return [f"{scheme}:{path}" for scheme, path in named.items() if path]


def _parser() -> argparse.ArgumentParser:
    alone = [name for name, study in STUDIES.items() if study.one_family]
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog=f"without --source: {SYNTHETIC} (label-noise: synthetic:8000), and "
        "difraud:$ADRISK_DIFRAUD where that is set",
    )
    parser.add_argument("study", choices=[*STUDIES, "families", "all", "page"])
    parser.add_argument("--source", action="append", help="study these ads instead")
    parser.add_argument(
        "--families",
        nargs="+",
        metavar="FAMILY|CONFIG",
        help=f"such as linear, or configs/train/encoder.yaml ({' '.join(FAMILIES)}; the studies "
        f"{', '.join(alone)} take one, {FAMILIES[0]})",
    )
    parser.add_argument("--model", help="families: evaluate this saved model")
    parser.add_argument("--seeds", type=int, help="random draws (3; label-noise 2)")
    parser.add_argument("--resamples", type=int, default=500, help="bootstrap resamples (500)")
    parser.add_argument("--folds", type=int, default=5, help="for a corpus without a test part (5)")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
