"""Label noise: average precision by the share of wrong labels.

Labels of the fit set are corrupted, those of the report set are not. A wrong risk is on the other
side of the line, a wrong indicator is inverted. Risk is rare: with one label in ten wrong, most ads
labelled risky are not. There are three kinds of noise:

- ad by ad: every label of every ad independently;
- by campaign: as when one decision is copied to all ads of a campaign;
- three voters: each wrong at this rate ad by ad, independently, and joined by the label model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.config import ModelConfig
from adrisk.evaluation.baselines import ReportScores, TrainSet
from adrisk.evaluation.results import CleanPoint, LabelNoise, NoiseDraws, NoisePoint
from adrisk.evaluation.studies.data import StudyData, average_precision, fit_predict, thinned
from adrisk.labels.join import join_votes
from adrisk.labels.targets import UNKNOWN_RISK, Targets, targets_of
from adrisk.labels.votes import RISK, Ballots
from adrisk.metrics.comparison import by_indicator, macro
from adrisk.metrics.estimates import Bootstrap, Drawn, mean_of
from adrisk.metrics.figures import Figure
from adrisk.progress import track
from adrisk.types import RISKY, IntArray

WRONG = (0.05, 0.1, 0.2, 0.4)
"""Shares of wrong labels, beside none."""

VOTERS = 3
_PRESENT, _NOT_STATED, _MISSING = 0, 2, -1  # the numbers of these answers in a ballot

Corruption = Callable[[Targets, IntArray, float, np.random.Generator], Targets]
"""From right labels, campaigns, a share of wrong labels and a generator to corrupted labels."""


def label_noise(
    data: StudyData, recipe: ModelConfig, bootstrap: Bootstrap, *, seeds: int = 2, every: int = 3
) -> LabelNoise:
    """Average precision by the share of wrong labels and the kind of noise.

    Args:
        data: the ads; columns of true labels, if any, are the right ones.
        seeds: draws of wrong labels, over which figures are averaged.
        every: of the taxonomy's indicators: 1 for all, 3 for every third.
    """
    right = [TrainSet(split["fit"], _truth(data, split["fit"])) for split in data.splits]
    right = thinned(right, every)
    labelled = not np.isnan(right[0].targets.indicators).all()
    indicator_seeds = int(labelled)  # fitted in one draw: slow, and a mean over indicators already
    with track("label noise", 1 + len(WAYS) * len(WRONG) * seeds, "models") as advance:
        clean = fit_predict(data, recipe, right, only_risk=not indicator_seeds)
        advance()

        def judged(scores: ReportScores, *, indicators: bool) -> dict[str, Drawn]:
            found = {"risk": average_precision(data, scores, bootstrap)}
            if indicators and clean.labels:
                columns = scores.columns(clean.labels)
                parts = by_indicator(data.targets, clean.labels, columns, data.campaigns, bootstrap)
                found["indicators"] = macro(parts, data.targets)
            return found

        before, points = judged(clean, indicators=True), []
        for way, corrupt in WAYS.items():
            for wrong in WRONG:
                runs, called = [], []
                for seed in range(seeds):
                    train_sets = _corrupted(data, right, corrupt, wrong, seed)
                    called.append(_risky_share(train_sets))
                    indicators = seed < indicator_seeds
                    scores = _scores(data, recipe, train_sets, only_risk=not indicators)
                    runs.append(judged(scores, indicators=indicators))
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
        **dict(data.summary()),
        family=recipe.family,
        draws=NoiseDraws(risk=seeds, indicators=indicator_seeds),
        clean=CleanPoint(called_risky=round(_risky_share(right), 6), **start),
        points=tuple(points),
    )


def _corrupted(
    data: StudyData, right: Sequence[TrainSet], corrupt: Corruption, wrong: float, seed: int
) -> list[TrainSet]:
    """The same ads with some labels wrong."""
    rng = np.random.default_rng(seed)
    return [
        TrainSet(one.rows, corrupt(one.targets, data.corpus.campaigns[one.rows], wrong, rng))
        for one in right
    ]


def _scores(
    data: StudyData, recipe: ModelConfig, train_sets: Sequence[TrainSet], only_risk: bool
) -> ReportScores:
    """Scores after fitting; equal for all ads if no fit ad is risky, or all are."""
    if all(np.unique(one.targets.risk >= RISKY).size == 2 for one in train_sets):
        return fit_predict(data, recipe, train_sets, only_risk=only_risk)
    count = len(data.report)
    return ReportScores(np.zeros(count), np.zeros((count, 0)), ())


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
    """Every label wrong with this probability, independently."""
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
    """Labels joined by the label model from three voters, each wrong as in `ad_by_ad`."""
    voters = tuple(f"voter {number + 1}" for number in range(VOTERS))
    votes = [ad_by_ad(targets, campaigns, wrong, rng) for _ in voters]
    ballots = {}
    for column, name in enumerate(targets.labels):
        answers = np.stack([vote.indicators[:, column] for vote in votes], axis=1)
        known = ~np.isnan(answers)
        if known.any():
            votes_cast = np.where(known, np.where(answers >= 0.5, _PRESENT, _NOT_STATED), _MISSING)
            ballots[name] = Ballots(name, voters, votes_cast.astype(np.int8))
    risk = np.stack([vote.risk for vote in votes], axis=1)
    ballots[RISK] = Ballots(
        RISK, voters, np.where(risk == UNKNOWN_RISK, _MISSING, risk).astype(np.int8)
    )
    joined = join_votes(ballots, targets.labels, len(targets)).targets
    return replace(joined, campaigns=targets.campaigns)


WAYS: Mapping[str, Corruption] = {
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


def _truth(data: StudyData, rows: IntArray) -> Targets:
    """The true labels if the corpus has columns of them, else the labels."""
    corpus = data.corpus
    labels = corpus.targets.take(rows)
    if not {"true_indicators", "true_risk"} <= set(corpus.ads.column_names):
        return labels
    ads = corpus.ads.take(rows)
    columns = {"indicators": ads["true_indicators"], "risk": ads["true_risk"]}
    return replace(targets_of(pa.table(columns), labels.labels), campaigns=labels.campaigns)


def _risky_share(train_sets: Sequence[TrainSet]) -> float:
    """The share of the ads fitted on that are labelled risky."""
    called = np.concatenate([one.targets.risk_at_least(RISKY) for one in train_sets])
    return float(np.nanmean(called))
