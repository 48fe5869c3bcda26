"""Learning curve: average precision by the share of the fit campaigns.

Risky campaigns and the others are put in random order, and the first share of each is fitted on; a
larger share contains the smaller one. The report set stays the same. Figures are means over several
orders, with the lowest and the highest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adrisk.config import ModelConfig
from adrisk.evaluation.baselines import TrainSet
from adrisk.evaluation.results import LearningCurve, LearningPoint, SetCounts
from adrisk.evaluation.studies.data import StudyData, average_precision, fit_predict, labelled, some
from adrisk.metrics.estimates import Bootstrap, mean_of
from adrisk.progress import track
from adrisk.types import RISKY, IntArray

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


def learning_curve(
    data: StudyData, recipes: Sequence[ModelConfig], bootstrap: Bootstrap, *, seeds: int = 3
) -> LearningCurve:
    """Average precision of risk by the share of the fit campaigns, over `seeds` random orders."""
    whole = labelled(data)
    points = []
    with track("learning curve", len(recipes) * len(SHARES), "points") as advance:
        for recipe in recipes:
            for share in SHARES:
                orders = range(seeds) if share < 1 else range(1)
                drawn, learned = [], []
                for seed in orders:
                    train_sets = [_share(data, one, share, seed) for one in whole]
                    scores = fit_predict(data, recipe, train_sets, only_risk=True)
                    drawn.append(average_precision(data, scores, bootstrap))
                    learned.append(train_sets)
                values = [float(one.values[0]) for one in drawn]
                points.append(
                    LearningPoint(
                        family=recipe.family,
                        share=share,
                        orders=len(orders),
                        fitted_on=_mean_counts(data, learned),
                        average_precision=mean_of(drawn).estimate().figure(),
                        lowest=round(min(values), 6),
                        highest=round(max(values), 6),
                    )
                )
                advance()
    return LearningCurve(**dict(data.summary()), points=tuple(points))


def first_share(
    campaigns: IntArray, risky: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """The ads of the first share of the campaigns, in the order of the seed.

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


def _share(data: StudyData, train_set: TrainSet, share: float, seed: int) -> TrainSet:
    campaigns = data.corpus.campaigns[train_set.rows]
    return some(train_set, first_share(campaigns, train_set.targets.risk >= RISKY, share, seed))


def _mean_counts(data: StudyData, orders: Sequence[Sequence[TrainSet]]) -> SetCounts:
    """Ads, campaigns and risky ads fitted on, averaged over the splits and the orders."""
    campaigns = data.corpus.campaigns

    def counts(one: TrainSet) -> tuple[int, int, int]:
        risky = int((one.targets.risk >= RISKY).sum())
        return len(one.rows), len(np.unique(campaigns[one.rows])), risky

    means = [np.mean([counts(one) for one in train_sets], axis=0) for train_sets in orders]
    ads, distinct, risky = (round(float(number)) for number in np.mean(means, axis=0))
    return SetCounts(ads=ads, campaigns=distinct, risky=risky)
