"""What the indicators mean (`taxonomy`), and the words that show them (`rules`, `keywords`)."""

from adrisk.indicators.extension import use_platform_file
from adrisk.indicators.findings import Findings, find_all, rules_fingerprint
from adrisk.indicators.keywords import keyword_counts
from adrisk.indicators.languages import LANGUAGES
from adrisk.indicators.overlap import settled
from adrisk.indicators.rulebook import Rule, load_rules
from adrisk.indicators.rules import match, match_all, match_column
from adrisk.indicators.taxonomy import Indicator, Taxonomy, graded_risk, load_taxonomy

__all__ = [
    "LANGUAGES",
    "Findings",
    "Indicator",
    "Rule",
    "Taxonomy",
    "find_all",
    "graded_risk",
    "keyword_counts",
    "load_rules",
    "load_taxonomy",
    "match",
    "match_all",
    "match_column",
    "rules_fingerprint",
    "settled",
    "use_platform_file",
]
