"""Release of models: trained from open inputs, evaluated, each with its manifest and its card.

In: a configuration. Out: registered models, whose versions carry the release's name, and a folder
`models/<version>-<family>/` for each, with `manifest.json` and `card.md`. An existing folder is
never overwritten: the model is compared with it. The weights stay in the registry.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import metadata
from pathlib import Path

from adrisk.config import ModelConfig, ReleaseConfig, dump
from adrisk.errors import CorpusError, RunError
from adrisk.evaluation.behaviour.run import behave
from adrisk.evaluation.behaviour.suites import Case, load_suites
from adrisk.evaluation.card import card
from adrisk.evaluation.compare import compare_models
from adrisk.evaluation.evaluate import evaluate
from adrisk.evaluation.fairness.run import BUDGETS, FairnessResult, fairness
from adrisk.evaluation.faithfulness import FaithfulnessResult, faithfulness
from adrisk.evaluation.release_manifest import (
    FORMAT,
    Beside,
    Configuration,
    Machine,
    Quality,
    Registration,
    ReleaseManifest,
    Seconds,
    calibration_facts,
    data_facts,
    guarantees,
    libraries_of,
    model_facts,
    read_release,
    weights_of,
)
from adrisk.files import replacing, writable
from adrisk.layout import MANIFEST_FILE
from adrisk.metrics.results import Curves
from adrisk.model.manifest import NAME
from adrisk.model.model import Model
from adrisk.parallel import cores
from adrisk.progress import say
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.tracking.models import find_model
from adrisk.tracking.registry import record_release
from adrisk.tracking.runs import Store
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import Trained, train

CARD = "card.md"


@dataclass(frozen=True, slots=True)
class Released:
    """One model of a release.

    Attributes:
        name: version and family, such as 2026.11-ngram.
        trained: the registered model.
        manifest: the source of the card.
        folder: of manifest and card: that of the release, or the workspace's if the release exists.
        differs: files that differ from those of an existing release; None if there was none.
    """

    name: str
    trained: Trained
    manifest: ReleaseManifest
    folder: Path
    differs: tuple[str, ...] | None = None

    @property
    def files(self) -> dict[str, str]:
        """Name and content of the files of the folder."""
        content = json.dumps(self.manifest.to_json(), indent=2, ensure_ascii=False) + "\n"
        return {MANIFEST_FILE: content, CARD: card(self.manifest)}


def publish(folder: Path, made: Sequence[Released]) -> tuple[Released, ...]:
    """Write the folders of new releases beside their place, then move all of them there."""
    released = []
    with tempfile.TemporaryDirectory(prefix=".release-", suffix=".draft", dir=folder) as scratch:
        for one in made:
            place = folder / one.name
            if place.exists():
                differs = _differs(read_release(place), one.manifest)
                released.append(replace(one, differs=differs))
                continue
            draft = Path(scratch) / one.name
            draft.mkdir()
            for file, text in one.files.items():
                (draft / file).write_text(text, encoding="utf-8", newline="\n")
            released.append(replace(one, folder=place))
        for new, one in zip(released, made, strict=True):
            if new.differs is None:
                try:
                    (Path(scratch) / new.name).replace(new.folder)
                except OSError as error:
                    raise RunError(
                        f"{new.folder} cannot be written: {error.strerror or error}; the card is "
                        f"in {one.folder}"
                    ) from error
    return tuple(released)


def _differs(then: ReleaseManifest, now: ReleaseManifest) -> tuple[str, ...]:
    """The files of the weights that are not the same in two manifests."""
    names = sorted({*then.weights, *now.weights})
    return tuple(n for n in names if then.weights.get(n) != now.weights.get(n))


def release(
    config: ReleaseConfig, store: Store, *, again: str, rules: Ruleset | None = None
) -> tuple[Released, ...]:
    """Train, evaluate and register every model of a release, then write the folders.

    Args:
        store: with the registry; its workspace keeps the full evaluations.
        again: the command that repeats the release, for the card.
        rules: of all ads; left out, those that the configuration names, or adrisk's own.

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
    rules = rules or load_ruleset(config.taxonomy)
    cases = load_suites(config.release.suites, rules.taxonomy)
    store.connect()
    corpus = load_corpus(
        config.corpus.sources,
        mapping=config.corpus.map,
        quarantine=store.workspace / f"quarantine-{config.name}.jsonl",
        rules=rules,
    )
    made: list[Released] = []
    for name, recipe in zip(config.names, config.train, strict=True):
        say(f"release {name}: {len(made) + 1} of {len(config.train)}")
        made.append(_make(name, recipe, config, corpus, cases, store, again, made))
    for one in made:
        record_release(store, NAME, one.trained.run.version, one.name, one.files)
    return publish(folder, made)


