"""Comparison of two models on ads that neither was trained on: `adrisk evaluate --against`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.errors import CorpusError
from adrisk.evaluation.evaluate import judged_model, seen_parts
from adrisk.evaluation.results import ComparedData, ModelComparison
from adrisk.files import writable, write_json
from adrisk.metrics.comparison import Pair, compare
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.results import PROTOCOL
from adrisk.model.model import Model
from adrisk.policy.abstention import check_indicators
from adrisk.progress import say, track
from adrisk.training.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison and its file."""

    results: ModelComparison
    path: Path


def compare_models(
    first: Model, second: Model, corpus: Corpus, out: Path, resamples: int = 500
) -> Compared:
    """Compare two models as `comparison` does, and write `comparison.json` to the folder `out`.

    A difference above 0 is in favour of the first model.

    Raises:
        CorpusError: if no campaign is new to both, or labels are missing.
        UsageError: if the taxonomy lacks an indicator of either.
    """
    for model in (first, second):
        check_indicators(model)
    results = comparison(first, second, corpus, resamples)
    writable(out)
    path = out / "comparison.json"
    write_json(path, results.to_json())
    return Compared(results, path)


def comparison(
    first: Model, second: Model, corpus: Corpus, resamples: int = 500
) -> ModelComparison:
    """Compare the first model with the second on the same ads and the same draws of campaigns.

    A campaign is left out as soon as one of its ads was used to fit, calibrate or set thresholds
    of either model. Only indicators that both models score are compared.

    Raises:
        CorpusError: if no campaign is new to both, or labels are missing.
    """
    parts = [seen_parts(model, corpus) for model in (first, second)]
    rows = np.flatnonzero((parts[0] == -1) & (parts[1] == -1))
    if len(rows) == 0:
        raise CorpusError(
            f"all {len(corpus):,} ads belong to campaigns that one of the models was trained on; "
            "compare them on other ads, or train both with part of these held out"
        )
    if len(rows) < len(corpus):
        say(
            f"{len(corpus) - len(rows):,} ads belong to campaigns that either model learned from: "
            f"compared on the other {len(rows):,}"
        )
    labels = tuple(label for label in first.labels if label in second.labels)
    risk, indicators = [], []
    with track("compare", 2 * len(rows)) as advance:
        for model in (first, second):
            scores, found = model.probabilities(corpus.batch.take(rows))
            risk.append(scores[:, RISKY_COLUMN])
            indicators.append(found[:, [model.labels.index(label) for label in labels]])
            advance(len(rows))
    pair = Pair(
        risk=(risk[0], risk[1]),
        indicators=(indicators[0], indicators[1]),
        labels=labels,
        targets=corpus.targets.take(rows),
        campaigns=corpus.campaigns[rows],
    )
    paired = compare(pair, Bootstrap(resamples, first.manifest.seed))
    return ModelComparison(
        protocol=PROTOCOL,
        resamples=resamples,
        first=judged_model(first),
        second=judged_model(second),
        data=ComparedData(
            fingerprint=corpus.fingerprint,
            target=corpus.target,
            ads=len(corpus),
            left_out=len(corpus) - len(rows),
        ),
        **dict(paired),
    )
