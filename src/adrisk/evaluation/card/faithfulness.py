"""What the score loses without the words that an explanation marks.

In: the manifest. Out: the lines of "Are its explanations faithful?"; where it was not measured they
say so.
"""

from __future__ import annotations

from adrisk.evaluation.card.words import Content
from adrisk.evaluation.markdown import figure, table


def lines(manifest: Content) -> list[str]:
    """What deleting the marked words does, beside deleting others."""
    found = manifest.get("faithfulness")
    written = ["", "## Are its explanations faithful?", ""]
    if not found:
        return [*written, "Not measured for this release."]
    flagged = found["flagged"]
    written += [
        f"{flagged['explained']:,} of {flagged['ads']:,} flagged ads of the report set were "
        f"explained; {flagged['without_spans']:,} had no span to mark. What the risk loses, as a "
        "probability, when the strongest spans are deleted, and when as many other words of equal "
        "length are:",
    ]
    return written + table(
        ["spans deleted", "ads", "the marked ones", "other words", "difference"],
        [
            [
                f"{point['spans']}",
                f"{point['ads']:,}",
                *(
                    figure(point["deleted"]["probability"][key])
                    for key in ("explanation", "other_words", "difference")
                ),
            ]
            for point in found["points"]
            if "deleted" in point
        ],
    )
