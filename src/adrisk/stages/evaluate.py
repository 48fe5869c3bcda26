"""Judge a model, or a recipe, by the protocol: report set, baselines, gap to a random split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.calibration import fit_calibration, platt
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation import (
    Judged,
    Ruler,
    judge,
    judge_ranking,
    plain_baselines,
    slices_of,
    tfidf_baseline,
)
from adrisk.indicators import load_taxonomy
from adrisk.labels import UNKNOWN_RISK, Targets
from adrisk.metrics import alerts_per_10000, average_precision, estimate
from adrisk.model import Model
from adrisk.progress import say, track
from adrisk.report.curves import evaluation_curves
from adrisk.splits import PARTS, Part, Split, campaign_split, folds, random_split
from adrisk.stages.corpus import Corpus, load_corpus
from adrisk.stages.files import writable, write_json
from adrisk.stages.results import section
from adrisk.stages.train import fit_model, split_corpus
from adrisk.tracking import COMPARED, Store, TrackedRun, record_evaluation, track_evaluation
from adrisk.types import RISKY, FloatArray, IntArray

_NO_REPORT: Mapping[Part, float] = {"fit": 0.7, "calibrate": 0.18, "threshold": 0.12, "report": 0.0}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The results, as written to `path`, and the run that tracked them."""

    results: Mapping[str, Any]
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
    """Judge a trained model on the ads of a corpus that it never saw.

    A campaign is left out as soon as one of its ads was used to fit, calibrate or set thresholds.

    Args:
        model: to judge.
        corpus: with labels; usually the one it was trained on, whose report set is then used.
        config: resamples, baselines, random split.
        out: folder for `results.json`, tables and curves.
        store: where to track the run; not tracked if left out.
        experiment: of the run.

    Raises:
        CorpusError: if every campaign was seen in training, or labels are missing.
    """
    part = _seen_parts(model, corpus)
    report = np.flatnonzero(part == -1)
    if len(report) == 0:
        raise CorpusError(
            f"all {len(corpus):,} ads belong to campaigns that the model was trained on; "
            "evaluate it on other ads, or train with part of these held out"
        )
    if len(report) < len(corpus):
        say(
            f"{len(corpus) - len(report):,} ads belong to campaigns the model learned from: "
            f"judged on the other {len(report):,}"
        )
    with track("evaluate", len(report)) as advance:
        risk, indicators = model.probabilities(corpus.prepared.folded.take(pa.array(report)))
        advance(len(report))
    limits = {t.budget: np.full(len(report), t.threshold) for t in model.manifest.thresholds}
    judged = _judged(corpus, report, risk, indicators, model.labels, limits)
    ruler = Ruler(config.resamples, model.manifest.seed)
    results: dict[str, Any] = {
        "model": {
            "version": model.version,
            "family": model.manifest.family,
            "parameters": dict(model.manifest.parameters),
            "fingerprint": model.fingerprint,
        },
        "data": _data(corpus, model.manifest.trained_on.split_by),
        "report": judge(judged, ruler),
    }
    fit = np.flatnonzero(part == 0)
    if config.baselines:
        results["baselines"] = _baselines(corpus, fit, report, ruler, model.manifest.seed)
    if config.random_split and len(fit):
        recipe = ModelConfig(
            family=model.manifest.family,
            parameters=_without_seed(model.manifest.parameters),
            seed=model.manifest.seed,
        )
        sizes = {name: int((part == i).sum()) for i, name in enumerate(PARTS[:3])}
        split = random_split(
            len(corpus),
            seed=recipe.seed,
            positive=_risky(corpus),
            sizes={**sizes, "report": len(report)},
        )
        results["random_split"] = _random_gap(recipe, corpus, [split], ruler, results["report"])
    return _keep(results, model, out, store, experiment)


