"""False flags by group of lawful ads, and what exchanging one trait does.

In: the manifest. Out: the lines of "Fairness"; where it was not measured they say so.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.evaluation.card.words import Content
from adrisk.evaluation.fairness.page import (
    group_shares,
    left_to_people,
    shown_groups,
    threshold_rows,
)
from adrisk.evaluation.markdown import plain, share, table

_MOST_GROUPS = 12
_THRESHOLDS = ("threshold for", "ads flagged", "of judged lawful ads", "stars, of all groups")
_GROUPS = (
    *("group", "lawful ads", "left to people, per cent", "judged", "flagged wrongly, per cent"),
    *("all others", "difference", "risky ones found"),
)


def lines(manifest: Content) -> list[str]:
    """Wrong flags by threshold and by group, and the swaps."""
    found = manifest.get("fairness")
    written = ["", "## Fairness", ""]
    if not found:
        return [*written, "Not measured for this release."]
    unseen, least = found["unseen"], found["least"]
    loosest = max(unseen["at"], key=float)
    rows, withheld = [], []
    for dimension, compared in unseen["at"][loosest]["groups"].items():
        rows += _groups(plain(dimension), compared)
        if compared["withheld_groups"]:
            withheld.append(
                f"{compared['withheld_groups']:,} of {plain(dimension)} "
                f"({compared['withheld_ads']:,} ads)"
            )
    written += [
        f"Wrong flags among {unseen['lawful']:,} lawful ads (risk 0 or 1) of the report set, in "
        f"per cent.{left_to_people(unseen)} Where nothing or everything is flagged, the other end "
        f"of the interval is exact over campaigns. Groups of fewer than {least['ads']} lawful ads "
        f"or {least['campaigns']} campaigns are withheld, and rates of groups of which fewer are "
        "judged. Groups are read from the corpus and from the words of ads; "
        "nothing is guessed about a person. A star marks a difference whose interval leaves out 0; "
        "one in twenty would by chance.",
        *table(_THRESHOLDS, threshold_rows(unseen)),
        "",
        f"By group, at the threshold for {100 * float(loosest):g} %:",
    ]
    written += table(_GROUPS, rows)
    if withheld:
        written += ["", f"Groups withheld: {', '.join(withheld)}."]
    return written + _swaps(found["swaps"])


def _groups(dimension: str, compared: Content) -> list[list[str]]:
    """All groups of a dimension, or where they are many those with a star and the number left."""
    rows = [
        [f"{dimension}: {plain(name)}", f"{entry['n']:,}", *group_shares(compared, name)]
        for name, entry in shown_groups(compared, _MOST_GROUPS).items()
    ]
    if len(compared["groups"]) > _MOST_GROUPS:
        left = len(compared["groups"]) - len(rows)
        rows.append([f"{dimension}: {left} others without a star", *[""] * (len(_GROUPS) - 1)])
    return rows


def _swaps(swaps: Content) -> list[str]:
    """What exchanging one trait does, for each trait that was exchanged at all."""
    return table(
        [
            "exchanged in ads it never saw",
            "swaps",
            f"moved further than {swaps['tolerance']:g}, per cent",
            "largest move",
            "decision changed, per cent",
        ],
        [
            [
                plain(kind),
                f"{entry['swaps']:,}",
                share(entry["over"]),
                f"{entry['largest']:.4f}",
                share(entry["decision_changed"]),
            ]
            for kind, entry in swaps.items()
            if isinstance(entry, Mapping) and entry["swaps"]
        ],
    )
