"""Evidence of the rules for whole sources, with a report on how good each rule is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adrisk.errors import UsageError
from adrisk.evaluation.rule_report import RuleReport
from adrisk.files import output
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.scoring.tables import Written, match


def match_and_report(
    sources: Sequence[str], out: Path, mapping: Mapping[str, str], report: Path
) -> Written:
    """`match`, and beside it the coverage, overlap, conflict and, on labels, precision of rules.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the evidence.
        mapping: canonical column -> the files' column.
        report: a Markdown file; the same figures are written beside it as JSON.

    Raises:
        UsageError: if `report` does not end in .md, or cannot be written.
    """
    if report.suffix != ".md":
        raise UsageError(f"--report {report}: name a file that ends in .md")
    output(report)
    figures = RuleReport(load_taxonomy())
    done = match(sources, out, mapping, observe=figures.add)
    figures.write(report)
    return done
