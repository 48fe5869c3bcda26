"""What the indicators mean (`taxonomy`), and the words that show them (`rules`, `keywords`)."""

from adrisk.indicators.keywords import keyword_counts
from adrisk.indicators.languages import LANGUAGES
from adrisk.indicators.rules import match, match_column
from adrisk.indicators.taxonomy import (
    Indicator,
    Taxonomy,
    graded_risk,
    load_taxonomy,
)

__all__ = [
    "LANGUAGES",
    "Indicator",
    "Taxonomy",
    "graded_risk",
    "keyword_counts",
    "load_taxonomy",
    "match",
    "match_column",
]
