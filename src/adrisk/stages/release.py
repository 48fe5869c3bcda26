"""A release: models trained from open inputs, judged, and each given its manifest and its card.

In: a configuration. Out: registered models, whose versions carry the release's name, and what was
judged of each, in the folders that `release_folder` writes. The weights stay in the registry.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from adrisk.behaviour.suites import Case, load_suites
from adrisk.config import ModelConfig, ReleaseConfig, dump
from adrisk.errors import CorpusError
from adrisk.files import replacing, writable
from adrisk.model.manifest import NAME
from adrisk.model.model import Model
from adrisk.progress import say
from adrisk.stages.behave import behave
from adrisk.stages.compare import compare_models
from adrisk.stages.evaluate import evaluate
from adrisk.stages.fairness import BUDGETS, fairness
from adrisk.stages.faithfulness import faithfulness
from adrisk.stages.release_facts import facts_of, guarantees
from adrisk.stages.release_folder import FORMAT, Made, Released, publish, read_release
from adrisk.tracking.models import find_model
from adrisk.tracking.registry import record_release
from adrisk.tracking.runs import Store
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import train


def release(config: ReleaseConfig, store: Store, *, again: str) -> tuple[Released, ...]:
    """Train, judge and register every model of a release, then write the folders.

    Args:
        config: what is released, and from which corpus.
        store: whose registry; its workspace keeps the evaluations in full.
        again: the command that does all of this, for the card.

    Raises:
        UsageError: if the folder cannot be written to, or the suites or the corpus cannot be used.
        RunError: if the work fails; what was registered until then stays, no folder appears.
    """
    folder = config.release.folder
    writable(folder)
    for name in config.names:
        if (folder / name).exists():
            read_release(folder / name)
            say(f"{folder / name} is there and stays; this run is compared with it")
    cases = load_suites(config.release.suites)
    store.connect()
    corpus = load_corpus(
        config.corpus.sources,
        mapping=config.corpus.map,
        quarantine=store.workspace / f"quarantine-{config.name}.jsonl",
    )
    made: list[Made] = []
    for name, recipe in zip(config.names, config.train, strict=True):
        say(f"release {name}: {len(made) + 1} of {len(config.train)}")
        made.append(_make(name, recipe, config, corpus, cases, store, again, made))
    for one in made:
        record_release(store, NAME, one.trained.run.version, one.name, one.files)
    return publish(folder, store.workspace / "releases", made)


def _make(
    name: str,
    recipe: ModelConfig,
    config: ReleaseConfig,
    corpus: Corpus,
    cases: Sequence[Case],
    store: Store,
    again: str,
    earlier: Sequence[Made],
) -> Made:
    """Train, register and judge one model; its card is in the workspace when this returns."""
    started = time.monotonic()
    trained = train(recipe, corpus, store, experiment=config.name)
    model = find_model(trained.uri, store.workspace)
    trained_at = time.monotonic()
    work = store.workspace / "releases" / name
    quality = _judged(model, corpus, config, work, store, earlier)
    if earlier:
        quality["beside"] = _beside(
            model, earlier[0], corpus, config.evaluate.resamples, work, store
        )
    behaved = behave(model, cases, work).results
    fair, faithful = _people(model, corpus, config)
    content = {
        "format": FORMAT,
        "release": name,
        "made": datetime.now(UTC).date().isoformat(),
        "again": again,
        "licence": metadata("adrisk")["License-Expression"],
        "configuration": {
            "train": dump(recipe),
            "evaluate": dump(config.evaluate),
            "policies": [dump(policy) for policy in config.release.policies],
        },
        "registered": {"name": NAME, "version": trained.run.version, "run": trained.run.run_id},
        **facts_of(model, corpus, recipe, quality),
        "seconds": {
            "train": round(trained_at - started, 1),
            "judge": round(time.monotonic() - trained_at, 1),
        },
        "quality": quality,
        "guarantees": guarantees(config.release.policies, model),
        "behaviour": {key: value for key, value in behaved.items() if key != "cases"},
        "fairness": fair,
        "faithfulness": faithful,
    }
    made = Made(name, trained, json.loads(json.dumps(content)))  # as it will be read again
    for file, text in made.files.items():
        with replacing(work / file) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
    return made


def _judged(
    model: Model,
    corpus: Corpus,
    config: ReleaseConfig,
    out: Path,
    store: Store,
    earlier: Sequence[Made],
) -> dict[str, Any]:
    """The results of the protocol; what is of the ads alone is taken from the first model."""
    how = config.evaluate
    if earlier:
        how = how.model_copy(update={"baselines": False, "random_split": False})
    judged = evaluate(model, corpus, how, out, store=store, experiment=config.name)
    results = dict(judged.results)
    if earlier and "baselines" in earlier[0].manifest["quality"]:
        results["baselines"] = earlier[0].manifest["quality"]["baselines"]
    report = dict(results["report"])
    report["curves"] = {"reliability": report["curves"]["reliability"]}
    return {**results, "report": report}


def _beside(
    model: Model, first: Made, corpus: Corpus, resamples: int, out: Path, store: Store
) -> dict[str, Any]:
    """The model against the first of the release, on the same draws of campaigns."""
    other = find_model(first.trained.uri, store.workspace)
    found = compare_models(model, other, corpus, out, resamples).results
    figures = {"risk": found["risk"]["average_precision"]}
    if "indicators" in found:
        figures["indicators"] = found["indicators"]["macro_average_precision"]
    return {"release": first.name, **figures}


def _people(
    model: Model, corpus: Corpus, config: ReleaseConfig
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """False flags by group and the swaps; and whether the words shown are those that count.

    Where no ad of the report set is flagged there is nothing to explain, and None says so.
    """
    resamples = config.evaluate.resamples
    fair = fairness(
        model,
        corpus,
        most=config.release.swapped,
        draws=1,
        resamples=resamples,
    )
    try:
        most = config.release.explained
        faithful = faithfulness(
            model, corpus, budget=BUDGETS[0], most=most, draws=3, resamples=resamples
        )
    except CorpusError as error:
        say(f"faithfulness is not measured: {error}")
        return fair, None
    return fair, faithful
