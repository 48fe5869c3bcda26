"""Behaviour page: rates by function and language, and every failure with both its texts.

In: the results and outcomes of `adrisk.evaluation.behaviour`. Out: one HTML page that loads
nothing, runs nothing and escapes everything; what differs between the texts of a pair is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import regex
from markupsafe import Markup

from adrisk.evaluation.behaviour.judging import MARGIN, TOLERANCE, Outcome
from adrisk.evaluation.behaviour.results import BehaviourResult
from adrisk.evaluation.behaviour.suites import FUNCTIONS, RISK
from adrisk.report.render import asset, environment, sha256
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.masking import Piece, mask_field, reveal

_WORD = regex.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive pieces of a text that are in the other text too, or that are not."""

    pieces: tuple[Piece, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed, in words; `pair` is empty where there is none."""

    language: str
    id: str
    compared: str
    expected: str
    got: str
    text_score: float
    pair_score: float | None
    text: tuple[Stretch, ...]
    pair: tuple[Stretch, ...]


def behaviour_page(
    results: BehaviourResult, outcomes: Sequence[Outcome], taxonomy: Taxonomy | None = None
) -> str:
    """The page. Equal outcomes give an equal page.

    Args:
        results: of `adrisk.evaluation.behaviour.results`.
        outcomes: what they were made from.
        taxonomy: the indicators in words; adrisk's own if left out.
    """
    taxonomy = taxonomy or load_taxonomy()
    css = asset("report.css") + asset("behaviour.css")
    failures = {
        name: [failure(outcome, taxonomy) for outcome in failed]
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
            unjudged=_unjudged(outcomes, taxonomy),
            css=Markup(css),  # noqa: S704 - shipped with adrisk
            css_hash=sha256(css),
        )
    )


def failure(outcome: Outcome, taxonomy: Taxonomy) -> Failure:
    """One failure in words."""
    case = outcome.case
    if outcome.text is None or outcome.difference is None:
        raise ValueError(f"{case.id} was not judged")
    text, pair = contrast(case.text, case.pair) if case.pair else (_whole(case.text), ())
    return Failure(
        language=case.language,
        id=case.id,
        compared=_title(case.of, taxonomy),
        expected=_EXPECTED[case.expect],
        got=_GOT[case.expect].format(abs(outcome.difference), _way(outcome.difference)),
        text_score=outcome.text,
        pair_score=outcome.pair,
        text=text,
        pair=pair,
    )


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


def _way(difference: float) -> str:
    return "above" if difference > 0 else "below"


def _title(of: str, taxonomy: Taxonomy) -> str:
    return "risk" if of == RISK else taxonomy.get(of).title["en"].lower()


def _whole(text: str) -> tuple[Stretch, ...]:
    return (Stretch(reveal(mask_field(text)), False),)


def _stretches(
    text: str, words: Sequence[str], steps: Sequence[tuple[str, int, int]]
) -> Iterator[Stretch]:
    """The text by turns as in the other and not; a blank between two differences differs too."""
    masked = mask_field(text)  # as long as the text, so the cuts fall where they should
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


def _unjudged(outcomes: Sequence[Outcome], taxonomy: Taxonomy) -> dict[str, int]:
    """Cases that were not judged, by the title of the indicator they are about."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.passed is None:
            title = _title(outcome.case.of, taxonomy)
            counts[title] = counts.get(title, 0) + 1
    return dict(sorted(counts.items()))
