"""The flows against a temporary Prefect server: references, artifacts, retries, schedules."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk import api as stages
from adrisk import layout
from adrisk.errors import AdriskError, ConfigError, CorpusError, RunError, SourceError, UsageError
from adrisk.scoring import parts
from adrisk.scoring.worker import TextRequest
from adrisk.tracking.registry import list_versions
from adrisk.tracking.runs import Store
from builders import make_ads, make_texts

TINY = "{family: ngram, parameters: {bits: 12}}"
QUICK = {"resamples": 20, "random_split": False}


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One temporary server on the loopback for the whole file; it reports nothing anywhere."""
    quiet = {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with mock.patch.dict(os.environ, quiet):
        from prefect.settings import (
            PREFECT_HOME,
            PREFECT_LOGGING_LEVEL,
            PREFECT_SERVER_ANALYTICS_ENABLED,
            temporary_settings,
        )
        from prefect.testing.utilities import prefect_test_harness

        settings = {
            PREFECT_HOME: quiet["PREFECT_HOME"],
            PREFECT_LOGGING_LEVEL: "ERROR",
            PREFECT_SERVER_ANALYTICS_ENABLED: False,
        }
        with temporary_settings(settings), prefect_test_harness(server_startup_timeout=60):
            yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace in which the module's model is registered."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def champion(place: Path, corpus_file: Path, _server: None) -> Flown:
    """The flow `train`, run once."""
    from adrisk_pipelines.train import train

    config = place / "train.yaml"
    config.write_text(
        "name: tiny\nfamily: ngram\nparameters: {bits: 12}\n"
        f"corpus: {{sources: [{corpus_file}]}}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRISK_WORKSPACE", str(place))
        return fly(train, config)


@pytest.fixture
def workspace(champion: Flown, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a champion, for one test."""
    monkeypatch.setenv("ADRISK_WORKSPACE", str(place))
    return place


@dataclass(frozen=True, slots=True)
class Flown:
    """A finished flow run: its result and its artifacts, key -> data, as the server has them."""

    result: Any
    artifacts: dict[str, Any]

    def counts(self, key: str) -> dict[str, Any]:
        """A table artifact as what -> count."""
        return {row["what"]: row["count"] for row in json.loads(self.artifacts[key])}

    def link(self, key: str) -> Path:
        """The file that a link artifact leads to."""
        target = self.artifacts[key].partition("](")[2].removesuffix(")")
        return Path(unquote(urlsplit(target).path))


def fly(flow: Callable[..., Any], *arguments: object, **options: object) -> Flown:
    """Run a flow; read back what it left with the server."""
    state = flow(*arguments, **options, return_state=True)
    return Flown(state.result(), artifacts_of(state.state_details.flow_run_id))


def artifacts_of(flow_run: UUID) -> dict[str, Any]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        return {a.key: a.data for a in client.read_artifacts(artifact_filter=wanted)}


def run_config(path: Path, corpus: Path, *, train: str = TINY, extra: str = "") -> Path:
    path.write_text(
        f"name: tiny\ncorpus: {{sources: [{corpus}]}}\ntrain: [{train}]\n"
        "evaluate: {resamples: 20, random_split: false}\n"
        f"score: {{sources: [{corpus}], policy: {{capacity: 20}}}}\n{extra}"
    )
    return path


@pytest.mark.slow
def test_ingest_returns_a_reference_and_leaves_its_counts(corpus_file: Path) -> None:
    from adrisk_pipelines.ingest import ingest

    flown = fly(ingest, [str(corpus_file)])
    assert isinstance(flown.result, stages.Ingested)
    assert flown.result.ads.is_relative_to(os.environ["ADRISK_WORKSPACE"])
    assert pq.read_metadata(flown.result.ads).num_rows == 240
    assert flown.counts("adrisk-ingest") == {"read": 240, "accepted": 240, "quarantined": 0}


@pytest.mark.slow
def test_ingest_writes_where_it_is_told_and_renames_columns(tmp_path: Path) -> None:
    from adrisk_pipelines.ingest import ingest

    (tmp_path / "ads.csv").write_text('words\nNight porter\n" "\nKitchen help\n')
    out = tmp_path / "out" / "table.parquet"
    flown = fly(ingest, [str(tmp_path / "ads.csv")], out=out, mapping={"text": "words"})
    assert flown.result.ads == out
    assert flown.counts("adrisk-ingest") == {"read": 3, "accepted": 2, "quarantined": 1}


@pytest.mark.slow
def test_train_returns_the_uri_of_a_registered_model(champion: Flown, workspace: Path) -> None:
    assert champion.result == "models:/adrisk/1"
    assert champion.counts("adrisk-train") == {"model": "models:/adrisk/1", "family": "ngram"}
    (version,) = list_versions(Store(workspace), "adrisk")
    assert version.aliases == ("champion",)


@pytest.mark.slow
def test_evaluate_returns_the_path_of_results_on_unseen_campaigns(
    champion: Flown, workspace: Path, corpus_file: Path
) -> None:
    from adrisk_pipelines.evaluate import evaluate

    flown = fly(evaluate, champion.result, corpus_file, QUICK)
    results = json.loads(flown.result.read_text())
    assert flown.link("adrisk-results") == flown.result
    counts = flown.counts("adrisk-evaluate")
    assert counts["ads"] == results["report"]["n"] == 48
    assert counts["average precision"] > 0.99


@pytest.mark.slow
def test_score_asks_the_champion_and_leaves_counts_and_a_link_to_the_report(
    workspace: Path, tmp_path: Path
) -> None:
    from adrisk_pipelines.score import score

    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(make_texts(60, 10, seed=4)[0]), path)
    flown = fly(score, [str(path)])
    assert flown.result.name == "report.html"
    assert flown.link("adrisk-report") == flown.result
    manifest = json.loads((flown.result.parent / "manifest.json").read_text())
    counts = flown.counts("adrisk-score")
    assert counts["scored"] == manifest["counts"]["scored"] == 60
    assert counts["urgent"] + counts["review"] + counts["clear"] == 60


@pytest.mark.slow
def test_full_goes_the_whole_way_and_leaves_links_to_everything(
    corpus_file: Path, tmp_path: Path
) -> None:
    from adrisk_pipelines.full import FullRun, full

    config = run_config(tmp_path / "run.yaml", corpus_file, extra=f"results: {tmp_path}/kept\n")
    flown = fly(full, config)
    done = flown.result
    assert isinstance(done, FullRun)
    assert done.model == "models:/adrisk/1"
    for path in (done.report, done.queue, *done.evaluations):
        assert path.is_file()
        assert path.is_relative_to(os.environ["ADRISK_WORKSPACE"])
    assert flown.link("adrisk-report") == done.report
    assert flown.link("adrisk-results-ngram") == done.evaluations[0]
    assert flown.counts("adrisk-score")["scored"] == 240
    kept = json.loads((tmp_path / "kept" / "tiny-ngram.json").read_text())
    assert next(iter(kept["alerts"].values()))["n"] == 240
    assert "## tiny-ngram" in (tmp_path / "kept" / "results.md").read_text()
    words = done.in_words()
    assert f"report   {done.report}" in words
    assert "adrisk score models:/adrisk/1" in words


@pytest.mark.slow
def test_full_judges_a_small_corpus_in_folds(corpus_file: Path, tmp_path: Path) -> None:
    from adrisk_pipelines.full import full

    config = run_config(tmp_path / "run.yaml", corpus_file)
    config.write_text(config.read_text().replace("resamples: 20", "resamples: 20, folds: 2"))
    (path,) = fly(full, config).result.evaluations
    results = json.loads(path.read_text())
    assert results["data"]["split_by"] == "campaign, 2 folds"
    assert results["report"]["n"] == 240


@pytest.mark.slow
def test_full_keeps_the_results_of_two_recipes_of_one_family_apart(
    corpus_file: Path, tmp_path: Path
) -> None:
    from adrisk_pipelines.full import full

    other = "{family: ngram, parameters: {bits: 13}}"
    config = run_config(
        tmp_path / "run.yaml",
        corpus_file,
        train=f"{TINY}, {other}",
        extra=f"results: {tmp_path}/kept\n",
    )
    done = fly(full, config).result
    bits = [json.loads(p.read_text())["model"]["parameters"]["bits"] for p in done.evaluations]
    assert bits == [12, 13]
    assert len(list((tmp_path / "kept").glob("*.json"))) == 2


class Failing:
    """A stage that fails so many times, then does its work."""

    def __init__(self, error: Exception, times: int, work: Callable[..., Any]) -> None:
        self.error, self.times, self.work, self.calls = error, times, work, 0

    def __call__(self, *arguments: object, **options: object) -> Any:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return self.work(*arguments, **options)


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries at once."""
    from adrisk_pipelines.ingest import ingest_task
    from adrisk_pipelines.score import report_task, score_task

    for task in (ingest_task, score_task, report_task):
        monkeypatch.setattr(task, "retry_delay_seconds", 0)


AWAY = [OSError(5, "Input/output error"), RunError("ads.parquet cannot be written: disk away")]


@pytest.mark.slow
@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("error", AWAY, ids=["OSError", "RunError"])
def test_reading_and_writing_are_tried_again_when_a_disk_is_away_for_a_moment(
    corpus_file: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from adrisk_pipelines.ingest import ingest

    failing = Failing(error, 2, stages.ingest)
    monkeypatch.setattr(stages, "ingest", failing)
    assert fly(ingest, [str(corpus_file)]).result.accepted == 240
    assert failing.calls == 3


@pytest.mark.slow
@pytest.mark.usefixtures("_no_waiting")
def test_a_disk_that_stays_away_fails_the_flow_after_three_tries(
    corpus_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adrisk_pipelines.ingest import ingest

    failing = Failing(AWAY[0], 99, stages.ingest)
    monkeypatch.setattr(stages, "ingest", failing)
    with pytest.raises(OSError, match="Input/output error"):
        ingest([str(corpus_file)])
    assert failing.calls == 3


@pytest.mark.slow
@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("kind", [UsageError, SourceError, CorpusError])
def test_wrong_usage_is_not_tried_again(
    corpus_file: Path, monkeypatch: pytest.MonkeyPatch, kind: type[UsageError]
) -> None:
    from adrisk_pipelines.ingest import ingest

    failing = Failing(kind("this stays wrong"), 99, stages.ingest)
    monkeypatch.setattr(stages, "ingest", failing)
    with pytest.raises(kind, match="this stays wrong"):
        ingest([str(corpus_file)])
    assert failing.calls == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_no_waiting")
def test_a_scoring_that_failed_half_way_goes_on_at_its_next_try(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adrisk.config import ScoreConfig
    from adrisk_pipelines.score import score_task

    monkeypatch.setattr(layout, "PART_ROWS", 20)
    monkeypatch.setattr(layout, "BATCH_ROWS", 20)
    scored: list[int] = []
    work = parts.Scorer.begin

    def once_away(scorer: parts.Scorer, ads: pa.Table) -> tuple[parts.PendingBatch, TextRequest]:
        scored.append(len(ads))  # a part that is done is not scored again
        if len(scored) == 3:
            raise OSError(5, "Input/output error")
        return work(scorer, ads)

    monkeypatch.setattr(parts.Scorer, "begin", once_away)
    path = tmp_path / "ads.parquet"
    pq.write_table(make_ads(make_texts(60, 10, seed=4)[0]), path)
    config = ScoreConfig(sources=(str(path),), workers=1)
    done = score_task(None, config, tmp_path / "out")
    assert done.counts.scored == 60
    assert done.manifest.is_file()
    assert len(scored) == 4  # three, and without the two finished parts one more


@pytest.mark.slow
def test_learning_is_not_tried_again(
    corpus_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from adrisk_pipelines.train import train

    failing = Failing(RunError("no memory is left"), 99, stages.train)
    monkeypatch.setattr(stages, "train", failing)
    config = tmp_path / "train.yaml"
    config.write_text(f"name: x\nfamily: ngram\ncorpus: {{sources: [{corpus_file}]}}\n")
    with pytest.raises(RunError, match="no memory is left"):
        train(config)
    assert failing.calls == 1


@pytest.mark.slow
def test_a_wrong_configuration_fails_with_its_own_message_before_anything_is_made(
    corpus_file: Path, tmp_path: Path
) -> None:
    from adrisk_pipelines.full import full
    from adrisk_pipelines.train import train

    config = run_config(tmp_path / "run.yaml", corpus_file, extra="evalute: {}\n")
    with pytest.raises(ConfigError, match="unknown key 'evalute' [(]did you mean 'evaluate'"):
        full(config)
    assert not (Path(os.environ["ADRISK_WORKSPACE"]) / "runs").exists()
    lonely = tmp_path / "train.yaml"
    lonely.write_text("name: x\nfamily: ngram\n")
    with pytest.raises(ConfigError, match="name the sources under corpus, which a flow needs"):
        train(lonely)


@pytest.mark.slow
def test_a_failed_flow_run_carries_the_message_of_the_error(tmp_path: Path) -> None:
    from adrisk_pipelines.ingest import ingest

    state = ingest([str(tmp_path / "nothing.csv")], return_state=True)
    assert state.is_failed()
    assert "no such file or folder" in str(state.message)
    assert isinstance(state.result(raise_on_failure=False), AdriskError)


def test_the_schedules_score_every_night_and_train_every_week(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adrisk_pipelines.deployments import deployments

    monkeypatch.setenv("ADRISK_NIGHTLY_ADS", "/data/ads/*.parquet")
    monkeypatch.delenv("ADRISK_WEEKLY_CONFIG", raising=False)
    nightly, weekly = deployments()
    assert (nightly.name, nightly.flow_name) == ("nightly-score", "score")
    assert (weekly.name, weekly.flow_name) == ("weekly-retrain", "train")
    assert [s.schedule.cron for s in nightly.schedules] == ["0 2 * * *"]
    assert [s.schedule.cron for s in weekly.schedules] == ["0 4 * * 0"]
    assert nightly.parameters == {"sources": ["/data/ads/*.parquet"]}
    assert weekly.parameters == {"config": "configs/train/ngram.yaml"}
    monkeypatch.setenv("ADRISK_WEEKLY_CONFIG", "mine.yaml")
    assert deployments()[1].parameters == {"config": "mine.yaml"}


def test_the_schedules_name_a_configuration_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    from adrisk.config import TrainConfig, load
    from adrisk_pipelines.deployments import deployments

    monkeypatch.setenv("ADRISK_NIGHTLY_ADS", "synthetic:10")
    checkout = Path(__file__).parents[2]
    config = load(checkout / deployments()[1].parameters["config"], TrainConfig)
    assert config.corpus is not None


def test_without_ads_to_score_the_schedules_say_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adrisk_pipelines.deployments import deployments

    monkeypatch.delenv("ADRISK_NIGHTLY_ADS", raising=False)
    with pytest.raises(ConfigError, match="ADRISK_NIGHTLY_ADS is not set"):
        deployments()
