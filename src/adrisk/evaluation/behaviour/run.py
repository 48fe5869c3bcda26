"""Behaviour of a model on the suites: `adrisk behave`.

In: a model and cases. Out: `behaviour.json` with rates by function and language; `behaviour.html`
with every failure and both its texts, a page that loads nothing, runs nothing, escapes everything
and marks what differs between the texts of a pair; and a table for the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import regex
from markupsafe import Markup

from adrisk.evaluation.behaviour.judging import (
    MARGIN,
    TOLERANCE,
    BehaviourResult,
    Outcome,
    judge,
    results,
)
from adrisk.evaluation.behaviour.suites import FUNCTIONS, RISK, Case
from adrisk.evaluation.markdown import text_table
from adrisk.files import replacing, writable, write_json
from adrisk.metrics.figures import Rate
from adrisk.model.model import Model
from adrisk.progress import track
from adrisk.report.page import asset, environment, sha256
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.masking import Piece, mask_field, reveal

_WORD = regex.compile(r"\w+|\s+|[^\w\s]")
_EXPECTED = {
    "higher": f"the first text above the second, by {MARGIN} in log-odds or more",
    "same": f"both texts within {TOLERANCE}",
    "below": "below the review threshold",
}
_GOT = {
    "higher": "{:.2f} {} in log-odds",
    "same": "{:.3f} {}",
    "below": "{:.3f} above the threshold",
}


@dataclass(frozen=True, slots=True)
class Behaved:
    """The results, the outcomes behind them, and the files written, if any."""

    results: BehaviourResult
    outcomes: tuple[Outcome, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive pieces of a text that are all in the other text of the pair, or all not."""

    pieces: tuple[Piece, ...]
    differs: bool


def behave(model: Model, cases: Sequence[Case], out: Path | None = None) -> Behaved:
    """Judge a model by the cases of `load_suites`; a low rate is a result, not an error.

    `behaviour.json`, without texts, and `behaviour.html` are written to the folder `out`, if given.
    """
    if out:
        writable(out)
    with track("behave", len(cases), "cases") as advance:
        outcomes = judge(model, cases)
        advance(len(cases))
    found = results(model, outcomes)
    if not out:
        return Behaved(found, outcomes, ())
    files = (out / "behaviour.json", out / "behaviour.html")
    write_json(files[0], found.to_json())
    with replacing(files[1]) as draft:
        page = behaviour_page(found, outcomes, model.rules.taxonomy)
        draft.write_text(page, encoding="utf-8", newline="\n")
    return Behaved(found, outcomes, files)


def behaviour_table(found: BehaviourResult) -> str:
    """The rates as a table for the terminal: passed of judged, with a 95 % interval."""
    languages = list(found.languages)

    def fraction(rate: Rate) -> str:
        return f"{rate.passed}/{rate.n}" if rate.n else "-"

    def interval(rate: Rate) -> str:
        if rate.low is None or rate.high is None:
            return "-"
        return f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"

    def row(name: str, whole: Rate, each: Mapping[str, Rate]) -> list[str]:
        cells = [fraction(each[code]) if code in each else "-" for code in languages]
        share = "-" if whole.share is None else f"{100 * whole.share:.0f} %"
        return [name, *cells, fraction(whole), share, interval(whole)]

    rows = [["function", *languages, "all", "passed", "95 % interval"]]
    rows += [row(name, rates.all, rates.languages) for name, rates in found.functions.items()]
    rows.append(row("all", found.all, found.languages))
    lines = [text_table(rows, str.rjust)]
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


def behaviour_page(
    results: BehaviourResult, outcomes: Sequence[Outcome], taxonomy: Taxonomy | None = None
) -> str:
    """The page of results and the outcomes they come from; equal outcomes give an equal page."""
    taxonomy = taxonomy or load_taxonomy()
    css = asset("report.css") + asset("behaviour.css")
    unjudged = Counter(_title(o.case.of, taxonomy) for o in outcomes if o.passed is None)
    failures = {
        name: [_failure(outcome, taxonomy) for outcome in failed]
        for name in FUNCTIONS
        if (failed := [o for o in outcomes if o.case.function == name and o.passed is False])
    }
    return (
        environment()
        .get_template("behaviour.html")
        .render(
            results=results,
            described=FUNCTIONS,
            failures=failures,
            unjudged=dict(sorted(unjudged.items())),
            css=Markup(css),  # noqa: S704 - shipped with adrisk
            css_hash=sha256(css),
        )
    )


def _failure(outcome: Outcome, taxonomy: Taxonomy) -> dict[str, object]:
    """A failed case as the page shows it."""
    case = outcome.case
    if outcome.text is None or outcome.difference is None:
        raise ValueError(f"{case.id} was not judged")
    whole = (Stretch(reveal(mask_field(case.text)), False),)
    text, pair = contrast(case.text, case.pair) if case.pair else (whole, ())
    side = "above" if outcome.difference > 0 else "below"
    return {
        "language": case.language,
        "id": case.id,
        "compared": _title(case.of, taxonomy),
        "expected": _EXPECTED[case.expect],
        "got": _GOT[case.expect].format(abs(outcome.difference), side),
        "text_score": outcome.text,
        "pair_score": outcome.pair,
        "text": text,
        "pair": pair,
    }


def contrast(text: str, pair: str) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Two texts cut where one differs from the other, word by word.

    >>> left, right = contrast("we keep it", "you keep it")
    >>> [(stretch.pieces[0].text, stretch.differs) for stretch in left]
    [('we', True), (' keep it', False)]
    """
    words, others = _WORD.findall(text), _WORD.findall(pair)
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    steps = matcher.get_opcodes()
    return (
        tuple(_stretches(text, words, [(tag, a, b) for tag, a, b, _, _ in steps])),
        tuple(_stretches(pair, others, [(tag, a, b) for tag, _, _, a, b in steps])),
    )


def _title(of: str, taxonomy: Taxonomy) -> str:
    return "risk" if of == RISK else taxonomy.get(of).title["en"].lower()


def _stretches(
    text: str, words: Sequence[str], steps: Sequence[tuple[str, int, int]]
) -> Iterator[Stretch]:
    """Stretches of a text; a blank between two differences counts as a difference."""
    masked = mask_field(text)  # as long as the text, so the cuts apply to it
    cuts: list[tuple[int, bool]] = []  # where each stretch ends, and whether it differs
    at = 0
    for number, (tag, first, last) in enumerate(steps):
        inside = 0 < number < len(steps) - 1
        differs = tag != "equal" or (inside and not "".join(words[first:last]).strip())
        at += sum(map(len, words[first:last]))
        if cuts and cuts[-1][1] == differs:
            cuts.pop()
        cuts.append((at, differs))
    start = 0
    for end, differs in cuts:
        if start < end:
            yield Stretch(reveal(masked[start:end]), differs)
        start = end
