"""Training: fit, calibrate and set thresholds on three disjoint sets, then register the model.

The fourth set, the report set, is used only for the headline figures.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN, LongTraining, ReportsFacts, TrainContext, tune
from adrisk.config import ModelConfig, dump
from adrisk.errors import CorpusError, ModelError
from adrisk.labels.targets import UNKNOWN_RISK, check_risk
from adrisk.layout import BUDGETS, REVIEW_SHARE
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.protocol import judge_ranking
from adrisk.metrics.splits import PARTS, Split, campaign_split
from adrisk.model.calibration import fit_calibration
from adrisk.model.campaign_risk import Pooling, fit_pooling
from adrisk.model.manifest import (
    NAME,
    Manifest,
    PoolingEntry,
    ThresholdEntry,
    TrainedOn,
    calibration_entry,
    library_versions,
)
from adrisk.model.model import Model
from adrisk.model.profile import (
    GROUPS,
    MOST_LANGUAGES,
    ProfileBins,
    TrainingProfile,
    characters,
    count,
    empty,
    known_words,
    quantile_edges,
)
from adrisk.model.training_ids import ThresholdSet, training_ids
from adrisk.progress import say
from adrisk.tracking.models import registered_manifest
from adrisk.tracking.registry import champion_of, no_challenger, set_alias
from adrisk.tracking.runs import Store, TrackedRun, training_run
from adrisk.training.corpus import Corpus
from adrisk.training.labels import training_labels
from adrisk.types import RISKY, FloatArray, IntArray

_AT_ONCE = 2048  # ads


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered model and the run that made it.

    Attributes:
        model: the trained model.
        run: its tracked run.
        alias: champion or challenger, empty for neither.
        why: reason why it got no alias.
    """

    model: Model
    run: TrackedRun
    alias: str
    why: str = ""

    @property
    def uri(self) -> str:
        """The argument MODEL for this version."""
        return self.run.uri


def train(
    config: ModelConfig,
    corpus: Corpus,
    store: Store,
    *,
    experiment: str,
    register_as: str = NAME,
) -> Trained:
    """Train one model, log the run, register the version.

    The first version becomes the champion. A later one becomes the challenger if it has the
    champion's target and heads and enough evaluated ads (`adrisk.tracking.registry`); else it
    gets no alias. Nothing is registered if a step fails.

    Raises:
        CorpusError: if the corpus has no labels, one class, or too few campaigns.
    """
    store.connect()  # fails before the training if an extra is missing or the store is unreachable
    split = split_corpus(corpus, config.seed)
    with training_run(store, experiment, config.family) as live:
        context = TrainContext(store.workspace / "checkpoints", live.log_metrics)
        model = fit_model(config, corpus, split, context)
        model = replace(
            model,
            manifest=model.manifest.model_copy(update={"metrics": headline(model, corpus, split)}),
            profile=training_profile(model, corpus, split),
        )
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "adrisk-model"
            folder.mkdir()
            model = model.save(folder)
            run = live.finish(model, folder, dump(config), register_as)
    alias, why = _alias(store, register_as, model.manifest)
    if alias:
        set_alias(store, register_as, alias, run.version)
    known = alias or f"no alias: {why}"
    say(f"registered {config.family} as version {run.version} of {register_as} ({known})")
    return Trained(model, run, alias, why)


def _alias(store: Store, name: str, manifest: Manifest) -> tuple[str, str]:
    """The alias for a new model, or the reason why it gets none."""
    champion = champion_of(store, name)
    if champion is None:
        return "champion", ""
    try:
        why = no_challenger(manifest, registered_manifest(store, champion))
    except ModelError as error:
        why = f"the champion cannot be read ({error})"
    return ("", why) if why else ("challenger", "")


def split_corpus(corpus: Corpus, seed: int) -> Split:
    """The four disjoint sets of a corpus."""
    known = corpus.targets.risk != UNKNOWN_RISK
    check_risk(corpus.targets.risk)
    names = corpus.ads.column_names
    stated = None
    if "split" in names:
        stated = np.array([s or "" for s in corpus.ads["split"].to_pylist()], dtype=np.str_)
    return campaign_split(
        corpus.campaigns,
        seed=seed,
        posted=corpus.ads["posted_at"].to_numpy().astype("datetime64[us]"),
        stated=stated,
        positive=known & (corpus.targets.risk >= RISKY),
    )


