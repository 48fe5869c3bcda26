"""Serve the schedules: score every night, retrain every week.

    ADRISK_NIGHTLY_ADS='/data/ads/latest/*.parquet' python -m adrisk_pipelines.deployments

The nightly flow scores what ADRISK_NIGHTLY_ADS names with the champion; the weekly one trains
configs/train/ngram.yaml (or what ADRISK_WEEKLY_CONFIG names) and registers a challenger, which
nobody promotes but a person.
"""

from __future__ import annotations

import os
from typing import Any

from adrisk.errors import ConfigError
from adrisk_pipelines.score import score
from adrisk_pipelines.train import train

NIGHTLY = "0 2 * * *"
WEEKLY = "0 4 * * 0"


def deployments() -> list[Any]:
    """The two deployments, in the time zone of the machine that serves them.

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


if __name__ == "__main__":
    from prefect import serve

    serve(*deployments())
