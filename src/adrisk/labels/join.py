"""Votes of people, rules and models joined into one probabilistic label an ad and item.

In: ballots (`votes`). Out: `Joined`: soft targets for training, and what was learned of every
voter. A reviewer or a new model is just another voter: add its votes, and how far it is to be
trusted is found out from those it shares with others.

An indicator is asked as "present or not": absent and not stated are two answers to it. An ad that
nobody judged and no rule spoke of stays unknown; the silence of rules alone is no judgement, unless
the corpus has no other voters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from adrisk.labels.targets import UNKNOWN_RISK, Targets, settled
from adrisk.labels.votes import LEVELS, RISK, RULE, STATES, Ballots
from adrisk.types import FloatArray

MACHINES = (RULE, "model:")
"""How the names of voters begin that are no people."""

# Imagined votes before the first real one: columns present, absent, not stated.
_PERSON = np.array([[0.5, 1.5, 3.0], [4.0, 0.4, 0.6]])  # where it is not present, and where it is
_RULE = np.array([[0.1, 0.5, 4.4], [1.5, 0.1, 3.4]])
_PREVALENCE = np.array([4.0, 1.0])
_RISK_PREVALENCE = np.array([4.0, 2.0, 1.0, 1.0])
_RISK_VOTES = 6.0
_ORDINAL = 1.2  # how much rarer an answer is with every level that it is off, as a logarithm
_POOLED_VOTES = 20.0
_ENOUGH_JUDGED = 50  # ads that two people judged, to measure by how far rules repeat one another

_PRESENT, _ABSENT, _SILENT = range(len(STATES))


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
        item: an indicator or risk.
        names: voters, near-copies under one name; the columns of `said`.
        said: shape (n, g), answers after near-copies have become one.
        judged: shape (n,), ads of which anything can be said.
        priors, model: of the label model.
        posterior: shape (n, k).
    """

    item: str
    names: tuple[str, ...]
    said: Answers
    judged: NDArray[np.bool_]
    priors: Priors
    model: LabelModel
    posterior: FloatArray

    def voters(self, *, resamples: int = 200, seed: int = 0) -> list[Voter]:
        """Every voter with its interval, by a bootstrap over ads."""
        said, rules = self.said[self.judged], _rules(self.names)
        low, high = confusion_interval(
            said,
            self.priors,
            start=_opening(said, self.item, rules),
            weights=self.model.weights,
            resamples=resamples,
            seed=seed,
        )
        votes = _spoken(said, self.item, rules).sum(axis=0)
        return [
            Voter(
                name=name,
                item=self.item,
                votes=int(votes[column]),
                confusion=self.model.confusion[column],
                low=low[column],
                high=high[column],
                worth=float(self.model.weights[column]),
            )
            for column, name in enumerate(self.names)
        ]


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
        items[name] = _fitted(ballots[name], {})
    elsewhere = _people(items)
    for name in asked:
        items[name] = _fitted(ballots[name], _without(elsewhere, name))
    values = np.full((count, len(indicators)), np.nan)
    for column, name in enumerate(indicators):
        if name in items:
            known = items[name].judged
            values[known, column] = settled(items[name].posterior[known, 1])
    shares = np.full((count, len(LEVELS)), np.nan)
    risk = np.full(count, UNKNOWN_RISK, dtype=np.int64)
    if RISK in ballots:
        items[RISK] = found = _fitted(ballots[RISK], {})
        shares[found.judged] = found.posterior[found.judged]
        at_least = np.cumsum(shares[found.judged, ::-1], axis=1)[:, -2::-1]
        risk[found.judged] = (at_least >= 0.5).sum(axis=1)
    return Joined(Targets(tuple(indicators), values, risk, shares), items)


def majority_votes(
    ballots: Mapping[str, Ballots], indicators: Sequence[str], count: int
) -> Targets:
    """What most voters say, each counting alike: the plain thing that a label model has to beat.

    A rule's silence is no vote. An indicator that as many say is present as not is unknown; of
    risk levels with equally many votes the lower one is taken.
    """
    values = np.full((count, len(indicators)), np.nan)
    for column, name in enumerate(indicators):
        if name in ballots:
            counts = _counts(ballots[name])
            margin = counts[:, 0] - counts[:, 1:].sum(axis=1)
            values[margin > 0, column], values[margin < 0, column] = 1.0, 0.0
            if _rules(ballots[name].voters).all():
                values[_judged(ballots[name]) & ~counts.any(axis=1), column] = 0.0
    risk = np.full(count, UNKNOWN_RISK, dtype=np.int64)
    if RISK in ballots:
        counts = _counts(ballots[RISK])
        known = counts.any(axis=1) & _judged(ballots[RISK])
        risk[known] = counts[known].argmax(axis=1)
    return Targets(tuple(indicators), values, risk)


