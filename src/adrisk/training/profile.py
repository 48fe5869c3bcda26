"""Count the training data of a model, for the model to carry."""

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


def summarise(model: Model, corpus: Corpus, split: Split) -> TrainingProfile:
    """The fit, calibrate and threshold sets in counts.

    Risk, indicators and the share of unknown words are of the last two alone: of the ads it was
    fitted on a model is surer than of any others, and knows every word.

    Args:
        model: calibrated, with its thresholds.
        corpus: what it was trained on.
        split: the four sets it was trained by; the report set is not counted.
    """
    fit, *held_out = (split[part] for part in PARTS[:3])
    held = np.concatenate(held_out)
    folded = corpus.batch.folded
    spoken = Counter(name for name in _languages(corpus, np.concatenate([fit, held])) if name)
    batches = [held[start : start + _AT_ONCE] for start in range(0, len(held), _AT_ONCE)]
    answers = [model.predict(corpus.batch.take(rows)) for rows in batches]
    risk = np.concatenate([answer.risk for answer in answers])
    frame = ProfileBins(
        languages=tuple(name for name, _ in spoken.most_common(MOST_LANGUAGES)),
        length_edges=quantile_edges(characters(folded.take(fit))),
        risk_edges=quantile_edges(risk.astype(np.float64)),
        review_at=model.threshold(REVIEW_SHARE).threshold,
        words=known_words(folded.take(fit), corpus.campaigns[fit]),
        labels=len(model.labels),
    )
    groups = corpus.campaigns % GROUPS
    tally = empty(frame)
    for start in range(0, len(fit), _AT_ONCE):
        rows = fit[start : start + _AT_ONCE]
        texts = folded.take(rows)
        tally += count(frame, texts, _languages(corpus, rows), groups[rows])
    for rows, answer in zip(batches, answers, strict=True):
        texts = folded.take(rows)
        told = (answer.risk, answer.indicators)
        tally += count(frame, texts, _languages(corpus, rows), groups[rows], told)
    return TrainingProfile(frame, tally)


def _languages(corpus: Corpus, rows: IntArray) -> list[str | None]:
    names: list[str | None] = corpus.ads["language"].take(rows).to_pylist()
    return names
