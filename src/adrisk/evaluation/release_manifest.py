"""Manifest of a release: everything its model card shows, as kept in `manifest.json`.

In: facts of model and corpus, and the results of judging. Out: a frozen model that gives the same
bytes again. Behaviour is kept without its cases.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.evaluation.behaviour.results import BehaviourResult
from adrisk.evaluation.evaluation_results import Evaluation
from adrisk.evaluation.fairness.results import FairnessResult
from adrisk.evaluation.faithfulness_results import FaithfulnessResult
from adrisk.metrics.figures import AsGiven, Result
from adrisk.metrics.results import Paired
from adrisk.model.manifest import ThresholdEntry


class Configuration(Result):
    """What was asked for: how to train, to evaluate, and which policies to promise."""

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


class PartCounts(Result):
    """Size of one of the four disjoint sets."""

    ads: int
    campaigns: int
    risky: int


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
    parts: Mapping[str, PartCounts]
    languages: Mapping[str, int]
    kinds: Mapping[str, int]


class ReleaseCalibration(Result):
    """Curves by method, and the heads that too few ads were there to calibrate."""

    ads: int
    methods: Mapping[str, int]
    uncalibrated: tuple[str, ...]
    languages: tuple[str, ...]


class Seconds(Result):
    """How long training and judging took."""

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


class GuaranteeEntry(Result):
    """The numbers of a `Guarantee` of the policy."""

    qualified: bool
    threshold: float
    recall: float | None
    share: float | None
    confidence: float
    campaigns: int
    positives: int
    recall_seen: float | None
    share_seen: float
    more_positives: int | None
    words: str


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
    guarantees: tuple[GuaranteeEntry, ...]
    behaviour: BehaviourResult
    fairness: FairnessResult | None = None
    faithfulness: FaithfulnessResult | None = None
