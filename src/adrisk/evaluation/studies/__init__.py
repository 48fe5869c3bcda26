"""Studies: results by the ads, labels, languages or features that a model is trained on.

In: a corpus, of which split, report set and report labels are the same for all fits of a study.
Out: one JSON file a study, in which every figure has n, positives, campaigns and an interval; and
the full evaluation of a family. `evaluation/study.py` runs them, `evaluation/protocol.md` describes
them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from adrisk.config import EvaluateConfig, ModelConfig
from adrisk.evaluation.evaluate import alerts, evaluate, evaluate_recipe, seen_parts
from adrisk.evaluation.results import (
    STUDY_RESULTS,
    StudyCorpus,
    Transfer,
    write_results,
    write_study,
)
from adrisk.evaluation.studies.ablation import findings, transfer, with_findings
from adrisk.evaluation.studies.data import StudyData, open_study_data
from adrisk.evaluation.studies.label_noise import label_noise
from adrisk.evaluation.studies.learning_curve import learning_curve
from adrisk.files import writable
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.results import PROTOCOL
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import fit_model, split_corpus

SYNTHETIC = "synthetic:20000"


@dataclass(frozen=True, slots=True)
class StudySettings:
    """Settings of a study.

    Attributes:
        recipes: one a family; the studies of one family use the first.
        seeds: number of random draws; the default of the study if None.
        resamples: of the bootstrap.
        folds: of a corpus without a test part of its own.
    """

    recipes: tuple[ModelConfig, ...] = (ModelConfig(family="ngram"), ModelConfig(family="linear"))
    seeds: int | None = None
    resamples: int = 500
    folds: int = 5

    @property
    def bootstrap(self) -> Bootstrap:
        """The bootstrap of the intervals."""
        return Bootstrap(self.resamples)


@dataclass(frozen=True, slots=True)
class Study:
    """A study by name.

    Attributes:
        run: the study of one corpus.
        synthetic: the synthetic ads of the study if no source is named.
        languages: whether it needs ads of several languages.
        one_family: whether it uses the first recipe only.
    """

    run: Callable[[StudyData, StudySettings], StudyCorpus]
    synthetic: str = SYNTHETIC
    languages: bool = False
    one_family: bool = False


def _transfer(data: StudyData, settings: StudySettings) -> Transfer:
    recipe = settings.recipes[0]
    text_alone = f"{recipe.family}, text alone"
    recipes = {
        f"{recipe.family}, with findings": with_findings(recipe, True),
        text_alone: with_findings(recipe, False),
    }
    return transfer(data, recipes, settings.bootstrap, only_risk=(text_alone,))


STUDIES: Mapping[str, Study] = {
    "learning-curve": Study(
        lambda data, how: learning_curve(data, how.recipes, how.bootstrap, seeds=how.seeds or 3)
    ),
    # Every head is fitted thirteen times, and noise makes that slow.
    "label-noise": Study(
        lambda data, how: label_noise(data, how.recipes[0], how.bootstrap, seeds=how.seeds or 2),
        synthetic="synthetic:8000",
        one_family=True,
    ),
    "transfer": Study(_transfer, languages=True, one_family=True),
    "findings": Study(lambda data, how: findings(data, how.recipes, how.bootstrap)),
}


def run_study(name: str, sources: Sequence[str], settings: StudySettings, out: Path) -> Path:
    """Run a study on each source and write its results, and the page of all results.

    A source with a test part of its own, such as synthetic ads, is split by it, others into folds.
    """
    corpora = []
    for source in sources:
        data = open_study_data(source, folds=settings.folds)
        corpora.append(STUDIES[name].run(data, settings))
    content = STUDY_RESULTS[name].model_validate(
        {"study": name, "protocol": PROTOCOL, "resamples": settings.resamples, "corpora": corpora}
    )
    return write_study(out, name, content)


def judge_families(
    data: StudyData,
    recipes: Sequence[ModelConfig],
    out: Path,
    *,
    resamples: int = 500,
    benign: Sequence[str] = (),
) -> list[Path]:
    """Evaluate each family and keep its results as `NAME-FAMILY.json`.

    Args:
        data: the ads; the files have its name, or `real` for DIFrauD.
        recipes: one a family.
        benign: benign sources, on which alerts are counted at the threshold of a policy that flags
            at most one campaign in a hundred with 90 % confidence. Where the threshold set is too
            small for that guarantee, the lowest threshold is taken that flags no more of its
            campaigns, and the alerts are marked as without a guarantee.
    """
    written, folds = [], 0 if len(data.splits) == 1 else len(data.splits)
    for recipe in recipes:
        config, found = EvaluateConfig(resamples=resamples, folds=folds), {}
        with tempfile.TemporaryDirectory() as scratch:
            evaluated = Path(scratch) / "out"
            if benign or not folds:
                folder = writable(Path(scratch) / "model")
                split = split_corpus(data.corpus, recipe.seed)
                model = fit_model(recipe, data.corpus, split).save(folder)
                if benign:
                    policy = resolve_policy(PolicyConfig(review_share=0.01), model)
                    found = alerts(model, benign, policy, resamples)
            if folds:
                done = evaluate_recipe(recipe, data.corpus, config, evaluated)
            else:
                done = evaluate(model, data.corpus, config, evaluated)
        name = _results_name(data, recipe.family)
        written.append(write_results(out, name, done.results, found))
    return written


def judge_saved(model: Model, data: StudyData, out: Path, *, resamples: int = 500) -> Path:
    """Evaluate a saved model on the report ads of a corpus, as `judge_families` does.

    If its training ads are of another corpus, the training part of this one is left out too,
    because its ads are worded like those that models are trained on.
    """
    config = EvaluateConfig(resamples=resamples, random_split=False)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = data.corpus
        if not (seen_parts(model, corpus) >= 0).any():
            corpus = _report_part(data, Path(scratch) / "report.parquet")
        done = evaluate(model, corpus, config, Path(scratch) / "out")
    return write_results(out, _results_name(data, model.manifest.family), done.results)


def _results_name(data: StudyData, family: str) -> str:
    """DIFrauD is the corpus of the documented real run, `configs/real.yaml`."""
    return f"{'real' if data.name == 'difraud' else data.name}-{family}"


def _report_part(data: StudyData, path: Path) -> Corpus:
    """The report ads as a corpus of their own."""
    rows = np.sort(data.report)
    pq.write_table(data.corpus.ads.take(rows), path)
    return replace(load_corpus([str(path)], rules=data.corpus.rules), sources=data.corpus.sources)
