"""Dependent voters: near-copies are merged, repeating rules and models are down-weighted.

In: a matrix of answers. Out: groups of voters, merged columns, and a weight for each voter. The
label model assumes independent errors. A rule written twice, or a model trained on an annotator,
breaks that: three copies of one poor voter would be believed because they agree. Agreement alone
cannot distinguish copies from good voters (two groups of dependent voters explain each other
equally well), so only two clear cases are treated:

- near-copies, which give the same answer almost always, errors included, are merged into one voter.
  Independent voters agree so often only if both are nearly always right, and then one is enough.
- among rules and models, whose errors people do not share, agreement beyond what the label explains
  is measured, and each is given the weight it is worth (Kish 1965, the design effect of a cluster).

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
