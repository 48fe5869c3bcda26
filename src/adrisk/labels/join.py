"""Votes of people, rules and models joined into one probabilistic label for each ad and item.

In: ballots (`votes`). Out: `Joined`: soft targets for training, and for every item an `ItemModel`,
the label model (`dawid_skene`) with its voters and their priors. A reviewer or a new model is one
more voter, whose reliability is estimated from the ads it shares with others.

An indicator has three classes: present, stated to be absent, not stated. Its label is the
probability that it is present. Risk has four levels, and neighbouring levels are confused more
often than others. An ad without a judgement of a person or model stays unknown, whatever rules
match, unless the corpus has no voters but rules.

Abstention is informative, as people judge what is conspicuous: the number of people who judged an
indicator is one more voter, which the model ignores where votes are missing at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adrisk.labels.dawid_skene import (
    MISSING,
    Answers,
    LabelModel,
    Priors,
    confusion_interval,
    excess_agreement,
    fit_label_model,
    merged,
    near_copies,
    worth,
)
from adrisk.labels.targets import UNKNOWN_RISK, Targets, rounded_certain
from adrisk.labels.votes import JUDGES, LEVELS, MACHINES, RISK, RULE, STATES, Ballots
from adrisk.types import FloatArray, State

_PRESENT = STATES.index(State.PRESENT.value)


# Pseudo-counts of votes: a row for each class, a column for each answer, both in the order
# present, absent, not stated.
_PERSON = np.array([[4.0, 0.3, 0.7], [0.4, 3.0, 1.6], [0.2, 0.2, 4.6]])
_RULE = np.array([[1.5, 0.1, 3.4], [0.1, 1.5, 3.4], [0.1, 0.1, 4.8]])
_EVEN = np.full((len(STATES), len(STATES)), 5 / 3)
_PREVALENCE = np.array([1.0, 0.5, 3.5])
_RISK_PREVALENCE = np.array([4.0, 2.0, 1.0, 1.0])
_RISK_VOTES = 6.0
_ORDINAL = 1.2  # decrease of the log frequency of an answer for each level of error
_SMOOTHING = np.array([0.05, 0.05, 0.5])
_POOLED_VOTES = 20.0
_ENOUGH_JUDGED = 50  # ads that two people judged, to measure how far rules repeat one another


@dataclass(frozen=True, slots=True)
class Voter:
    """The reliability of a voter on one item.

    Attributes:
        name: as in the votes; near-copies with one vote are listed together.
        item: an indicator or risk.
        votes: answers given, without the silence of rules.
        confusion: shape (k, a), the chance of each answer where the class is k.
        low, high: bounds of a 95 % interval of `confusion`.
        worth: weight of its votes; less than 1 where it repeats other rules or models.
    """

    name: str
    item: str
    votes: int
    confusion: FloatArray
    low: FloatArray
    high: FloatArray
    worth: float


@dataclass(frozen=True, slots=True)
class ItemModel:
    """The label model fitted to the ballots of one item, on n ads.

    Attributes:
        ballots: near-copies under one name; for an indicator `JUDGES` is the last voter.
        judged: shape (n,), ads with a usable judgement.
        priors, model: of the label model.
        posterior: shape (n, k).
    """

    ballots: Ballots
    judged: NDArray[np.bool_]
    priors: Priors
    model: LabelModel
    posterior: FloatArray

    def votes(self) -> dict[str, FloatArray]:
        """Voter -> its answers by posterior class, (k, a), of people only."""
        return {
            name: self.model.counts[voter]
            for voter, name in enumerate(self.ballots.voters)
            if not name.startswith(MACHINES)
        }

    def with_priors_from(self, elsewhere: Mapping[str, FloatArray]) -> ItemModel:
        """The model fitted again, with its voters' answers on other items as a prior."""
        priors = _priors(self.ballots, elsewhere)
        return _with_priors(self.ballots, self.judged, self.model.weights, priors)

    def voters(self, *, resamples: int = 200, seed: int = 0) -> list[Voter]:
        """Every voter with its interval, by a bootstrap over ads."""
        ballots = _of_rows(self.ballots, self.judged)
        low, high = confusion_interval(
            ballots.codes,
            self.priors,
            start=_opening(ballots),
            weights=self.model.weights,
            resamples=resamples,
            seed=seed,
        )
        votes = ballots.voted().sum(axis=0)
        return [
            Voter(
                name=name,
                item=ballots.item,
                votes=int(votes[column]),
                confusion=self.model.confusion[column],
                low=low[column],
                high=high[column],
                worth=float(self.model.weights[column]),
            )
            for column, name in enumerate(ballots.voters)
            if name != JUDGES
        ]