def fit_model(
    config: ModelConfig, corpus: Corpus, split: Split, context: TrainContext | None = None
) -> Model:
    """Fit, calibrate and set thresholds; the result is not saved yet.

    Args:
        config: family and parameters.
        corpus: training data.
        split: its four sets.
        context: checkpoints and metrics callback for families with long trainings.

    Raises:
        CorpusError: if the fit set has one class only.
    """
    parameters = {"seed": config.seed, **config.parameters}
    fit, calibrate, threshold = (split[part] for part in PARTS[:3])
    used_rows = np.concatenate([fit, calibrate, threshold])
    labelled = training_labels(corpus, used_rows, config.labels)
    place = np.arange(len(used_rows))
    to_fit = labelled.targets.take(place[: len(fit)])
    to_calibrate = labelled.targets.take(place[len(fit) : len(fit) + len(calibrate)])
    check_risk(to_fit.risk, "fit on this split")
    classifier = FAMILIES[config.family](**parameters)
    if isinstance(classifier, LongTraining) and context is not None:
        classifier.set_context(context)
    classifier.fit(corpus.batch.take(fit), to_fit)
    labels = classifier.labels_
    calibrate_on = corpus.batch.take(calibrate)
    tune(classifier, calibrate_on, to_calibrate)
    margins = classifier.margins(calibrate_on)
    languages = calibrate_on.languages
    calibration = fit_calibration(
        margins, to_calibrate, labels, corpus.campaigns[calibrate], languages
    )
    if "risk" not in calibration.calibrated:
        say("too few risky ads in the calibration set: risk keeps its uncalibrated probabilities")
    pooling = _pooling(corpus, calibrate, calibration.risk(margins, languages)[:, RISKY_COLUMN])
    held_out = corpus.batch.take(threshold)
    risk = calibration.risk(classifier.margins(held_out), held_out.languages)
    ids = corpus.ads["ad_id"]
    manifest = Manifest(
        family=config.family,
        parameters=classifier.parameters(),
        labels=labels,
        calibration=calibration_entry(calibration, len(calibrate)),
        campaign_risk=PoolingEntry(**asdict(pooling)),
        thresholds=thresholds(risk[:, RISKY_COLUMN]),
        trained_on=TrainedOn(
            sources=corpus.sources,
            target=corpus.target,
            ads=len(fit),
            campaigns=len(np.unique(corpus.campaigns[used_rows])),
            fingerprint=corpus.fingerprint,
            languages=_languages(corpus, fit),
            split_by=split.by,
            labels=labelled.made,
            labels_from=dump(config.labels),
        ),
        seed=config.seed,
        libraries=library_versions(config.family),
        rules=corpus.rules.fingerprint,
        facts=classifier.facts() if isinstance(classifier, ReportsFacts) else {},
    )
    used = training_ids([(i, ids.take(split[part])) for i, part in enumerate(PARTS[:3])])
    threshold_set = ThresholdSet(
        risk=risk[:, RISKY_COLUMN].astype(np.float32),
        risky=np.where(
            corpus.targets.risk[threshold] == UNKNOWN_RISK, -1, corpus.risky[threshold]
        ).astype(np.int8),
        campaigns=np.unique(corpus.campaigns[threshold], return_inverse=True)[1].astype(np.int32),
    )
    return Model(
        classifier, calibration, manifest, used, threshold_set=threshold_set, rules=corpus.rules
    )


def _pooling(corpus: Corpus, rows: IntArray, risk: FloatArray) -> Pooling:
    """Parameters of the campaign risk, fitted on the calibration set."""
    known = corpus.targets.risk[rows] != UNKNOWN_RISK
    at = rows[known]
    pooling = fit_pooling(risk[known], corpus.linked[at], corpus.texts[at], corpus.risky[at])
    if not pooling.campaigns:
        say("too few risky campaigns in the calibration set: a campaign takes its highest ad risk")
    return pooling


