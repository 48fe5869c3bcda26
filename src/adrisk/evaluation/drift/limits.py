"""Limits of the effect sizes, with their sources, and the verdict.

In: an effect and what chance alone would do. Out: same, some drift, much drift, or too few ads to
tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from adrisk.metrics.figures import Result

Measure = Literal["psi", "jsd", "h"]


class Limit(Result):
    """The least effects that are some and much drift, and their source."""

    name: str
    some: float
    much: float
    reason: str


LIMITS: Mapping[Measure, Limit] = {
    "psi": Limit(
        name="population stability index",
        some=0.1,
        much=0.25,
        reason="the convention of credit scoring: below 0.1 no change, above 0.25 a large one "
        "(Siddiqi 2006, Credit Risk Scorecards)",
    ),
    "jsd": Limit(
        name="Jensen-Shannon divergence in bits",
        some=0.018,
        much=0.045,
        reason="the limits of the stability index, carried over: for small changes the index is "
        "8 ln 2 times the divergence (both are chi-squared to second order; Lin 1991)",
    ),
    "h": Limit(
        name="Cohen's h of two shares",
        some=0.2,
        much=0.5,
        reason="small and medium in Cohen 1988, Statistical Power Analysis, ch. 6: from 2 % to "
        "6 %, or to 15 %; it weighs a change of a rare share as it should",
    ),
}
"""The limits of each measure; they are set here only."""

LEAST_ADS = 100
"""Fewer leave fewer than ten ads to each of ten bins, and get no verdict."""

LEAST_GROUPS = 5
"""Fewer groups of near-copies, counted by their weight, are too few to draw from: then two ads in
five or more are one template, and the batch shows that template only (Cameron, Gelbach and Miller
2008 on what few clusters do to a bootstrap)."""


class Verdict(StrEnum):
    """What an effect amounts to."""

    SAME = "same"
    SOME = "some drift"
    MUCH = "much drift"
    TOO_FEW = "too few ads to tell"


def verdict_of(measure: Measure, effect: float | None, chance: float | None, few: bool) -> Verdict:
    """A small effect is the same; a large one within chance has too few ads."""
    limit = LIMITS[measure]
    if few or effect is None or chance is None:
        return Verdict.TOO_FEW
    if effect < limit.some:
        return Verdict.SAME
    if effect <= chance:
        return Verdict.TOO_FEW
    return Verdict.MUCH if effect >= limit.much else Verdict.SOME
