"""The label model of Dawid and Skene for one question: classes of ads and error rates of voters.

In: what each of v voters answered on each of n ads, with gaps. Out: the probability of each class
for each ad, and for each voter the chance of every answer given every class. No truth is needed:
voters are judged by one another, so at least three informative voters are needed; with fewer the
priors decide. Voters are assumed to err independently given the truth; `dependence` merges those
that do not.

Sources: Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM
algorithm"; priors as in Paun et al. 2018, "Comparing Bayesian models of annotation". The silence of
a rule is an answer, as in Ratner et al. 2019, "Training complex models with multi-task weak
supervision": when a voter with a single answer gives it is informative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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
