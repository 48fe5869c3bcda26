"""Explanation of a score: the words that raised it, and the matches of the evidence rules.

In: a model and a raw text. Out: `Evidence` with spans in the raw text. For linear families the
contributions are exact: those of all characters and the head's intercept sum to the margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import regex

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.base import contributions_to
from adrisk.model.model import Model
from adrisk.text.normalise import Folded, fold
from adrisk.types import Evidence, FloatArray

RISK = "risk"
"""Indicator name of evidence for the risk score itself."""

LIKELY = 0.5
"""Indicators at least this probable get spans of their own."""

_WORD = regex.compile(r"\w+|[^\w\s]+")
_SPANS_PER_HEAD = 3
_WORTH_SHOWING = 0.4  # of the strongest word's contribution
_NEIGHBOURS = (0.5, 1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Explanation:
    """An ad's probabilities and its evidence, strongest first within each indicator."""

    risk: float
    level: int
    indicators: dict[str, float]
    evidence: tuple[Evidence, ...]


def explain(model: Model, raw: str, language: str | None = None) -> Explanation:
    """Probabilities and evidence of one ad.

    Args:
        model: any family.
        raw: the ad's text, cut to `adrisk.batch.MAX_CHARS` characters.
        language: ISO 639-1 code for the rules; without it the rules of all languages are tried.
    """
    ad = pa.table({"text": pa.array([raw]), "language": pa.array([language], pa.string())})
    scored = model.score(ad).table
    probabilities = {label: float(scored[f"p_{label}"][0].as_py()) for label in model.labels}
    return Explanation(
        risk=float(scored["risk"][0].as_py()),
        level=int(scored["level"][0].as_py()),
        indicators=probabilities,
        evidence=tuple(
            evidence_of(model, make_batch([raw], [language], rules=model.rules), probabilities)
        ),
    )


def evidence_of(model: Model, ad: TextBatch, probabilities: dict[str, float]) -> list[Evidence]:
    """Spans for the risk score and every likely indicator, then the rule matches.

    Args:
        model: any family.
        ad: a batch of one ad, with the language and region used in scoring.
        probabilities: of the indicators.
    """
    (rules,) = ad.rule_matches.evidence(np.ones(1, dtype=np.bool_))
    return word_evidence(model, ad, probabilities) + rules


def word_evidence(
    model: Model, ad: TextBatch, probabilities: Mapping[str, float]
) -> list[Evidence]:
    """Spans for the risk score and for every likely indicator, of one ad; see `evidence_of`."""
    folded = fold(ad.raw[0].as_py())
    heads = [(0, RISK)] + [
        (1 + i, label)
        for i, label in enumerate(model.labels)
        if probabilities.get(label, 0.0) >= LIKELY
    ]
    family = model.manifest.family
    by_head = contributions_to(model.classifier, ad, [row for row, _ in heads])
    return [
        e
        for (_, name), contribution in zip(heads, by_head, strict=True)
        for e in _spans(folded, contribution, name, family)
    ]


def _spans(folded: Folded, contribution: FloatArray, name: str, family: str) -> list[Evidence]:
    """The words with the largest contributions to a head, adjacent ones joined."""
    words = [word.span() for word in _WORD.finditer(folded.text)]
    if not words:
        return []
    # A word gets the contributions of its characters and of the blanks after it.
    edges = np.array([start for start, _ in words[1:]] + [len(folded.text)])
    sums = np.concatenate([[0.0], np.cumsum(contribution)])
    begins = np.concatenate([[0], edges[:-1]])
    strengths = sums[edges] - sums[begins]
    # Strengths are smoothed over neighbours, so that phrases are preferred to single words.
    smoothed = np.convolve(strengths, _NEIGHBOURS)[1:-1]
    least = _WORTH_SHOWING * smoothed.max()
    if least <= 0:
        return []
    spans: list[tuple[float, int, int]] = []
    for first, last in _runs(np.flatnonzero((smoothed >= least) & (strengths > 0))):
        strength = float(strengths[first : last + 1].sum())
        start, end = folded.span(words[first][0], words[last][1])
        spans.append((strength, start, end))
    spans.sort(key=lambda span: (-span[0], span[1]))
    return [
        Evidence(indicator=name, start=start, end=end, found_by=family, strength=strength)
        for strength, start, end in spans[:_SPANS_PER_HEAD]
    ]


def _runs(chosen: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """First and last of every run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for index in chosen:
        if runs and index == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], int(index))
        else:
            runs.append((int(index), int(index)))
    return runs
