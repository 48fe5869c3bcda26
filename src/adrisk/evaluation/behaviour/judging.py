"""Put a model to the cases of the suites: what it made of each, and the rates at which it passes.

In: a model and `Case`s. Out: an `Outcome` a case, pass rates with intervals, and all of it as
plain values for a file. A case about an indicator for which the model has no head is not judged,
and counted as such; it is neither passed nor failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from adrisk.evaluation.behaviour.suites import FUNCTIONS, RISK, Case, fingerprint
from adrisk.layout import REVIEW_SHARE
from adrisk.model.model import Model
from adrisk.types import FloatArray

MARGIN = 0.25
"""`higher`: the log-odds of the text exceed those of its pair by at least this."""
TOLERANCE = 0.05
"""`same`: the probabilities of the two differ by no more than this."""

_CERTAIN = 1e-6  # scores are single precision; nearer to 0 or 1 their log-odds mean nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model made of a case.

    Attributes:
        case: the case.
        text: calibrated probability of the text, None if the model has no answer.
        pair: the same of the pair, None without a pair.
        difference: log-odds for `higher`, probability for `same`, distance to the threshold for
            `below`; text minus the other.
        passed: None where the model has no head for the indicator.
    """

    case: Case
    text: float | None
    pair: float | None
    difference: float | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Rate:
    """Cases passed of those judged, with a Wilson 95 % interval, and how many were not judged.

    Without a judged case there is no interval. Pairs are taken as independent of each other.
    """

    passed: int
    n: int
    low: float | None
    high: float | None
    unjudged: int

    @property
    def share(self) -> float | None:
        """Passed of judged; None without any."""
        return self.passed / self.n if self.n else None


def judge(model: Model, cases: Sequence[Case]) -> tuple[Outcome, ...]:
    """What the model makes of each case, in their order; every different text is scored once.

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
            return Outcome(case, None, None, None, None)
        scores = columns[case.of]
        text = float(scores[rows[case.language, case.text]])
        pair = None if case.pair is None else float(scores[rows[case.language, case.pair]])
        return decide_outcome(case, text, pair, threshold)

    return tuple(outcome(case) for case in cases)


def decide_outcome(case: Case, text: float, pair: float | None, threshold: float) -> Outcome:
    """Whether two probabilities, or one and the review threshold, are as the case expects.

    >>> case = Case("en", "negated", "n1", "we keep it", "you keep it", "higher", RISK)
    >>> settle(case, 0.5, 0.4, threshold=0.9).passed  # log-odds 0 against -0.41
    True
    >>> settle(case, 0.5, 0.45, threshold=0.9).passed  # 0 against -0.20: less than 0.25
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
    low: float | None = None
    high: float | None = None
    if judged:
        interval = binomtest(passed, len(judged)).proportion_ci(0.95, method="wilson")
        low, high = float(interval.low), float(interval.high)
    return Rate(passed, len(judged), low, high, len(verdicts) - len(judged))


def rates(
    outcomes: Sequence[Outcome], key: Callable[[Case], str], order: Sequence[str] = ()
) -> dict[str, Rate]:
    """The pass rate of each group of outcomes; those of `order` first and in that order."""
    groups: dict[str, list[Outcome]] = {name: [] for name in order}
    for outcome in outcomes:
        groups.setdefault(key(outcome.case), []).append(outcome)
    return {name: rate(group) for name, group in groups.items() if group}


def results(model: Model, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything about a run but the texts, as plain values for JSON."""
    languages = sorted({outcome.case.language for outcome in outcomes})
    by_function = {
        name: {
            "all": rate_to_json(rate(group)),
            "languages": {
                language: rate_to_json(found)
                for language, found in rates(group, lambda case: case.language, languages).items()
            },
        }
        for name in FUNCTIONS
        if (group := [outcome for outcome in outcomes if outcome.case.function == name])
    }
    return {
        "model": {
            "name": model.manifest.name,
            "version": model.version,
            "family": model.manifest.family,
            "fingerprint": model.fingerprint,
            "target": model.manifest.trained_on.target,
        },
        "suites": {
            "cases": len(outcomes),
            "languages": languages,
            "fingerprint": fingerprint(outcome.case for outcome in outcomes),
        },
        "passing": {
            "higher": f"log-odds of the text above the pair's by {MARGIN} or more",
            "same": f"probabilities no more than {TOLERANCE} apart",
            "below": f"risk below the model's threshold for {100 * REVIEW_SHARE:g} % under review",
        },
        "all": rate_to_json(rate(outcomes)),
        "languages": {
            language: rate_to_json(found)
            for language, found in rates(outcomes, lambda case: case.language, languages).items()
        },
        "functions": by_function,
        "moves": moves(outcomes),
        "cases": [_case_to_json(outcome) for outcome in outcomes],
    }


def moves(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """How far the scores moved that must not: mean and largest distance, by function.

    `could_fail` counts the pairs of which one probability at least exceeds `TOLERANCE`: two that
    lie below it are within it whatever the model thinks of the swap.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in FUNCTIONS:
        group = [
            outcome
            for outcome in outcomes
            if outcome.case.function == name
            and outcome.case.expect == "same"
            and outcome.difference is not None
        ]
        if group:
            distances = [abs(outcome.difference or 0.0) for outcome in group]
            largest = max(distances)
            case = group[distances.index(largest)].case
            found[name] = {
                "n": len(group),
                "could_fail": sum(max(o.text or 0.0, o.pair or 0.0) > TOLERANCE for o in group),
                "mean": round(sum(distances) / len(group), 6),
                "largest": round(largest, 6),
                "language": case.language,
                "case": case.id,
            }
    return found


def rate_to_json(found: Rate) -> dict[str, Any]:
    """Plain values, the share among them."""
    content = {**asdict(found), "share": found.share}
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in content.items()}


def _case_to_json(outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    figures = {"text": outcome.text, "pair": outcome.pair, "difference": outcome.difference}
    return {
        "language": case.language,
        "function": case.function,
        "id": case.id,
        "of": case.of,
        "expect": case.expect,
        **{k: None if v is None else round(v, 6) for k, v in figures.items()},
        "passed": outcome.passed,
    }


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))
