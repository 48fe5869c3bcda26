"""Families of classifiers under the full protocol, on the same ads.

A corpus with a test part of its own is judged on it; any other in folds. Families that train for
long are judged as a saved model where there is one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.evaluation.evaluate import alerts, evaluate, evaluate_recipe, seen_parts
from adrisk.evaluation.evaluation_results import SourceAlerts
from adrisk.evaluation.results import write_results
from adrisk.evaluation.studies.data import StudyData
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import fit_model, split_corpus

_REVIEW_SHARE = 0.01


def judge_families(
    ground: StudyData,
    recipes: Sequence[ModelConfig],
    out: Path,
    *,
    resamples: int = 500,
    benign: Sequence[str] = (),
) -> list[Path]:
    """Judge each family and keep its results as `NAME-FAMILY.json`.

    Args:
        ground: the ads; the files have its name, or `real` for DIFrauD.
        recipes: one a family.
        out: usually evaluation/results.
        resamples: of the intervals.
        benign: sources held to be benign, on which alerts are counted at the threshold of a
            policy that flags at most one campaign in a hundred with 90 % confidence. A small
            threshold set cannot prove that; then the lowest threshold is taken that flags no more
            of its campaigns, which promises nothing, and the words kept with the alerts say so.
    """
    written = []
    for recipe in recipes:
        folds = 0 if len(ground.splits) == 1 else len(ground.splits)
        config = EvaluateConfig(resamples=resamples, folds=folds)
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            model = (
                _trained(recipe, ground, place / "model") if benign or not config.folds else None
            )
            if model is not None and not config.folds:
                done = evaluate(model, ground.corpus, config, place / "out")
            else:
                done = evaluate_recipe(recipe, ground.corpus, config, place / "out")
            found = _alerts(model, benign, resamples) if model is not None else {}
        name = f"{_called(ground)}-{recipe.family}"
        written.append(write_results(out, name, done.results, found))
    return written


def judge_saved(model: Model, ground: StudyData, out: Path, *, resamples: int = 500) -> Path:
    """Judge a saved model on the report ads of a corpus, as `judge_families` would.

    Its training ads may be of this corpus; if they are not, the corpus's own training part is left
    out all the same, because its ads are worded like those that models are trained on.
    """
    config = EvaluateConfig(resamples=resamples, random_split=False)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = ground.corpus
        if not (seen_parts(model, corpus) >= 0).any():
            corpus = _report_part(ground, Path(scratch) / "report.parquet")
        done = evaluate(model, corpus, config, Path(scratch) / "out")
    return write_results(out, f"{_called(ground)}-{model.manifest.family}", done.results)


def _called(ground: StudyData) -> str:
    """DIFrauD is the corpus of the documented real run, `configs/real.yaml`."""
    return "real" if ground.name == "difraud" else ground.name


def _report_part(ground: StudyData, path: Path) -> Corpus:
    """The report ads as a corpus of their own."""
    rows = np.sort(ground.report)
    pq.write_table(ground.corpus.ads.take(rows), path)
    return replace(
        load_corpus([str(path)], rules=ground.corpus.rules), sources=ground.corpus.sources
    )


def _trained(recipe: ModelConfig, ground: StudyData, folder: Path) -> Model:
    """A model of the whole corpus, split once as training splits it."""
    folder.mkdir()
    return fit_model(recipe, ground.corpus, split_corpus(ground.corpus, recipe.seed)).save(folder)


def _alerts(model: Model, benign: Sequence[str], resamples: int) -> Mapping[str, SourceAlerts]:
    if not benign:
        return {}
    policy = resolve_policy(PolicyConfig(review_share=_REVIEW_SHARE), model)
    return alerts(model, benign, policy, resamples)