def _make(
    name: str,
    recipe: ModelConfig,
    config: ReleaseConfig,
    corpus: Corpus,
    cases: Sequence[Case],
    store: Store,
    again: str,
    earlier: Sequence[Released],
) -> Released:
    """Train, register and evaluate one model, and write its card to the workspace."""
    started = time.monotonic()
    trained = train(recipe, corpus, store, experiment=config.name)
    model = find_model(trained.uri, store.workspace, corpus.rules)
    trained_at = time.monotonic()
    work = store.workspace / "releases" / name
    quality = _judged(model, corpus, config, work, store, earlier)
    behaved = behave(model, cases, work).results.model_copy(update={"cases": None})
    fair, faithful = _fairness_and_faithfulness(model, corpus, config)
    manifest = ReleaseManifest(
        format=FORMAT,
        release=name,
        made=datetime.now(UTC).date().isoformat(),
        again=again,
        licence=metadata("adrisk")["License-Expression"],
        configuration=Configuration(
            train=dump(recipe),
            evaluate=dump(config.evaluate),
            policies=tuple(dump(policy) for policy in config.release.policies),
        ),
        registered=Registration(name=NAME, version=trained.run.version, run=trained.run.run_id),
        model=model_facts(model),
        weights=weights_of(model),
        libraries=libraries_of(model),
        machine=Machine(python=platform.python_version(), cores=cores()),
        data=data_facts(model, corpus, recipe, quality),
        calibration=calibration_facts(model.manifest),
        thresholds=model.manifest.thresholds,
        seconds=Seconds(
            train=round(trained_at - started, 1), judge=round(time.monotonic() - trained_at, 1)
        ),
        quality=quality,
        guarantees=guarantees(config.release.policies, model),
        behaviour=behaved,
        fairness=fair,
        faithfulness=faithful,
    )
    content = json.loads(json.dumps(manifest.to_json()))  # as it will be read again
    made = Released(name, trained, ReleaseManifest.model_validate(content), work)
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
    earlier: Sequence[Released],
) -> Quality:
    """The evaluation; the baselines, equal for all models, are those of the first."""
    how = config.evaluate
    if earlier:
        how = how.model_copy(update={"baselines": False, "random_split": False})
    results = evaluate(model, corpus, how, out, store=store, experiment=config.name).results
    report = results.report
    if report.curves is not None:
        report = report.model_copy(update={"curves": Curves(reliability=report.curves.reliability)})
    kept = {**dict(results), "report": report}
    if earlier:
        kept["baselines"] = earlier[0].manifest.quality.baselines
        kept["beside"] = _beside(model, earlier[0], corpus, how.resamples, out, store)
    return Quality(**kept)


def _beside(
    model: Model, first: Released, corpus: Corpus, resamples: int, out: Path, store: Store
) -> Beside:
    """The model against the first of the release, on the same draws of campaigns."""
    other = find_model(first.trained.uri, store.workspace, corpus.rules)
    found = compare_models(model, other, corpus, out, resamples).results
    beside = Beside(release=first.name, risk=found.risk.average_precision)
    if found.indicators is None:
        return beside
    return beside.model_copy(update={"indicators": found.indicators.macro_average_precision})


def _fairness_and_faithfulness(
    model: Model, corpus: Corpus, config: ReleaseConfig
) -> tuple[FairnessResult, FaithfulnessResult | None]:
    """Fairness and faithfulness; None for the second if no ad of the report set is flagged."""
    resamples = config.evaluate.resamples
    fair = fairness(model, corpus, most=config.release.swapped, draws=1, resamples=resamples)
    try:
        most = config.release.explained
        faithful = faithfulness(
            model, corpus, budget=BUDGETS[0], most=most, draws=3, resamples=resamples
        )
    except CorpusError as error:
        say(f"faithfulness is not measured: {error}")
        return fair, None
    return fair, faithful
