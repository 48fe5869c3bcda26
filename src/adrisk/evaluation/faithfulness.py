"""Faithfulness of explanations: comprehensiveness and sufficiency (DeYoung et al. 2020).

In: ads with the spans an explanation marks in them, strongest first, and a way to score texts.
Out: what the score loses when the first k spans are deleted, beside the loss when as many other
words of the same lengths are deleted from the same ad; and the same when nothing but them is kept.
A faithful explanation loses more when deleted and less when kept. Any scorer will do; no model is
needed here.

Faithfulness of a model's explanations, on ads that it never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from adrisk.batch import make_batch
from adrisk.classifiers.base import RISKY_COLUMN
from adrisk.errors import CorpusError
from adrisk.evaluation.evaluate import judged_model, seen_parts, without_folder
from adrisk.evaluation.faithfulness_results import (
    FaithfulnessResult,
    FlaggedAds,
    Loss,
    Point,
    TextShares,
    UnseenAds,
)
from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.estimates import estimate
from adrisk.metrics.figures import Figure
from adrisk.model.explain import RISK, evidence_of
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.rules.taxonomy import Taxonomy
from adrisk.training.corpus import Corpus
from adrisk.types import Evidence, FloatArray, IntArray, Kind, State

Span = tuple[int, int]

Scorer = Callable[
    [Sequence[str], Sequence[str | None], Sequence[str | None]], Mapping[str, FloatArray]
]
"""Texts, their languages and their regions to one or more measures by name, each of shape (n,)."""

SIZES = (1, 2, 3, 5)
"""How many spans are deleted, the strongest first; an ad with fewer loses all it has."""

_WORD = regex.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Explained:
    """An ad and what its explanation marks.

    Attributes:
        text: raw.
        language: ISO 639-1 where known.
        spans: strongest first, none overlapping another.
        campaign: a number; ads of one campaign are drawn together in the bootstrap.
        region: where its phones are likely from, if known.
    """

    text: str
    language: str | None
    spans: tuple[Span, ...]
    campaign: int
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """What each of n ads loses of each measure, by number of spans.

    `deleted` and `kept`: by measure, shape (n, sizes, 2); the last axis is the explanation's spans,
    then the mean over the random draws. NaN where the ad has no room for as many other words.

    Attributes:
        characters: shape (n, sizes, 2), the share of the text that is deleted.
        spans: shape (n, sizes), how many.
        campaigns: shape (n,).
    """

    sizes: tuple[int, ...]
    deleted: Mapping[str, FloatArray]
    kept: Mapping[str, FloatArray]
    characters: FloatArray
    spans: IntArray
    campaigns: IntArray


def without(text: str, spans: Sequence[Span]) -> str:
    """The text with each span replaced by a blank.

    >>> without("we hold your passport here", [(3, 21)])
    'we   here'
    """
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return text


def only(text: str, spans: Sequence[Span]) -> str:
    """Nothing but the spans, in the order of the text, a line each.

    >>> only("we hold your passport here", [(13, 21), (0, 2)])
    'we\\npassport'
    """
    return "\n".join(text[start:end] for start, end in sorted(spans))


def disjoint_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans in their order, less those that overlap one before them.

    >>> disjoint_spans([(5, 9), (0, 6), (10, 12)])
    ((5, 9), (10, 12))
    """
    kept: list[Span] = []
    for start, end in spans:
        if all(end <= low or high <= start for low, high in kept):
            kept.append((start, end))
    return tuple(kept)


def elsewhere(
    text: str, spans: Sequence[Span], taken: Sequence[Span], rng: np.random.Generator
) -> list[Span]:
    """Runs of whole words of about the same lengths, drawn evenly where nothing is taken.

    Args:
        text: raw.
        spans: whose lengths are wanted, one run for each.
        taken: what no run may overlap.
        rng: of the draw.

    Returns:
        As many runs as there was room for, in the order of the spans; it stops where one fails.
    """
    words = [found.span() for found in _WORD.finditer(text)]
    if not words:
        return []
    free = np.ones(len(text), dtype=np.bool_)
    for start, end in taken:
        free[start:end] = False
    starts = np.array([start for start, _ in words], dtype=np.int64)
    ends = np.array([end for _, end in words], dtype=np.int64)
    runs: list[Span] = []
    for start, end in spans:
        wanted = starts + (end - start)
        above = np.minimum(np.searchsorted(ends, wanted), len(ends) - 1)
        below = np.maximum(above - 1, np.arange(len(ends)))
        nearer = np.abs(ends[below] - wanted) <= np.abs(ends[above] - wanted)
        finish = np.where(nearer, ends[below], ends[above])
        occupied = np.concatenate([[0], np.cumsum(~free)])
        # At the end of a text a run may come out far too short; it is no fair match.
        fits = (occupied[finish] == occupied[starts]) & (2 * (finish - starts) >= end - start)
        if not fits.any():
            break
        at = rng.choice(np.flatnonzero(fits))
        runs.append((int(starts[at]), int(finish[at])))
        free[runs[-1][0] : runs[-1][1]] = False
    return runs


