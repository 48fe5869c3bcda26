"""Fairness figures as Markdown: the generated part of `evaluation/fairness.md`.

In: a `FairnessResult`. Out: lines. Names of groups come from the ads' own columns and are shown as
they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adrisk.evaluation.fairness.rates import LEAST_ADS, LEAST_CAMPAIGNS
from adrisk.evaluation.fairness.results import (
    CorpusRates,
    DimensionRates,
    FairnessResult,
    NoSwaps,
    SwapTest,
    TraitMovement,
)
from adrisk.evaluation.markdown import plain, share
from adrisk.evaluation.markdown_page import render_markdown, written
from adrisk.metrics.figures import Figure

Content = Mapping[str, Any]
"""A part of a release's manifest, which the model card reads as it lies there."""

_SHOWN_AT_MOST = 10  # groups of a dimension; of more, those that differ

_THRESHOLDS = (
    *("threshold for", "flagged", "of judged lawful ads"),
    "differences with a star, of all",
)
_GROUPS = (
    *("group", "lawful", "campaigns", "left to people", "judged", "flagged wrongly"),
    *("all others", "difference", "found"),
)
_SWAPPED = (
    *("exchanged", "ads", "swaps", "moved further", "of those that could", "largest"),
    *("mean change", "decision changed", "log-odds, mean and largest", "rules find something else"),
)


def fairness_lines(found: FairnessResult) -> list[str]:
    """The figures: what each threshold flags, by group, and the swap test."""
    page = render_markdown(
        "fairness.md",
        found=found,
        least_ads=LEAST_ADS,
        least_campaigns=LEAST_CAMPAIGNS,
        thresholds=_THRESHOLDS,
        groups=_GROUPS,
        swapped=_SWAPPED,
        left_to_people=written(left_to_people),
        threshold_rows=threshold_rows,
        group_rows=_group_rows,
        swap_rows=_swap_rows,
    )
    return page.removesuffix("\n").split("\n")


def left_to_people(corpus: CorpusRates | Content) -> str:
    """How many lawful ads are judged at all; nothing in results from before that was measured."""
    if isinstance(corpus, CorpusRates):
        judged, incomplete = corpus.judged, corpus.incomplete
    else:
        judged, incomplete = corpus.get("judged"), corpus.get("incomplete")
    if judged is None:
        return ""
    return (
        f" {judged:,} of the lawful ones are judged; left to people as incomplete, "
        f"in per cent: {share(incomplete)}."
    )


def threshold_rows(corpus: CorpusRates | Content) -> list[list[str]]:
    """For each threshold: how many it flags, how many lawful ads of 100, and the stars."""
    if isinstance(corpus, CorpusRates):
        return [
            _threshold_row(budget, rates.flagged, rates.false_positive_rate, rates.groups)
            for budget, rates in corpus.at.items()
        ]
    return [
        _threshold_row(budget, at["flagged"], at["false_positive_rate"], at["groups"])
        for budget, at in corpus["at"].items()
    ]


def _threshold_row(
    budget: str,
    flagged: int,
    rate: Figure | Content,
    groups: Mapping[str, DimensionRates] | Content,
) -> list[str]:
    dimensions = [DimensionRates.model_validate(each) for each in groups.values()]
    starred = sum(len(dimension.differ) for dimension in dimensions)
    return [
        f"{100 * float(budget):g} % under review",
        f"{flagged:,}",
        share(rate) or "none judged",
        f"{starred} of {sum(dimension.compared for dimension in dimensions)}",
    ]


def shown_groups(compared: Content, most: int) -> dict[str, Content]:
    """The groups of a dimension by name; where they are more than `most`, those with a star."""
    names = _shown(DimensionRates.model_validate(compared), most)
    return {name: compared["groups"][name] for name in names}


def group_shares(compared: DimensionRates | Content, name: str) -> list[str]:
    """Of a group what is left to people and how many are judged, then the rates of those.

    Flagged wrongly, in all others, the difference with its star; and found of the risky ones.
    """
    dimension = DimensionRates.model_validate(compared)
    rates = dimension.groups[name]
    return [
        share(rates.incomplete),
        "" if rates.judged is None else f"{rates.judged:,}",
        share(rates.false_positive_rate) or "too few judged",
        share(rates.others),
        share(rates.difference) + (" \\*" if name in dimension.differ else ""),
        share(rates.recall, 0),
    ]


def _shown(dimension: DimensionRates, most: int) -> list[str]:
    few = len(dimension.groups) <= most
    return [name for name in dimension.groups if few or name in dimension.differ]


def _group_rows(corpus: CorpusRates) -> list[list[str]]:
    """The groups at the loosest threshold, where most are flagged."""
    at = corpus.at[corpus.loosest]
    return [row for name, dimension in at.groups.items() for row in _rows(name, dimension)]


def _rows(name: str, dimension: DimensionRates) -> list[list[str]]:
    """All groups of a dimension, or where they are many those with a star, and what is left out."""
    shown = _shown(dimension, _SHOWN_AT_MOST)
    rows = []
    for group in shown:
        rates = dimension.groups[group]
        sizes = [f"{rates.n:,}", f"{rates.campaigns:,}"]
        rows.append([plain(f"{name}: {group}"), *sizes, *group_shares(dimension, group)])
    rest = [rates for group, rates in dimension.groups.items() if group not in shown]
    if rest:
        ads = sum(rates.n for rates in rest)
        rows.append([plain(f"{name}: {len(rest)} others without a star"), f"{ads:,}", *[""] * 7])
    if dimension.withheld_groups:
        names = f" ({plain(', '.join(dimension.withheld))})" if dimension.withheld else ""
        withheld = f"{plain(name)}: {dimension.withheld_groups:,} withheld{names}"
        rows.append([withheld, f"{dimension.withheld_ads:,}", *[""] * 7])
    return rows


def _swap_rows(swaps: SwapTest) -> list[list[str]]:
    return [
        [trait, "0", "0", *[""] * 7] if isinstance(found, NoSwaps) else _swap_row(trait, found)
        for trait, found in swaps.traits.items()
    ]


def _swap_row(trait: str, found: TraitMovement) -> list[str]:
    could = found.over_of_could
    return [
        trait,
        f"{found.ads:,}",
        f"{found.swaps:,}",
        share(found.over),
        f"{share(could)}, n {could.n:,}" if could.n else "none could",
        f"{found.largest:.3f}",
        _change(found.mean_change),
        share(found.decision_changed),
        f"{found.log_odds.mean:.2f}, {found.log_odds.largest:.2f}",
        share(found.findings_changed),
    ]


def _change(change: Figure) -> str:
    """A mean change with its sign; without an interval where the swaps are of one campaign."""
    if change.value is None or change.low is None or change.high is None:
        return "" if change.value is None else f"{change.value:+.4f}"
    return f"{change.value:+.4f} [{change.low:+.4f}, {change.high:+.4f}]"
