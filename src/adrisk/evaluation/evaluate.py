"""Evaluation of a model or a recipe by the protocol: figures, baselines, random split, alerts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.config import EvaluateConfig, LabelsConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.baselines import baselines, baselines_by_fold, random_gap
from adrisk.evaluation.curves import evaluation_curves
from adrisk.evaluation.fairness.rates import rate
from adrisk.evaluation.markdown import render
from adrisk.evaluation.results import DataSummary, Evaluation, RandomSplit, SourceAlerts
from adrisk.files import writable, write_json
from adrisk.metrics.comparison import PREDICTIONS_FILE, Predictions
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.figures import Figure, JudgedModel
from adrisk.metrics.protocol import (
    CAMPAIGNS,
    EXACT_COPIES,
    HIGHEST_AD,
    Items,
    Judged,
    judge,
    slices_of,
)
from adrisk.metrics.results import Report
from adrisk.metrics.splits import PARTS, Split, fold_splits, random_split
from adrisk.model.campaign_risk import campaign_risk
from adrisk.model.model import Model
from adrisk.model.training_ids import hash_ids
from adrisk.policy.abstention import ad_exceptions, check_indicators
from adrisk.policy.policy import Policy
from adrisk.progress import say, track
from adrisk.tracking.registry import COMPARED, EvaluationSummary, record_evaluation
from adrisk.tracking.runs import Store, TrackedRun, track_evaluation
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import fit_model
from adrisk.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The results, the file they are written to, and the tracked run."""

    results: Evaluation
    path: Path
    run: TrackedRun | None


def evaluate(
    model: Model,
    corpus: Corpus,
    config: EvaluateConfig,
    out: Path,
    *,
    store: Store | None = None,
    experiment: str = "evaluate",
) -> Evaluated:
    """Evaluate a trained model on the ads of a corpus that it was not trained on.

    A campaign is left out as soon as one of its ads was used to fit, calibrate or set thresholds.

    Args:
        corpus: with labels; if it is the training corpus, its report set is used.
        config: resamples, baselines, random split.
        out: folder for `results.json`, tables and curves.
        store: where to track the run; not tracked if left out.

    Raises:
        CorpusError: if every campaign is in the training data, or labels are missing.
        UsageError: if the taxonomy lacks an indicator of the model.
    """
    check_indicators(model)
    part = seen_parts(model, corpus)
    rows = np.flatnonzero(part == -1)
    if len(rows) == 0:
        raise CorpusError(
            f"all {len(corpus):,} ads belong to campaigns that the model was trained on; "
            "evaluate it on other ads, or train with part of these held out"
        )
    if len(rows) < len(corpus):
        say(
            f"{len(corpus) - len(rows):,} ads belong to campaigns the model learned from: "
            f"judged on the other {len(rows):,}"
        )
    with track("evaluate", len(rows)) as advance:
        scores = _scores(model, corpus, rows, model.labels)
        advance(len(rows))
    judged = _judged(corpus, [scores], model.labels)
    bootstrap = Bootstrap(config.resamples, model.manifest.seed)
    seed, fit = model.manifest.seed, np.flatnonzero(part == 0)
    report = judge(judged, bootstrap)
    results = Evaluation(
        model=judged_model(model),
        data=_data(corpus, model.manifest.trained_on.split_by),
        report=report,
        baselines=baselines(corpus, fit, rows, bootstrap, seed) if config.baselines else {},
        random_split=_random_split(model, corpus, part, bootstrap, report)
        if config.random_split and len(fit)
        else None,
    )
    kept = Predictions(
        ads=hash_ids(corpus.ads["ad_id"].take(rows)),
        campaigns=corpus.campaigns[rows].astype(np.int64),
        labels=corpus.targets.risk[rows].astype(np.int64),
        risk=scores.risk[:, RISKY_COLUMN].astype(np.float64),
    )
    return _keep(results, model, out, store, experiment, kept)


def _random_split(
    model: Model, corpus: Corpus, part: NDArray[np.int8], bootstrap: Bootstrap, report: Report
) -> RandomSplit:
    """The model's recipe on parts of the same sizes, with single ads split at random."""
    recipe = ModelConfig(
        family=model.manifest.family,
        parameters={n: v for n, v in model.manifest.parameters.items() if n != "seed"},
        seed=model.manifest.seed,
        labels=LabelsConfig.model_validate(model.manifest.trained_on.labels_from),
    )
    sizes = {name: int((part == i).sum()) for i, name in zip((0, 1, 2, -1), PARTS, strict=True)}
    split = random_split(len(corpus), seed=recipe.seed, positive=corpus.risky, sizes=sizes)
    return random_gap(recipe, corpus, [split], bootstrap, report)


