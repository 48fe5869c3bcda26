"""Learning curve: average precision by the share of the fit campaigns.

Campaigns of the fit set are put in random order, risky ones and others apart, and the first share
of each is learned from; a larger share holds the smaller one. The report set stays the same. What
several orders give is averaged, with the lowest and the highest beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adrisk.config import ModelConfig
from adrisk.evaluation.studies.data import (
    StudyData,
    TrainSet,
    average_precision,
    fit_predict,
    labelled,
    some,
)
from adrisk.evaluation.study_results import FitCounts, LearningCurve, LearningPoint
from adrisk.metrics.estimates import mean_of
from adrisk.metrics.protocol import Ruler
from adrisk.progress import track
from adrisk.types import RISKY, IntArray

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


def learning_curve(
    ground: StudyData, recipes: Sequence[ModelConfig], ruler: Ruler, *, seeds: int = 3
) -> LearningCurve:
    """Average precision of risk by the share of the fit campaigns learned from.

    Args:
        ground: the ads.
        recipes: one a family; only the risk is learned.
        ruler: of the intervals.
        seeds: how many orders of the campaigns.
    """
    whole = labelled(ground)
    points = []
    with track("learning curve", len(recipes) * len(SHARES), "points") as advance:
        for recipe in recipes:
            for share in SHARES:
                orders = range(seeds) if share < 1 else range(1)
                drawn, learned = [], []
                for seed in orders:
                    taught = [_share(ground, one, share, seed) for one in whole]
                    said = fit_predict(ground, recipe, taught, only_risk=True)
                    drawn.append(average_precision(ground, said, ruler))
                    learned.append(_counts(ground, taught))
                values = [float(one.values[0]) for one in drawn]
                points.append(
                    LearningPoint(
                        family=recipe.family,
                        share=share,
                        orders=len(orders),
                        fitted_on=_mean_counts(learned),
                        average_precision=mean_of(drawn).estimate().figure(),
                        lowest=round(min(values), 6),
                        highest=round(max(values), 6),
                    )
                )
                advance()
    return LearningCurve(**dict(ground.summary()), points=tuple(points))


def first_share(
    campaigns: IntArray, risky: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which ads belong to the first share of the campaigns, in the order of the seed.

    Risky campaigns and others are taken in the same share, at least one of each.

    Args:
        campaigns: shape (n,).
        risky: shape (n,); a campaign with a risky ad is risky.
        share: above 0 and at most 1.
        seed: of the order; the same for all shares.
    """
    groups, member = np.unique(campaigns, return_inverse=True)
    dangerous = np.zeros(len(groups), dtype=np.bool_)
    dangerous[member[risky]] = True
    rng = np.random.default_rng(seed)
    taken = np.zeros(len(groups), dtype=np.bool_)
    for side in (True, False):
        order = rng.permutation(np.flatnonzero(dangerous == side))
        taken[order[: max(1, round(share * len(order)))]] = True
    return np.asarray(taken[member])


def _share(ground: StudyData, taught: TrainSet, share: float, seed: int) -> TrainSet:
    campaigns = ground.corpus.campaigns[taught.rows]
    return some(taught, first_share(campaigns, taught.targets.risk >= RISKY, share, seed))


def _counts(ground: StudyData, taught: Sequence[TrainSet]) -> tuple[float, float, float]:
    """Ads, campaigns and risky ads learned from, on average over the splits."""
    campaigns = [len(np.unique(ground.corpus.campaigns[one.rows])) for one in taught]
    risky = [int((one.targets.risk >= RISKY).sum()) for one in taught]
    return (
        float(np.mean([len(one.rows) for one in taught])),
        float(np.mean(campaigns)),
        float(np.mean(risky)),
    )


def _mean_counts(learned: Sequence[tuple[float, float, float]]) -> FitCounts:
    """The same on average over the orders."""
    ads, campaigns, risky = (round(float(np.mean(of))) for of in zip(*learned, strict=True))
    return FitCounts(ads=ads, campaigns=campaigns, risky=risky)
