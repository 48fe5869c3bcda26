"""Flow: judge a registered model, or a recipe in folds, by the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, task

from adrisk import api as stages
from adrisk.cli.taxonomy import rules_in_use
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.files import workspace
from adrisk.tracking.runs import Store
from adrisk_pipelines.common import leave_counts, leave_link, run_folder


@task(name="evaluate")
def evaluate_task(
    model: str,
    ads: Path,
    config: EvaluateConfig,
    out: Path,
    experiment: str,
    taxonomy: Path | None = None,
) -> stages.Evaluated:
    """Judge one model on the campaigns it never saw."""
    place, rules = workspace(), rules_in_use(taxonomy)
    found = stages.find_model(model, place, rules)
    corpus = stages.load_corpus([str(ads)], rules=rules)
    return stages.evaluate(found, corpus, config, out, store=Store(place), experiment=experiment)


@task(name="evaluate in folds")
def evaluate_recipe_task(
    recipe: ModelConfig,
    ads: Path,
    config: EvaluateConfig,
    out: Path,
    experiment: str,
    taxonomy: Path | None = None,
) -> stages.Evaluated:
    """Judge a recipe on every campaign of a small corpus."""
    corpus = stages.load_corpus([str(ads)], rules=rules_in_use(taxonomy))
    store = Store(workspace())
    return stages.evaluate_recipe(recipe, corpus, config, out, store=store, experiment=experiment)


@flow(name="evaluate")
def evaluate(model: str, ads: Path, config: dict[str, Any] | None = None) -> Path:
    """Judge a model on a file of labelled ads; returns the path of the results."""
    checked = EvaluateConfig(**(config or {}))
    done = evaluate_task(model, ads, checked, run_folder("evaluate"), "evaluate")
    report = done.results.report
    leave_counts(
        "adrisk-evaluate",
        {
            "ads": report.n,
            "positive": report.positives,
            "average precision": report.risk.average_precision.value,
        },
        done.results.data.target,
    )
    leave_link("adrisk-results", done.path, "Results as JSON")
    return done.path
