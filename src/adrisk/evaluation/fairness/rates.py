"""Who is flagged wrongly, and does it befall some more than others?

In: n ads, what became of each, and the groups they belong to. Out: for every group the share of its
lawful ads that are left to people unjudged; of the judged ones the share that is flagged, that of
all other judged lawful ads, and the difference; the share of its risky ads that are flagged; its
calibration error. Each figure carries n and a campaign-bootstrap interval. Groups
that are too small are named without figures: a rate of three ads says nothing, and may point at
somebody. Also: how far scores move when one trait in an ad is exchanged (`adrisk.traits`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.metrics.estimates import CONFIDENCE, Estimate, calibration_error, estimate
from adrisk.types import FloatArray, IntArray

LEAST_ADS, LEAST_CAMPAIGNS = 50, 20
"""Of lawful ads: a smaller group is withheld."""

LEAST_RISKY_ADS, LEAST_RISKY_CAMPAIGNS = 20, 10
"""Of risky ads: with fewer, a group has no recall."""

TOLERANCE = 0.05
"""A swapped trait may move a probability by no more than this."""

SWAPS = ("nationality", "gender", "city", "name")
"""The traits that are swapped."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to put ads into groups, which may overlap.

    Attributes:
        known: shape (n,), ads of which the dimension is known; the others belong to no side.
        groups: name -> shape (n,), its members.
    """

    known: NDArray[np.bool_]
    groups: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Decided:
    """n ads that are flagged, cleared, or left to people as incomplete.

    Attributes:
        flagged: shape (n,), as the product would: none that is incomplete, all that escalate.
        risk: shape (n,), the probability.
        lawful, risky: shape (n,), labelled risk 0 or 1, labelled 2 or 3; neither where unlabelled.
        campaigns: shape (n,), equal numbers are one campaign.
        incomplete: shape (n,), not judged: neither flagged nor cleared.
    """

    flagged: NDArray[np.bool_]
    risk: FloatArray
    lawful: NDArray[np.bool_]
    risky: NDArray[np.bool_]
    campaigns: IntArray
    incomplete: NDArray[np.bool_]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Shape (n,), the lawful ads that are cleared or flagged."""
        return self.lawful & ~self.incomplete


def by_value(values: Sequence[str | None]) -> Dimension:
    """A group for each value; "" and None are not known.

    >>> sorted(by_value(["en", "fr", None]).groups)
    ['en', 'fr']
    """
    names = np.array([value or "" for value in values], dtype=np.str_)
    return Dimension(names != "", {str(v): names == v for v in np.unique(names[names != ""])})


