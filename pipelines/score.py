"""Flow: score ads, rank them for review, render the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefect import flow, task

from adrisk import api as stages
from adrisk.cli.taxonomy import rules_in_use
from adrisk.config import ScoreConfig
from adrisk.files import workspace
from adrisk.policy.policy import PolicyConfig
from adrisk_pipelines.common import (
    RETRIES,
    leave_counts,
    leave_link,
    run_folder,
    worth_retrying,
)


@task(name="score", retry_condition_fn=worth_retrying, **RETRIES)
def score_task(
    model: str | None, config: ScoreConfig, out: Path, taxonomy: Path | None = None
) -> stages.Scored:
    """Score into `out`; a retry resumes the last attempt."""
    place = workspace()
    return stages.score(
        stages.find_model(model, place, rules_in_use(taxonomy)),
        config.sources,
        out,
        place,
        policy=config.policy,
        mapping=config.map,
        resume=out.exists(),
        workers=config.workers,
    )


@task(name="report", retry_condition_fn=worth_retrying, **RETRIES)
def report_task(folder: Path, taxonomy: Path | None = None) -> Path:
    """Render the report of a scored folder."""
    return stages.report(folder, taxonomy=rules_in_use(taxonomy).taxonomy)


@flow(name="score")
def score(
    sources: list[str],
    model: str | None = None,
    policy: PolicyConfig | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Path:
    """Score sources with a model, the champion by default; returns the path of the report."""
    config = ScoreConfig(
        sources=tuple(sources), map=dict(mapping or {}), policy=policy or PolicyConfig()
    )
    done = score_task(model, config, run_folder("score") / "scored")
    page = report_task(done.folder)
    leave_scored(done, page)
    return page


def leave_scored(done: stages.Scored, page: Path) -> None:
    """The artifacts of a scoring: its counts, and a link to the report."""
    counts = {name: n for name, n in done.counts.given().items() if isinstance(n, int)}
    leave_counts("adrisk-score", counts, f"Scores in {done.folder}")
    leave_link("adrisk-report", page, "The review queue with reasons")
