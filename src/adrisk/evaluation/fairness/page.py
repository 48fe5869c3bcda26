"""The fairness figures as Markdown: the part of `evaluation/fairness.md` that is generated.

In: what `adrisk.stages.fairness` found. Out: lines. Names of groups come from the ads' own columns
and are shown as they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adrisk.evaluation.fairness.rates import LEAST_ADS, LEAST_CAMPAIGNS, SWAPS
from adrisk.evaluation.markdown import code, plain, share, table

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


def fairness_lines(found: Mapping[str, Any]) -> list[str]:
    """The figures: what each threshold flags, by group, and the swap test."""
    report, model = found["unseen"], found["model"]
    written = [
        f"Model: {code(model['family'])}, trained on {', '.join(map(code, report['sources']))}. "
        f"Labels: {plain(report['target'])}. Shares are in per cent with a 95 % "
        "campaign-bootstrap interval; where nothing or everything is flagged, its other end is "
        "exact over campaigns. Flagged is what scoring would flag; ads that it does not judge are "
        "left to people, neither flagged nor cleared, unless they escalate. Groups under "
        f"{LEAST_ADS} lawful ads or {LEAST_CAMPAIGNS} campaigns are withheld, and rates of groups "
        "of which fewer are judged. A star marks a difference whose interval leaves out 0. "
        "Everything else, and calibration error by group, is in `results/fairness.json`.",
    ]
    written += _corpus("Synthetic ads that the model never saw", report)
    for name, corpus in found["lawful"].items():
        written += _corpus(f"{plain(name)}, held to be lawful", corpus)
    return written + _swaps(found["swaps"])


def _corpus(title: str, corpus: Mapping[str, Any]) -> list[str]:
    """What each threshold flags, and the groups at the loosest, of which most can be said."""
    loosest = max(corpus["at"], key=float)
    groups = corpus["at"][loosest]["groups"].items()
    return [
        "",
        f"### {title}",
        "",
        f"{corpus['ads']:,} ads in {corpus['campaigns']:,} campaigns, {corpus['lawful']:,} lawful."
        + left_to_people(corpus),
        *table(_THRESHOLDS, threshold_rows(corpus)),
        "",
        f"At the threshold for {100 * float(loosest):g} %:",
        *table(_GROUPS, [row for name, compared in groups for row in _rows(name, compared)]),
    ]


def left_to_people(corpus: Mapping[str, Any]) -> str:
    """How many lawful ads are judged at all; nothing in results from before that was measured."""
    if "judged" not in corpus:
        return ""
    return (
        f" {corpus['judged']:,} of the lawful ones are judged; left to people as incomplete, "
        f"in per cent: {share(corpus['incomplete'])}."
    )


def threshold_rows(corpus: Mapping[str, Any]) -> list[list[str]]:
    """For each threshold: how many it flags, how many lawful ads of 100, and the stars."""
    rows = []
    for budget, at in corpus["at"].items():
        starred = sum(len(compared["differ"]) for compared in at["groups"].values())
        judged = sum(compared["compared"] for compared in at["groups"].values())
        rows.append(
            [
                f"{100 * float(budget):g} % under review",
                f"{at['flagged']:,}",
                share(at["false_positive_rate"]) or "none judged",
                f"{starred} of {judged}",
            ]
        )
    return rows


def shown_groups(compared: Mapping[str, Any], most: int) -> dict[str, Mapping[str, Any]]:
    """The groups of a dimension by name; where they are more than `most`, those with a star."""
    groups = compared["groups"]
    return {
        name: entry
        for name, entry in groups.items()
        if len(groups) <= most or name in compared["differ"]
    }


def group_shares(compared: Mapping[str, Any], name: str) -> list[str]:
    """Of a group what is left to people and how many are judged, then what befalls those.

    Flagged wrongly, in all others, the difference with its star; and found of the risky ones.
    """
    entry = compared["groups"][name]
    return [
        share(entry.get("incomplete")),
        f"{entry['judged']:,}" if "judged" in entry else "",
        share(entry.get("false_positive_rate")) or "too few judged",
        share(entry.get("others")),
        share(entry.get("difference")) + (" \\*" if name in compared["differ"] else ""),
        share(entry.get("recall"), 0),
    ]


def _rows(dimension: str, compared: Mapping[str, Any]) -> list[list[str]]:
    """All groups of a dimension, or where they are many those with a star, and what is left out."""
    shown = shown_groups(compared, _SHOWN_AT_MOST)
    rows = [
        [
            plain(f"{dimension}: {name}"),
            f"{entry['n']:,}",
            f"{entry['campaigns']:,}",
            *group_shares(compared, name),
        ]
        for name, entry in shown.items()
    ]
    rest = [entry for name, entry in compared["groups"].items() if name not in shown]
    if rest:
        others = f"{dimension}: {len(rest)} others without a star"
        rows.append([others, f"{sum(entry['n'] for entry in rest):,}", *[""] * 7])
    if compared["withheld_groups"]:
        names = f" ({plain(', '.join(compared['withheld']))})" if compared["withheld"] else ""
        withheld = f"{dimension}: {compared['withheld_groups']:,} withheld{names}"
        rows.append([withheld, f"{compared['withheld_ads']:,}", *[""] * 7])
    return rows


def _swaps(swaps: Mapping[str, Any]) -> list[str]:
    rows = []
    for kind in SWAPS:
        figures = swaps[kind]
        if not figures["swaps"]:
            rows.append([kind, "0", "0", *[""] * 7])
            continue
        change, shift, could = figures["mean_change"], figures["log_odds"], figures["over_of_could"]
        rows.append(
            [
                kind,
                f"{figures['ads']:,}",
                f"{figures['swaps']:,}",
                share(figures["over"]),
                f"{share(could)}, n {could['n']:,}",
                f"{figures['largest']:.3f}",
                f"{change['value']:+.4f} [{change['low']:+.4f}, {change['high']:+.4f}]",
                share(figures["decision_changed"]),
                f"{shift['mean']:.2f}, {shift['largest']:.2f}",
                share(figures["findings_changed"]),
            ]
        )
    return [
        "",
        "### The swap test",
        "",
        "One trait exchanged in ads that the model never saw: the probability should not move by "
        f"more than {swaps['tolerance']:g}. Beside all swaps stand those of which one side exceeds "
        "that at all; the others cannot move so far downwards.",
        *table(_SWAPPED, rows),
    ]
