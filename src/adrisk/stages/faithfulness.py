"""Measure whether a model's explanations are faithful, on ads that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adrisk.batch import prepare
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.errors import CorpusError
from adrisk.faithfulness import SIZES, Explained, Scorer, Span, apart, curves, losses
from adrisk.model.explain import RISK, evidence_of
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.stages.evaluate import described, seen_parts, without_folder
from adrisk.training.corpus import Corpus
from adrisk.types import Evidence, FloatArray, IntArray, Kind, State

BUDGET = 0.02
"""Ads above the threshold for this share under review are the flagged ones."""


def faithfulness(
    model: Model,
    corpus: Corpus,
    *,
    budget: float = BUDGET,
    most: int = 400,
    draws: int = 5,
    resamples: int = 500,
) -> dict[str, Any]:
    """What the score loses without the spans that a reader of the explanation sees.

    Args:
        model: any family that explains itself.
        corpus: of which only campaigns that the model never saw are used.
        budget: whose threshold says what is flagged.
        most: so many flagged ads, drawn evenly, are enough.
        draws: of other words, for each ad and number of spans.
        resamples: of the bootstrap.

    Raises:
        CorpusError: if the model saw every campaign, or flags none of the others.
    """
    seed = model.manifest.seed
    threshold = model.threshold(budget).threshold
    unseen = np.flatnonzero(seen_parts(model, corpus) == -1)
    if not len(unseen):
        raise CorpusError("the model learned from every campaign of the corpus; bring other ads")
    risk, _ = model.probabilities(corpus.reading.take(unseen))
    flagged = np.flatnonzero(risk[:, RISKY_COLUMN] >= threshold)
    if not len(flagged):
        raise CorpusError(
            f"none of the {len(unseen):,} ads that the model never saw reaches its threshold for "
            f"{budget:g} under review; bring more ads or take another budget"
        )
    chosen = np.sort(np.random.default_rng(seed).permutation(flagged)[:most])
    explained = _explained(model, corpus, unseen[chosen])
    marked = [ad for ad in explained if ad.spans]
    with track("rescore", len(marked)) as advance:
        found = losses(marked, scorer(model, threshold), sizes=SIZES, draws=draws, seed=seed)
        advance(len(marked))
    return {
        "model": described(model),
        "data": {
            "sources": [without_folder(source) for source in corpus.sources],
            "fingerprint": corpus.fingerprint,
            "target": corpus.target,
            "unseen": len(unseen),
        },
        "flagged": {
            "budget": budget,
            "threshold": round(threshold, 6),
            "ads": len(flagged),
            "explained": len(chosen),
            "without_spans": len(explained) - len(marked),
            "campaigns": len({ad.campaign for ad in marked}),
        },
        "draws": draws,
        "points": curves(found, resamples=resamples, seed=seed),
    }


def scorer(model: Model, threshold: float) -> Scorer:
    """Log-odds before calibration, which explanations speak of; the probability; the flag."""

    def score(texts: Sequence[str], languages: Sequence[str | None]) -> Mapping[str, FloatArray]:
        margins = model.classifier.margins(prepare(texts, languages))
        probability = model.calibration.risk(margins, languages)[:, RISKY_COLUMN]
        return {
            "log_odds": margins.risk[:, RISKY_COLUMN],
            "probability": probability,
            "flagged": (probability >= threshold).astype(np.float64),
        }

    return score


def shown(evidence: Sequence[Evidence]) -> tuple[Span, ...]:
    """The spans a reader sees for the risk, strongest first, then what the rules found beside them.

    Words for the single indicators and counter-evidence are left out: they are not said to raise
    the risk.
    """
    kinds = {entry.id: entry.kind for entry in load_taxonomy()}
    risk = [e for e in evidence if e.indicator == RISK]
    rules = [
        e
        for e in evidence
        if e.strength == 0.0
        and e.state is State.PRESENT
        and kinds.get(e.indicator, Kind.COUNTER) is not Kind.COUNTER
    ]
    return apart([(e.start, e.end) for e in [*risk, *rules]])


def _explained(model: Model, corpus: Corpus, rows: IntArray) -> list[Explained]:
    ads = []
    with track("explain", len(rows)) as advance:
        for row, text in zip(rows, corpus.reading.raw.take(rows).to_pylist(), strict=True):
            language = corpus.reading.languages[row]
            # The words for single indicators are not asked for: they are not measured here.
            spans = shown(evidence_of(model, text, {}, language))
            ads.append(Explained(text, language, spans, int(corpus.campaigns[row])))
            advance()
    return ads
