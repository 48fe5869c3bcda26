"""Outcomes of a model on the cases of the suites, and its pass rates.

In: a model and `Case`s. Out: an `Outcome` a case, and a `BehaviourResult`: the content of
`behaviour.json`, with rates and intervals and without the texts. A case about an indicator for
which the model has no head is not judged; it is counted, but neither passed nor failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adrisk.evaluation.behaviour.suites import FUNCTIONS, RISK, Case, fingerprint
from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.figures import Rate, Result, rounded
from adrisk.model.model import Model
from adrisk.types import FloatArray

MARGIN = 0.25
"""`higher`: the log-odds of the text exceed those of its pair by at least this."""
TOLERANCE = 0.05
"""`same`: the probabilities of the two differ by no more than this."""

_CERTAIN = 1e-6  # scores are single precision; nearer to 0 or 1 their log-odds mean nothing


class FunctionRates(Result):
    """The pass rates of a function."""

    all: Rate
    languages: Mapping[str, Rate]


class Move(Result):
    """Distance between the two probabilities of the pairs of a swap.

    Attributes:
        n: pairs.
        could_fail: pairs with a probability above the tolerance; two below it differ by less.
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
    """The model of a run."""

    name: str
    version: str
    family: str
    fingerprint: str
    target: str


class Suites(Result):
    """The cases of a run."""

    cases: int
    languages: tuple[str, ...]
    fingerprint: str


