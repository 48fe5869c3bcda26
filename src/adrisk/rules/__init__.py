"""What the indicators mean (`taxonomy`), and the words that show them (`rules`, `keywords`)."""

from adrisk.rules.keywords import keyword_counts
from adrisk.rules.match import Findings, find_all, match, match_all, match_column, rules_fingerprint
from adrisk.rules.matcher import settled
from adrisk.rules.platform import LANGUAGES, use_platform_file
from adrisk.rules.rulebook import Rule, load_rules
from adrisk.rules.taxonomy import Indicator, Taxonomy, graded_risk, load_taxonomy

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
