"""The studies of the protocol: one command each, each writing its JSON and the page of results.

    python evaluation/study.py learning-curve | label-noise | transfer | findings | families | all
    python evaluation/study.py families --model FOLDER    # a saved model instead of training one
    python evaluation/study.py page                       # only results.md anew

Synthetic ads are made as they are needed; real ones are not in this repository: name the DIFrauD
file in ADRISK_DIFRAUD, or any labelled source with --source. `protocol.md` describes each study.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from adrisk.api import find_model
from adrisk.config import ModelConfig, recipe
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
from adrisk.progress import say, show

RESULTS = Path(__file__).parent / "results"
FAMILIES = ("ngram", "linear")


def main(arguments: list[str]) -> int:
    """Run what is asked for."""
    asked = _parser().parse_args(arguments)
    show("lines")
    try:
        _check(asked)
        recipes = tuple(recipe(named) for named in asked.families or FAMILIES)
        names = [*STUDIES, "families"] if asked.study == "all" else [asked.study]
        for name in names:
            for path in _run(name, asked, recipes):
                print(f"written  {path}")
    except AdriskError as error:
        sys.stderr.write(f"study.py: {error}\n")
        return error.exit_code
    return 0


def _check(asked: argparse.Namespace) -> None:
    """Refuse what would be left unheard."""
    if asked.model and asked.study != "families":
        raise UsageError(f"--model is for the study families; {asked.study} trains its own models")
    if asked.model and len(asked.source or ()) > 1:
        raise UsageError("--model is judged on one --source; run it once for each")
    if asked.model and asked.families:
        raise UsageError("give --model to judge a saved model or --families to train, not both")
    alone = asked.study in STUDIES and STUDIES[asked.study].one_family
    if alone and len(asked.families or ()) > 1:
        raise UsageError(f"{asked.study} studies one family; name one with --families")


def _run(name: str, asked: argparse.Namespace, recipes: tuple[ModelConfig, ...]) -> list[Path]:
    if name == "page":
        return [write_page(asked.out)]
    if name == "families":
        return _families(asked, recipes)
    how = StudySettings(recipes, asked.seeds, asked.resamples, asked.folds)
    return [run_study(name, _sources(asked, STUDIES[name]), how, asked.out)]


def _families(asked: argparse.Namespace, recipes: tuple[ModelConfig, ...]) -> list[Path]:
    """Every family on every source; a saved model on synthetic ads only, unless told otherwise."""
    written = []
    if asked.model:
        model = find_model(asked.model, workspace())
        ground = open_study_data((asked.source or [SYNTHETIC])[0], folds=0)
        return [judge_saved(model, ground, asked.out, resamples=asked.resamples)]
    for source in _sources(asked):
        ground = open_study_data(source, folds=asked.folds)
        benign = [] if ground.name == "synthetic" else _benign()
        written += judge_families(
            ground, recipes, asked.out, resamples=asked.resamples, benign=benign
        )
    return written


def _sources(asked: argparse.Namespace, study: Study | None = None) -> list[str]:
    if asked.source:
        return list(asked.source)
    synthetic = study.synthetic if study else SYNTHETIC
    if study and study.languages:
        return [synthetic]  # DIFrauD is in English
    path = os.environ.get("ADRISK_DIFRAUD")
    if path is None:
        say("ADRISK_DIFRAUD names no file: only synthetic ads are studied")
    return [synthetic, f"difraud:{path}"] if path else [synthetic]


def _benign() -> list[str]:
    """Lawful ads of the field, where they are at hand."""
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
    parser.add_argument("--model", help="families: judge this saved model")
    parser.add_argument("--seeds", type=int, help="draws of what is random (3; label-noise 2)")
    parser.add_argument("--resamples", type=int, default=500, help="of the intervals (500)")
    parser.add_argument("--folds", type=int, default=5, help="where there is no test part (5)")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