def false_positive_rate(
    decided: Decided, members: NDArray[np.bool_], *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of the judged lawful ads among `members` that are flagged; NaN without any."""
    rows = members & decided.judged
    return _rate(decided.flagged, rows, decided.campaigns, resamples, seed)


def incomplete_share(
    decided: Decided, members: NDArray[np.bool_], *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of the lawful ads among `members` that are left to people unjudged."""
    rows = members & decided.lawful
    return _rate(decided.incomplete, rows, decided.campaigns, resamples, seed)


def compare(
    decided: Decided, dimension: Dimension, *, resamples: int = 500, seed: int = 0
) -> dict[str, Any]:
    """Every group of a dimension beside all other ads of which the dimension is known.

    The difference is the group's false-positive rate less that of the others. It has no interval
    where one of them has no false flag at all. A group of which too few ads are judged has the
    share that is not, and neither a rate nor a difference.
    """
    result: dict[str, Any] = {}
    for name, members in dimension.groups.items():
        inside = members & decided.lawful
        entry: dict[str, Any] = {
            "n": int(inside.sum()),
            "campaigns": len(np.unique(decided.campaigns[inside])),
        }
        if entry["n"] < LEAST_ADS or entry["campaigns"] < LEAST_CAMPAIGNS:
            entry["withheld"] = True
            result[name] = entry
            continue
        others = dimension.known & ~members
        figures = {"incomplete": incomplete_share(decided, members, resamples=resamples, seed=seed)}
        inside, outside = members & decided.judged, others & decided.judged
        entry["judged"] = int(inside.sum())
        told = (
            entry["judged"] >= LEAST_ADS
            and len(np.unique(decided.campaigns[inside])) >= LEAST_CAMPAIGNS
        )
        if told:
            figures["false_positive_rate"] = false_positive_rate(
                decided, members, resamples=resamples, seed=seed
            )
        if told and len(np.unique(decided.campaigns[outside])) >= LEAST_CAMPAIGNS:
            figures["others"] = false_positive_rate(decided, others, resamples=resamples, seed=seed)
            figures["difference"] = _difference(decided, inside, outside, resamples, seed)
        risky = members & decided.risky
        if (
            risky.sum() >= LEAST_RISKY_ADS
            and len(np.unique(decided.campaigns[risky])) >= LEAST_RISKY_CAMPAIGNS
        ):
            figures["recall"] = _rate(decided.flagged, risky, decided.campaigns, resamples, seed)
        risky &= ~decided.incomplete
        if risky.sum() >= LEAST_RISKY_ADS:
            labelled = np.flatnonzero(members & (decided.judged | risky))
            figures["calibration_error"] = estimate(
                calibration_error(decided.risky[labelled], decided.risk[labelled]),
                decided.campaigns[labelled],
                positives=int(decided.risky[labelled].sum()),
                resamples=resamples,
                seed=seed,
            )
        entry |= {key: figure.to_json() for key, figure in figures.items()}
        result[name] = entry
    return result


def differing(compared: Mapping[str, Any]) -> tuple[list[str], int]:
    """Groups whose difference has an interval without 0, and how many have an interval at all."""
    gaps = {
        name: entry["difference"]
        for name, entry in compared.items()
        if entry.get("difference", {}).get("low") is not None
    }
    found = [name for name, gap in gaps.items() if gap["low"] > 0 or gap["high"] < 0]
    return found, len(gaps)


def share(
    flags: NDArray[np.bool_], campaigns: IntArray, *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """The share of m items with a flag."""
    return _rate(flags, np.ones(len(flags), dtype=np.bool_), campaigns, resamples, seed)


def moved(
    before: FloatArray,
    after: FloatArray,
    campaigns: IntArray,
    threshold: float,
    *,
    resamples: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """How far probabilities move when a trait is exchanged.

    Args:
        before: shape (m,), of the ads as they are.
        after: shape (m,), of the same with the trait exchanged.
        campaigns: shape (m,); an ad may come several times, with different swaps.
        threshold: of review.

    Returns:
        The share that moves by more than `TOLERANCE`, of all and of those of which one side exceeds
        it at all (two that lie below are within it whatever the model thinks of the swap); the
        largest; whether a decision changes; and the mean change with its sign.
    """
    change = after - before
    distance = np.abs(change)
    far = distance > TOLERANCE
    could = np.maximum(before, after) > TOLERANCE
    changed = (before >= threshold) != (after >= threshold)

    def part(flags: NDArray[np.bool_]) -> dict[str, Any]:
        return share(flags, campaigns, resamples=resamples, seed=seed).to_json()

    def mean(values: FloatArray) -> dict[str, Any]:
        return estimate(
            lambda weights: weights @ values / weights.sum(axis=1),
            campaigns,
            positives=len(values),
            resamples=resamples,
            seed=seed,
        ).to_json()

    return {
        "swaps": len(change),
        "campaigns": len(np.unique(campaigns)),
        "over": part(far),
        "over_of_could": _rate(far, could, campaigns, resamples, seed).to_json(),
        "decision_changed": part(changed),
        "mean_change": mean(change),
        "mean_distance": mean(distance),
        "quantiles": {
            f"{q:g}": round(float(np.quantile(distance, q)), 6) for q in (0.5, 0.9, 0.99)
        },
        "largest": round(float(distance.max()), 6),
    }


def _rate(
    flags: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    campaigns: IntArray,
    resamples: int,
    seed: int,
) -> Estimate:
    """The share of `rows` with a flag; sums over campaigns are drawn, which is drawing campaigns.

    Where none has it, or all, resampling gives an interval of no width; the end that matters is
    then the exact binomial one, with each campaign as one trial.
    """
    if not rows.any():
        nothing = float("nan")
        return Estimate(nothing, nothing, nothing, n=0, positives=0, campaigns=0)
    groups, of = np.unique(campaigns[rows], return_inverse=True)
    hits = np.bincount(of, weights=flags[rows], minlength=len(groups))
    size = np.bincount(of, minlength=len(groups)).astype(np.float64)
    figure = estimate(
        lambda weights: (weights @ hits) / (weights @ size),
        np.arange(len(groups)),
        positives=int(hits.sum()),
        resamples=resamples,
        seed=seed,
    )
    figure = replace(figure, n=int(rows.sum()))
    if len(groups) and figure.value in (0.0, 1.0):
        bound = float(1 - ((1 - CONFIDENCE) / 2) ** (1 / len(groups)))
        low, high = (0.0, bound) if figure.value == 0.0 else (1 - bound, 1.0)
        figure = replace(figure, low=low, high=high)
    return figure


def _difference(
    decided: Decided,
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> Estimate:
    groups, of = np.unique(decided.campaigns, return_inverse=True)
    sums = [
        np.bincount(of, weights=values, minlength=len(groups))
        for rows in (inside, outside)
        for values in (rows & decided.flagged, rows)
    ]

    def metric(weights: FloatArray) -> FloatArray:
        mine, size, theirs, rest = (weights @ total for total in sums)
        undefined = np.full_like(mine, np.nan)
        return np.asarray(
            np.divide(mine, size, out=undefined.copy(), where=size > 0)
            - np.divide(theirs, rest, out=undefined.copy(), where=rest > 0)
        )

    figure = estimate(
        metric,
        np.arange(len(groups)),
        positives=int(sums[0].sum() + sums[2].sum()),
        resamples=resamples,
        seed=seed,
    )
    figure = replace(
        figure,
        n=int((inside | outside).sum()),
        campaigns=len(np.unique(decided.campaigns[inside | outside])),
    )
    if sums[0].sum() == 0 or sums[2].sum() == 0:
        figure = replace(figure, low=float("nan"), high=float("nan"))
    return figure
