"""Evidence of the rules for whole sources, with a report on how good each rule is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adrisk.errors import UsageError
from adrisk.evaluation.rule_report import RuleReport
from adrisk.files import output
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.scoring.tables import Written, match


def match_and_report(
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    report: Path,
    rules: Ruleset | None = None,
) -> Written:
    """`match`, and beside it the coverage, overlap, conflict and, on labels, precision of rules.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the evidence.
        mapping: canonical column -> the files' column.
        report: a Markdown file; the same figures are written beside it as JSON.
        rules: to match; those that adrisk ships if left out.

    Raises:
        UsageError: if `report` does not end in .md, or cannot be written.
    """
    if report.suffix != ".md":
        raise UsageError(f"--report {report}: name a file that ends in .md")
    output(report)
    rules = rules or load_ruleset()
    figures = RuleReport(rules)
    done = match(sources, out, mapping, rules=rules, observe=figures.add)
    figures.write(report)
    return done
