"""How good each rule is: what `adrisk match --report` writes beside the evidence.

In: batches of ads with everything the rules found in them. Out: for each source of ads, rule and
indicator, coverage, overlap, conflict and alarms per 10,000 ads; and where ads are labelled,
precision and recall with intervals over campaigns. Ads of a corpus's training split are left out:
rules may be written with them in view, so they must not be judged by them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk.evaluation.markdown import plain
from adrisk.files import output, replacing
from adrisk.metrics.estimates import average_precision, estimate
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.rulebook import Rule
from adrisk.rules.ruleset import Ruleset
from adrisk.rules.taxonomy import graded_risk
from adrisk.types import RISKY, Evidence, FloatArray, State

_RESAMPLES = 200
_UNNAMED = "unnamed"
_PER = 10_000


@dataclass(slots=True)
class _Source:
    """What is counted of one source of ads; numbers of ads are places in `languages`."""

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

    def to_json(self) -> dict[str, Any]:
        """All figures as JSON values."""
        return {
            "left_out_as_training_split": self._left_out,
            "sources": {
                name: self._source(source)
                for name, source in sorted(
                    self._sources.items(), key=lambda item: (not item[1].judged, item[0])
                )
            },
        }

    def _source(self, source: _Source) -> dict[str, Any]:
        counts = Counter(source.languages)
        labelled = bool(source.judged)
        result: dict[str, Any] = {
            "ads": len(source.languages),
            "labelled": len(source.judged),
            "languages": {str(k): v for k, v in counts.most_common()},
        }
        if labelled:
            result["risk"] = _risk(source)
            result["macro"] = self._macro(source)
        result["indicators"] = {
            name: self._indicator(source, name) for name in self._taxonomy.text_ids
        }
        result["rules"] = {name: self._rule(source, rule) for name, rule in self._rules.items()}
        return result

    def _indicator(self, source: _Source, name: str) -> dict[str, Any]:
        found = source.found.get((name, State.PRESENT), [])
        figures: dict[str, Any] = {
            "present": len(found),
            "absent": len(source.found.get((name, State.ABSENT), [])),
            "alarms_per_10000": _rate(len(found), len(source.languages)),
        }
        if source.judged:
            figures |= _judged(source, found, source.truth.get((name, State.PRESENT), []))
            if source.denials_known:
                denied = source.found.get((name, State.ABSENT), [])
                judged = _judged(source, denied, source.truth.get((name, State.ABSENT), []))
                figures |= {f"absence_{key}": value for key, value in judged.items()}
        return figures

    def _rule(self, source: _Source, rule: Rule) -> dict[str, Any]:
        hits = source.hits.get(rule.id, [])
        language = rule.id.split(".", 1)[0]
        readers = [
            number
            for number, spoken in enumerate(source.languages)
            if spoken == language or spoken not in LANGUAGES or language == "platform"
        ]
        if not readers:
            return {"read_by_it": 0}
        figures: dict[str, Any] = {
            "state": rule.state.value,
            "ads": len(hits),
            "read_by_it": len(readers),
            "coverage": round(len(hits) / len(readers), 6),
            "alarms_per_10000": _rate(len(hits), len(readers)),
        }
        if not hits:
            return figures
        figures["overlap"] = round(source.overlapped[rule.id] / len(hits), 4)
        figures["overlaps_most"] = dict(source.overlaps[rule.id].most_common(1))
        figures["conflict"] = round(source.conflicts[rule.id] / len(hits), 4)
        if source.judged and (rule.state is State.PRESENT or source.denials_known):
            spoken = set(readers)
            truth = source.truth.get((rule.indicator, rule.state), [])
            figures |= _judged(source, hits, [number for number in truth if number in spoken])
        return figures

    def _macro(self, source: _Source) -> dict[str, Any]:
        """The plain mean over indicators, by language and in all; indicators without truth not."""
        means: dict[str, Any] = {}
        for language in ("all", *LANGUAGES):
            of_language = {n for n in source.judged if language in ("all", source.languages[n])}
            for state, prefix in ((State.PRESENT, ""), (State.ABSENT, "absence_")):
                if state is State.ABSENT and not source.denials_known:
                    continue
                pairs = [
                    (
                        of_language.intersection(source.found.get((name, state), [])),
                        of_language.intersection(source.truth.get((name, state), [])),
                    )
                    for name in self._taxonomy.text_ids
                ]
                stated = [(found, truth) for found, truth in pairs if truth]
                precisions = [len(f & t) / len(f) for f, t in stated if f]
                recalls = [len(f & t) / len(t) for f, t in stated]
                means.setdefault(language, {"ads": len(of_language)})
                means[language] |= {
                    f"{prefix}precision": _mean(precisions),
                    f"{prefix}recall": _mean(recalls),
                    f"{prefix}indicators": len(stated),
                }
        return means

    def write(self, path: Path) -> None:
        """Write the table at `path` and the JSON beside it."""
        figures = self.to_json()
        with replacing(output(path.with_suffix(".json"))) as draft:
            draft.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
        with replacing(output(path)) as draft:
            draft.write_text("\n".join(self._lines(figures)) + "\n", "utf-8")

    def _lines(self, figures: Mapping[str, Any]) -> Iterable[str]:
        yield "# What the rules find"
        yield ""
        yield (
            "Written by `adrisk match ... --report`. Coverage is the share of ads in the rule's "
            "language (or in none known) in which it finds something; overlap the share of those "
            "in which another rule of the same indicator finds it too; conflict the share in which "
            "another finds the opposite. Intervals are 95 % bootstrap intervals over campaigns. "
            f"{figures['left_out_as_training_split']:,} ads of training splits were left out."
        )
        sources = figures["sources"]
        for name, source in sources.items():
            yield from _source_lines(name, source)
        yield ""
        yield "## Every rule"
        yield ""
        heads = [f"{plain(name)}: {'precision, recall' if s['labelled'] else 'per 10,000'}"
                 for name, s in sources.items()]  # fmt: skip
        yield f"| rule | state | coverage | overlap | conflict | {' | '.join(heads)} |"
        yield "|---" * (5 + len(heads)) + "|"
        for rule in self._rules.values():
            yield _rule_line(rule, [source["rules"][rule.id] for source in sources.values()],
                             [bool(source["labelled"]) for source in sources.values()])  # fmt: skip


def _risk(source: _Source) -> dict[str, Any] | None:
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
    return {"average_precision": figure.to_json(), "prevalence": round(float(truth.mean()), 6)}


def _judged(source: _Source, found: Sequence[int], truth: Sequence[int]) -> dict[str, Any]:
    """Precision over the ads found and recall over those where it is true."""
    judged, right = set(source.judged), set(truth)
    rows = [number for number in found if number in judged]
    caught = set(rows)
    return {
        "true": len(truth),
        "precision": _share(source, rows, [number in right for number in rows]),
        "recall": _share(source, truth, [number in caught for number in truth]),
    }


def _share(source: _Source, rows: Sequence[int], good: Sequence[bool]) -> dict[str, Any] | None:
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
    return estimate(metric, campaigns, positives=int(right.sum()), resamples=_RESAMPLES).to_json()


def _campaigns(source: _Source, rows: Sequence[int]) -> np.ndarray:
    names = np.array([source.campaigns[row] for row in rows], dtype=np.str_)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _rate(count: int, ads: int) -> float | None:
    return round(_PER * count / ads, 2) if ads else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _source_lines(name: str, source: Mapping[str, Any]) -> Iterable[str]:
    yield ""
    yield f"## {plain(name)}: {source['ads']:,} ads" + (
        f", {source['labelled']:,} labelled" if source["labelled"] else ", no labels"
    )
    yield ""
    if not source["labelled"]:
        yield "Alarms per 10,000 ads, by indicator:"
        yield ""
        yield "| indicator | present | per 10,000 | absent |"
        yield "|---|---|---|---|"
        for indicator, figures in source["indicators"].items():
            yield (
                f"| {plain(indicator)} | {figures['present']:,} | {figures['alarms_per_10000']} "
                f"| {figures['absent']:,} |"
            )
        return
    if source["risk"]:
        yield (
            "Average precision of the graded risk: "
            f"{_figure(source['risk']['average_precision'])} at a prevalence of "
            f"{source['risk']['prevalence']:.3f}."
        )
        yield ""
    yield "| language | ads | precision | recall | absence precision | absence recall |"
    yield "|---|---|---|---|---|---|"
    for language, macro in source["macro"].items():
        cells = [macro.get(key) for key in ("precision", "recall", "absence_precision",
                                            "absence_recall")]  # fmt: skip
        yield (
            f"| {plain(language)} (mean of indicators) | {macro['ads']:,} | "
            + " | ".join("-" if cell is None else f"{cell:.3f}" for cell in cells)
            + " |"
        )
    yield ""
    yield "| indicator | true | precision | recall |"
    yield "|---|---|---|---|"
    for indicator, figures in source["indicators"].items():
        yield (
            f"| {plain(indicator)} | {figures['true']:,} | {_figure(figures['precision'])} "
            f"| {_figure(figures['recall'])} |"
        )


def _rule_line(rule: Rule, figures: Sequence[Mapping[str, Any]], labelled: Sequence[bool]) -> str:
    first = figures[0] if figures else {}
    shown = [plain(rule.id), rule.state.value] + [
        "-" if first.get(key) is None else f"{first[key]:.3f}"
        for key in ("coverage", "overlap", "conflict")
    ]
    for found, known in zip(figures, labelled, strict=True):
        if known:
            shown.append(f"{_figure(found.get('precision'))}, {_figure(found.get('recall'))}")
        else:
            shown.append(
                "-" if found.get("alarms_per_10000") is None else f"{found['alarms_per_10000']:.1f}"
            )
    return "| " + " | ".join(shown) + " |"


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    if figure["low"] is None:
        return f"{figure['value']:.2f}"
    return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"
