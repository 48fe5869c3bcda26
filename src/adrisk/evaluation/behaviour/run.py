"""Behaviour of a model by the suites: rates by function and language, and the failures to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adrisk.evaluation.behaviour.judging import Outcome, judge, results
from adrisk.evaluation.behaviour.page import behaviour_page
from adrisk.evaluation.behaviour.results import BehaviourResult, Rate
from adrisk.evaluation.behaviour.suites import Case
from adrisk.files import replacing, writable, write_json
from adrisk.model.model import Model
from adrisk.progress import track

_JSON = "behaviour.json"
_PAGE = "behaviour.html"


@dataclass(frozen=True, slots=True)
class Behaved:
    """The results, the outcomes behind them, and the files written, if any."""

    results: BehaviourResult
    outcomes: tuple[Outcome, ...]
    files: tuple[Path, ...]


def behave(model: Model, cases: Sequence[Case], out: Path | None = None) -> Behaved:
    """Judge a model by the cases of `adrisk.evaluation.behaviour.load_suites`.

    A low rate is a result, not an error.

    Args:
        model: any family.
        cases: of one language or more.
        out: a folder for `behaviour.json`, which holds no text, and `behaviour.html`, which shows
            the failures; nothing is written if left out.
    """
    if out:
        writable(out)
    with track("behave", len(cases), "cases") as advance:
        outcomes = judge(model, cases)
        advance(len(cases))
    found = results(model, outcomes)
    if not out:
        return Behaved(found, outcomes, ())
    files = (out / _JSON, out / _PAGE)
    write_json(files[0], found.to_json())
    with replacing(files[1]) as draft:
        page = behaviour_page(found, outcomes, model.rules.taxonomy)
        draft.write_text(page, encoding="utf-8", newline="\n")
    return Behaved(found, outcomes, files)


def in_words(found: BehaviourResult) -> str:
    """The rates as a table for the terminal: passed of judged, with a 95 % interval."""
    languages = list(found.languages)

    def row(name: str, whole: Rate, each: Mapping[str, Rate]) -> list[str]:
        cells = [_fraction(each[code]) if code in each else "-" for code in languages]
        return [name, *cells, _fraction(whole), _share(whole), _interval(whole)]

    rows = [["function", *languages, "all", "passed", "95 % interval"]]
    rows += [row(name, rates.all, rates.languages) for name, rates in found.functions.items()]
    rows.append(row("all", found.all, found.languages))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    furthest = max(found.moves.values(), key=lambda move: move.largest, default=None)
    if furthest:
        lines.append(
            f"largest move of a swap  {furthest.largest:.3f}  {furthest.case} ({furthest.language})"
        )
    unjudged = found.all.unjudged
    if unjudged:
        counted = "1 case" if unjudged == 1 else f"{unjudged:,} cases"
        lines.append(f"not judged  {counted}: the model has no head for the indicator")
    return "\n".join(lines)


def _fraction(rate: Rate) -> str:
    return f"{rate.passed}/{rate.n}" if rate.n else "-"


def _share(rate: Rate) -> str:
    return "-" if rate.share is None else f"{100 * rate.share:.0f} %"


def _interval(rate: Rate) -> str:
    if rate.low is None or rate.high is None:
        return "-"
    return f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"
