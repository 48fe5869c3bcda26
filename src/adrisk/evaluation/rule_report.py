"""Report on every rule, which `adrisk match --report` writes beside the evidence.

In: batches of ads with everything the rules found in them. Out: for each source of ads, rule and
indicator, coverage, overlap, conflict and alarms per 10,000 ads; and where ads are labelled,
precision and recall with intervals over campaigns. Ads of a corpus's training split are left out:
rules may be written with them in view, so they must not be judged by them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk.evaluation.markdown import render
from adrisk.evaluation.rule_results import (
    GradedRisk,
    IndicatorCounts,
    RuleCounts,
    RuleMeans,
    RuleResults,
    SourceRules,
)
from adrisk.files import output, replacing
from adrisk.metrics.estimates import average_precision, estimate
from adrisk.metrics.figures import Figure
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.rulebook import Rule
from adrisk.rules.ruleset import Ruleset
from adrisk.rules.taxonomy import graded_risk
from adrisk.types import RISKY, Evidence, FloatArray, IntArray, State

_RESAMPLES = 200
_UNNAMED = "unnamed"
_PER = 10_000


@dataclass(slots=True)
class _Source:
    """Counts of one source of ads; numbers of ads are places in `languages`."""

    languages: list[str | None] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)
    risks: list[int | None] = field(default_factory=list)
    grades: list[float] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    hits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    overlaps: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    overlapped: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    found: dict[tuple[str, State], list[int]] = field(default_factory=lambda: defaultdict(list))
    truth: dict[tuple[str, State], list[int]] = field(default_factory=lambda: defaultdict(list))
    denials_known: bool = False


class RuleReport:
    """Counts, batch by batch; `write` makes a table for people and a JSON file of it."""

    def __init__(self, rules: Ruleset) -> None:
        self._taxonomy = rules.taxonomy
        self._rules = {rule.id: rule for code in LANGUAGES for rule in rules.book(code).rules}
        self._sources: dict[str, _Source] = defaultdict(_Source)
        self._left_out = 0

    def add(
        self, ads: pa.Table, everything: Sequence[list[Evidence]], kept: Sequence[list[Evidence]]
    ) -> None:
        """Count a batch.

        Args:
            ads: with their label columns, if any.
            everything: all findings of all rules in each ad.
            kept: the findings that count, one a place.
        """
        names = set(ads.column_names)
        columns = {
            name: ads[name].to_pylist() if name in names else [None] * len(ads)
            for name in ("source", "language", "campaign_id", "ad_id", "risk", "split",
                         "true_indicators", "indicators", "denied_indicators")
        }  # fmt: skip
        for row, (found, settled) in enumerate(zip(everything, kept, strict=True)):
            ad = {name: values[row] for name, values in columns.items()}
            if ad["split"] == "train":
                self._left_out += 1
                continue
            self._count(ad, found, settled)

    def _count(
        self, ad: Mapping[str, Any], found: Sequence[Evidence], kept: Sequence[Evidence]
    ) -> None:
        source = self._sources[ad["source"] or _UNNAMED]
        number = len(source.languages)
        source.languages.append(ad["language"])
        source.campaigns.append(ad["campaign_id"] or ad["ad_id"])
        source.risks.append(ad["risk"])
        rules = {e.found_by: e for e in found}
        states: dict[str, set[State]] = defaultdict(set)
        for evidence in kept:
            states[evidence.indicator].add(evidence.state)
        for indicator, stated in states.items():
            for state in stated:
                source.found[indicator, state].append(number)
        for name, evidence in rules.items():
            source.hits[name].append(number)
            others = [
                other
                for other, e in rules.items()
                if other != name and e.indicator == evidence.indicator and e.state is evidence.state
            ]
            source.overlapped[name] += bool(others)
            source.overlaps[name].update(others)
            source.conflicts[name] += any(
                e.indicator == evidence.indicator and e.state is not evidence.state for e in found
            )
        present = {i for i, stated in states.items() if State.PRESENT in stated}
        source.grades.append(graded_risk(present, self._taxonomy) + 0.01 * len(present))
        stated_present = (
            ad["true_indicators"] if ad["true_indicators"] is not None else ad["indicators"]
        )
        if stated_present is None:
            return
        source.judged.append(number)
        for indicator in stated_present:
            source.truth[indicator, State.PRESENT].append(number)
        if ad["denied_indicators"] is not None:
            source.denials_known = True
            for indicator in ad["denied_indicators"]:
                source.truth[indicator, State.ABSENT].append(number)

    def results(self) -> RuleResults:
        """All figures."""
        order = sorted(self._sources.items(), key=lambda item: (not item[1].judged, item[0]))
        return RuleResults(
            left_out_as_training_split=self._left_out,
            sources={name: self._source(source) for name, source in order},
        )

    def _source(self, source: _Source) -> SourceRules:
        counts = Counter(source.languages)
        labelled = {"risk": _risk(source), "macro": self._macro(source)} if source.judged else {}
        return SourceRules.model_validate(
            {
                "ads": len(source.languages),
                "labelled": len(source.judged),
                "languages": {str(k): v for k, v in counts.most_common()},
                **labelled,
                "indicators": {n: self._indicator(source, n) for n in self._taxonomy.text_ids},
                "rules": {name: self._rule(source, rule) for name, rule in self._rules.items()},
            }
        )

    def _indicator(self, source: _Source, name: str) -> IndicatorCounts:
        found = source.found.get((name, State.PRESENT), [])
        denied = source.found.get((name, State.ABSENT), [])
        counted = IndicatorCounts(
            present=len(found),
            absent=len(denied),
            alarms_per_10000=_rate(len(found), len(source.languages)),
        )
        if not source.judged:
            return counted
        judged: dict[str, object] = {
            **_judged(source, found, source.truth.get((name, State.PRESENT), []))
        }
        if source.denials_known:
            absence = _judged(source, denied, source.truth.get((name, State.ABSENT), []))
            judged |= {f"absence_{key}": value for key, value in absence.items()}
        return counted.model_copy(update=judged)

    def _rule(self, source: _Source, rule: Rule) -> RuleCounts:
        hits = source.hits.get(rule.id, [])
        language = rule.id.split(".", 1)[0]
        readers = [
            number
            for number, spoken in enumerate(source.languages)
            if spoken == language or spoken not in LANGUAGES or language == "platform"
        ]
        if not readers:
            return RuleCounts(read_by_it=0)
        counted = RuleCounts(
            state=rule.state.value,
            ads=len(hits),
            read_by_it=len(readers),
            coverage=round(len(hits) / len(readers), 6),
            alarms_per_10000=_rate(len(hits), len(readers)),
        )
        if not hits:
            return counted
        beside: dict[str, object] = {
            "overlap": round(source.overlapped[rule.id] / len(hits), 4),
            "overlaps_most": dict(source.overlaps[rule.id].most_common(1)),
            "conflict": round(source.conflicts[rule.id] / len(hits), 4),
        }
        if source.judged and (rule.state is State.PRESENT or source.denials_known):
            among = set(readers)
            truth = source.truth.get((rule.indicator, rule.state), [])
            beside |= _judged(source, hits, [number for number in truth if number in among])
        return counted.model_copy(update=beside)

    def _macro(self, source: _Source) -> dict[str, RuleMeans]:
        """The plain mean over the indicators with truth, by language and in all."""
        means = {}
        for language in ("all", *LANGUAGES):
            rows = {n for n in source.judged if language in ("all", source.languages[n])}
            precision, recall, stated = self._means(source, rows, State.PRESENT)
            mean = RuleMeans(ads=len(rows), precision=precision, recall=recall, indicators=stated)
            if source.denials_known:
                names = ("absence_precision", "absence_recall", "absence_indicators")
                absence = self._means(source, rows, State.ABSENT)
                mean = mean.model_copy(update=dict(zip(names, absence, strict=True)))
            means[language] = mean
        return means

    def _means(
        self, source: _Source, rows: set[int], state: State
    ) -> tuple[float | None, float | None, int]:
        """Mean precision and recall over the indicators with truth, and how many these are."""
        pairs = [
            (
                rows.intersection(source.found.get((name, state), [])),
                rows.intersection(source.truth.get((name, state), [])),
            )
            for name in self._taxonomy.text_ids
        ]
        stated = [(found, truth) for found, truth in pairs if truth]
        precisions = [len(f & t) / len(f) for f, t in stated if f]
        recalls = [len(f & t) / len(t) for f, t in stated]
        return _mean(precisions), _mean(recalls), len(stated)

    def write(self, path: Path) -> None:
        """Write the table at `path` and the JSON beside it."""
        found = self.results()
        text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
        with replacing(output(path.with_suffix(".json"))) as draft:
            draft.write_text(text, "utf-8")
        with replacing(output(path)) as draft:
            draft.write_text(rules_page(found, self._rules), "utf-8")


def rules_page(found: RuleResults, rules: Mapping[str, Rule]) -> str:
    """The tables for people: each source, then every rule on all of them."""
    named = [(rule.id, rule.state.value) for rule in rules.values()]
    return render("rules.md.j2", results=found, rules=named)


def _risk(source: _Source) -> GradedRisk | None:
    """Average precision of the graded risk, as a ranking of the labelled ads."""
    rows = [n for n in source.judged if source.risks[n] is not None]
    truth = np.array([(source.risks[n] or 0) >= RISKY for n in rows], dtype=np.bool_)
    if not len(rows) or truth.all() or not truth.any():
        return None
    score = np.array([source.grades[n] for n in rows], dtype=np.float64)
    figure = estimate(
        average_precision(truth, score),
        _campaigns(source, rows),
        positives=int(truth.sum()),
        resamples=_RESAMPLES,
    )
    return GradedRisk(average_precision=figure.figure(), prevalence=round(float(truth.mean()), 6))


def _judged(source: _Source, found: Sequence[int], truth: Sequence[int]) -> dict[str, object]:
    """Precision over the ads found, and recall over the ads where the indicator is true."""
    judged, right = set(source.judged), set(truth)
    rows = [number for number in found if number in judged]
    caught = set(rows)
    return {
        "true": len(truth),
        "precision": _share(source, rows, [number in right for number in rows]),
        "recall": _share(source, truth, [number in caught for number in truth]),
    }


def _share(source: _Source, rows: Sequence[int], good: Sequence[bool]) -> Figure | None:
    """The share of good ones with its interval; None of no rows."""
    if not rows:
        return None
    right = np.array(good, dtype=np.float64)

    def metric(weights: FloatArray) -> FloatArray:
        total = weights.sum(axis=1)
        return np.asarray(
            np.divide(weights @ right, total, out=np.full(len(total), np.nan), where=total > 0)
        )

    campaigns = _campaigns(source, rows)
    return estimate(metric, campaigns, positives=int(right.sum()), resamples=_RESAMPLES).figure()


def _campaigns(source: _Source, rows: Sequence[int]) -> IntArray:
    names = np.array([source.campaigns[row] for row in rows], dtype=np.str_)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _rate(count: int, ads: int) -> float | None:
    return round(_PER * count / ads, 2) if ads else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
