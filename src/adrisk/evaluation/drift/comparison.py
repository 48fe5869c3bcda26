"""Comparison of a batch with the training data: effect, chance and verdict of every aspect.

In: the model's `TrainingProfile`, the `Histogram` of a batch. Out: `Drift`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from adrisk.evaluation.drift.aspects import KINDS, Aspect, Drift
from adrisk.evaluation.drift.chance import Draws, Measured, bins_apart, rates_apart, words_apart
from adrisk.evaluation.drift.limits import LEAST_ADS, LEAST_GROUPS, verdict_of
from adrisk.model.profile import ENOUGH_ADS, GROUPS, OTHER, UNKNOWN, Histogram, TrainingProfile
from adrisk.types import FloatArray

_RESAMPLES = 500


def compare(
    summary: TrainingProfile, batch: Histogram, labels: Sequence[str], *, seed: int = 0
) -> Drift:
    """Compare a batch with the training data.

    Args:
        summary: of the model.
        batch: counted in the summary's bins, all of it with answers.
        labels: names of the indicators, in the model's order.
        seed: of the draws; equal seeds give equal reports.
    """
    frame, training = summary.bins, summary.counts
    rng = np.random.default_rng(seed)
    draws = Draws(*(rng.multinomial(GROUPS, [1 / GROUPS] * GROUPS, _RESAMPLES) for _ in range(2)))
    trained = training.languages.sum(axis=0)
    foreign = np.append(trained[:-1] < ENOUGH_ADS, False)  # the last are of no known language
    unsupported = [
        np.stack([tally.languages.sum(axis=1), tally.languages[:, foreign].sum(axis=1)], axis=1)
        for tally in (training, batch)
    ]
    unread = unsupported[1].sum(axis=0)
    singly = rng.binomial(int(unread[0]), unread[1] / max(unread[0], 1), _RESAMPLES)
    tallies = (training, batch)
    measured = {
        "scores": bins_apart(
            [t.risks for t in tallies], _ranges(frame.risk_edges, "{:.3f}"), draws
        ),
        "flagged": rates_apart(
            [np.stack([t.judged, t.flagged], axis=1) for t in tallies], ["flagged"], draws
        ),
        "unsupported_language": rates_apart(
            unsupported, ["in languages not trained on"], draws, singly=singly[:, None]
        ),
        "unknown_words": rates_apart([t.tokens for t in tallies], ["unknown words"], draws),
        "indicators": rates_apart(
            [np.column_stack([t.judged, t.indicators]) for t in tallies], labels, draws
        ),
        "language": bins_apart(
            [t.languages for t in tallies], (*frame.languages, OTHER, UNKNOWN), draws
        ),
        "length": bins_apart(
            [t.lengths for t in tallies], _ranges(frame.length_edges, "{:.0f}"), draws
        ),
        "vocabulary": words_apart([t.words for t in tallies], [t.ads for t in tallies], draws),
    }
    few = batch.ads < LEAST_ADS
    copied = min(map(_effective_groups, tallies)) < LEAST_GROUPS
    return Drift(
        aspects=tuple(
            _aspect(name, measured[name], few or (copied and not kind.copies_count), batch.ads)
            for name, kind in KINDS.items()
        ),
        training_ads=training.ads,
        batch_ads=batch.ads,
    )


def _aspect(name: str, found: Measured, few: bool, ads: int) -> Aspect:
    kind = KINDS[name]
    verdict = verdict_of(kind.measure, found.effect, found.chance, few)
    return Aspect(
        name=name,
        effect=found.effect,
        chance=found.chance,
        verdict=verdict,
        changes=found.changes,
        ads=ads,
    )


def _effective_groups(tally: Histogram) -> float:
    """How many equal groups would weigh as much as these unequal ones (Kish)."""
    sizes = tally.languages.sum(axis=1)
    return float(sizes.sum() ** 2 / max(np.square(sizes).sum(), 1.0))


def _ranges(edges: FloatArray, form: str) -> tuple[str, ...]:
    """Names of the bins between edges."""
    if not len(edges):
        return ("all",)
    names = [form.format(edge) for edge in edges]
    between = [f"{a} to {b}" for a, b in pairwise(names)]
    return (f"below {names[0]}", *between, f"{names[-1]} and above")


def supported(summary: TrainingProfile) -> frozenset[str]:
    """The languages with `ENOUGH_ADS` ads or more in the training data."""
    counts = summary.counts.languages.sum(axis=0)
    return frozenset(
        name for name, ads in zip(summary.bins.languages, counts, strict=False) if ads >= ENOUGH_ADS
    )