def _fitted(ballots: Ballots, elsewhere: Mapping[str, FloatArray]) -> ItemModel:
    """The label model of one item; `elsewhere` is what voters answered on other items, (k, a)."""
    item, answers = ballots.item, len(ballots.answers)
    judged = _judged(ballots)
    groups = near_copies(ballots.said[judged], answers)
    whole = merged(ballots.said, groups, answers)
    names = tuple(", ".join(ballots.voters[member] for member in group) for group in groups)
    said = whole[judged]
    start = _opening(said, item, _rules(names))
    priors = _priors(item, names, elsewhere)
    model = fit_label_model(said, priors, start=start)
    machines = np.array([name.startswith(MACHINES) for name in names], dtype=np.bool_)
    if machines.sum() > 1:
        known, posterior = _seen_by_people(said, priors, start, ~machines)
        if posterior is None:
            posterior = model.posterior(said)
        weights = worth(excess_agreement(said[known], posterior, answers), machines)
        model = fit_label_model(said, priors, start=start, weights=weights)
    return ItemModel(item, names, whole, judged, priors, model, model.posterior(whole))


def _seen_by_people(
    said: Answers, priors: Priors, start: FloatArray, people: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], FloatArray | None]:
    """What people alone make of the ads that two of them judged; None where there are too few."""
    both = (said[:, people] != MISSING).sum(axis=1) >= 2
    if both.sum() < _ENOUGH_JUDGED:
        return np.ones(len(said), dtype=np.bool_), None
    theirs = said[both][:, people]
    alone = Priors(priors.prevalence, priors.confusion[people])
    return both, fit_label_model(theirs, alone).posterior(theirs)


def _priors(item: str, names: Sequence[str], elsewhere: Mapping[str, FloatArray]) -> Priors:
    if item == RISK:
        apart = np.abs(np.subtract.outer(np.arange(len(LEVELS)), np.arange(len(LEVELS))))
        kernel = np.exp(-_ORDINAL * apart)
        kernel *= _RISK_VOTES / kernel.sum(axis=1, keepdims=True)
        return Priors(_RISK_PREVALENCE, np.tile(kernel, (len(names), 1, 1)))
    confusion = np.zeros((len(names), 2, len(STATES)))
    for voter, name in enumerate(names):
        confusion[voter] = _RULE if name.startswith(RULE) else _PERSON
        if name in elsewhere:
            votes = elsewhere[name]
            total = np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
            confusion[voter] += votes * np.minimum(1, _POOLED_VOTES / total)
    return Priors(_PREVALENCE, confusion)


def _people(items: Mapping[str, ItemModel]) -> dict[str, dict[str, FloatArray]]:
    """Item -> person -> the votes of it, shared out over the classes."""
    return {
        item: {
            name: found.model.counts[voter]
            for voter, name in enumerate(found.names)
            if not name.startswith(MACHINES)
        }
        for item, found in items.items()
    }


def _without(people: Mapping[str, Mapping[str, FloatArray]], item: str) -> dict[str, FloatArray]:
    """Person -> all votes of it on other items."""
    total: dict[str, FloatArray] = {}
    for other, votes in people.items():
        if other != item:
            for name, counts in votes.items():
                total[name] = total.get(name, 0.0) + counts
    return total


def _opening(said: Answers, item: str, rules: NDArray[np.bool_]) -> FloatArray:
    """A first guess: the share of the votes, the silence of rules not counted."""
    spoken = _spoken(said, item, rules)
    if item == RISK:
        counts = np.stack([(said == code).sum(axis=1) for code in range(len(LEVELS))], axis=1)
        return np.asarray((counts + 0.1) / (counts + 0.1).sum(axis=1, keepdims=True))
    present = ((said == _PRESENT) & spoken).sum(axis=1)
    share = (present + 0.05) / (spoken.sum(axis=1) + 0.6)
    return np.stack([1 - share, share], axis=1)


def _spoken(said: Answers, item: str, rules: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Shape (n, v), which answers are not missing and no mere silence of a rule."""
    silent = (said == _SILENT) & rules if item != RISK else np.zeros_like(said, dtype=np.bool_)
    return np.asarray((said != MISSING) & ~silent)


def _judged(ballots: Ballots) -> NDArray[np.bool_]:
    """Ads of which the voters let anything be known."""
    rules = _rules(ballots.voters)
    asked = ballots.said != MISSING
    if rules.all():
        return np.asarray(asked.any(axis=1))
    if ballots.item == RISK:
        return np.asarray(asked[:, ~rules].any(axis=1))
    return np.asarray(_spoken(ballots.said, ballots.item, rules).any(axis=1))


def _counts(ballots: Ballots) -> NDArray[np.int64]:
    """Votes for each answer, shape (n, a), each voter counting alike."""
    counted = _spoken(ballots.said, ballots.item, _rules(ballots.voters))
    return np.stack(
        [((ballots.said == code) & counted).sum(axis=1) for code in range(len(ballots.answers))],
        axis=1,
    )


def _rules(names: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([name.startswith(RULE) for name in names], dtype=np.bool_)