def evaluate_recipe(
    recipe: ModelConfig,
    corpus: Corpus,
    config: EvaluateConfig,
    out: Path,
    *,
    store: Store | None = None,
    experiment: str = "evaluate",
) -> Evaluated:
    """Evaluate a recipe on a small corpus: every campaign once, by a model fitted without it.

    The campaigns are split into `config.folds` folds. For each fold, a model is fitted, calibrated
    and given thresholds on the others; the scores of all folds are evaluated together.
    """
    splits = fold_splits(corpus.campaigns, config.folds, seed=recipe.seed, positive=corpus.risky)
    bootstrap = Bootstrap(config.resamples, recipe.seed)
    models, judged = _pooled(recipe, corpus, splits)
    report = judge(judged, bootstrap)
    by_fold, gap = {}, None
    if config.baselines:
        by_fold = baselines_by_fold(corpus, splits, bootstrap, recipe.seed)
    if config.random_split:
        single = fold_splits(
            np.arange(len(corpus)), config.folds, seed=recipe.seed, positive=corpus.risky
        )
        gap = random_gap(recipe, corpus, single, bootstrap, report)
    results = Evaluation(
        model=judged_model(models[0]).model_copy(update={"version": "", "fingerprint": ""}),
        data=_data(corpus, f"campaign, {config.folds} folds"),
        report=report,
        baselines=by_fold,
        random_split=gap,
    )
    return _keep(results, models[0], out, store, experiment)


def alerts(
    model: Model, sources: Sequence[str], policy: Policy, resamples: int = 500
) -> dict[str, SourceAlerts]:
    """Alerts per 10,000 ads of each source, with intervals over campaigns.

    For sources without labels: in a benign one every alert is false. An ad that the model should
    not judge is no alert, unless it escalates: it is left to people and counted as `incomplete`.
    `judged` are the alerts per 10,000 of the other ads. The capacity of the policy is ignored.
    Where no ad is an alert, or every ad, the other end of the interval is exact over campaigns.
    """
    found: dict[str, SourceAlerts] = {}
    for source in sources:
        corpus = load_corpus([source], rules=model.rules)
        with track("alerts", len(corpus)) as advance:
            answers = model.predict(corpus.batch)
            exceptions = ad_exceptions(model, corpus.batch, answers)
            flagged = exceptions.flagged(answers.risk, policy.review_at)
            advance(len(corpus))
        judged = ~exceptions.unjudged
        found[source.partition(":")[0]] = SourceAlerts(
            **_per_10000(flagged, corpus.campaigns, resamples).model_dump(),
            judged=_per_10000(flagged[judged], corpus.campaigns[judged], resamples),
            incomplete=_per_10000(exceptions.unjudged, corpus.campaigns, resamples),
            threshold=round(policy.review_at, 6),
            guaranteed=policy.guarantee is not None and policy.guarantee.qualified,
            words=policy.review_at_reason,
            fingerprint=corpus.fingerprint,
        )
    return found


def _per_10000(flags: NDArray[np.bool_], campaigns: IntArray, resamples: int) -> Figure:
    """How many of 10,000 ads have a flag."""
    found = rate(flags, campaigns, Bootstrap(resamples))
    value, low, high = (10_000 * share for share in (found.value, found.low, found.high))
    return replace(found, value=value, low=low, high=high).figure()


def judged_model(model: Model) -> JudgedModel:
    """The model, as results name it."""
    return JudgedModel(
        version=model.version,
        family=model.manifest.family,
        parameters=dict(model.manifest.parameters),
        fingerprint=model.fingerprint,
    )


def seen_parts(model: Model, corpus: Corpus) -> NDArray[np.int8]:
    """The part each ad had in training, whole campaigns at a time; -1 where it had none."""
    part = model.training_ids.part_of(corpus.ads["ad_id"])
    used = np.zeros(int(corpus.campaigns.max()) + 1, dtype=np.bool_)
    used[corpus.campaigns[part >= 0]] = True
    # An unseen ad of a used campaign is neither judged nor fitted on.
    return np.where((part == -1) & used[corpus.campaigns], np.int8(-2), part)


