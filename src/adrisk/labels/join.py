"""Votes of people, rules and models joined into one probabilistic label an ad and item.

In: ballots (`votes`). Out: `Joined`: soft targets for training, and what was learned of every
voter. A reviewer or a new model is just another voter: add its votes, and how far it is to be
trusted is found out from those it shares with others.

The label of an indicator is the probability that it is present. An ad that nobody judged stays
unknown, whatever rules say of it, unless the corpus has no voters but rules.
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
        items: item -> what was learned from its ballots.
    """

    targets: Targets
    items: Mapping[str, ItemModel]


def join_votes(ballots: Mapping[str, Ballots], indicators: Sequence[str], count: int) -> Joined:
    """One probabilistic label for each ad and item, by a label model for each item.

    What people do on one indicator says something of what they do on others: each is fitted
    again with what its voters showed elsewhere as a prior, worth 20 votes.

    Args:
        ballots: by item; an item without ballots is unknown everywhere.
        indicators: the columns wanted.
        count: how many ads there are.
    """
    items: dict[str, ItemModel] = {}
    asked = [name for name in indicators if name in ballots]
    for name in asked:
        items[name] = fit_item(ballots[name])
    votes = {name: item.votes() for name, item in items.items()}
    for name in asked:
        items[name] = items[name].taught(_without(votes, name))
    values = np.full((count, len(indicators)), np.nan)
    for column, name in enumerate(indicators):
        if name in items:
            known = items[name].judged
            values[known, column] = rounded_certain(items[name].posterior[known, _PRESENT])
    shares = np.full((count, len(LEVELS)), np.nan)
    risk = np.full(count, UNKNOWN_RISK, dtype=np.int64)
    if RISK in ballots:
        items[RISK] = found = fit_item(ballots[RISK])
        shares[found.judged] = found.posterior[found.judged]
        at_least = np.cumsum(shares[found.judged, ::-1], axis=1)[:, -2::-1]
        risk[found.judged] = (at_least >= 0.5).sum(axis=1)
    return Joined(Targets(tuple(indicators), values, risk, shares), items)


def majority_votes(
    ballots: Mapping[str, Ballots], indicators: Sequence[str], count: int
) -> Targets:
    """What most voters say, each counting alike: the plain thing that a label model has to beat.

    A rule's silence is no vote. An indicator that as many say is present as not is unknown. The
    risk is the middle one of the levels given, of two the lower.
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
    """Voter -> all its answers on other items."""
    total: dict[str, FloatArray] = {}
    for other, of_item in votes.items():
        if other != item:
            for name, counts in of_item.items():
                total[name] = total.get(name, 0.0) + counts
    return total
