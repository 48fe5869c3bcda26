"""Title and definition of an indicator, for pages and lists."""

from __future__ import annotations

from dataclasses import dataclass

from adrisk.errors import UsageError
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.masking import visible
from adrisk.types import Kind


@dataclass(frozen=True, slots=True)
class Term:
    """An indicator for display; `lowers` marks counter-evidence, which lowers the risk."""

    id: str
    title: str
    definition: str
    weight: str
    lowers: bool = False


def term(indicator: str, taxonomy: Taxonomy) -> Term:
    """The indicator as the taxonomy has it; its id alone where the taxonomy does not have it."""
    if indicator == "risk":
        return Term(
            "risk", "Moved the risk score", "Words that raised or lowered the score.", "none"
        )
    try:
        entry = taxonomy.get(indicator)
    except UsageError:
        name = visible(indicator)
        return Term(name, name.replace("_", " ").capitalize(), "", "none")
    return Term(
        indicator,
        entry.title["en"],
        entry.definition["en"],
        entry.weight.name.lower(),
        entry.kind is Kind.COUNTER,
    )