class BehaviourResult(Result):
    """The content of `behaviour.json`; a release keeps it without the cases.

    Attributes:
        passing: the condition of each expectation, in words.
        all, languages, functions: pass rates.
        moves: by function, of the swaps that must not move a score.
    """

    model: ModelUnderTest
    suites: Suites
    passing: Mapping[str, str]
    all: Rate
    languages: Mapping[str, Rate]
    functions: Mapping[str, FunctionRates]
    moves: Mapping[str, Move]
    cases: tuple[CaseResult, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A model's scores of a case, and whether it passed.

    Attributes:
        text: calibrated probability of the text; None, like all below, where the model has no head
            for the indicator.
        pair: the same of the pair, None without a pair.
        difference: log-odds for `higher`, probability for `same`, distance to the threshold for
            `below`; text minus the other.
    """

    case: Case
    text: float | None = None
    pair: float | None = None
    difference: float | None = None
    passed: bool | None = None


def judge(model: Model, cases: Sequence[Case]) -> tuple[Outcome, ...]:
    """The outcome of each case, in their order; every different text is scored once.

    Raises:
        ModelError: if the model has no threshold for `REVIEW_SHARE` though a case needs it.
    """
    texts = dict.fromkeys(
        (case.language, text) for case in cases for text in (case.text, case.pair) if text
    )
    rows = {key: row for row, key in enumerate(texts)}
    table = model.score(
        pa.table(
            {
                "ad_id": [str(row) for row in rows.values()],
                "language": pa.array([language for language, _ in texts], pa.string()),
                "text": pa.array([text for _, text in texts], pa.large_string()),
            }
        )
    ).table
    columns: dict[str, FloatArray] = {
        name: table[RISK if name == RISK else f"p_{name}"].to_numpy().astype(np.float64)
        for name in (RISK, *model.labels)
    }
    needed = any(case.expect == "below" for case in cases)
    threshold = model.threshold(REVIEW_SHARE).threshold if needed else math.nan

    def outcome(case: Case) -> Outcome:
        if case.of not in columns:
            return Outcome(case)
        scores = columns[case.of]
        text = float(scores[rows[case.language, case.text]])
        pair = None if case.pair is None else float(scores[rows[case.language, case.pair]])
        return decide_outcome(case, text, pair, threshold)

    return tuple(outcome(case) for case in cases)


def decide_outcome(case: Case, text: float, pair: float | None, threshold: float) -> Outcome:
    """Whether two probabilities, or one and the review threshold, are as the case expects.

    >>> case = Case("en", "negated", "n1", "we keep it", "you keep it", "higher", RISK)
    >>> decide_outcome(case, 0.5, 0.4, threshold=0.9).passed  # log-odds 0 against -0.41
    True
    >>> decide_outcome(case, 0.5, 0.45, threshold=0.9).passed  # 0 against -0.20: less than 0.25
    False
    """
    if case.expect == "below":
        return Outcome(case, text, pair, text - threshold, text < threshold)
    if pair is None:
        raise ValueError(f"{case.id}: {case.expect} compares two texts, and there is one")
    if case.expect == "same":
        moved = text - pair
        return Outcome(case, text, pair, moved, abs(moved) <= TOLERANCE)
    moved = _log_odds(text) - _log_odds(pair)
    return Outcome(case, text, pair, moved, moved >= MARGIN)


def rate(outcomes: Iterable[Outcome]) -> Rate:
    """The pass rate of some outcomes.

    >>> case = Case("en", "stated", "s1", "a", "b", "higher", RISK)
    >>> found = rate(Outcome(case, 0.0, 0.0, 0.0, passed) for passed in [True] * 8 + [False] * 2)
    >>> found.passed, found.n, round(found.low, 2), round(found.high, 2)
    (8, 10, 0.49, 0.94)
    """
    verdicts = [outcome.passed for outcome in outcomes]
    judged = [verdict for verdict in verdicts if verdict is not None]
    passed = sum(judged)
    unjudged = len(verdicts) - len(judged)
    if not judged:
        return Rate(passed=0, n=0, low=None, high=None, unjudged=unjudged, share=None)
    from scipy.stats import binomtest  # 0.5 s at the start of every command otherwise

    interval = binomtest(passed, len(judged)).proportion_ci(0.95, method="wilson")
    return Rate(
        passed=passed,
        n=len(judged),
        low=round(float(interval.low), 6),
        high=round(float(interval.high), 6),
        unjudged=unjudged,
        share=round(passed / len(judged), 6),
    )


def rates(
    outcomes: Sequence[Outcome], key: Callable[[Case], str], order: Sequence[str] = ()
) -> dict[str, Rate]:
    """The pass rate of each group of outcomes; those of `order` first and in that order."""
    groups: dict[str, list[Outcome]] = {name: [] for name in order}
    for outcome in outcomes:
        groups.setdefault(key(outcome.case), []).append(outcome)
    return {name: rate(group) for name, group in groups.items() if group}


def results(model: Model, outcomes: Sequence[Outcome]) -> BehaviourResult:
    """All figures and cases, without the texts."""
    languages = sorted({outcome.case.language for outcome in outcomes})

    def by_language(group: Sequence[Outcome]) -> dict[str, Rate]:
        return rates(group, lambda case: case.language, languages)

    return BehaviourResult(
        model=ModelUnderTest(
            name=model.manifest.name,
            version=model.version,
            family=model.manifest.family,
            fingerprint=model.fingerprint,
            target=model.manifest.trained_on.target,
        ),
        suites=Suites(
            cases=len(outcomes),
            languages=tuple(languages),
            fingerprint=fingerprint(outcome.case for outcome in outcomes),
        ),
        passing={
            "higher": f"log-odds of the text above the pair's by {MARGIN} or more",
            "same": f"probabilities no more than {TOLERANCE} apart",
            "below": f"risk below the model's threshold for {100 * REVIEW_SHARE:g} % under review",
        },
        all=rate(outcomes),
        languages=by_language(outcomes),
        functions={
            name: FunctionRates(all=rate(group), languages=by_language(group))
            for name in FUNCTIONS
            if (group := [outcome for outcome in outcomes if outcome.case.function == name])
        },
        moves=moves(outcomes),
        cases=tuple(map(_case_result, outcomes)),
    )


def moves(outcomes: Sequence[Outcome]) -> dict[str, Move]:
    """How far the scores moved that must not, by function."""
    found: dict[str, Move] = {}
    for name in FUNCTIONS:
        group = [
            (outcome, abs(outcome.difference))
            for outcome in outcomes
            if outcome.case.function == name
            and outcome.case.expect == "same"
            and outcome.difference is not None
        ]
        if group:
            furthest, largest = max(group, key=lambda pair: pair[1])
            found[name] = Move(
                n=len(group),
                could_fail=sum(max(o.text or 0.0, o.pair or 0.0) > TOLERANCE for o, _ in group),
                mean=round(sum(distance for _, distance in group) / len(group), 6),
                largest=round(largest, 6),
                language=furthest.case.language,
                case=furthest.case.id,
            )
    return found


def _case_result(outcome: Outcome) -> CaseResult:
    case = outcome.case
    return CaseResult(
        language=case.language,
        function=case.function,
        id=case.id,
        of=case.of,
        expect=case.expect,
        text=rounded(outcome.text),
        pair=rounded(outcome.pair),
        difference=rounded(outcome.difference),
        passed=outcome.passed,
    )


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))
