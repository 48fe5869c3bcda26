"""A model made by hand: it counts words, so that every figure of it is the same on any machine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.base import Margins
from adrisk.model.calibration import Calibration
from adrisk.model.manifest import CalibrationEntry, Manifest, ThresholdEntry, TrainedOn
from adrisk.model.model import Model
from adrisk.model.profile import (
    ProfileBins,
    TrainingProfile,
    characters,
    count,
    known_words,
    quantile_edges,
)
from adrisk.model.training_ids import TrainingIds
from adrisk.types import FloatArray
from builders import make_texts
from families.keyword import KeywordClassifier

WEIGHTS = {"passport": 3.0, "debt": 2.0, "romanian": 1.5, "contract": -1.0, "emily": -0.5}


class WordWeights(KeywordClassifier):
    """Each word has its weight, some of them below zero; one indicator beside the risk."""

    labels_ = ("document_retention",)

    def margins(self, batch: TextBatch) -> Margins:
        texts = batch.folded.to_pylist()
        sums = np.array(
            [sum(weight * text.count(word) for word, weight in WEIGHTS.items()) for text in texts]
        )
        risk = sums[:, None] - np.array([2.0, 3.0, 4.0])
        passports = np.array([4.0 * ("passport" in text) - 2.0 for text in texts])
        return Margins(passports.reshape(-1, 1), risk)

    def contributions(self, batch: TextBatch) -> FloatArray:
        folded = batch.folded[0].as_py()
        result = np.zeros((1, len(folded)))
        for word, weight in WEIGHTS.items():
            start = folded.find(word)
            while start >= 0:
                result[0, start : start + len(word)] += weight / len(word)
                start = folded.find(word, start + 1)
        return result


def make_model() -> Model:
    """Thresholds for two budgets, two languages, and its training data in counts."""
    manifest = Manifest(
        family="keyword",
        parameters={"words": sorted(WEIGHTS), "seed": 0},
        labels=WordWeights.labels_,
        calibration=CalibrationEntry(
            slopes=(1.0,),
            intercepts=(0.0,),
            risk_slopes=(1.0, 1.0, 1.0),
            risk_intercepts=(0.0, 0.0, 0.0),
            calibrated=("risk",),
            ads=100,
        ),
        thresholds=(
            ThresholdEntry(budget=0.02, threshold=0.5, n=100),
            ThresholdEntry(budget=0.05, threshold=0.125, n=100),
        ),
        trained_on=TrainedOn(
            sources=("words:by-hand",),
            target="risk of trafficking (made by hand)",
            ads=1000,
            campaigns=400,
            fingerprint="1e" * 32,
            languages={"en": 600, "es": 400},
            split_by="campaign",
        ),
        seed=3,
        libraries={},
    )
    return Model(
        WordWeights(),
        Calibration(np.ones(1), np.zeros(1), np.ones(3), np.zeros(3), ("risk",)),
        manifest,
        TrainingIds(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int8)),
        version="7",
        fingerprint="0f" * 32,
        profile=make_summary(),
    )


def make_summary(size: int = 1000) -> TrainingProfile:
    """What it was trained on: English and Spanish by name, low risks."""
    rng = np.random.default_rng(0)
    texts = make_batch(make_texts(size, size // 10)[0], ["en"] * size).folded
    risk = (np.arange(size) % 100 / 200).astype(np.float32)
    languages = tuple("en" if i % 5 < 3 else "es" for i in range(size))
    frame = ProfileBins(
        languages=("en", "es"),
        length_edges=quantile_edges(characters(texts)),
        risk_edges=quantile_edges(risk.astype(np.float64)),
        review_at=0.48,
        words=known_words(texts, np.arange(size)),
        labels=1,
    )
    groups = rng.integers(0, 32, size)
    answers = risk, np.full((size, 1), 0.1, dtype=np.float32)
    return TrainingProfile(frame, count(frame, pa.array(texts), languages, groups, answers))
