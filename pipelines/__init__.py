"""Prefect flows, one per file, thin over `adrisk.api`; installed as `adrisk_pipelines`.

Importing this package switches off the telemetry of Prefect, MLflow and Hugging Face, unless the
environment sets it. It is the only import of this project with a side effect: Prefect reads the
setting when its server starts, before any flow runs.
"""

from __future__ import annotations

import os

for _name, _value in (
    ("DO_NOT_TRACK", "1"),
    ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
    ("PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "false"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
):
    os.environ.setdefault(_name, _value)
