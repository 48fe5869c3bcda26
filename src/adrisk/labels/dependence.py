"""Voters that repeat one another: found, counted, and given one vote.

The label model takes voters to err independently. A rule written twice, or a model trained on an
annotator, breaks that: three copies of one poor voter would be believed because they agree. No
model can tell copies from good voters by agreement alone (two groups of dependent voters explain
each other equally well), so this works on what can be told:

- near-copies, which answer alike almost always, errors included, are merged into one voter. Two
  independent voters agree so well only if both are nearly always right, and then one is enough.
- among rules and models, which people's errors do not follow, agreement beyond what the label
  accounts for is measured, and each is down-weighted to the votes it is worth (Kish 1965, the
  design effect of a cluster).

Sources: Ratner et al. 2016, "Data programming", sec. 4, on dependent labelling functions; Varma et
al. 2019, "Learning dependency structures for weak supervision models".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from adrisk.labels.dawid_skene import MISSING, Answers
from adrisk.types import FloatArray

NEAR_COPY = 0.9
"""Voters with at least this agreement beyond chance (Cohen's kappa) are one voter."""


def near_copies(said: Answers, answers: int) -> tuple[tuple[int, ...], ...]:
    """Groups of voters that are one: the columns of each, ascending; most hold one.

    Args:
        said: shape (n, v), the answer's number, or `MISSING`.
        answers: how many there are.

    >>> said = np.array([[0, 0, 1], [1, 1, 1]] * 20, np.int8)
    >>> near_copies(said, 2)
    ((0, 1), (2,))
    """
    if said.shape[1] == 0:
        return ()
    _, owner = connected_components(agreement(said, answers) >= NEAR_COPY, directed=False)
    groups = {
        tuple(np.flatnonzero(owner == owner[column]).tolist()) for column in range(len(owner))
    }
    return tuple(sorted(groups))


def merged(said: Answers, groups: Sequence[Sequence[int]], answers: int) -> Answers:
    """One column a group, shape (n, g): what most of its members that voted say.

    Of equally common answers the one with the lowest number is taken.
    """
    columns = [np.zeros((len(said), 0), dtype=np.int8)]
    for group in groups:
        column = said[:, list(group)]
        if len(group) > 1:
            counts = np.stack([(column == code).sum(axis=1) for code in range(answers)], axis=1)
            most = np.where(counts.any(axis=1), counts.argmax(axis=1), MISSING)
            column = most.astype(np.int8)[:, None]
        columns.append(column)
    return np.concatenate(columns, axis=1)


def agreement(said: Answers, answers: int) -> FloatArray:
    """Cohen's kappa of every two voters over the ads both judged, shape (v, v); 0 on the diagonal.

    Two imagined disagreements keep voters with little in common from passing for copies.
    """
    given = [(said == code).astype(np.float64) for code in range(answers)]
    judged = (said != MISSING).astype(np.float64)
    both = judged.T @ judged + 2
    same = sum((one.T @ one for one in given), np.zeros_like(both))
    first = [one.T @ judged + 2 / answers for one in given]
    chance = sum((one * one.T for one in first), np.zeros_like(both)) / both**2
    kappa = np.divide(same / both - chance, 1 - chance, out=np.zeros_like(both), where=chance < 1)
    np.fill_diagonal(kappa, 0.0)
    return np.asarray(kappa)


def excess_agreement(said: Answers, posterior: FloatArray, answers: int) -> FloatArray:
    """Agreement of every two voters beyond what the label explains, shape (v, v).

    0 where two voters err independently, 1 where they always say the same; of an estimate, what
    is certain: two standard errors are taken off, and nothing is below 0.

    Args:
        said: shape (n, v).
        posterior: shape (n, k), the classes as known from elsewhere.
        answers: how many there are.
    """
    given = [(said == code).astype(np.float64) for code in range(answers)]
    judged = (said != MISSING).astype(np.float64)
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
    """Votes that each voter is worth, shape (v,): 1, or less for a machine among its like.

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
    """Shape (k, v, a): how often each voter gives each answer in each class.

    Solved from moments: an average weighted by an uncertain posterior would mix the classes.
    """
    classes = posterior.shape[1]
    pairs = posterior[:, :, None] * posterior[:, None, :]
    mixed = (judged.T @ pairs.reshape(len(judged), -1)).reshape(-1, classes, classes)
    mixed += 1e-6 * np.eye(classes)
    seen = np.stack([one.T @ posterior for one in given], axis=2)
    return np.asarray(np.linalg.solve(mixed, seen).clip(0, 1).transpose(1, 0, 2))
