"""Comparison of a batch with the training data: effect, chance and verdict of every aspect.

In: the model's `TrainingProfile`, the `Histogram` of a batch. Out: an `Aspect` for each of `KINDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from adrisk.evaluation.drift.effects import (
    Draws,
    Measured,
    compare_bins,
    compare_rates,
    compare_words,
)
from adrisk.evaluation.drift.results import (
    KINDS,
    LEAST_ADS,
    LEAST_GROUPS,
    LIMITS,
    Aspect,
    Verdict,
    verdict_of,
)
from adrisk.metrics.figures import rounded
from adrisk.model.profile import ENOUGH_ADS, GROUPS, OTHER, UNKNOWN, Histogram, TrainingProfile
from adrisk.types import FloatArray

_RESAMPLES = 500


def compare(
    summary: TrainingProfile, batch: Histogram, labels: Sequence[str], *, seed: int = 0
) -> tuple[Aspect, ...]:
    """Compare a batch with the training data.

    Args:
        summary: of the model.
        batch: counted in the bins of the summary, all of it with scores.
        labels: names of the indicators, in the model's order.
        seed: of the draws; equal seeds give equal reports.
    """
    frame, training = summary.bins, summary.counts
    rng = np.random.default_rng(seed)
    draws = Draws(*(rng.multinomial(GROUPS, [1 / GROUPS] * GROUPS, _RESAMPLES) for _ in range(2)))
    tallies = (training, batch)
    trained = training.languages.sum(axis=0)
    foreign = np.append(trained[:-1] < ENOUGH_ADS, False)  # the last column is: language unknown
    unsupported = [
        np.stack([t.languages.sum(axis=1), t.languages[:, foreign].sum(axis=1)], axis=1)
        for t in tallies
    ]
    ads, unread = unsupported[1].sum(axis=0)
    single_ads = rng.binomial(int(ads), unread / max(ads, 1), _RESAMPLES)[:, None]
    flagged = [np.stack([t.judged, t.flagged], axis=1) for t in tallies]
    indicators = [np.column_stack([t.judged, t.indicators]) for t in tallies]
    risks, lengths = _ranges(frame.risk_edges, "{:.3f}"), _ranges(frame.length_edges, "{:.0f}")
    languages = (*frame.languages, OTHER, UNKNOWN)
    measured = {
        "scores": compare_bins([t.risks for t in tallies], risks, draws),
        "flagged": compare_rates(flagged, ["flagged"], draws),
        "unsupported_language": compare_rates(
            unsupported, ["in languages not trained on"], draws, single_ads=single_ads
        ),
        "unknown_words": compare_rates([t.tokens for t in tallies], ["unknown words"], draws),
        "indicators": compare_rates(indicators, labels, draws),
        "language": compare_bins([t.languages for t in tallies], languages, draws),
        "length": compare_bins([t.lengths for t in tallies], lengths, draws),
        "vocabulary": compare_words([t.words for t in tallies], [t.ads for t in tallies], draws),
    }
    few = batch.ads < LEAST_ADS
    copied = min(map(_effective_groups, tallies)) < LEAST_GROUPS
    return tuple(
        _aspect(name, measured[name], few or (copied and not kind.copies_count))
        for name, kind in KINDS.items()
    )


def _aspect(name: str, found: Measured, few: bool) -> Aspect:
    kind = KINDS[name]
    verdict = verdict_of(kind.measure, found.effect, found.chance, few)
    drifted, untold = verdict in (Verdict.SOME, Verdict.MUCH), verdict is Verdict.TOO_FEW
    advice = kind.advice if drifted else ""
    if untold:
        advice = "Too few ads, or too few that are no copies of each other: bring a larger batch."
    return Aspect(
        name=name,
        title=kind.title,
        measure=kind.measure,
        effect=rounded(found.effect),
        chance=rounded(found.chance),
        verdict=verdict,
        drifted=drifted,
        untold=untold,
        matters=kind.bears and drifted,
        advice=advice,
        moved=_moved(found) if drifted and kind.measure == "h" else (),
        changes=found.changes,
    )


def _moved(found: Measured) -> tuple[str, ...]:
    """Names of the shares whose own change exceeds limit and chance, the furthest first."""
    least = max(LIMITS["h"].some, found.chance or 0.0)
    distances = dict(zip((change.name for change in found.changes), found.distances, strict=True))
    far = [name for name, distance in distances.items() if distance >= least]
    return tuple(sorted(far, key=lambda name: -distances[name]))


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
