"""Put a model to the behaviour suites: rates by function and language, and the failures to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adrisk.evaluation.behaviour.judging import Outcome, judge, results
from adrisk.evaluation.behaviour.page import behaviour_page
from adrisk.evaluation.behaviour.suites import Case
from adrisk.files import replacing, writable, write_json
from adrisk.model.model import Model
from adrisk.progress import track

_JSON = "behaviour.json"
_PAGE = "behaviour.html"


@dataclass(frozen=True, slots=True)
class Behaved:
    """The results as plain values, the outcomes behind them, and the files written, if any."""

    results: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    files: tuple[Path, ...]


def behave(model: Model, cases: Sequence[Case], out: Path | None = None) -> Behaved:
    """Judge a model by the cases of `adrisk.behaviour.load_suites`.

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
    write_json(files[0], found)
    with replacing(files[1]) as draft:
        draft.write_text(behaviour_page(found, outcomes), encoding="utf-8", newline="\n")
    return Behaved(found, outcomes, files)


def in_words(found: Mapping[str, Any]) -> str:
    """The rates as a table for the terminal: passed of judged, with a 95 % interval."""
    languages = list(found["languages"])
    rows = [["function", *languages, "all", "passed", "95 % interval"]]
    for name, entry in [*found["functions"].items(), ("all", found)]:
        by_language = entry["languages"]
        each = [by_language.get(language) for language in languages]
        rows.append([name, *map(_fraction, each), *_whole(entry["all"])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    moved = max(found["moves"].values(), key=lambda move: float(move["largest"]), default=None)
    if moved:
        lines.append(
            f"largest move of a swap  {moved['largest']:.3f}  {moved['case']} ({moved['language']})"
        )
    unjudged = found["all"]["unjudged"]
    if unjudged:
        counted = "1 case" if unjudged == 1 else f"{unjudged:,} cases"
        lines.append(f"not judged  {counted}: the model has no head for the indicator")
    return "\n".join(lines)


def _fraction(found: Mapping[str, Any] | None) -> str:
    return f"{found['passed']}/{found['n']}" if found and found["n"] else "-"


def _whole(found: Mapping[str, Any]) -> tuple[str, str, str]:
    if not found["n"]:
        return "-", "-", "-"
    interval = f"{100 * found['low']:.0f} to {100 * found['high']:.0f} %"
    return _fraction(found), f"{100 * found['share']:.0f} %", interval
