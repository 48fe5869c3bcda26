"""Fairness figures as Markdown: the generated part of `evaluation/fairness.md`.

In: a `FairnessResult`. Out: lines. Names of groups come from the ads' own columns and are shown as
they are written.
"""

from __future__ import annotations

from adrisk.escaping import plain
from adrisk.evaluation.fairness.rates import LEAST_ADS, LEAST_CAMPAIGNS
from adrisk.evaluation.fairness.results import (
    CorpusRates,
    DimensionRates,
    FairnessResult,
    NoSwaps,
    SwapTest,
    ThresholdRates,
    TraitMovement,
)
from adrisk.evaluation.markdown import Markdown, render, share
from adrisk.metrics.figures import Figure

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
    corpora = [("Synthetic ads that the model never saw", found.unseen)]
    corpora += [(f"{name}, held to be lawful", rates) for name, rates in found.lawful.items()]
    page = render(
        "fairness.md.j2",
        found=found,
        corpora=corpora,
        least_ads=LEAST_ADS,
        least_campaigns=LEAST_CAMPAIGNS,
        thresholds=_THRESHOLDS,
        groups=_GROUPS,
        swapped=_SWAPPED,
        left_to_people=_left_to_people,
        threshold_rows=_threshold_rows,
        group_rows=_group_rows,
        swap_rows=_swap_rows,
    )
    return page.removesuffix("\n").split("\n")


def _left_to_people(corpus: CorpusRates) -> Markdown:
    """How many lawful ads are judged at all; nothing in results from before that was measured."""
    if corpus.judged is None:
        return Markdown("")
    return Markdown(
        f" {corpus.judged:,} of the lawful ones are judged; left to people as incomplete, "
        f"in per cent: {share(corpus.incomplete)}."
    )


def _threshold_rows(corpus: CorpusRates) -> list[list[str]]:
    """For each threshold: how many it flags, how many lawful ads of 100, and the stars."""
    return [_threshold_row(budget, rates) for budget, rates in corpus.at.items()]


def _threshold_row(budget: str, rates: ThresholdRates) -> list[str]:
    starred = sum(len(dimension.differ) for dimension in rates.groups.values())
    return [
        f"{100 * float(budget):g} % under review",
        f"{rates.flagged:,}",
        share(rates.false_positive_rate) or "none judged",
        f"{starred} of {sum(dimension.compared for dimension in rates.groups.values())}",
    ]


def _group_shares(dimension: DimensionRates, name: str) -> list[str]:
    """Of a group what is left to people and how many are judged, then the rates of those.

    Flagged wrongly, in all others, the difference with its star; and found of the risky ones.
    """
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
        rows.append([plain(f"{name}: {group}"), *sizes, *_group_shares(dimension, group)])
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