def _pooled(recipe: ModelConfig, corpus: Corpus, splits: list[Split]) -> tuple[list[Model], Judged]:
    """One model a split; the scores of all report sets, over the labels that all models have."""
    models: list[Model] = []
    with track("folds by campaign", len(splits), "models") as advance:
        for split in splits:
            models.append(fit_model(recipe, corpus, split))
            advance()
    labels = tuple(
        label for label in models[0].labels if all(label in model.labels for model in models)
    )
    parts = [
        _scores(model, corpus, split["report"], labels)
        for model, split in zip(models, splits, strict=True)
    ]
    return models, _judged(corpus, parts, labels)


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores of n rows by one model: shapes (n, 3), (n, k), (n,), and (n,) for each budget."""

    rows: IntArray
    risk: FloatArray
    indicators: FloatArray
    campaign_risk: FloatArray
    thresholds: Mapping[float, FloatArray]


def _scores(model: Model, corpus: Corpus, rows: IntArray, labels: tuple[str, ...]) -> _Scores:
    """Scores of the rows; the campaign risk is that of campaigns as linking alone finds them."""
    risk, indicators = model.probabilities(corpus.batch.take(rows))
    linked = np.unique(corpus.linked[rows], return_inverse=True)[1]
    by_campaign = campaign_risk(risk[:, RISKY_COLUMN], linked, corpus.texts[rows], model.pooling)
    return _Scores(
        rows=rows,
        risk=risk,
        indicators=indicators[:, [model.labels.index(label) for label in labels]],
        campaign_risk=by_campaign[linked],
        thresholds={t.budget: np.full(len(rows), t.threshold) for t in model.manifest.thresholds},
    )


def _judged(corpus: Corpus, parts: Sequence[_Scores], labels: tuple[str, ...]) -> Judged:
    """The scored ads with their labels, their slices, and the items that a reviewer opens."""
    rows = np.concatenate([part.rows for part in parts])
    risk = np.concatenate([part.risk for part in parts])
    risky = risk[:, RISKY_COLUMN]
    linked = np.unique(corpus.linked[rows], return_inverse=True)[1]
    top = np.zeros(int(linked.max()) + 1)
    np.maximum.at(top, linked, risky)
    texts = corpus.batch.unmasked.take(rows).dictionary_encode().indices.to_numpy()
    return Judged(
        risk=risk,
        indicators=np.concatenate([part.indicators for part in parts]),
        labels=labels,
        targets=corpus.targets.take(rows),
        campaigns=corpus.campaigns[rows],
        thresholds={
            budget: np.concatenate([part.thresholds[budget] for part in parts])
            for budget in parts[0].thresholds
        },
        slices=slices_of(corpus.ads.take(rows)),
        items={
            EXACT_COPIES: Items(texts.astype(np.int64), risky),
            HIGHEST_AD: Items(linked, top[linked]),
            CAMPAIGNS: Items(linked, np.concatenate([part.campaign_risk for part in parts])),
        },
    )


def _keep(
    results: Evaluation,
    model: Model,
    out: Path,
    store: Store | None,
    experiment: str,
    kept: Predictions | None = None,
) -> Evaluated:
    """Write results and curves, track them, and tag the registered version with a summary."""
    writable(out)
    path = out / "results.json"
    content = results.to_json()
    write_json(path, content)
    pages = evaluation_curves(results.report.curves) if results.report.curves else {}
    title = f"{model.manifest.family} {model.version}"
    pages["tables.md"] = render("evaluation.md.j2", name=title, found=results)
    for name, page in pages.items():
        (out / name).write_text(page, encoding="utf-8")
    if store is None:
        return Evaluated(results, path, None)
    files: dict[str, str | bytes] = {**pages, "results.json": path.read_bytes()}
    if kept is not None:
        files[PREDICTIONS_FILE] = kept.to_bytes()
    name = f"evaluate {model.manifest.family}"
    run = track_evaluation(store, experiment, name, model.manifest, content, files)
    if results.model.version.isdigit():
        risk = results.report.risk.model_dump(by_alias=True)
        summary = EvaluationSummary(
            fingerprint=results.data.fingerprint,
            target=results.data.target,
            run_id=run.run_id,
            at_ms=time.time_ns() // 1_000_000,
            figures={name: risk[name] for name in COMPARED},
        )
        record_evaluation(store, model.manifest.name, results.model.version, summary)
    return Evaluated(results, path, run)


def _data(corpus: Corpus, split_by: str) -> DataSummary:
    return DataSummary(
        sources=tuple(without_folder(source) for source in corpus.sources),
        fingerprint=corpus.fingerprint,
        ads=len(corpus),
        campaigns=len(np.unique(corpus.campaigns)),
        quarantined=corpus.quarantined,
        target=corpus.target,
        split_by=split_by,
    )


def without_folder(source: str) -> str:
    """`difraud:/home/me/ads.parquet` as `difraud:ads.parquet`: results are read elsewhere."""
    scheme, colon, rest = source.partition(":")
    return f"{scheme}{colon}{Path(rest).name}" if colon and "/" in rest else Path(source).name