def headline(model: Model, corpus: Corpus, split: Split) -> dict[str, object]:
    """Headline figures of a model on its report set.

    Empty where the report set has one class only; `evaluate` gives all figures.
    """
    rows = split["report"]
    rows = rows[corpus.targets.risk[rows] != UNKNOWN_RISK]
    truth = corpus.targets.risk[rows] >= RISKY
    if np.unique(truth).size < 2:
        say("the report set has ads of one class only: the model carries no figures")
        return {}
    risk, _ = model.probabilities(corpus.batch.take(rows))
    bootstrap = Bootstrap(resamples=200, seed=model.manifest.seed)
    found = judge_ranking(truth, risk[:, RISKY_COLUMN], corpus.campaigns[rows], bootstrap)
    return {
        "average_precision": found.average_precision.model_dump(),
        "recall_at_0.01": found.recall_at_0_01.model_dump(),
    }


def training_profile(model: Model, corpus: Corpus, split: Split) -> TrainingProfile:
    """Counts of the fit, calibrate and threshold sets.

    Risk, indicators and unknown words are counted on the last two only: on the ads it was fitted
    on a model is overconfident, and has no unknown words.

    Args:
        model: calibrated, with its thresholds.
        corpus: its corpus.
        split: its four sets; the report set is not counted.
    """
    fit, *held_out = (split[part] for part in PARTS[:3])
    judged = np.concatenate(held_out)
    folded = corpus.batch.folded
    languages = Counter(filter(None, _language_names(corpus, np.concatenate([fit, judged]))))
    batches = _batches(judged)
    predictions = [model.predict(corpus.batch.take(rows)) for rows in batches]
    risk = np.concatenate([prediction.risk for prediction in predictions])
    bins = ProfileBins(
        languages=tuple(name for name, _ in languages.most_common(MOST_LANGUAGES)),
        length_edges=quantile_edges(characters(folded.take(fit))),
        risk_edges=quantile_edges(risk.astype(np.float64)),
        review_at=model.threshold(REVIEW_SHARE).threshold,
        words=known_words(folded.take(fit), corpus.campaigns[fit]),
        labels=len(model.labels),
    )
    groups = corpus.campaigns % GROUPS
    counts = empty(bins)
    for rows in _batches(fit):
        texts = folded.take(rows)
        counts += count(bins, texts, _language_names(corpus, rows), groups[rows])
    for rows, prediction in zip(batches, predictions, strict=True):
        texts = folded.take(rows)
        scores = (prediction.risk, prediction.indicators)
        counts += count(bins, texts, _language_names(corpus, rows), groups[rows], scores)
    return TrainingProfile(bins, counts)


def _batches(rows: IntArray) -> list[IntArray]:
    return [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]


def _language_names(corpus: Corpus, rows: IntArray) -> list[str | None]:
    names: list[str | None] = corpus.ads["language"].take(rows).to_pylist()
    return names


def thresholds(risk: FloatArray) -> tuple[ThresholdEntry, ...]:
    """For every review budget, the lowest risk that flags at most that share of these ads.

    Raises:
        CorpusError: if there are no ads.
    """
    if len(risk) == 0:
        raise CorpusError("no ads are left to set thresholds on; bring more campaigns")
    ordered = np.sort(risk)[::-1]
    entries = []
    for budget in BUDGETS:
        most = int(budget * len(ordered))
        # Just above the first ad outside the budget, so that ties with it are excluded.
        edge = ordered[min(most, len(ordered) - 1)]
        entries.append(
            ThresholdEntry(
                budget=budget,
                threshold=float(np.nextafter(np.float32(edge), np.float32(1))),
                n=len(ordered),
            )
        )
    return tuple(entries)


def _languages(corpus: Corpus, rows: np.ndarray) -> dict[str, int]:
    names = _language_names(corpus, rows)
    return dict(Counter(name or "unknown" for name in names).most_common())
