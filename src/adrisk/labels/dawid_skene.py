"""The label model of Dawid and Skene, which estimates labels and error rates of voters from votes.

In: what each of v voters answered on each of n ads, with gaps. Out: the probability of each class
for each ad, and for each voter the chance of every answer given every class. No truth is needed:
voters are judged by one another, so at least three informative voters are needed; with fewer the
priors decide.

The model assumes that voters err independently given the truth. A rule written twice, or a model
trained on an annotator, breaks that: three copies of one poor voter would be believed because they
agree. Agreement alone cannot distinguish copies from good voters, so only two clear cases are
treated. Near-copies, which give the same answer almost always, errors included, are merged into one
voter (`near_copies`). Rules and models, whose errors people do not share, are down-weighted by
their agreement beyond what the label explains (`excess_agreement`; Kish 1965, the design effect of
a cluster).

Sources: Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM
algorithm"; priors as in Paun et al. 2018, "Comparing Bayesian models of annotation"; the silence of
a rule as an answer as in Ratner et al. 2019, "Training complex models with multi-task weak
supervision"; dependent voters as in Ratner et al. 2016, "Data programming", sec. 4, and Varma et
al. 2019, "Learning dependency structures for weak supervision models".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from adrisk.types import FloatArray, IntArray

MISSING = -1
"""In a matrix of answers: no answer, as the voter did not see the ad or abstained."""

_MOST_ROUNDS = 500
_ENOUGH = 1e-5  # change of any chance in a confusion

Answers = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Priors:
    """Dirichlet priors, as pseudo-counts of votes.

    Attributes:
        prevalence: shape (k,), pseudo-ads of each class.
        confusion: shape (v, k, a), pseudo-answers of each voter for each class; all above 0.
    """

    prevalence: FloatArray
    confusion: FloatArray


@dataclass(frozen=True, slots=True)
class LabelModel:
    """A fitted label model.

    Attributes:
        prevalence: shape (k,), adds up to 1.
        confusion: shape (v, k, a), chance of answer a from voter v where the class is k.
        counts: shape (v, k, a), the votes behind `confusion`, by posterior class.
        weights: shape (v,), the weight of each voter's votes.
        rounds: of expectation-maximisation.
    """

    prevalence: FloatArray
    confusion: FloatArray
    counts: FloatArray
    weights: FloatArray
    rounds: int

    def posterior(self, codes: Answers) -> FloatArray:
        """Probability of each class for each ad, shape (n, k); the prevalence without votes."""
        patterns, _, member = _patterns(codes)
        return self._of(_one_hot(patterns, self.confusion.shape[2]))[member]

    def _of(self, votes: sparse.csr_array) -> FloatArray:
        """Posterior of each row of one-hot votes."""
        voters, classes, answers = self.confusion.shape
        worth = self.weights[:, None, None] * np.log(self.confusion)
        per_answer = worth.transpose(0, 2, 1).reshape(voters * answers, classes)
        joint = votes @ per_answer + np.log(self.prevalence)
        likelihood = np.exp(joint - joint.max(axis=1, keepdims=True))
        return _shares(likelihood)


def fit_label_model(
    codes: Answers,
    priors: Priors,
    *,
    start: FloatArray | None = None,
    weights: FloatArray | None = None,
    times: FloatArray | None = None,
) -> LabelModel:
    """Prevalence and confusions, fitted to votes alone by expectation-maximisation.

    The result is a mode of the posterior, and the same on every run. The start identifies the
    classes: a first guess from the votes, or priors under which voters are better than chance.

    Args:
        codes: shape (n, v), the answer's number, or `MISSING`.
        priors: for v voters, k classes and a answers.
        start: shape (n, k), a first guess of the classes, the same for ads with the same votes;
            by default the posterior under the priors.
        weights: shape (v,), the weight of each voter's votes; 1 by default.
        times: shape (n,), how often each ad counts; once by default.

    >>> rows = [[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]]
    >>> codes = np.array(rows, np.int8)
    >>> better_than_chance = Priors(np.ones(2), np.full((3, 2, 2), 1.0) + np.eye(2))
    >>> model = fit_label_model(codes, better_than_chance)
    >>> model.posterior(codes).argmax(axis=1).tolist()  # two always agree
    [1, 0, 1, 0, 1, 0]
    """
    voters, classes, answers = priors.confusion.shape
    patterns, first, member = _patterns(codes)
    often = np.bincount(member, weights=times, minlength=len(patterns)).astype(np.float64)
    votes = _one_hot(patterns, answers)
    back = sparse.csr_array(votes.T)
    model = LabelModel(
        _shares(priors.prevalence),
        _shares(priors.confusion),
        np.zeros_like(priors.confusion),
        np.ones(voters) if weights is None else weights,
        0,
    )
    posterior = model._of(votes) if start is None else start[first]
    for round_ in range(1, _MOST_ROUNDS + 1):
        weighted = posterior * often[:, None]
        counts = (back @ weighted).reshape(voters, answers, classes).transpose(0, 2, 1)
        before = model.confusion
        model = LabelModel(
            _shares(priors.prevalence + weighted.sum(axis=0)),
            _shares(priors.confusion + counts),
            counts,
            model.weights,
            round_,
        )
        if voters == 0 or np.abs(model.confusion - before).max() < _ENOUGH:
            break
        posterior = model._of(votes)
    return model


def confusion_interval(
    codes: Answers,
    priors: Priors,
    *,
    start: FloatArray | None = None,
    weights: FloatArray | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """95 % bootstrap interval of the confusions: low and high, each of shape (v, k, a).

    The model is fitted again to each resample of ads, so that the interval includes the
    uncertainty about the truth. Arguments as in `fit_label_model`.
    """
    patterns, first, member = _patterns(codes)
    often = np.bincount(member, minlength=len(patterns))
    rng = np.random.default_rng(seed)
    opening = None if start is None else start[first]
    confusions = [
        fit_label_model(patterns, priors, start=opening, weights=weights, times=drawn).confusion
        for drawn in rng.multinomial(len(codes), often / len(codes), size=resamples).astype(float)
    ]
    low, high = np.quantile(np.stack(confusions), [0.025, 0.975], axis=0)
    return low, high


def _shares(counts: FloatArray) -> FloatArray:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _patterns(codes: Answers) -> tuple[Answers, IntArray, IntArray]:
    """The distinct rows, the first ad with each, and the index of each ad's row.

    A hundred thousand ads have a few hundred distinct rows, on which the model is fitted.
    """
    rows = np.ascontiguousarray(codes, dtype=np.int8)
    if rows.shape[1] == 0:
        return rows[:1], np.arange(len(rows[:1])), np.zeros(len(rows), dtype=np.int64)
    whole = rows.view(np.dtype((np.void, rows.shape[1])))[:, 0]
    _, first, member = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], first, member


def _one_hot(codes: Answers, answers: int) -> sparse.csr_array:
    """Shape (n, v * a), a 1 for every answer given."""
    rows, voters = np.nonzero(codes != MISSING)
    columns = voters * answers + codes[rows, voters]
    shape = (len(codes), codes.shape[1] * answers)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


NEAR_COPY = 0.9
"""Voters with at least this agreement beyond chance (Cohen's kappa) are one voter."""


def near_copies(codes: Answers, answers: int) -> tuple[tuple[int, ...], ...]:
    """Groups of near-copies as columns, ascending; most groups have one voter.

    Args:
        codes: shape (n, v), the answer's number, or `MISSING`.
        answers: the number of possible answers.

    >>> codes = np.array([[0, 0, 1], [1, 1, 1]] * 20, np.int8)
    >>> near_copies(codes, 2)
    ((0, 1), (2,))
    """
    if codes.shape[1] == 0:
        return ()
    _, owner = connected_components(agreement(codes, answers) >= NEAR_COPY, directed=False)
    groups = {
        tuple(np.flatnonzero(owner == owner[column]).tolist()) for column in range(len(owner))
    }
    return tuple(sorted(groups))


def merged(codes: Answers, groups: Sequence[Sequence[int]], answers: int) -> Answers:
    """One column a group, shape (n, g): the most common answer of its members.

    Ties go to the answer with the lowest number.
    """
    columns = [np.zeros((len(codes), 0), dtype=np.int8)]
    for group in groups:
        column = codes[:, list(group)]
        if len(group) > 1:
            counts = np.stack([(column == code).sum(axis=1) for code in range(answers)], axis=1)
            most = np.where(counts.any(axis=1), counts.argmax(axis=1), MISSING)
            column = most.astype(np.int8)[:, None]
        columns.append(column)
    return np.concatenate(columns, axis=1)


def agreement(codes: Answers, answers: int) -> FloatArray:
    """Cohen's kappa of every two voters over the ads both judged, shape (v, v); 0 on the diagonal.

    Two pseudo-counts of disagreement keep voters with few ads in common from counting as copies.
    """
    given = [(codes == code).astype(np.float64) for code in range(answers)]
    judged = (codes != MISSING).astype(np.float64)
    both = judged.T @ judged + 2
    same = sum((one.T @ one for one in given), np.zeros_like(both))
    first = [one.T @ judged + 2 / answers for one in given]
    chance = sum((one * one.T for one in first), np.zeros_like(both)) / both**2
    kappa = np.divide(same / both - chance, 1 - chance, out=np.zeros_like(both), where=chance < 1)
    np.fill_diagonal(kappa, 0.0)
    return np.asarray(kappa)


def excess_agreement(codes: Answers, posterior: FloatArray, answers: int) -> FloatArray:
    """Agreement of every two voters beyond what the label explains, shape (v, v).

    0 if two voters err independently, 1 if their answers are always the same. The estimate is
    lowered by two standard errors, to 0 at least.

    Args:
        codes: shape (n, v).
        posterior: shape (n, k), probabilities of the classes from another source.
        answers: the number of possible answers.
    """
    given = [(codes == code).astype(np.float64) for code in range(answers)]
    judged = (codes != MISSING).astype(np.float64)
    both = judged.T @ judged
    same = sum((one.T @ one for one in given), np.zeros_like(both))
    rates = _rates(given, judged, posterior)
    expected = np.zeros_like(both)
    for rate, share in zip(rates, posterior.T, strict=True):
        expected += (judged.T @ (judged * share[:, None])) * (rate @ rate.T)
    some = np.maximum(both, 1)
    observed, chance = same / some, np.minimum(expected / some, 1)
    error = np.sqrt(observed * (1 - observed) / some + 1 / some**2)
    beyond = observed - chance - 2 * error
    excess = np.divide(beyond, 1 - chance, out=np.zeros_like(both), where=chance < 1 - 1e-9)
    np.fill_diagonal(excess, 0.0)
    return np.asarray(np.clip(excess, 0, 1))


def worth(excess: FloatArray, machines: NDArray[np.bool_]) -> FloatArray:
    """The weight of each voter, shape (v,): 1, or less for a machine that repeats others.

    Args:
        excess: shape (v, v), of `excess_agreement`.
        machines: shape (v,), which voters are rules or models; people are worth 1.

    >>> repeated = np.array([[0.0, 0.5], [0.5, 0.0]])
    >>> worth(repeated, np.array([True, True])).round(2).tolist()
    [0.67, 0.67]
    """
    among = excess * np.outer(machines, machines)
    return np.asarray(1 / (1 + among.sum(axis=1)))


def _rates(given: Sequence[FloatArray], judged: FloatArray, posterior: FloatArray) -> FloatArray:
    """Shape (k, v, a): the frequency of each answer of each voter in each class.

    Solved from moments: an average weighted by an uncertain posterior would mix the classes.
    """
    classes = posterior.shape[1]
    pairs = posterior[:, :, None] * posterior[:, None, :]
    mixed = (judged.T @ pairs.reshape(len(judged), -1)).reshape(-1, classes, classes)
    mixed += 1e-6 * np.eye(classes)
    seen = np.stack([one.T @ posterior for one in given], axis=2)
    return np.asarray(np.linalg.solve(mixed, seen).clip(0, 1).transpose(1, 0, 2))
