"""Training profile of a model, counted from its corpus and predictions."""

from __future__ import annotations

from collections import Counter

import numpy as np

from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.splits import PARTS, Split
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
from adrisk.training.corpus import Corpus
from adrisk.types import IntArray

_AT_ONCE = 2048


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
    frequent = Counter(name for name in _languages(corpus, np.concatenate([fit, judged])) if name)
    batches = [judged[start : start + _AT_ONCE] for start in range(0, len(judged), _AT_ONCE)]
    predictions = [model.predict(corpus.batch.take(rows)) for rows in batches]
    risk = np.concatenate([prediction.risk for prediction in predictions])
    bins = ProfileBins(
        languages=tuple(name for name, _ in frequent.most_common(MOST_LANGUAGES)),
        length_edges=quantile_edges(characters(folded.take(fit))),
        risk_edges=quantile_edges(risk.astype(np.float64)),
        review_at=model.threshold(REVIEW_SHARE).threshold,
        words=known_words(folded.take(fit), corpus.campaigns[fit]),
        labels=len(model.labels),
    )
    groups = corpus.campaigns % GROUPS
    counts = empty(bins)
    for start in range(0, len(fit), _AT_ONCE):
        rows = fit[start : start + _AT_ONCE]
        texts = folded.take(rows)
        counts += count(bins, texts, _languages(corpus, rows), groups[rows])
    for rows, prediction in zip(batches, predictions, strict=True):
        texts = folded.take(rows)
        scores = (prediction.risk, prediction.indicators)
        counts += count(bins, texts, _languages(corpus, rows), groups[rows], scores)
    return TrainingProfile(bins, counts)


def _languages(corpus: Corpus, rows: IntArray) -> list[str | None]:
    names: list[str | None] = corpus.ads["language"].take(rows).to_pylist()
    return names
