"""Argument parser of `adrisk`: every command with its arguments and its function.

Imports only light modules, so that `adrisk --help` stays fast; a command imports what it needs when
it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from adrisk import __version__
from adrisk.cli import admin, data, scoring, training
from adrisk.errors import did_you_mean
from adrisk.escaping import one_line

if TYPE_CHECKING:
    from adrisk.cli.output import Output

_SOURCES = (
    "SOURCE is synthetic:N, emscad:PATH, difraud:PATH, h2:PATH, eures:PATH, hf:NAME, or a "
    "csv/tsv/jsonl/parquet file, glob, folder, fsspec URL or - for standard input"
)
_QUARANTINE = (
    "rows that are not ads go to quarantine.jsonl beside the output, or to NAME.quarantine.jsonl "
    "if that file belongs to another output"
)
_MODELS = (
    "MODEL is a model folder, models:/adrisk@champion, models:/adrisk/VERSION or runs:/RUN/model; "
    "the champion if left out"
)


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line with the nearest valid choice, and exits with code 2."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{one_line(f'{self.prog}: {message}; see {self.prog} --help')}\n")
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = did_you_mean(value, names)
            raise argparse.ArgumentError(
                action, f"unknown choice {value!r}{hint} (choices: {', '.join(names)})"
            )


def make_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = _Parser(
        prog="adrisk",
        description="Find ads that may recruit or sell people, rank them for human review, and "
        "give the reasons. A flag asks a person to look; it never accuses.",
    )
    parser.add_argument("--version", action="version", version=f"adrisk {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace, Output], int | None], help: str, *notes: str
    ) -> argparse.ArgumentParser:
        added = subparsers.add_parser(
            name, help=help, description=help[0].upper() + help[1:] + ".", epilog="; ".join(notes)
        )
        added.set_defaults(run=run)
        added.add_argument(
            "--json", action="store_true", help="print one JSON document and nothing else"
        )
        return added

    p = command(
        "run",
        training.run_command,
        "run the whole pipeline: ingest, train, evaluate, score, report",
    )
    p.add_argument("config", nargs="?", type=Path, default=Path("configs/demo.yaml"))

    p = command(
        "ingest",
        data.ingest_command,
        "read ads from any source into one Parquet file",
        _SOURCES,
        _QUARANTINE,
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="ADS.parquet")

    p = command(
        "train",
        training.train_command,
        "train and register a model",
        "a CONFIG with a release, such as configs/train/release.yaml, trains, evaluates and "
        "registers each of its models, and writes a manifest and a model card for each",
        _SOURCES,
    )
    p.add_argument("config", type=Path)
    p.add_argument("ads", nargs="?", metavar="ADS.parquet")
    _add_taxonomy(p)

    p = command(
        "evaluate",
        training.evaluate_command,
        "evaluate a model on ads that were not used to train it",
        _MODELS,
    )
    p.add_argument("given", nargs="+", metavar="[MODEL] ADS.parquet")
    p.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--resamples", type=int, default=None, help="bootstrap resamples (500)")
    p.add_argument(
        "--against",
        metavar="MODEL2",
        help="also compare with this model, on ads that trained neither; writes comparison.json",
    )
    p.add_argument(
        "--suites",
        type=Path,
        metavar="SUITES",
        help="also run these behaviour suites; writes behaviour.json, and behaviour.html with the "
        "failures",
    )
    _add_taxonomy(p)

    p = command("behave", training.behave_command, "run the behaviour suites on a model", _MODELS)
    p.add_argument("model", nargs="?", metavar="MODEL")
    p.add_argument(
        "--suites",
        type=Path,
        default=Path("evaluation/behaviour"),
        metavar="DIR",
        help="folder of the suites (evaluation/behaviour)",
    )
    p.add_argument(
        "-o", "--out", type=Path, metavar="DIR", help="writes behaviour.json and behaviour.html"
    )

    p = command(
        "drift",
        training.drift_command,
        "compare ads with the training ads of a model, and report which differences matter",
        _MODELS,
        _SOURCES,
    )
    p.add_argument("given", nargs="+", metavar="[MODEL] SOURCE")
    _add_map(p)
    p.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="writes drift.json and drift.md",
    )

    p = command(
        "score", scoring.score_command, "score ads and rank them for review", _MODELS, _SOURCES
    )
    p.add_argument("given", nargs="+", metavar="[MODEL] SOURCE")
    _add_map(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--policy", type=Path, help="a policy file, such as configs/policy.yaml")
    _add_taxonomy(p)
    p.add_argument("--resume", action="store_true", help="continue an earlier run that stopped")
    p.add_argument("--engine", choices=["local"], default="local")
    p.add_argument(
        "--workers", type=int, default=0, metavar="N", help="threads; 0 for one per core"
    )
    _add_remember(p)

    p = command(
        "explain",
        scoring.explain_command,
        "score one ad and mark the words behind the score",
        _MODELS,
    )
    p.add_argument("given", nargs="+", metavar="[MODEL] TEXT")
    _add_taxonomy(p)

    p = command(
        "match", data.match_command, "find evidence with the rules alone", _SOURCES, _QUARANTINE
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="EVIDENCE.parquet")
    p.add_argument(
        "--report",
        type=Path,
        metavar="RULES.md",
        help="also report on every rule (and write RULES.json): coverage, overlap, conflict, "
        "alarms per 10,000 ads, and precision and recall if the ads are labelled",
    )
    _add_taxonomy(p)

    p = command(
        "extract",
        data.extract_command,
        "find contacts (as keyed pseudonyms), prices, wages, hours and places",
        _SOURCES,
        _QUARANTINE,
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="CONTACTS.parquet")
    p.add_argument(
        "--plain",
        action="store_true",
        help="add the plain values; only you can read the file, and this is logged",
    )

    p = command(
        "keys",
        admin.keys_command,
        "show or replace the keys that protect contacts",
        "after rotate, old pseudonyms do not match new ones",
    )
    p.add_argument("action", choices=["show", "rotate"])
    p.add_argument(
        "purpose", nargs="?", help="purpose whose key is replaced: campaigns, extract, ..."
    )

    p = command(
        "review",
        admin.review_command,
        "open one sealed contact of a flagged ad, or list who opened which contact",
        "each opening is recorded with name and reason before the contact is shown",
    )
    p.add_argument("action", choices=["open", "openings"])
    p.add_argument("pseudonym", nargs="?", help="as shown in the report, at least 8 characters")
    p.add_argument(
        "--as", dest="person", default="", metavar="NAME", help="name of the person who opens it"
    )
    p.add_argument("--reason", default="", help="reason, in a sentence that others can check")

    p = command("link", data.link_command, "join ads into campaigns", _SOURCES, _QUARANTINE)
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="CAMPAIGNS.parquet")
    _add_remember(p)

    p = command("indicators", data.indicators_command, "list the taxonomy, or explain one entry")
    p.add_argument("id", nargs="?", help="the entry to explain, with examples in four languages")
    _add_taxonomy(p)

    p = command(
        "campaigns",
        scoring.campaigns_command,
        "list the queued campaigns of a scored folder, show one, or export them",
        "CAMPAIGN is a number in the queue, or an id or its beginning",
        "an export has ids, facts and short pseudonyms, no text and no plain contact",
    )
    p.add_argument("folder", type=Path, metavar="DIR")
    p.add_argument("campaign", nargs="?", metavar="CAMPAIGN")
    p.add_argument("--export", type=Path, metavar="FILE.parquet|FILE.graphml")

    p = command("report", scoring.report_command, "render the report of a scored folder")
    p.add_argument("folder", type=Path, metavar="DIR")
    p.add_argument("-o", "--out", type=Path, metavar="REPORT.html")
    _add_taxonomy(p)

    p = command(
        "policy",
        scoring.policy_command,
        "try a policy on a scored folder before it is used",
        "compare [MODEL] OLD.yaml NEW.yaml DIR lists the ads newly flagged or no longer flagged",
        "simulate [MODEL] DIR -o FILE.html plots recall by workload",
        _MODELS,
    )
    p.add_argument("action", choices=["compare", "simulate"])
    p.add_argument("given", nargs="+", metavar="[MODEL] [OLD.yaml NEW.yaml] DIR")
    p.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="compare: .parquet or .json; simulate: .html, .svg or .json",
    )

    p = command("models", training.models_command, "list, show or promote registered models")
    p.add_argument("action", choices=["list", "show", "promote"])
    p.add_argument("version", nargs="?", help="a version number, champion or challenger")
    p.add_argument(
        "--because",
        metavar="REASON",
        help="promote a model that is worse or not compared, for this reason",
    )
    p.add_argument(
        "--on", metavar="ADS", help="labelled ads to compare it with the champion before promotion"
    )

    command(
        "doctor",
        admin.doctor_command,
        "show what is installed, where files are kept, and what is missing",
    )
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    _add_map(parser)


def _add_remember(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--remember",
        metavar="NAME",
        help="link with the campaigns kept under this name, and keep the new ones for the next run",
    )
    parser.add_argument(
        "--days", type=int, metavar="N", help="drop kept ads not seen for N days (90)"
    )


def _add_taxonomy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--taxonomy",
        type=Path,
        metavar="OUR.yaml",
        help="your own indicators, rules and restricted phrase lists, added to those of adrisk; "
        "ADRISK_TAXONOMY=OUR.yaml does the same for every command",
    )


def _add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="rename a column, such as body=description",
    )
