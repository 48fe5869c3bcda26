"""Behaviour results: pass rates by function and language, moves of the swaps, and every case.

In: rates and outcomes from `adrisk.evaluation.behaviour.judging`. Out: the content of
`behaviour.json`, as frozen values; no text of a case is in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.metrics.figures import Result


class Rate(Result):
    """Cases passed of those judged, with a Wilson 95 % interval, and how many were not judged.

    Without a judged case there is no interval and no share. Pairs are taken as independent.
    """

    passed: int
    n: int
    low: float | None
    high: float | None
    unjudged: int
    share: float | None


class FunctionRates(Result):
    """The pass rates of a function."""

    all: Rate
    languages: Mapping[str, Rate]


class Move(Result):
    """Distance between the two probabilities of the pairs of a swap.

    Attributes:
        n: pairs.
        could_fail: pairs of which one probability at least exceeds the tolerance: two below it are
            within it whatever the model thinks of the swap.
        language, case: of the largest.
    """

    n: int
    could_fail: int
    mean: float
    largest: float
    language: str
    case: str


class CaseResult(Result):
    """An `Outcome` without the texts."""

    language: str
    function: str
    id: str
    of: str
    expect: str
    text: float | None
    pair: float | None
    difference: float | None
    passed: bool | None


class ModelUnderTest(Result):
    """The model that was judged."""

    name: str
    version: str
    family: str
    fingerprint: str
    target: str


class Suites(Result):
    """The cases it was judged by."""

    cases: int
    languages: tuple[str, ...]
    fingerprint: str


class BehaviourResult(Result):
    """The content of `behaviour.json`; a release keeps it without the cases.

    Attributes:
        passing: what each expectation asks, in words.
        all, languages, functions: pass rates.
        moves: by function, of the swaps that must not matter.
    """

    model: ModelUnderTest
    suites: Suites
    passing: Mapping[str, str]
    all: Rate
    languages: Mapping[str, Rate]
    functions: Mapping[str, FunctionRates]
    moves: Mapping[str, Move]
    cases: tuple[CaseResult, ...] | None = None
