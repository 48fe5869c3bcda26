"""Entry point of the command line: runs a command and turns errors into one line.

Exit codes: 0 done, 1 the work failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout, suppress

from adrisk.cli.output import Output
from adrisk.cli.parser import make_parser
from adrisk.errors import AdriskError
from adrisk.escaping import one_line, safe


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code, and prints one line for any error."""
    command = ""
    try:
        _quiet_dependencies()
        arguments = make_parser().parse_args(argv)
        command = arguments.command
        return _run(arguments)
    except KeyboardInterrupt:
        kept = (
            "finished parts are kept; add --resume to continue"
            if command == "score"
            else "no incomplete file was left"
        )
        return _failed(f"stopped; {kept}", 130)
    except BrokenPipeError:  # the reader closed the pipe, as `| head` does
        _drop_output()
        return 0
    except AdriskError as error:
        return _failed(error, error.exit_code)
    except MemoryError:
        return _failed("out of memory; free some, or give fewer ads at once", 1)
    except RecursionError:
        return _failed("an input is nested too deeply; check the files given", 1)
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        problem = error.strerror or str(error) or type(error).__name__
        action = "check the disk and its permissions, then repeat the command"
        return _failed(f"{path}{problem}; {action}", 1)


def _run(arguments: argparse.Namespace) -> int:
    from adrisk.progress import progress_mode, set_progress

    set_progress(progress_mode())
    if getattr(arguments, "taxonomy", None):
        from adrisk.cli.taxonomy import rules_in_use

        rules_in_use(arguments.taxonomy)  # a wrong entry fails before any work
    run: Callable[[argparse.Namespace, Output], int | None] = arguments.run
    output = Output(as_json=arguments.json)
    # With --json, what dependencies print goes to standard error.
    with redirect_stdout(sys.stderr) if arguments.json else nullcontext():
        code = run(arguments, output)
    output.finish()
    return code or 0


def _failed(message: object, code: int) -> int:
    with suppress(OSError):  # standard error is closed
        sys.stderr.write(f"adrisk: {one_line(message)}\n")
    with suppress(OSError):
        sys.stdout.flush()
        return code
    _drop_output()
    return code


def _drop_output() -> None:
    """Send standard output to the null device: Python flushes it again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _SafeFormatter(logging.Formatter):
    """Log lines with escaped control characters, so that none can steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record))


def _quiet_dependencies() -> None:
    """Switch off the telemetry, progress bars and warnings of dependencies."""
    for name, value in (
        ("DO_NOT_TRACK", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "false"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("PREFECT_LOGGING_LEVEL", "WARNING"),
        # The first start of the temporary server compiles its modules; 20 s is too short for that.
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "20"),
    ):
        os.environ.setdefault(name, value)
    handler = logging.StreamHandler()
    handler.setFormatter(_SafeFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
