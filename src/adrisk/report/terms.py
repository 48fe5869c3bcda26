"""An indicator in the words of the taxonomy, for every page and list that names one."""

from __future__ import annotations

from dataclasses import dataclass

from adrisk.errors import UsageError
from adrisk.rules.taxonomy import Taxonomy
from adrisk.scoring.masking import visible
from adrisk.types import Kind


@dataclass(frozen=True, slots=True)
class Term:
    """An indicator in words. `lowers` is counter-evidence, which speaks for the ad."""

    id: str
    title: str
    definition: str
    weight: str
    lowers: bool = False


def term(indicator: str, taxonomy: Taxonomy) -> Term:
    """The words for an indicator; a model may know some that the taxonomy does not."""
    if indicator == "risk":
        return Term("risk", "Moved the risk score", "Words that changed the score itself.", "none")
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
