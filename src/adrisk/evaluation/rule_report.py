"""Report on every rule: `adrisk match --report`.

In: batches of ads with all findings of the rules. Out: the evidence, and as JSON and Markdown, for
each source of ads, rule and indicator, coverage, overlap, conflict and alarms per 10,000 ads; where
ads are labelled also precision and recall with intervals over campaigns. Ads of a corpus's training
split are left out, because rules may have been written from them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import pyarrow as pa

from adrisk.errors import UsageError
from adrisk.evaluation.markdown import render
from adrisk.files import output, replacing
from adrisk.metrics.estimates import Bootstrap, average_precision, mean_over
from adrisk.metrics.figures import AsGiven, Figure, Result
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.rulebook import Rule
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.rules.taxonomy import graded_risk
from adrisk.scoring.tables import Written, match
from adrisk.types import RISKY, Evidence, IntArray, State

_BOOTSTRAP = Bootstrap(resamples=200)


class GradedRisk(Result):
    """Average precision of the graded risk over the labelled ads, and their prevalence."""

    average_precision: Figure
    prevalence: float


class RuleMeans(AsGiven):
    """Means over the indicators that are true of an ad, for one language or all."""

    ads: int
    precision: float | None
    recall: float | None
    indicators: int
    absence_precision: float | None = None
    absence_recall: float | None = None
    absence_indicators: int | None = None


class IndicatorCounts(AsGiven):
    """Findings of one indicator; precision and recall where ads are labelled."""

    present: int
    absent: int
    alarms_per_10000: float | None
    true: int | None = None
    precision: Figure | None = None
    recall: Figure | None = None
    absence_true: int | None = None
    absence_precision: Figure | None = None
    absence_recall: Figure | None = None


class RuleCounts(AsGiven):
    """Findings of one rule in the ads of its language; only `read_by_it` where there are no ads."""

    state: str | None = None
    ads: int | None = None
    read_by_it: int
    coverage: float | None = None
    alarms_per_10000: float | None = None
    overlap: float | None = None
    overlaps_most: Mapping[str, int] | None = None
    conflict: float | None = None
    true: int | None = None
    precision: Figure | None = None
    recall: Figure | None = None


class SourceRules(AsGiven):
    """All figures of one source; `risk` is None where the labels are all on one side."""

    ads: int
    labelled: int
    languages: Mapping[str, int]
    risk: GradedRisk | None = None
    macro: Mapping[str, RuleMeans] = {}
    indicators: Mapping[str, IndicatorCounts]
    rules: Mapping[str, RuleCounts]


class RuleResults(Result):
    """The rules on every source: labelled sources first, each by name."""

    left_out_as_training_split: int
    sources: Mapping[str, SourceRules]


def match_and_report(
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    report: Path,
    rules: Ruleset | None = None,
) -> Written:
    """`match`, and a report on the rules.

    Args as of `match`; `report` is a Markdown file, with the same figures as JSON beside it.

    Raises:
        UsageError: if `report` does not end in .md, or cannot be written.
    """
    if report.suffix != ".md":
        raise UsageError(f"--report {report}: name a file that ends in .md")
    output(report)
    rules = rules or load_ruleset()
    figures = RuleReport(rules)
    done = match(sources, out, mapping, rules=rules, observe=figures.add)
    figures.write(report)
    return done


@dataclass(frozen=True, slots=True)
class _Ad:
    """The columns of an ad that are counted by; None where the file lacks one."""

    ad_id: str
    language: str | None = None
    source: str | None = None
    campaign_id: str | None = None
    risk: int | None = None
    split: str | None = None
    indicators: list[str] | None = None
    true_indicators: list[str] | None = None
    denied_indicators: list[str] | None = None


@dataclass(slots=True)
class _Source:
    """Counts of one source; ads are numbered by their place in `languages`."""

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
        """Count a batch: for each ad all findings, and those kept where several overlap."""
        columns = [column.name for column in fields(_Ad) if column.name in ads.column_names]
        rows = ads.select(columns).to_pylist()
        for row, found, counted in zip(rows, everything, kept, strict=True):
            ad = _Ad(**row)
            if ad.split == "train":
                self._left_out += 1
            else:
                self._count(ad, found, counted)

    def _count(self, ad: _Ad, found: Sequence[Evidence], kept: Sequence[Evidence]) -> None:
        source = self._sources[ad.source or "unnamed"]
        number = len(source.languages)
        source.languages.append(ad.language)
        source.campaigns.append(ad.campaign_id or ad.ad_id)
        source.risks.append(ad.risk)
        rules = {e.found_by: e for e in found}
        states = {(evidence.indicator, evidence.state) for evidence in kept}
        for state in states:
            source.found[state].append(number)
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
        present = {indicator for indicator, state in states if state is State.PRESENT}
        source.grades.append(graded_risk(present, self._taxonomy) + 0.01 * len(present))
        truth = ad.indicators if ad.true_indicators is None else ad.true_indicators
        if truth is None:
            return
        source.judged.append(number)
        for indicator in truth:
            source.truth[indicator, State.PRESENT].append(number)
        if ad.denied_indicators is not None:
            source.denials_known = True
            for indicator in ad.denied_indicators:
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
        found, denied = source.found[name, State.PRESENT], source.found[name, State.ABSENT]
        counted = IndicatorCounts(
            present=len(found),
            absent=len(denied),
            alarms_per_10000=_rate(len(found), len(source.languages)),
        )
        if not source.judged:
            return counted
        judged = _judged(source, found, source.truth[name, State.PRESENT])
        if source.denials_known:
            absence = _judged(source, denied, source.truth[name, State.ABSENT])
            judged |= {f"absence_{key}": value for key, value in absence.items()}
        return counted.model_copy(update=judged)

    def _rule(self, source: _Source, rule: Rule) -> RuleCounts:
        hits = source.hits[rule.id]
        language = rule.id.split(".", 1)[0]
        readers = [
            number
            for number, code in enumerate(source.languages)
            if code == language or code not in LANGUAGES or language == "platform"
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
            truth = source.truth[rule.indicator, rule.state]
            beside |= _judged(source, hits, [number for number in truth if number in among])
        return counted.model_copy(update=beside)

    def _macro(self, source: _Source) -> dict[str, RuleMeans]:
        """Means over the indicators that are true of an ad, by language and in all."""
        means = {}
        for language in ("all", *LANGUAGES):
            rows = {n for n in source.judged if language in ("all", source.languages[n])}
            mean = {"ads": len(rows), **self._means(source, rows, State.PRESENT)}
            if source.denials_known:
                absence = self._means(source, rows, State.ABSENT)
                mean |= {f"absence_{name}": value for name, value in absence.items()}
            means[language] = RuleMeans.model_validate(mean)
        return means

    def _means(self, source: _Source, rows: set[int], state: State) -> dict[str, float | None]:
        """Mean precision and recall over the indicators true of one of the rows; their number."""
        pairs = [
            (rows.intersection(source.found[name, state]), rows.intersection(truth))
            for name in self._taxonomy.text_ids
            if (truth := source.truth[name, state])
        ]
        known = [(found, truth) for found, truth in pairs if truth]
        precisions = [len(f & t) / len(f) for f, t in known if f]
        recalls = [len(f & t) / len(t) for f, t in known]
        return {"precision": _mean(precisions), "recall": _mean(recalls), "indicators": len(known)}

    def write(self, path: Path) -> None:
        """Write the table at `path` and the JSON beside it."""
        found = self.results()
        text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
        with replacing(output(path.with_suffix(".json"))) as draft:
            draft.write_text(text, "utf-8")
        with replacing(output(path)) as draft:
            draft.write_text(rules_page(found, self._rules), "utf-8")


def rules_page(found: RuleResults, rules: Mapping[str, Rule]) -> str:
    """The tables as Markdown: each source, then every rule on all sources."""
    named = [(rule.id, rule.state.value) for rule in rules.values()]
    return render("rules.md.j2", results=found, rules=named)


def _risk(source: _Source) -> GradedRisk | None:
    """Average precision of the graded risk, as a ranking of the labelled ads."""
    rows = [n for n in source.judged if source.risks[n] is not None]
    truth = np.array([(source.risks[n] or 0) >= RISKY for n in rows], dtype=np.bool_)
    if not len(rows) or truth.all() or not truth.any():
        return None
    score = np.array([source.grades[n] for n in rows], dtype=np.float64)
    metric = average_precision(truth, score)
    figure = _BOOTSTRAP.estimate(metric, _campaigns(source, rows), int(truth.sum()))
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
    metric = mean_over(np.array(good, dtype=np.float64))
    return _BOOTSTRAP.estimate(metric, _campaigns(source, rows), sum(good)).figure()


def _campaigns(source: _Source, rows: Sequence[int]) -> IntArray:
    names = np.array([source.campaigns[row] for row in rows], dtype=np.str_)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _rate(count: int, ads: int) -> float | None:
    return round(10_000 * count / ads, 2) if ads else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