def losses(
    ads: Sequence[Explained],
    score: Scorer,
    *,
    sizes: Sequence[int] = SIZES,
    draws: int = 5,
    seed: int = 0,
) -> Losses:
    """Delete and keep, score, and subtract from the score of the whole ad.

    Args:
        ads: each with at least one span.
        score: called once, with every different text.
        sizes: numbers of spans, rising.
        draws: of other words, for each ad and number.
        seed: of the draws.
    """
    texts: dict[tuple[str, str | None, str | None], int] = {}

    def row(text: str, ad: Explained) -> int:
        return texts.setdefault((text, ad.language, ad.region), len(texts))

    shape = (len(ads), len(sizes), 1 + draws)
    whole = np.zeros(len(ads), dtype=np.int64)
    deleted, kept = np.full(shape, -1), np.full(shape, -1)
    characters = np.full(shape, np.nan)
    spans = np.zeros(shape[:2], dtype=np.int64)
    for i, ad in enumerate(ads):
        # Every ad draws from its own stream, so that one more ad changes no other.
        rng = np.random.default_rng([seed, i])
        whole[i] = row(ad.text, ad)
        most = ad.spans[: max(sizes)]
        drawn = [elsewhere(ad.text, most, ad.spans, rng) for _ in range(draws)]
        for j, size in enumerate(sizes):
            top = most[:size]
            spans[i, j] = len(top)
            for k, chosen in enumerate([list(top), *(runs[:size] for runs in drawn)]):
                if len(chosen) < len(top):
                    continue
                deleted[i, j, k] = row(without(ad.text, chosen), ad)
                kept[i, j, k] = row(only(ad.text, chosen), ad)
                removed = sum(end - start for start, end in chosen)
                characters[i, j, k] = removed / max(1, len(ad.text))
    measures = score(
        [text for text, _, _ in texts],
        [language for _, language, _ in texts],
        [region for _, _, region in texts],
    )
    return Losses(
        sizes=tuple(sizes),
        deleted={name: _lost(values, whole, deleted) for name, values in measures.items()},
        kept={name: _lost(values, whole, kept) for name, values in measures.items()},
        characters=_two(characters),
        spans=spans,
        campaigns=np.array([ad.campaign for ad in ads], dtype=np.int64),
    )


def curves(found: Losses, *, resamples: int = 500, seed: int = 0) -> tuple[Point, ...]:
    """A point for each number of spans.

    Every figure is a mean over ads with its campaign-bootstrap interval.
    """
    return tuple(_point(found, j, size, resamples, seed) for j, size in enumerate(found.sizes))


def _point(found: Losses, j: int, size: int, resamples: int, seed: int) -> Point:
    fair = ~np.isnan(found.characters[:, j]).any(axis=1)
    ads, without_room = int(fair.sum()), int((~fair).sum())
    if not ads:
        return Point(spans=size, ads=ads, without_room=without_room)

    def mean(values: FloatArray) -> Figure:
        figure = estimate(
            lambda weights: weights @ values / weights.sum(axis=1),
            found.campaigns[fair],
            positives=len(values),
            resamples=resamples,
            seed=seed,
        )
        return figure.figure()

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


def _lost(values: FloatArray, whole: IntArray, rows: IntArray) -> FloatArray:
    after = np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)
    return _two(values[whole][:, None, None] - after)


def _two(values: FloatArray) -> FloatArray:
    """The explanation, and the mean of those random draws that had room."""
    drawn = values[:, :, 1:]
    room = ~np.isnan(drawn)
    total = np.where(room, drawn, 0.0).sum(axis=2)
    count = room.sum(axis=2)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.stack([values[:, :, 0], mean], axis=2)


BUDGET = REVIEW_SHARE
"""Ads above the threshold for this share under review are the flagged ones."""


def faithfulness(
    model: Model,
    corpus: Corpus,
    *,
    budget: float = BUDGET,
    most: int = 400,
    draws: int = 5,
    resamples: int = 500,
) -> FaithfulnessResult:
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
        found = losses(marked, scorer(model, threshold), sizes=SIZES, draws=draws, seed=seed)
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
        points=curves(found, resamples=resamples, seed=seed),
    )


def scorer(model: Model, threshold: float) -> Scorer:
    """Log-odds before calibration, which explanations add up to; the probability; the flag."""

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
    """The spans a reader sees for the risk, strongest first, then what the rules found beside them.

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
            # The words for single indicators are not asked for: they are not measured here.
            spans = shown(evidence_of(model, ad, {}), model.rules.taxonomy)
            ads.append(Explained(text, language, spans, int(corpus.campaigns[row]), region))
            advance()
    return ads
