"""Label noise: average precision by the share of wrong labels.

The fit set is taught with labels that are right except for what is made wrong here; the report set
keeps its right ones. A wrong risk lies on the other side of the line, a wrong indicator is present
where it is not, or the reverse. Risk is rare, so most ads called risky are not when one label in
ten is wrong. Labels go wrong in three ways:

- ad by ad: every label of every ad by itself;
- by campaign: as when one decision is copied to all ads of a campaign;
- three voters: each wrong as often, ad by ad and by themselves, and joined by the label model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.config import ModelConfig
from adrisk.evaluation.studies.data import (
    StudyData,
    StudyPredictions,
    TrainSet,
    average_precision,
    fit_predict,
    thinned,
)
from adrisk.evaluation.study_results import CleanPoint, LabelNoise, NoiseDraws, NoisePoint
from adrisk.labels.join import join_votes
from adrisk.labels.targets import UNKNOWN_RISK, Targets, targets_of
from adrisk.labels.votes import RISK, Ballots
from adrisk.metrics.comparison import by_indicator, macro
from adrisk.metrics.estimates import Drawn, mean_of
from adrisk.metrics.figures import Figure
from adrisk.metrics.protocol import Ruler
from adrisk.progress import track
from adrisk.types import RISKY, IntArray

WRONG = (0.05, 0.1, 0.2, 0.4)
"""Shares of wrong labels, beside none."""

VOTERS = 3
_PRESENT, _NOT_STATED, _MISSING = 0, 2, -1  # the numbers of these answers in a ballot

Spoil = Callable[[Targets, IntArray, float, np.random.Generator], Targets]
"""Right labels, campaigns, a share of wrong labels and where chance comes from, to labels."""


def label_noise(
    ground: StudyData,
    recipe: ModelConfig,
    ruler: Ruler,
    *,
    seeds: int = 2,
    indicator_seeds: int = 1,
    every: int = 3,
) -> LabelNoise:
    """Average precision by the share of wrong labels and the way they are wrong.

    Args:
        ground: the ads; where they bring their truth beside their labels, that is what is right.
        recipe: what is taught.
        ruler: of the intervals.
        seeds: how often the wrong labels are drawn; what they give is averaged.
        indicator_seeds: for how many of the draws indicators are learned too, where the ads are
            labelled with any: they take much longer, and are a mean over many as it is.
        every: of the taxonomy's indicators, so many count as one: 1 for all, 3 for every third.
    """
    right = [TrainSet(split["fit"], _truth(ground, split["fit"])) for split in ground.splits]
    right = thinned(right, every)
    if np.isnan(right[0].targets.indicators).all():
        indicator_seeds = 0
    with track("label noise", 1 + len(WAYS) * len(WRONG) * seeds, "models") as advance:
        clean = fit_predict(ground, recipe, right, only_risk=not indicator_seeds)
        advance()

        def judged(said: StudyPredictions, *, indicators: bool) -> dict[str, Drawn]:
            found = {"risk": average_precision(ground, said, ruler)}
            if indicators and clean.labels:
                scores = said.columns(clean.labels)
                parts = by_indicator(ground.targets, clean.labels, scores, ground.campaigns, ruler)
                found["indicators"] = macro(parts, ground.targets)
            return found

        before, points = judged(clean, indicators=True), []
        for way, spoil in WAYS.items():
            for wrong in WRONG:
                runs, called = [], []
                for seed in range(seeds):
                    taught = _spoilt(ground, right, spoil, wrong, seed)
                    called.append(_risky_share(taught))
                    indicators = seed < indicator_seeds
                    said = _asked(ground, recipe, taught, only_risk=not indicators)
                    runs.append(judged(said, indicators=indicators))
                    advance()
                points.append(
                    NoisePoint(
                        way=way,
                        wrong=wrong,
                        called_risky=round(float(np.mean(called)), 6),
                        **_figures(before, runs),
                    )
                )
    start = {name: drawn.estimate().figure() for name, drawn in before.items()}
    return LabelNoise(
        **dict(ground.summary()),
        family=recipe.family,
        draws=NoiseDraws(risk=seeds, indicators=indicator_seeds),
        clean=CleanPoint(called_risky=round(_risky_share(right), 6), **start),
        points=tuple(points),
    )


def _spoilt(
    ground: StudyData, right: Sequence[TrainSet], spoil: Spoil, wrong: float, seed: int
) -> list[TrainSet]:
    """The same ads with some labels wrong."""
    rng = np.random.default_rng(seed)
    return [
        TrainSet(one.rows, spoil(one.targets, ground.corpus.campaigns[one.rows], wrong, rng))
        for one in right
    ]


def _asked(
    ground: StudyData, recipe: ModelConfig, taught: Sequence[TrainSet], only_risk: bool
) -> StudyPredictions:
    """Scores after fitting; all equal where no ad is left on one side of the line."""
    if all(np.unique(one.targets.risk >= RISKY).size == 2 for one in taught):
        return fit_predict(ground, recipe, taught, only_risk=only_risk)
    count = len(ground.report)
    return StudyPredictions(np.zeros(count), np.zeros((count, 0)), ())


def _figures(clean: Mapping[str, Drawn], runs: Sequence[Mapping[str, Drawn]]) -> dict[str, Figure]:
    """Each figure, and its change against right labels on the same draws."""
    found = {}
    for name, before in clean.items():
        after = mean_of([run[name] for run in runs if name in run])
        found[name] = after.estimate().figure()
        found[f"{name}_change"] = (after - before).estimate().figure()
    return found


def ad_by_ad(
    targets: Targets, campaigns: IntArray, wrong: float, rng: np.random.Generator
) -> Targets:
    """Every label wrong with this chance, by itself."""
    shape = targets.indicators.shape
    return _flipped(targets, rng.random(shape) < wrong, rng.random(len(targets)) < wrong, rng)


def by_campaign(
    targets: Targets, campaigns: IntArray, wrong: float, rng: np.random.Generator
) -> Targets:
    """As `ad_by_ad`, but a label is wrong on all ads of a campaign or on none."""
    groups, member = np.unique(campaigns, return_inverse=True)
    flips = rng.random((len(groups), targets.indicators.shape[1])) < wrong
    return _flipped(targets, flips[member], (rng.random(len(groups)) < wrong)[member], rng)


def three_voters(
    targets: Targets, campaigns: IntArray, wrong: float, rng: np.random.Generator
) -> Targets:
    """Labels that the label model joins from three voters, each wrong as `ad_by_ad`."""
    voters = tuple(f"voter {number + 1}" for number in range(VOTERS))
    votes = [ad_by_ad(targets, campaigns, wrong, rng) for _ in voters]
    ballots = {}
    for column, name in enumerate(targets.labels):
        said = np.stack([vote.indicators[:, column] for vote in votes], axis=1)
        known = ~np.isnan(said)
        if known.any():
            answers = np.where(known, np.where(said >= 0.5, _PRESENT, _NOT_STATED), _MISSING)
            ballots[name] = Ballots(name, voters, answers.astype(np.int8))
    risk = np.stack([vote.risk for vote in votes], axis=1)
    ballots[RISK] = Ballots(
        RISK, voters, np.where(risk == UNKNOWN_RISK, _MISSING, risk).astype(np.int8)
    )
    joined = join_votes(ballots, targets.labels, len(targets)).targets
    return replace(joined, campaigns=targets.campaigns)


WAYS: Mapping[str, Spoil] = {
    "ad by ad": ad_by_ad,
    "by campaign": by_campaign,
    "three voters, joined": three_voters,
}


def _flipped(
    targets: Targets,
    indicators: NDArray[np.bool_],
    risk: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Targets:
    """The labels with some inverted; unknown labels stay unknown."""
    high = rng.integers(RISKY, 4, len(targets))
    low = rng.integers(0, RISKY, len(targets))
    other = np.where(targets.risk >= RISKY, low, high)
    turned = risk & (targets.risk != UNKNOWN_RISK)
    return Targets(
        targets.labels,
        np.where(indicators, 1 - targets.indicators, targets.indicators),
        np.where(turned, other, targets.risk),
        campaigns=targets.campaigns,
    )


def _truth(ground: StudyData, rows: IntArray) -> Targets:
    """The true labels where the corpus keeps them beside its labels; else the labels."""
    corpus = ground.corpus
    labels = corpus.targets.take(rows)
    if not {"true_indicators", "true_risk"} <= set(corpus.ads.column_names):
        return labels
    ads = corpus.ads.take(rows)
    columns = {"indicators": ads["true_indicators"], "risk": ads["true_risk"]}
    return replace(targets_of(pa.table(columns), labels.labels), campaigns=labels.campaigns)


def _risky_share(taught: Sequence[TrainSet]) -> float:
    """The share of the ads fitted on that are labelled risky."""
    called = np.concatenate([one.targets.risk_at_least(RISKY) for one in taught])
    return float(np.nanmean(called))