def fit_item(ballots: Ballots) -> ItemModel:
    """The label model of one item, with near-copies merged and repeating rules down-weighted."""
    answers, judged = len(ballots.answers), ballots.judged()
    groups = near_copies(ballots.codes[judged], answers)
    names = tuple(", ".join(ballots.voters[member] for member in group) for group in groups)
    ballots = Ballots(ballots.item, names, merged(ballots.codes, groups, answers))
    machines = ballots.machines
    weights = np.ones(len(names))
    if machines.sum() > 1:
        excess = _repeated(_of_rows(ballots, judged), machines)
        weights = worth(excess, machines)
    if ballots.item != RISK:
        ballots = ballots.with_voters(
            Ballots(ballots.item, (JUDGES,), _judges(ballots.codes, machines))
        )
        weights = np.append(weights, 1.0)
    return _with_priors(ballots, judged, weights, _priors(ballots, {}))


def _of_rows(ballots: Ballots, rows: NDArray[np.bool_]) -> Ballots:
    return replace(ballots, codes=ballots.codes[rows])


def _with_priors(
    ballots: Ballots, judged: NDArray[np.bool_], weights: FloatArray, priors: Priors
) -> ItemModel:
    known = _of_rows(ballots, judged)
    model = fit_label_model(known.codes, priors, start=_opening(known), weights=weights)
    return ItemModel(ballots, judged, priors, model, model.posterior(ballots.codes))


def _repeated(ballots: Ballots, machines: NDArray[np.bool_]) -> FloatArray:
    """Excess agreement of voters, given the classes inferred from people alone.

    If too few ads were judged by two people, given the classes inferred from all voters.
    """
    codes, priors = ballots.codes, _priors(ballots, {})
    both = (codes[:, ~machines] != MISSING).sum(axis=1) >= 2
    if both.sum() < _ENOUGH_JUDGED:
        model = fit_label_model(codes, priors, start=_opening(ballots))
        return excess_agreement(codes, model.posterior(codes), len(ballots.answers))
    people = codes[both][:, ~machines]
    model = fit_label_model(people, Priors(priors.prevalence, priors.confusion[~machines]))
    return excess_agreement(codes[both], model.posterior(people), len(ballots.answers))


def _judges(codes: Answers, machines: NDArray[np.bool_]) -> Answers:
    """The voter `JUDGES`, shape (n, 1): 0, 1, 2 for one, two, more people; missing for none.

    Missing everywhere if there is one person only.
    """
    judges = (codes[:, ~machines] != MISSING).sum(axis=1)
    counted = (judges > 0) & ((~machines).sum() > 1)
    most = len(STATES)
    return np.where(counted, np.minimum(judges, most) - 1, MISSING).astype(np.int8)[:, None]


def _priors(ballots: Ballots, elsewhere: Mapping[str, FloatArray]) -> Priors:
    if ballots.item == RISK:
        distance = np.abs(np.subtract.outer(np.arange(len(LEVELS)), np.arange(len(LEVELS))))
        kernel = np.exp(-_ORDINAL * distance)
        kernel *= _RISK_VOTES / kernel.sum(axis=1, keepdims=True)
        return Priors(_RISK_PREVALENCE, np.tile(kernel, (len(ballots.voters), 1, 1)))
    confusion = np.zeros((len(ballots.voters), len(STATES), len(STATES)))
    for voter, name in enumerate(ballots.voters):
        plain = _EVEN if name == JUDGES else _PERSON
        confusion[voter] = _RULE if name.startswith(RULE) else plain
        if name in elsewhere:
            votes = elsewhere[name]
            total = np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
            confusion[voter] += votes * np.minimum(1, _POOLED_VOTES / total)
    return Priors(_PREVALENCE, confusion)


def _opening(ballots: Ballots) -> FloatArray:
    """A first guess of the classes: the smoothed shares of votes, without the silence of rules."""
    smoothing = np.full(len(LEVELS), 0.1) if ballots.item == RISK else _SMOOTHING
    guess = ballots.counts() + smoothing
    return np.asarray(guess / guess.sum(axis=1, keepdims=True))


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