def evaluate_recipe(
    recipe: ModelConfig,
    corpus: Corpus,
    config: EvaluateConfig,
    out: Path,
    *,
    store: Store | None = None,
    experiment: str = "evaluate",
) -> Evaluated:
    """Judge a way of training on a small corpus: every campaign once, by a model without it.

    The campaigns are dealt into `config.folds` folds. For each, a model is fitted, calibrated and
    given thresholds on the others, and scores this one; the scores are judged together.
    """
    positive = _risky(corpus)
    fold = folds(corpus.campaigns, config.folds, seed=recipe.seed, positive=positive)
    splits = [_fold_split(corpus, fold == f, recipe.seed) for f in range(config.folds)]
    ruler = Ruler(config.resamples, recipe.seed)
    models, judged = _pooled(recipe, corpus, splits, "folds by campaign")
    results: dict[str, Any] = {
        "model": {
            "version": "",
            "family": recipe.family,
            "parameters": dict(models[0].manifest.parameters),
            "fingerprint": "",
        },
        "data": _data(corpus, f"campaign, {config.folds} folds"),
        "report": judge(judged, ruler),
    }
    if config.baselines:
        results["baselines"] = _baselines_by_fold(corpus, splits, ruler, recipe.seed)
    if config.random_split:
        single = np.arange(len(corpus))
        loose = folds(single, config.folds, seed=recipe.seed, positive=positive)
        randoms = [
            _fold_split(corpus, loose == f, recipe.seed, campaigns=single)
            for f in range(config.folds)
        ]
        results["random_split"] = _random_gap(recipe, corpus, randoms, ruler, results["report"])
    return _keep(results, models[0], out, store, experiment)


def alerts(
    model: Model, sources: tuple[str, ...], threshold: float, resamples: int = 500
) -> dict[str, Any]:
    """Alerts per 10,000 ads of each source at a threshold, with intervals over campaigns.

    For ads without labels: on a corpus that is held to be benign every alert is a false one.
    """
    found: dict[str, Any] = {}
    for source in sources:
        corpus = load_corpus([source])
        risk, _ = model.probabilities(corpus.prepared.folded)
        figure = estimate(
            alerts_per_10000(risk[:, RISKY_COLUMN], threshold),
            corpus.campaigns,
            positives=int((risk[:, RISKY_COLUMN] >= threshold).sum()),
            resamples=resamples,
        )
        found[source.partition(":")[0]] = {
            **figure.to_json(),
            "threshold": round(threshold, 6),
            "fingerprint": corpus.fingerprint,
        }
    return found


def _seen_parts(model: Model, corpus: Corpus) -> NDArray[np.int8]:
    """The part each ad had in training, whole campaigns at a time; -1 where it had none."""
    part = model.seen.part_of(corpus.ads["ad_id"])
    used = np.zeros(int(corpus.campaigns.max()) + 1, dtype=np.bool_)
    used[corpus.campaigns[part >= 0]] = True
    # An unseen ad of a used campaign is neither judged nor fitted on.
    return np.where((part == -1) & used[corpus.campaigns], np.int8(-2), part)


def _fold_split(
    corpus: Corpus, held_out: NDArray[np.bool_], seed: int, campaigns: IntArray | None = None
) -> Split:
    """The held-out ads as report set, the others dealt into the three other parts."""
    campaigns = corpus.campaigns if campaigns is None else campaigns
    rest = np.flatnonzero(~held_out)
    inner = campaign_split(
        campaigns[rest], seed=seed, positive=_risky(corpus)[rest], shares=_NO_REPORT
    )
    rows = {part: rest[inner[part]] for part in PARTS[:3]}
    return Split({**rows, "report": np.flatnonzero(held_out)}, "folds")


