"""The model card of a release, rendered from its manifest alone.

In: what `adrisk.stages.release` puts into `manifest.json`. Out: Markdown. Every figure on the card
stands in the manifest; the words around them are fixed here, chosen by what the manifest says.
Equal manifests give equal cards. Each module beside this one is a part of the card: its `lines`
takes the manifest and gives that part's lines.
"""

from __future__ import annotations

from adrisk.evaluation.card import (
    behaviour,
    data,
    fairness,
    faithfulness,
    limits,
    opening,
    probabilities,
    quality,
    reproduction,
    slices,
)
from adrisk.evaluation.card.words import Content

__all__ = ["card"]

_PARTS = (
    opening.lines,
    data.lines,
    quality.lines,
    slices.lines,
    probabilities.lines,
    behaviour.lines,
    fairness.lines,
    faithfulness.lines,
    limits.lines,
    reproduction.lines,
)


def card(manifest: Content) -> str:
    """The card as Markdown."""
    return "\n".join(line for part in _PARTS for line in part(manifest)) + "\n"
