"""Evidence of one ad, as the values of the evidence column of its row."""

from __future__ import annotations

from typing import Any

from adrisk.model.explain import evidence_of
from adrisk.model.model import Model
from adrisk.scoring.texts import TextReader
from adrisk.types import State

Ad = tuple[str, str | None, tuple[tuple[str, float], ...]]
"""Text, language, and the indicators with their probabilities."""

Evidence = list[dict[str, Any]]


def explain(model: Model, ad: Ad) -> Evidence:
    """What the text shows of the indicators that are likely."""
    text, language, likely = ad
    return [
        {
            "indicator": e.indicator,
            "start": e.start,
            "end": e.end,
            "strength": e.strength,
            "found_by": e.found_by,
        }
        for e in evidence_of(model, text, dict(likely), language)
        if e.state is State.PRESENT
    ]


def explain_there(reader: TextReader, ad: Ad) -> Evidence:
    """The same in a process that holds a reader."""
    return explain(reader.model, ad)
