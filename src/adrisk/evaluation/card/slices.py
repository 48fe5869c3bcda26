"""Where the model does well and where not: by language, kind and length, and by indicator.

In: the manifest. Out: the lines of that section; and for "Limits" the slice ranked worst.
"""

from __future__ import annotations

import re

from adrisk.evaluation.card.words import SLICES, Content, member
from adrisk.evaluation.markdown import figure, plain, table


def lines(manifest: Content) -> list[str]:
    """A table for each kind of slice, and one of the indicators."""
    report = manifest["quality"]["report"]
    written = ["", "## Where it does well and where not"]
    for key, words in SLICES.items():
        written += table(
            [words, "ads", "risky", "average precision", "calibration error", "alerts per 10,000"],
            [
                [
                    member(key, name),
                    f"{found['n']:,}",
                    f"{found['positives']:,}",
                    _judged(found, "average_precision"),
                    _judged(found, "calibration_error"),
                    _judged(found, "alerts_per_10000_at_0.02", 0),
                ]
                for name, found in sorted(report["slices"].get(key, {}).items(), key=_by_length)
            ],
        )
    written += ["", "Alerts are those of the threshold for 2 % under review."]
    written += table(
        ["indicator", "ads", "present", "average precision", "calibration error"],
        [
            [
                plain(name),
                f"{found['n']:,}",
                f"{found['positives']:,}",
                _judged(found, "average_precision"),
                _judged(found, "calibration_error"),
            ]
            for name, found in report["indicators"].items()
        ],
    )
    return written


def weakest(slices: Content) -> tuple[str, Content] | None:
    """The slice ranked worst and its figures; None where no two differ."""
    ranked = [
        (found["average_precision"]["value"], name)
        for name, found in slices.items()
        if "average_precision" in found
    ]
    if len({value for value, _ in ranked}) < 2:
        return None
    name = min(ranked)[1]
    return name, slices[name]


def _by_length(entry: tuple[str, Content]) -> tuple[int, int]:
    """Lengths from short to long; other slices, which name no number, as they come."""
    number = re.search(r"\d+", entry[0])
    return (int(number[0]) if number else 0, 0 if entry[0].startswith("under") else 1)


def _judged(found: Content, key: str, digits: int = 3) -> str:
    return figure(found[key], digits) if key in found else "too few to say"
