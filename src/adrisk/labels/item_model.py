"""The label model of one item: its voters, their priors, and the fit.

In: `Ballots`. Out: `ItemModel`, with the probability of each class for each ad. An indicator has
three classes: present, stated to be absent, not stated. Risk has four levels, and neighbouring
levels are confused more often than others.

Abstention is informative, as people judge what is conspicuous: the number of people who judged an
indicator is one more voter, which the model ignores where votes are missing at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adrisk.labels.dawid_skene import (
    MISSING,
    Answers,
    LabelModel,
    Priors,
    confusion_interval,
    fit_label_model,
)
from adrisk.labels.dependence import excess_agreement, merged, near_copies, worth
from adrisk.labels.votes import JUDGES, LEVELS, MACHINES, RISK, RULE, STATES, Ballots
from adrisk.types import FloatArray

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