def _pooled(
    recipe: ModelConfig, corpus: Corpus, splits: list[Split], stage: str
) -> tuple[list[Model], Judged]:
    """One model a split; the report sets' scores put together, over the labels all have."""
    models, rows = [], []
    with track(stage, len(splits), "models") as advance:
        for split in splits:
            models.append(fit_model(recipe, corpus, split))
            rows.append(split["report"])
            advance()
    labels = tuple(
        label for label in models[0].labels if all(label in model.labels for model in models)
    )
    risks, indicators = [], []
    limits: dict[float, list[FloatArray]] = {}
    for model, report in zip(models, rows, strict=True):
        risk, found = model.probabilities(corpus.prepared.folded.take(pa.array(report)))
        risks.append(risk)
        indicators.append(found[:, [model.labels.index(label) for label in labels]])
        for entry in model.manifest.thresholds:
            limits.setdefault(entry.budget, []).append(np.full(len(report), entry.threshold))
    together = {budget: np.concatenate(parts) for budget, parts in limits.items()}
    judged = _judged(
        corpus,
        np.concatenate(rows),
        np.concatenate(risks),
        np.concatenate(indicators),
        labels,
        together,
    )
    return models, judged


def _random_gap(
    recipe: ModelConfig,
    corpus: Corpus,
    splits: list[Split],
    ruler: Ruler,
    honest: Mapping[str, Any],
) -> dict[str, Any]:
    """What dealing out single ads would have made of the same recipe."""
    rows, scores = [], []
    # Only the risk is compared, so only its head is fitted.
    targets = Targets((), np.zeros((len(corpus), 0)), corpus.targets.risk)
    with track("random split", len(splits), "models") as advance:
        for split in splits:
            classifier = FAMILIES[recipe.family](**{"seed": recipe.seed, **recipe.parameters})
            fit = split["fit"]
            classifier.fit(corpus.prepared.folded.take(pa.array(fit)), targets.take(fit))
            held_out = pa.array(split["report"])
            margins = classifier.margins(corpus.prepared.folded.take(held_out))
            if len(splits) > 1:  # scores of several models are pooled: put them on one scale
                calibrate = split["calibrate"]
                before = classifier.margins(corpus.prepared.folded.take(pa.array(calibrate)))
                shift = fit_calibration(before, targets.take(calibrate), ())
                scores.append(shift.risk(margins)[:, RISKY_COLUMN])
            else:
                scores.append(margins.risk[:, RISKY_COLUMN])
            rows.append(split["report"])
            advance()
    report, score = np.concatenate(rows), np.concatenate(scores)
    known = corpus.targets.risk[report] != UNKNOWN_RISK
    truth = corpus.targets.risk[report] >= RISKY
    figure = estimate(
        average_precision(truth[known], score[known]),
        corpus.campaigns[report][known],
        positives=int(truth[known].sum()),
        resamples=ruler.resamples,
        seed=ruler.seed,
    )
    plain = figure.to_json()
    gap = figure.value - honest["risk"]["average_precision"]["value"]
    return {"average_precision": plain, "gap": round(gap, 6)}


def _baselines(
    corpus: Corpus, fit: IntArray, report: IntArray, ruler: Ruler, seed: int
) -> dict[str, Any]:
    """The four baselines on the report set; the one that learns needs the fit set's ads."""
    report = report[corpus.targets.risk[report] != UNKNOWN_RISK]
    with track("baselines", 4, "baselines") as advance:
        ads, folded = corpus.ads.take(report), corpus.prepared.folded.take(pa.array(report))
        scores = plain_baselines(ads, folded, load_taxonomy())
        advance(3)
        if len(fit):
            scores["TF-IDF + logistic regression"] = _tfidf(corpus, fit, report, seed)
        advance()
    truth, campaigns = corpus.targets.risk[report] >= RISKY, corpus.campaigns[report]
    found: dict[str, Any] = {
        name: judge_ranking(truth, score, campaigns, ruler) for name, score in scores.items()
    }
    if not len(fit):
        found["TF-IDF + logistic regression"] = {
            "left_out": "the ads the model was fitted on are not in this corpus"
        }
    return found


