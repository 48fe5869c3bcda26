"""Faithfulness of a model's explanations, on ads that it was not trained on.

In: a model and a corpus. Out: a `FaithfulnessResult`, with the loss of the score when the spans
that an explanation shows are deleted or kept alone (`erasure`), and that of other words. For a
faithful explanation the first is larger when deleted and smaller when kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.errors import CorpusError
from adrisk.evaluation.erasure import Explained, Losses, Scorer, Span, disjoint_spans, losses
from adrisk.evaluation.evaluate import judged_model, seen_parts, without_folder
from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.estimates import Bootstrap, mean_over
from adrisk.metrics.figures import Figure, JudgedModel, Result
from adrisk.model.explain import RISK, evidence_of
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.rules.taxonomy import Taxonomy
from adrisk.training.corpus import Corpus
from adrisk.types import Evidence, FloatArray, IntArray, Kind, State


class Loss(Result):
    """Mean loss over ads: the marked words, other words, and the difference within each ad."""

    explanation: Figure
    other_words: Figure
    difference: Figure


class TextShares(Result):
    """Mean share of an ad's characters that is deleted."""

    explanation: float
    other_words: float


class Point(Result):
    """Losses with a number of spans deleted, or kept alone.

    Attributes:
        spans: their number, the strongest first.
        ads: with as many other words; where there are none, the keys below are absent.
        without_room: ads left out.
        mean_spans: less than `spans`, as some ads have fewer.
        characters: deleted.
        deleted, kept: losses by measure.
    """

    spans: int
    ads: int
    without_room: int
    mean_spans: float | None = None
    characters: TextShares | None = None
    deleted: Mapping[str, Loss] | None = None
    kept: Mapping[str, Loss] | None = None


class UnseenAds(Result):
    """The corpus, and how many of its ads are outside the training data."""

    sources: tuple[str, ...]
    fingerprint: str
    target: str
    unseen: int


class FlaggedAds(Result):
    """Ads at or above the threshold of the budget, of which a sample is explained."""

    budget: float
    threshold: float
    ads: int
    explained: int
    without_spans: int
    campaigns: int


class FaithfulnessResult(Result):
    """A model's entry in `faithfulness.json`; `draws` of other words are made for each ad."""

    model: JudgedModel
    data: UnseenAds
    flagged: FlaggedAds
    draws: int
    points: tuple[Point, ...]


def faithfulness(
    model: Model,
    corpus: Corpus,
    *,
    budget: float = REVIEW_SHARE,
    most: int = 400,
    draws: int = 5,
    resamples: int = 500,
) -> FaithfulnessResult:
    """Loss of the score without the spans that an explanation shows.

    Args:
        model: any family with explanations.
        corpus: only its campaigns outside the training data are used.
        budget: ads at or above its threshold are flagged.
        most: flagged ads, drawn at random.
        draws: of other words, for each ad and number of spans.

    Raises:
        CorpusError: if the model saw every campaign, or flags none of the others.
    """
    seed = model.manifest.seed
    threshold = model.threshold(budget).threshold
    unseen = np.flatnonzero(seen_parts(model, corpus) == -1)
    if not len(unseen):
        raise CorpusError("the model learned from every campaign of the corpus; bring other ads")
    risk, _ = model.probabilities(corpus.batch.take(unseen))
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
        found = losses(marked, scorer(model, threshold), draws=draws, seed=seed)
        advance(len(marked))
    return FaithfulnessResult(
        model=judged_model(model),
        data=UnseenAds(
            sources=tuple(without_folder(source) for source in corpus.sources),
            fingerprint=corpus.fingerprint,
            target=corpus.target,
            unseen=len(unseen),
        ),
        flagged=FlaggedAds(
            budget=budget,
            threshold=round(threshold, 6),
            ads=len(flagged),
            explained=len(chosen),
            without_spans=len(explained) - len(marked),
            campaigns=len({ad.campaign for ad in marked}),
        ),
        draws=draws,
        points=curves(found, Bootstrap(resamples, seed)),
    )


def scorer(model: Model, threshold: float) -> Scorer:
    """A scorer of log-odds before calibration, the sum of an explanation; probability; flag."""

    def score(
        texts: Sequence[str], languages: Sequence[str | None], regions: Sequence[str | None]
    ) -> Mapping[str, FloatArray]:
        batch = make_batch(texts, languages, regions, rules=model.rules)
        margins = model.classifier.margins(batch)
        probability = model.calibration.risk(margins, languages)[:, RISKY_COLUMN]
        return {
            "log_odds": margins.risk[:, RISKY_COLUMN],
            "probability": probability,
            "flagged": (probability >= threshold).astype(np.float64),
        }

    return score


def shown(evidence: Sequence[Evidence], taxonomy: Taxonomy) -> tuple[Span, ...]:
    """The spans shown for the risk, strongest first, then other findings of the rules.

    Words for single indicators and counter-evidence are left out: they do not raise the risk.
    """
    kinds = {entry.id: entry.kind for entry in taxonomy}
    risk = [e for e in evidence if e.indicator == RISK]
    rules = [
        e
        for e in evidence
        if e.strength == 0.0
        and e.state is State.PRESENT
        and kinds.get(e.indicator, Kind.COUNTER) is not Kind.COUNTER
    ]
    return disjoint_spans([(e.start, e.end) for e in [*risk, *rules]])


def _explained(model: Model, corpus: Corpus, rows: IntArray) -> list[Explained]:
    ads = []
    with track("explain", len(rows)) as advance:
        for row in rows.tolist():
            ad = corpus.batch.take([row])
            text, language, region = ad.raw[0].as_py(), ad.languages[0], ad.regions[0]
            # Without the words for single indicators, which are not measured here.
            spans = shown(evidence_of(model, ad, {}), model.rules.taxonomy)
            ads.append(Explained(text, language, spans, int(corpus.campaigns[row]), region))
            advance()
    return ads


def curves(found: Losses, bootstrap: Bootstrap | None = None) -> tuple[Point, ...]:
    """A point for each number of spans; every figure is a mean over ads with its interval."""
    bootstrap = bootstrap or Bootstrap()
    return tuple(_point(found, j, size, bootstrap) for j, size in enumerate(found.sizes))


def _point(found: Losses, j: int, size: int, bootstrap: Bootstrap) -> Point:
    fair = ~np.isnan(found.characters[:, j]).any(axis=1)
    ads, without_room = int(fair.sum()), int((~fair).sum())
    if not ads:
        return Point(spans=size, ads=ads, without_room=without_room)

    def mean(values: FloatArray) -> Figure:
        return bootstrap.estimate(mean_over(values), found.campaigns[fair], len(values)).figure()

    def losses_of(lost: Mapping[str, FloatArray]) -> dict[str, Loss]:
        pairs = {name: values[fair, j] for name, values in lost.items()}
        return {
            name: Loss(
                explanation=mean(pair[:, 0]),
                other_words=mean(pair[:, 1]),
                difference=mean(pair[:, 0] - pair[:, 1]),
            )
            for name, pair in pairs.items()
        }

    shares = found.characters[fair, j].mean(axis=0)
    return Point(
        spans=size,
        ads=ads,
        without_room=without_room,
        mean_spans=round(float(found.spans[fair, j].mean()), 3),
        characters=TextShares(
            explanation=round(float(shares[0]), 4), other_words=round(float(shares[1]), 4)
        ),
        deleted=losses_of(found.deleted),
        kept=losses_of(found.kept),
    )
