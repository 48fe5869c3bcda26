"""Who is right, and how often: the label model of Dawid and Skene, for one question.

In: what each of v voters answered on each of n ads, with gaps. Out: the probability of each class
for each ad, and for each voter the chance of every answer given every class. It asks for no
truth: voters are judged by one another, so at least three with something to say are wanted;
with fewer the priors decide. It takes voters to err independently once the truth is given;
`dependence` merges those that plainly do not.

Sources: Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM
algorithm"; priors as in Paun et al. 2018, "Comparing Bayesian models of annotation". A rule that
stays silent has answered too, as in Ratner et al. 2019, "Training complex models with multi-task
weak supervision": a voter that only ever says one thing tells something by when it says it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adrisk.types import FloatArray, IntArray

MISSING = -1
"""In a matrix of answers: this voter was not asked, or abstained."""

_MOST_ROUNDS = 500
_ENOUGH = 1e-5  # change of any chance in a confusion

Answers = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Priors:
    """What is believed before any vote, in imagined votes.

    Attributes:
        prevalence: shape (k,), imagined ads of each class.
        confusion: shape (v, k, a), imagined answers of each voter for each class; all above 0.
    """

    prevalence: FloatArray
    confusion: FloatArray


@dataclass(frozen=True, slots=True)
class LabelModel:
    """What was learned of the classes and the voters.

    Attributes:
        prevalence: shape (k,), adds up to 1.
        confusion: shape (v, k, a), chance of answer a from voter v where the class is k.
        counts: shape (v, k, a), the votes behind `confusion`, shared out over the classes.
        weights: shape (v,), votes that each voter is worth.
        rounds: of expectation-maximisation.
    """

    prevalence: FloatArray
    confusion: FloatArray
    counts: FloatArray
    weights: FloatArray
    rounds: int

    def posterior(self, said: Answers) -> FloatArray:
        """Probability of each class for each ad, shape (n, k); the prevalence where none voted."""
        patterns, _, member = _patterns(said)
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
    said: Answers,
    priors: Priors,
    *,
    start: FloatArray | None = None,
    weights: FloatArray | None = None,
    times: FloatArray | None = None,
) -> LabelModel:
    """Learn prevalence and confusions from votes alone, by expectation-maximisation.

    The result is a mode of the posterior in which the priors count as votes, and the same on
    every run. Which class is which, the start settles: a first guess from the votes, or the
    priors if they take voters for better than chance.

    Args:
        said: shape (n, v), the answer's number, or `MISSING`.
        priors: for v voters, k classes and a answers.
        start: shape (n, k), a first guess of the classes, the same for ads with the same votes;
            what the priors make of the votes if left out.
        weights: shape (v,), votes that each voter is worth; 1 if left out.
        times: shape (n,), how often each ad counts; once if left out.

    >>> said = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]], np.int8)
    >>> better_than_chance = Priors(np.ones(2), np.full((3, 2, 2), 1.0) + np.eye(2))
    >>> model = fit_label_model(said, better_than_chance)
    >>> model.posterior(said).argmax(axis=1).tolist()  # two agree always, the third does not count
    [1, 0, 1, 0, 1, 0]
    """
    voters, classes, answers = priors.confusion.shape
    patterns, first, member = _patterns(said)
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
    said: Answers,
    priors: Priors,
    *,
    start: FloatArray | None = None,
    weights: FloatArray | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """The middle 95 % of a bootstrap of the confusions: low and high, each of shape (v, k, a).

    Ads are drawn anew with replacement and everything is fitted again, so that not knowing the
    truth widens the interval as it should. Arguments as of `fit_label_model`.
    """
    patterns, first, member = _patterns(said)
    often = np.bincount(member, minlength=len(patterns))
    rng = np.random.default_rng(seed)
    opening = None if start is None else start[first]
    found = [
        fit_label_model(patterns, priors, start=opening, weights=weights, times=drawn).confusion
        for drawn in rng.multinomial(len(said), often / len(said), size=resamples).astype(float)
    ]
    low, high = np.quantile(np.stack(found), [0.025, 0.975], axis=0)
    return low, high


def _shares(counts: FloatArray) -> FloatArray:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _patterns(said: Answers) -> tuple[Answers, IntArray, IntArray]:
    """The distinct rows, the first ad with each, and which of them each ad is.

    A hundred thousand ads have a few hundred distinct rows: everything else works on those.
    """
    rows = np.ascontiguousarray(said, dtype=np.int8)
    if rows.shape[1] == 0:
        return rows[:1], np.arange(len(rows[:1])), np.zeros(len(rows), dtype=np.int64)
    whole = rows.view(np.dtype((np.void, rows.shape[1])))[:, 0]
    _, first, member = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], first, member


def _one_hot(said: Answers, answers: int) -> sparse.csr_array:
    """Shape (n, v * a), a 1 for every answer given."""
    rows, voters = np.nonzero(said != MISSING)
    columns = voters * answers + said[rows, voters]
    shape = (len(said), said.shape[1] * answers)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
