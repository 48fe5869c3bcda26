"""Votes of people, rules and models joined into one probabilistic label for each ad and item.

In: ballots (`votes`). Out: `Joined`: soft targets for training, and the fitted model of every item.
A reviewer or a new model is one more voter, whose reliability is estimated from the ads it shares
with others.

The label of an indicator is the probability that it is present. An ad without a judgement of a
person or model stays unknown, whatever rules match, unless the corpus has no voters but rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adrisk.labels.item_model import ItemModel, fit_item
from adrisk.labels.targets import UNKNOWN_RISK, Targets, rounded_certain
from adrisk.labels.votes import LEVELS, RISK, STATES, Ballots
from adrisk.types import FloatArray, State

_PRESENT = STATES.index(State.PRESENT.value)


@dataclass(frozen=True, slots=True)
class Joined:
    """Labels made from votes.

    Attributes:
        targets: soft: probabilities of indicators and of risk levels; `risk` is the median level.
        items: item -> its fitted label model.
    """

    targets: Targets
    items: Mapping[str, ItemModel]


def join_votes(ballots: Mapping[str, Ballots], indicators: Sequence[str], count: int) -> Joined:
    """One probabilistic label for each ad and item, by a label model for each item.

    People err alike on different indicators, so each indicator is fitted a second time with its
    voters' answers on the others as a prior, worth 20 votes.

    Args:
        ballots: by item; an item without ballots is unknown everywhere.
        indicators: the columns of the targets.
        count: the number of ads.
    """
    items: dict[str, ItemModel] = {}
    voted = [name for name in indicators if name in ballots]
    for name in voted:
        items[name] = fit_item(ballots[name])
    votes = {name: item.votes() for name, item in items.items()}
    for name in voted:
        items[name] = items[name].with_priors_from(_without(votes, name))
    values = np.full((count, len(indicators)), np.nan)
    for column, name in enumerate(indicators):
        if name in items:
            known = items[name].judged
            values[known, column] = rounded_certain(items[name].posterior[known, _PRESENT])
    shares = np.full((count, len(LEVELS)), np.nan)
    risk = np.full(count, UNKNOWN_RISK, dtype=np.int64)
    if RISK in ballots:
        items[RISK] = model = fit_item(ballots[RISK])
        shares[model.judged] = model.posterior[model.judged]
        at_least = np.cumsum(shares[model.judged, ::-1], axis=1)[:, -2::-1]
        risk[model.judged] = (at_least >= 0.5).sum(axis=1)
    return Joined(Targets(tuple(indicators), values, risk, shares), items)


def majority_votes(
    ballots: Mapping[str, Ballots], indicators: Sequence[str], count: int
) -> Targets:
    """Majority labels with equal weights, the baseline of the label model.

    A rule's silence is no vote. An indicator with a tie is unknown. The risk is the median of the
    levels given, of two the lower.
    """
    values = np.full((count, len(indicators)), np.nan)
    for column, name in enumerate(indicators):
        if name in ballots:
            counts, judged = ballots[name].counts(), ballots[name].judged()
            margin = counts[:, 0] - counts[:, 1:].sum(axis=1)
            values[judged & (margin > 0), column], values[judged & (margin < 0), column] = 1.0, 0.0
            if ballots[name].rules.all():
                values[judged & ~counts.any(axis=1), column] = 0.0
    risk = np.full(count, UNKNOWN_RISK, dtype=np.int64)
    if RISK in ballots:
        counts = ballots[RISK].counts()
        known = ballots[RISK].judged()
        below = 2 * np.cumsum(counts[known], axis=1) < counts[known].sum(axis=1, keepdims=True)
        risk[known] = below.sum(axis=1)
    return Targets(tuple(indicators), values, risk)


def _without(votes: Mapping[str, Mapping[str, FloatArray]], item: str) -> dict[str, FloatArray]:
    """Voter -> its answers on all other items."""
    total: dict[str, FloatArray] = {}
    for other, of_item in votes.items():
        if other != item:
            for name, counts in of_item.items():
                total[name] = total.get(name, 0.0) + counts
    return total
