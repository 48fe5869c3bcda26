"""Serve the schedules: score every night, retrain every week.

    ADRISK_NIGHTLY_ADS='/data/ads/latest/*.parquet' python -m adrisk_pipelines.deployments

The nightly flow scores what ADRISK_NIGHTLY_ADS names with the champion; the weekly one trains
configs/train/ngram.yaml (or what ADRISK_WEEKLY_CONFIG names) and registers a version, which nobody
promotes but a person. Schedules need a Prefect server that stays: the one PREFECT_API_URL
names, else one of our own on this machine, kept in the workspace and ended with this command.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from adrisk.errors import AdriskError, ConfigError, RunError
from adrisk.files import workspace, writable
from adrisk_pipelines.score import score
from adrisk_pipelines.train import train

NIGHTLY = "0 2 * * *"
WEEKLY = "0 4 * * 0"
HOST, PORT = "127.0.0.1", 4200
START_SECONDS = 90


def deployments() -> list[Any]:
    """The two deployments; their hours are UTC.

    Raises:
        ConfigError: if nothing says which ads to score.
    """
    ads = os.environ.get("ADRISK_NIGHTLY_ADS")
    if not ads:
        raise ConfigError(
            "ADRISK_NIGHTLY_ADS is not set; it names the source that is scored every night, such "
            "as '/data/ads/latest/*.parquet'"
        )
    config = os.environ.get("ADRISK_WEEKLY_CONFIG", "configs/train/ngram.yaml")
    return [
        score.to_deployment(
            "nightly-score", cron=NIGHTLY, parameters={"sources": [ads]}, tags=["adrisk"]
        ),
        train.to_deployment(
            "weekly-retrain", cron=WEEKLY, parameters={"config": config}, tags=["adrisk"]
        ),
    ]


def main() -> int:
    """Serve on the server there is, or on one of our own; returns the exit code."""
    try:
        served = deployments()
        if "PREFECT_API_URL" not in os.environ:
            return _with_server()
    except AdriskError as error:
        sys.stderr.write(f"adrisk: {error}\n")
        return error.exit_code
    from prefect import serve

    serve(*served)
    return 0


def _with_server() -> int:
    """Start a server, run this command again on it, and end it."""
    home = writable(workspace().resolve() / "prefect")
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    log = home / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST]
    with log.open("ab") as output:
        server = subprocess.Popen(
            [*command, "--port", str(PORT)], env=environment, stdout=output, stderr=output
        )
    api = f"http://{HOST}:{PORT}/api"
    try:
        _wait_for(api, server, log)
        print(
            f"server    {api}  (its log: {log})\n"
            f"scores    {os.environ['ADRISK_NIGHTLY_ADS']}  every night at 02:00 UTC\n"
            f"retrains  every Sunday at 04:00 UTC\n"
            f"results   {workspace().resolve() / 'runs'}\n"
            f"try now   PREFECT_API_URL={api} prefect deployment run score/nightly-score",
            flush=True,
        )
        again = [sys.executable, "-m", "adrisk_pipelines.deployments"]
        return subprocess.call(again, env={**environment, "PREFECT_API_URL": api})
    except KeyboardInterrupt:
        return 130
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(api: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS):
        if server.poll() is not None:
            break
        try:
            with urlopen(f"{api}/health", timeout=1):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(1)
    raise RunError(
        f"the Prefect server did not start on {api}; see {log}, or start one yourself and set "
        "PREFECT_API_URL"
    )


if __name__ == "__main__":
    raise SystemExit(main())
