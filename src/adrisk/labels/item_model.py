"""The label model of one item: its voters, what is believed of them beforehand, and the fit.

In: `Ballots`. Out: `ItemModel`, with the probability of each class for each ad. What is so of an
indicator is one of three facts: present, stated to be absent, not stated. Risk has four levels, and
neighbours are taken for each other sooner than others.

People judge what strikes them, so who abstains is no accident: how many of them judged an
indicator is taken for one more voter, which by itself learns to say nothing where votes are
missing at random.
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

# Imagined votes before the first real one: a row for what is so, a column for what is said, both
# in the order present, absent, not stated.
_PERSON = np.array([[4.0, 0.3, 0.7], [0.4, 3.0, 1.6], [0.2, 0.2, 4.6]])
_RULE = np.array([[1.5, 0.1, 3.4], [0.1, 1.5, 3.4], [0.1, 0.1, 4.8]])
_EVEN = np.full((len(STATES), len(STATES)), 5 / 3)
_PREVALENCE = np.array([1.0, 0.5, 3.5])
_RISK_PREVALENCE = np.array([4.0, 2.0, 1.0, 1.0])
_RISK_VOTES = 6.0
_ORDINAL = 1.2  # how much rarer an answer is with every level that it is off, as a logarithm
_UNHEARD = np.array([0.05, 0.05, 0.5])
_POOLED_VOTES = 20.0
_ENOUGH_JUDGED = 50  # ads that two people judged, to measure by how far rules repeat one another


@dataclass(frozen=True, slots=True)
class Voter:
    """How far a voter is to be trusted on one item.

    Attributes:
        name: as in the votes; near-copies that were given one vote stand side by side.
        item: an indicator or risk.
        votes: answers given, the silence of a rule not counted.
        confusion: shape (k, a), the chance of each answer where the class is k.
        low, high: bounds of a 95 % interval of `confusion`.
        worth: votes it counts for; less than 1 where it repeats other rules or models.
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
    """What was learned from the ballots of one item, on n ads.

    Attributes:
        ballots: near-copies under one name; for an indicator `JUDGES` is the last voter.
        judged: shape (n,), ads of which anything can be said.
        priors, model: of the label model.
        posterior: shape (n, k).
    """

    ballots: Ballots
    judged: NDArray[np.bool_]
    priors: Priors
    model: LabelModel
    posterior: FloatArray

    def votes(self) -> dict[str, FloatArray]:
        """Voter -> its answers, shared out over the classes, (k, a); of rules nothing is told."""
        return {
            name: self.model.counts[voter]
            for voter, name in enumerate(self.ballots.voters)
            if not name.startswith(MACHINES)
        }

    def taught(self, elsewhere: Mapping[str, FloatArray]) -> ItemModel:
        """The same, fitted with what its voters answered on other items as a prior."""
        priors = _priors(self.ballots, elsewhere)
        return _with_priors(self.ballots, self.judged, self.model.weights, priors)

    def voters(self, *, resamples: int = 200, seed: int = 0) -> list[Voter]:
        """Every voter with its interval, by a bootstrap over ads."""
        ballots = _some(self.ballots, self.judged)
        low, high = confusion_interval(
            ballots.said,
            self.priors,
            start=_opening(ballots),
            weights=self.model.weights,
            resamples=resamples,
            seed=seed,
        )
        votes = ballots.spoken().sum(axis=0)
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
    """The label model of one item on its own, copies merged and repeating rules lowered."""
    answers, judged = len(ballots.answers), ballots.judged()
    groups = near_copies(ballots.said[judged], answers)
    names = tuple(", ".join(ballots.voters[member] for member in group) for group in groups)
    ballots = Ballots(ballots.item, names, merged(ballots.said, groups, answers))
    machines = ballots.machines
    weights = np.ones(len(names))
    if machines.sum() > 1:
        excess = _repeated(_some(ballots, judged), machines)
        weights = worth(excess, machines)
    if ballots.item != RISK:
        ballots = ballots.beside(Ballots(ballots.item, (JUDGES,), _judges(ballots.said, machines)))
        weights = np.append(weights, 1.0)
    return _with_priors(ballots, judged, weights, _priors(ballots, {}))


def _some(ballots: Ballots, rows: NDArray[np.bool_]) -> Ballots:
    return replace(ballots, said=ballots.said[rows])


def _with_priors(
    ballots: Ballots, judged: NDArray[np.bool_], weights: FloatArray, priors: Priors
) -> ItemModel:
    known = _some(ballots, judged)
    model = fit_label_model(known.said, priors, start=_opening(known), weights=weights)
    return ItemModel(ballots, judged, priors, model, model.posterior(ballots.said))


def _repeated(ballots: Ballots, machines: NDArray[np.bool_]) -> FloatArray:
    """By how far voters repeat one another, given what people alone make of the ads.

    Where too few ads were judged by two people, given what all voters make of them.
    """
    said, priors = ballots.said, _priors(ballots, {})
    both = (said[:, ~machines] != MISSING).sum(axis=1) >= 2
    if both.sum() < _ENOUGH_JUDGED:
        model = fit_label_model(said, priors, start=_opening(ballots))
        return excess_agreement(said, model.posterior(said), len(ballots.answers))
    theirs = said[both][:, ~machines]
    model = fit_label_model(theirs, Priors(priors.prevalence, priors.confusion[~machines]))
    return excess_agreement(said[both], model.posterior(theirs), len(ballots.answers))


def _judges(said: Answers, machines: NDArray[np.bool_]) -> Answers:
    """The voter `JUDGES`, shape (n, 1): 0, 1, 2 for one, two, more people; missing for none.

    Missing everywhere if there is one person only.
    """
    judges = (said[:, ~machines] != MISSING).sum(axis=1)
    counted = (judges > 0) & ((~machines).sum() > 1)
    most = len(STATES)
    return np.where(counted, np.minimum(judges, most) - 1, MISSING).astype(np.int8)[:, None]


def _priors(ballots: Ballots, elsewhere: Mapping[str, FloatArray]) -> Priors:
    if ballots.item == RISK:
        apart = np.abs(np.subtract.outer(np.arange(len(LEVELS)), np.arange(len(LEVELS))))
        kernel = np.exp(-_ORDINAL * apart)
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
    """A first guess: the share of the votes, the silence of rules not counted."""
    unheard = np.full(len(LEVELS), 0.1) if ballots.item == RISK else _UNHEARD
    guess = ballots.counts() + unheard
    return np.asarray(guess / guess.sum(axis=1, keepdims=True))
