"""What each command does: one stage called, what it wrote printed.

Everything heavy is imported by the command that needs it. Each takes the parsed arguments and
returns an exit code, or nothing for 0.
"""

from __future__ import annotations

from adrisk.cli.admin import doctor_command, keys_command, review_command
from adrisk.cli.data import (
    extract_command,
    indicators_command,
    ingest_command,
    link_command,
    match_command,
)
from adrisk.cli.scoring import (
    campaigns_command,
    explain_command,
    policy_command,
    report_command,
    score_command,
)
from adrisk.cli.training import (
    behave_command,
    drift_command,
    evaluate_command,
    models_command,
    run_command,
    train_command,
)

__all__ = [
    "behave_command",
    "campaigns_command",
    "doctor_command",
    "drift_command",
    "evaluate_command",
    "explain_command",
    "extract_command",
    "indicators_command",
    "ingest_command",
    "keys_command",
    "link_command",
    "match_command",
    "models_command",
    "policy_command",
    "report_command",
    "review_command",
    "run_command",
    "score_command",
    "train_command",
]
