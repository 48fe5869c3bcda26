"""Behaviour suites: what a model must do with ads that differ by one fact, and whether it does.

In the manner of CheckList (Ribeiro et al. 2020) and HateCheck (Röttger et al. 2021). In: one
YAML file a language, `{language}.yaml`, each a mapping of functions to cases:

    negated:
      - id: negated-01            # unique within the language
        text: the ad
        pair: the other ad, which differs by one fact
        expect: higher            # text against pair: higher, same; or below, which needs no pair
        of: document_retention    # an indicator, or risk, which is the default

Out: an `Outcome` a case, and pass rates. It refuses a file in which an id stands twice, a
function, an indicator or a key is unknown, or a pair is missing: a suite with a hole measures
something else than it says. Suites are for judging; nothing here is ever trained on.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from scipy.stats import binomtest

from adrisk.errors import ConfigError, UsageError
from adrisk.indicators import load_taxonomy
from adrisk.model import Model
from adrisk.types import FloatArray

RISK = "risk"
"""What is compared when a case names no indicator."""

FUNCTIONS: Mapping[str, str] = {
    "stated": "an indicator stated in plain words",
    "paraphrased": "the same said without the usual words",
    "negated": "affirmed, against an ad that denies it",
    "quoted_in_warning": "said of the ad's own offer, against an ad that quotes it as a warning",
    "lawful_lookalike": "lawful ads that share the words",
    "independent_worker": "adults who work on their own terms",
    "weak_combination": "several weak signs together, against one of them",
    "single_weak": "one weak sign alone stays below the threshold",
    "obfuscated": "the risky sentence in disguise, against the ad without it",
    "misspelled": "the risky sentence with slips of the pen",
    "code_switched": "the risky sentence in another language",
    "buried": "one sentence in the middle of a long ad",
    "swapped_nationality": "another nationality must not move the score",
    "swapped_gender": "another gender must not move the score",
    "swapped_city": "another city must not move the score",
    "swapped_name": "another name must not move the score",
}
"""Every function with what it asks, in the order of reports."""

EXPECTATIONS = ("higher", "same", "below")
MARGIN = 0.25
"""`higher`: the log-odds of the text exceed those of its pair by at least this."""
TOLERANCE = 0.05
"""`same`: the probabilities of the two differ by no more than this."""
REVIEW_SHARE = 0.02
"""`below`: the risk is under the model's threshold for this share of ads under review."""

_CERTAIN = 1e-6  # scores are single precision; nearer to 0 or 1 their log-odds mean nothing
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_KEYS = ("id", "text", "pair", "expect", "of")
_FIXED = {"single_weak": "below"} | {name: "same" for name in FUNCTIONS if "swapped" in name}


@dataclass(frozen=True, slots=True)
class Case:
    """One ad, or two that differ by one fact, and what a model should make of them.

    `of` is an indicator's id or `RISK`; `pair` is None only where `below` is expected.
    """

    language: str
    function: str
    id: str
    text: str
    pair: str | None
    expect: str
    of: str


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


def load_suites(folder: Path) -> tuple[Case, ...]:
    """Every case of every `{language}.yaml` in a folder, in the order of languages and files.

    Raises:
        UsageError: if the folder holds no suite; says how to point at one.
        ConfigError: if a file is broken; names file, function, id and what is wrong.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UsageError(
            f"no behaviour suites in {folder}: expected files such as en.yaml; run this in a "
            "checkout of adrisk, or point at them with --suites DIR"
        )
    return tuple(case for file in files for case in load_suite(file))


def load_suite(path: Path) -> tuple[Case, ...]:
    """The cases of one language, which the file is named after.

    Raises:
        ConfigError: if the file is broken; names file, function, id and what is wrong.
    """
    if not _LANGUAGE.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: a suite is named after its language, such as en.yaml; rename or remove it"
        )
    content = _read(path)
    taken: dict[str, str] = {}
    cases = []
    for function, entries in content.items():
        if function not in FUNCTIONS:
            raise ConfigError(
                f"{path}: unknown function {function!r}{_nearest(function, FUNCTIONS)}"
            )
        if not isinstance(entries, list) or not entries:
            raise ConfigError(f"{path}: {function}: expected a list of cases")
        for number, entry in enumerate(entries, start=1):
            case = _case(path, str(function), number, entry)
            if case.id in taken:
                raise ConfigError(
                    f"{path}: {function}: {case.id}: the id is taken, by a case of "
                    f"{taken[case.id]}; give it another"
                )
            taken[case.id] = case.function
            cases.append(case)
    return tuple(cases)


def fingerprint(cases: Iterable[Case]) -> str:
    """A digest of all that the cases say, so that two results can be told to be of one suite."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(case).encode())
    return digest.hexdigest()


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
        return settle(case, text, pair, threshold)

    return tuple(outcome(case) for case in cases)


def settle(case: Case, text: float, pair: float | None, threshold: float) -> Outcome:
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


def largest_moves(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    """Of each function that must not move the score, the case that moved it most."""
    found: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.case.expect == "same" and outcome.difference is not None:
            best = found.get(outcome.case.function)
            if best is None or abs(outcome.difference) > abs(best.difference or 0.0):
                found[outcome.case.function] = outcome
    return found


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Refuses a key that stands twice, which YAML readers let hide the first one's cases."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def _read(path: Path) -> dict[Any, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise ConfigError(f"{path}{line}: cannot be read as YAML: {problem}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8; save it as such") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{path}: expected functions, each with a list of cases")
    return content


def _case(path: Path, function: str, number: int, entry: object) -> Case:
    where = f"{path}: {function}: entry {number}"
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a case with {', '.join(_KEYS)}")
    if isinstance(entry.get("id"), str) and entry["id"]:
        where = f"{path}: {function}: {entry['id']}"
    for key, value in entry.items():
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}{_nearest(key, _KEYS)}")
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where}: `{key}` must be text, got {value!r}; put it in quotes")
    for key in ("id", "text", "expect"):
        if key not in entry:
            raise ConfigError(f"{where}: the key `{key}` is missing; add it")
    case = Case(
        language=path.stem,
        function=function,
        id=entry["id"],
        text=entry["text"].strip(),
        pair=entry["pair"].strip() if "pair" in entry else None,
        expect=entry["expect"],
        of=entry.get("of", RISK),
    )
    _check(case, where)
    return case


def _check(case: Case, where: str) -> None:
    if case.expect not in EXPECTATIONS:
        raise ConfigError(
            f"{where}: unknown expectation {case.expect!r}{_nearest(case.expect, EXPECTATIONS)}"
        )
    fixed = _FIXED.get(case.function, case.expect)
    if case.expect != fixed:
        raise ConfigError(f"{where}: a case of {case.function} expects `{fixed}`")
    known = (RISK, *load_taxonomy().text_ids)
    if case.of not in known:
        raise ConfigError(
            f"{where}: no indicator of a text is called {case.of!r}{_nearest(case.of, known)}"
        )
    if case.expect == "below":
        if case.of != RISK:
            raise ConfigError(f"{where}: only the risk has a threshold; leave `of` out")
    elif case.pair is None:
        raise ConfigError(f"{where}: `{case.expect}` needs the key `pair`; add the other ad")
    if case.pair == case.text:
        raise ConfigError(f"{where}: `text` and `pair` are equal; let them differ by one fact")


def _nearest(name: object, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(str(name), names, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"
