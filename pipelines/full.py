"""Flow: the whole pipeline, from sources to a ranked queue and a report, with tracking."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from prefect import flow, task

from adrisk import api as stages
from adrisk.cli.taxonomy import rules_in_use
from adrisk.config import RunConfig, load
from adrisk.evaluation.evaluate import alerts
from adrisk.files import workspace
from adrisk.policy.policy import resolve_policy
from adrisk.tracking.runs import Store
from adrisk_pipelines.common import leave_counts, leave_link, run_folder
from adrisk_pipelines.evaluate import evaluate_recipe_task, evaluate_task
from adrisk_pipelines.ingest import ingest_task, leave_ingested
from adrisk_pipelines.score import leave_scored, report_task, score_task
from adrisk_pipelines.train import train_task


@dataclass(frozen=True, slots=True)
class FullRun:
    """Paths and names of the results of a run."""

    report: Path
    queue: Path
    model: str
    experiment: str
    evaluations: tuple[Path, ...]

    def in_words(self) -> str:
        """Lines that `adrisk run` prints at its end."""
        store = Store(workspace()).uri
        return "\n".join(
            [
                f"report   {self.report}",
                f"queue    {self.queue}",
                f"model    {self.model}",
                f"results  {', '.join(str(path) for path in self.evaluations)}",
                f"tracked  experiment {self.experiment} in {store}",
                f"         {_adrisk('mlflow')} ui --backend-store-uri {store}",
                f"next     {_adrisk()} score {self.model} YOUR_ADS.csv -o scored",
            ]
        )


def _adrisk(command: str = "adrisk") -> str:
    """The command as the user can type it, with its folder if that is not on the PATH."""
    if shutil.which(command):
        return command
    path = Path(sys.executable).parent / command
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@task(name="results")
def results_task(
    config: RunConfig, models: list[str], evaluated: list[stages.Evaluated]
) -> list[Path]:
    """Write the results that the README cites, with the alerts on the scored ads."""
    written = []
    for label, uri, judged in zip(config.names, models, evaluated, strict=True):
        model = stages.find_model(uri, workspace(), rules_in_use(config.taxonomy))
        policy = resolve_policy(config.score.policy, model)
        benign = alerts(model, config.score.sources, policy, config.evaluate.resamples)
        name = f"{config.name}-{label}"
        written.append(stages.write_results(config.results or Path(), name, judged.results, benign))
    return written


@flow(name="full")
def full(config: Path) -> FullRun:
    """Ingest, train, evaluate, score and report by one configuration."""
    run = load(config, RunConfig)
    taxonomy = run.taxonomy
    rules_in_use(taxonomy)  # a wrong entry is told before any work
    place = run_folder(run.name)
    ingested = ingest_task(run.corpus.sources, place / "ads.parquet", run.corpus.map)
    leave_ingested(ingested)
    ads = ingested.ads
    models = [train_task(model, [str(ads)], {}, run.name, taxonomy) for model in run.train]
    leave_counts("adrisk-train", dict(zip(run.names, models, strict=True)), "Registered models")
    evaluated = []
    for name, recipe, uri in zip(run.names, run.train, models, strict=True):
        out = place / f"evaluation-{name}"
        if run.evaluate.folds:
            done = evaluate_recipe_task(recipe, ads, run.evaluate, out, run.name, taxonomy)
        else:
            done = evaluate_task(uri, ads, run.evaluate, out, run.name, taxonomy)
        leave_link(f"adrisk-results-{name.replace('_', '-')}", done.path, "Results as JSON")
        evaluated.append(done)
    scored = score_task(models[0], run.score, place / "scored", taxonomy)
    page = report_task(scored.folder, taxonomy)
    leave_scored(scored, page)
    if run.results is not None:
        results_task(run, models, evaluated)
    return FullRun(
        report=page,
        queue=scored.folder / "flags.parquet",
        model=models[0],
        experiment=run.name,
        evaluations=tuple(done.path for done in evaluated),
    )
