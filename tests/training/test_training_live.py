"""A training that takes long: its run is open from the first step, and a second one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from adrisk import api as stages
from adrisk.config import ModelConfig
from adrisk.tracking.registry import list_versions
from adrisk.tracking.runs import LiveRun, Store
from builders import make_encoder


@pytest.mark.slow
def test_metrics_reach_the_run_while_training_goes_on_and_a_stopped_one_is_taken_up(
    corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    tiny = {
        "encoder": str(make_encoder(tmp_path / "encoder")),
        "learning_rate": 4e-3,
        "batch": 16,
        "epochs": 4,
        "patience": 4,
    }
    config = ModelConfig(
        family="cascade",
        parameters={"fast": {"bits": 14}, "encoder": tiny, "review_share": 0.1, "most_reread": 0.3},
    )
    store = Store(tmp_path / "ws")
    corpus = stages.load_corpus([str(corpus_file)])
    logged = LiveRun.log_metrics

    def stopped(run: LiveRun, metrics: dict[str, float], step: int) -> None:
        logged(run, metrics, step)
        if step >= 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LiveRun, "log_metrics", stopped)
        with pytest.raises(KeyboardInterrupt):
            stages.train(config, corpus, store, experiment="long")
    client = mlflow.MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("long").experiment_id
    (first,) = client.search_runs([experiment])
    assert first.info.status == "FAILED"
    assert {"train_loss", "train_rate"} <= set(first.data.metrics)
    assert list_versions(store, "adrisk") == []
    assert list((store.workspace / "checkpoints").iterdir())

    done = stages.train(config, corpus, store, experiment="long")
    found = client.get_run(done.run.run_id)
    assert found.info.status == "FINISHED"
    told = [
        {m.step for m in client.get_metric_history(run_id, "train_loss")}
        for run_id in (first.info.run_id, done.run.run_id)
    ]
    assert told[0] == {10, 20}
    assert min(told[1]) == 20  # the first epochs are not learned again
    assert found.data.metrics["reread_share"] <= 0.3
    assert "review share" in found.data.params["facts.reread_because"]
    assert done.model.manifest.facts["reread_share"] == found.data.metrics["reread_share"]
    assert not list((store.workspace / "checkpoints").iterdir())
