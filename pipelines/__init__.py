"""Prefect flows, one a file, thin over `adrisk.stages`. Installed, they are `adrisk_pipelines`.

Importing this package switches the telemetry of Prefect, MLflow and Hugging Face off, unless the
environment says otherwise. It is the one import of this project that does something: Prefect reads
the setting when its server starts, which is before any flow of ours runs.
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
