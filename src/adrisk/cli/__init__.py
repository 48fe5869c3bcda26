"""The command line: which commands there are, their arguments, and the exit codes.

0 done, 1 the work failed, 2 wrong usage or configuration. `adrisk.cli.commands` does the work; nothing
heavy is imported before a command needs it, so `adrisk --help` is instant.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from adrisk import __version__
from adrisk.cli import commands
from adrisk.errors import AdriskError, did_you_mean
from adrisk.escaping import one_line, safe

if TYPE_CHECKING:
    from adrisk.cli.printing import Output

_SOURCES = (
    "SOURCE is synthetic:N, emscad:PATH, difraud:PATH, h2:PATH, eures:PATH, hf:NAME, or a "
    "csv/tsv/jsonl/parquet file, glob, folder, fsspec URL or - for standard input"
)
_QUARANTINE = (
    "rows that cannot be ads go to quarantine.jsonl beside the output, or to "
    "NAME.quarantine.jsonl where that holds the rows of another output"
)
_MODELS = (
    "MODEL is a model folder, models:/adrisk@champion, models:/adrisk/VERSION or runs:/RUN/model; "
    "left out, the champion"
)


class _Parser(argparse.ArgumentParser):
    """One clear line and exit code 2 for wrong usage, with the nearest command named."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{one_line(f'{self.prog}: {message}; see {self.prog} --help')}\n")
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = did_you_mean(value, names)
            raise argparse.ArgumentError(
                action, f"unknown choice {value!r}{hint} (there are {', '.join(names)})"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code, and prints one line for whatever goes wrong."""
    command = ""
    try:
        _quiet_dependencies()
        arguments = parser().parse_args(argv)
        command = arguments.command
        return _run(arguments)
    except KeyboardInterrupt:
        kept = (
            "finished parts are kept, add --resume to go on"
            if command == "score"
            else "nothing half-written was left"
        )
        return _failed(f"stopped; {kept}", 130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        _drop_output()
        return 0
    except AdriskError as error:
        return _failed(error, error.exit_code)
    except MemoryError:
        return _failed("memory ran out; free some, or work on fewer ads at once", 1)
    except RecursionError:
        return _failed("something that was read is nested too deeply; check the files named", 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        what = error.strerror or str(error) or type(error).__name__
        return _failed(f"{place}{what}; check the disk and its rights, then repeat the command", 1)


def _run(arguments: argparse.Namespace) -> int:
    from adrisk.cli.printing import Output
    from adrisk.progress import show, wanted

    show(wanted())
    if getattr(arguments, "taxonomy", None):
        from adrisk.cli.taxonomy import rules_in_use

        rules_in_use(arguments.taxonomy)  # a wrong entry is told before any work
    run: Callable[[argparse.Namespace, Output], int | None] = arguments.run
    output = Output(as_json=arguments.json)
    # Whatever a dependency prints must not stand beside the document.
    with redirect_stdout(sys.stderr) if arguments.json else nullcontext():
        code = run(arguments, output)
    output.finish()
    return code or 0


def _failed(message: object, code: int) -> int:
    with suppress(OSError):  # nobody listens
        sys.stderr.write(f"adrisk: {one_line(message)}\n")
    with suppress(OSError):
        sys.stdout.flush()
        return code
    _drop_output()
    return code


def _drop_output() -> None:
    """Let go of what cannot be written, which Python would try again as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _SafeFormatter(logging.Formatter):
    """Log lines that cannot steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record))


def _quiet_dependencies() -> None:
    """No dependency reports home, and none talks on our standard output."""
    for name, value in (
        ("DO_NOT_TRACK", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "false"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("PREFECT_LOGGING_LEVEL", "WARNING"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "20"),
    ):
        os.environ.setdefault(name, value)
    handler = logging.StreamHandler()
    handler.setFormatter(_SafeFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = _Parser(
        prog="adrisk",
        description="Find ads that may recruit or sell people, rank them for human review, and say "
        "why. A flag asks a person to look; it never accuses.",
    )
    parser.add_argument("--version", action="version", version=f"adrisk {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace, Output], int | None], help: str, *notes: str
    ) -> argparse.ArgumentParser:
        made = subparsers.add_parser(
            name, help=help, description=help[0].upper() + help[1:] + ".", epilog="; ".join(notes)
        )
        made.set_defaults(run=run)
        made.add_argument(
            "--json", action="store_true", help="print one JSON document, and nothing else"
        )
        return made

    p = command(
        "run", commands.run_command, "go the whole way: ingest, train, evaluate, score, report"
    )
    p.add_argument("config", nargs="?", type=Path, default=Path("configs/demo.yaml"))

    p = command(
        "ingest",
        commands.ingest_command,
        "read ads from any source into one Parquet file",
        _SOURCES,
        _QUARANTINE,
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="ADS.parquet")

    p = command(
        "train",
        commands.train_command,
        "train and register a model",
        "a CONFIG with a release, such as configs/train/release.yaml, trains, judges and registers "
        "every model of it, and writes a manifest and a model card for each",
        _SOURCES,
    )
    p.add_argument("config", type=Path)
    p.add_argument("ads", nargs="?", metavar="ADS.parquet")
    _add_taxonomy(p)

    p = command("evaluate", commands.evaluate_command, "judge a model on ads it never saw", _MODELS)
    p.add_argument("given", nargs="+", metavar="[MODEL] ADS.parquet")
    p.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--resamples", type=int, default=None, help="bootstrap resamples (500)")
    p.add_argument(
        "--against",
        metavar="MODEL2",
        help="also compare with this model, on ads that neither saw; writes comparison.json",
    )
    p.add_argument(
        "--suites",
        type=Path,
        metavar="SUITES",
        help="also put the model to these behaviour suites; writes behaviour.json and its "
        "failures, behaviour.html",
    )
    _add_taxonomy(p)

    p = command("behave", commands.behave_command, "put a model to the behaviour suites", _MODELS)
    p.add_argument("model", nargs="?", metavar="MODEL")
    p.add_argument(
        "--suites",
        type=Path,
        default=Path("evaluation/behaviour"),
        metavar="DIR",
        help="where the suites lie (evaluation/behaviour)",
    )
    p.add_argument(
        "-o", "--out", type=Path, metavar="DIR", help="writes behaviour.json and behaviour.html"
    )

    p = command(
        "drift",
        commands.drift_command,
        "compare ads with those a model was trained on, and say which difference matters",
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
        "score", commands.score_command, "score ads and rank them for review", _MODELS, _SOURCES
    )
    p.add_argument("given", nargs="+", metavar="[MODEL] SOURCE")
    _add_map(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--policy", type=Path, help="a policy file (configs/policy.yaml shows one)")
    _add_taxonomy(p)
    p.add_argument("--resume", action="store_true", help="go on where an earlier run stopped")
    p.add_argument("--engine", choices=["local"], default="local")
    p.add_argument("--workers", type=int, default=0, metavar="N", help="threads; one a core if 0")
    _add_remember(p)

    p = command("explain", commands.explain_command, "score one ad and mark why", _MODELS)
    p.add_argument("given", nargs="+", metavar="[MODEL] TEXT")
    _add_taxonomy(p)

    p = command(
        "match", commands.match_command, "find evidence with the rules alone", _SOURCES, _QUARANTINE
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="EVIDENCE.parquet")
    p.add_argument(
        "--report",
        type=Path,
        metavar="RULES.md",
        help="also judge every rule (and write RULES.json): coverage, overlap, conflict, alarms "
        "per 10,000 ads, and precision and recall where the ads are labelled",
    )
    _add_taxonomy(p)

    p = command(
        "extract",
        commands.extract_command,
        "find contacts, as keyed pseudonyms, and prices, wages, hours and places",
        _SOURCES,
        _QUARANTINE,
    )
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="CONTACTS.parquet")
    p.add_argument(
        "--plain",
        action="store_true",
        help="add the plain values, in a file for your eyes only; this is logged",
    )

    p = command(
        "keys",
        commands.keys_command,
        "show or replace the keys that contacts are protected by",
        "after rotate, pseudonyms made before do not match new ones",
    )
    p.add_argument("action", choices=["show", "rotate"])
    p.add_argument("purpose", nargs="?", help="whose key is replaced: campaigns, extract, ...")

    p = command(
        "review",
        commands.review_command,
        "open one sealed contact of a flagged ad, or show who opened which",
        "each opening is recorded with the person's name and reason before it happens",
    )
    p.add_argument("action", choices=["open", "openings"])
    p.add_argument("pseudonym", nargs="?", help="as the report shows it, 8 characters at least")
    p.add_argument("--as", dest="person", default="", metavar="NAME", help="who opens it")
    p.add_argument("--reason", default="", help="why, in a sentence that others can check")

    p = command("link", commands.link_command, "join ads into campaigns", _SOURCES, _QUARANTINE)
    _add_sources(p)
    p.add_argument("-o", "--out", type=Path, required=True, metavar="CAMPAIGNS.parquet")
    _add_remember(p)

    p = command(
        "indicators", commands.indicators_command, "list the taxonomy, or explain one entry"
    )
    p.add_argument("id", nargs="?", help="the entry to explain, with examples in four languages")
    _add_taxonomy(p)

    p = command(
        "campaigns",
        commands.campaigns_command,
        "list the queued campaigns of a scored folder, show one, or export them",
        "CAMPAIGN is a number of the queue, or an id or its beginning",
        "an export holds ids, facts and short pseudonyms, no text and no plain contact",
    )
    p.add_argument("folder", type=Path, metavar="DIR")
    p.add_argument("campaign", nargs="?", metavar="CAMPAIGN")
    p.add_argument("--export", type=Path, metavar="FILE.parquet|FILE.graphml")

    p = command("report", commands.report_command, "render the report of a scored folder")
    p.add_argument("folder", type=Path, metavar="DIR")
    p.add_argument("-o", "--out", type=Path, metavar="REPORT.html")
    _add_taxonomy(p)

    p = command(
        "policy",
        commands.policy_command,
        "try a policy on a scored folder before it goes live",
        "compare [MODEL] OLD.yaml NEW.yaml DIR shows who would be flagged or dropped",
        "simulate [MODEL] DIR -o FILE.html draws workload against recall",
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

    p = command("models", commands.models_command, "list, show or promote registered models")
    p.add_argument("action", choices=["list", "show", "promote"])
    p.add_argument("version", nargs="?", help="a version number, champion or challenger")
    p.add_argument("--because", metavar="REASON", help="promote a worse or uncompared model")
    p.add_argument(
        "--on", metavar="ADS", help="labelled ads to compare it with the champion on, before"
    )

    command(
        "doctor",
        commands.doctor_command,
        "say what is installed, where things are kept, what is missing",
    )
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    _add_map(parser)


def _add_remember(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--remember",
        metavar="NAME",
        help="join the campaigns remembered under this name, and remember these for the next time",
    )
    parser.add_argument(
        "--days", type=int, metavar="N", help="forget ads that were not seen for N days (90)"
    )


def _add_taxonomy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--taxonomy",
        type=Path,
        metavar="OUR.yaml",
        help="your own indicators, rules and restricted phrase lists beside those of adrisk; "
        "ADRISK_TAXONOMY=OUR.yaml does the same for every command",
    )


def _add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map", action="append", default=[], metavar="NAME=COLUMN", help="such as body=description"
    )