def _baselines_by_fold(
    corpus: Corpus, splits: list[Split], ruler: Ruler, seed: int
) -> dict[str, Any]:
    rows = np.concatenate([split["report"] for split in splits])
    found = _baselines(corpus, np.zeros(0, dtype=np.int64), rows, ruler, seed)
    with track("TF-IDF baseline", len(splits), "models") as advance:
        scores = []
        for split in splits:
            held = split["calibrate"]
            held = held[corpus.targets.risk[held] != UNKNOWN_RISK]
            together = np.concatenate([held, split["report"]])
            margins = _tfidf(corpus, split["fit"], together, seed)
            before, score = np.split(margins, [len(held)])
            slope, shift = platt(before, _risky(corpus)[held].astype(np.float64))
            scores.append(slope * score + shift)  # several models are pooled: one scale for all
            advance()
    known = corpus.targets.risk[rows] != UNKNOWN_RISK
    found["TF-IDF + logistic regression"] = judge_ranking(
        corpus.targets.risk[rows][known] >= RISKY,
        np.concatenate(scores)[known],
        corpus.campaigns[rows][known],
        ruler,
    )
    return found


def _tfidf(corpus: Corpus, fit: IntArray, report: IntArray, seed: int) -> FloatArray:
    fit = fit[corpus.targets.risk[fit] != UNKNOWN_RISK]
    folded = corpus.prepared.folded
    return tfidf_baseline(
        folded.take(pa.array(fit)).to_pylist(),
        corpus.targets.risk[fit] >= RISKY,
        folded.take(pa.array(report)).to_pylist(),
        seed,
    )


def _judged(
    corpus: Corpus,
    rows: IntArray,
    risk: FloatArray,
    indicators: FloatArray,
    labels: tuple[str, ...],
    thresholds: Mapping[float, FloatArray],
) -> Judged:
    ads = corpus.ads.take(pa.array(rows))
    return Judged(
        risk=risk,
        indicators=indicators,
        labels=labels,
        targets=corpus.targets.take(rows),
        campaigns=corpus.campaigns[rows],
        thresholds=thresholds,
        slices=slices_of(ads),
    )


def _keep(
    results: dict[str, Any], model: Model, out: Path, store: Store | None, experiment: str
) -> Evaluated:
    """Write results and curves, track them, and note the headline with the registered version."""
    writable(out)
    path = out / "results.json"
    write_json(path, results)
    pages = evaluation_curves(results["report"]["curves"])
    pages["tables.md"] = section(f"{model.manifest.family} {model.version}", results)
    for name, page in pages.items():
        (out / name).write_text(page, encoding="utf-8")
    if store is None:
        return Evaluated(results, path, None)
    files = {**pages, "results.json": path.read_text(encoding="utf-8")}
    name = f"evaluate {model.manifest.family}"
    run = track_evaluation(store, experiment, name, model.manifest, results, files)
    version = str(results["model"]["version"])
    if version.isdigit():
        risk = results["report"]["risk"]
        summary = {
            "fingerprint": results["data"]["fingerprint"],
            "target": results["data"]["target"],
            "run_id": run.run_id,
            "figures": {name: risk[name] for name in COMPARED},
        }
        record_evaluation(store, model.manifest.name, version, summary)
    return Evaluated(results, path, run)


def _data(corpus: Corpus, split_by: str) -> dict[str, Any]:
    return {
        "sources": [_without_folder(source) for source in corpus.sources],
        "fingerprint": corpus.fingerprint,
        "ads": len(corpus),
        "campaigns": len(np.unique(corpus.campaigns)),
        "quarantined": corpus.quarantined,
        "target": corpus.target,
        "split_by": split_by,
    }


def _without_folder(source: str) -> str:
    """`difraud:/home/me/ads.parquet` as `difraud:ads.parquet`: results are read elsewhere."""
    scheme, colon, rest = source.partition(":")
    return f"{scheme}{colon}{Path(rest).name}" if colon and "/" in rest else Path(source).name


def _risky(corpus: Corpus) -> NDArray[np.bool_]:
    return np.asarray(corpus.targets.risk >= RISKY)


def _without_seed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "seed"}


__all__ = ["Evaluated", "alerts", "evaluate", "evaluate_recipe", "split_corpus"]
