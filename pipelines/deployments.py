"""Schedules: score every night, retrain every week.

    ADRISK_NIGHTLY_ADS='/data/ads/latest/*.parquet' python -m adrisk_pipelines.deployments

The nightly flow scores the source in ADRISK_NIGHTLY_ADS with the champion. The weekly flow trains
configs/train/ngram.yaml (or ADRISK_WEEKLY_CONFIG) and registers a version; only a person promotes
it. Schedules need a permanent Prefect server: the one in PREFECT_API_URL, or else one that this
command starts on this machine, keeps in the workspace and ends when it ends.
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
        ConfigError: if ADRISK_NIGHTLY_ADS is not set.
    """
    ads = os.environ.get("ADRISK_NIGHTLY_ADS")
    if not ads:
        raise ConfigError(
            "ADRISK_NIGHTLY_ADS is not set; set it to the source to score every night, such as "
            "'/data/ads/latest/*.parquet'"
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
    """Serve on the server of PREFECT_API_URL, or on a new one; returns the exit code."""
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
    """Start a server, run this command again with it, then end it."""
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
        command = [sys.executable, "-m", "adrisk_pipelines.deployments"]
        return subprocess.call(command, env={**environment, "PREFECT_API_URL": api})
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
