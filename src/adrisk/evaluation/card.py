"""Model card of a release, rendered from its manifest alone.

In: the manifest. Out: Markdown. Every figure on the card is in the manifest; the text around the
figures is in `templates/card.md.j2`. Equal manifests give equal cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from adrisk.evaluation.behaviour.judging import FunctionRates
from adrisk.evaluation.markdown import Markdown, render
from adrisk.evaluation.release_manifest import ReleaseManifest
from adrisk.metrics.results import SliceFigures
from adrisk.report.page import LANGUAGE_NAMES

_SLICES = {"language": "language", "kind": "kind of ad", "length": "characters"}
"""The slices of the report set that the card shows, in words."""


def card(manifest: ReleaseManifest) -> str:
    """The card as Markdown."""
    report = manifest.quality.report
    slices = {words: _by_length(report.slices.get(key, {})) for key, words in _SLICES.items()}
    return render(
        "card.md.j2",
        language=lambda name: LANGUAGE_NAMES.get(name, name),
        command=_command,
        minutes=_minutes,
        manifest=manifest,
        report=report,
        synthetic="synthetic" in manifest.data.target,
        encoder=_encoder(manifest.model.parameters),
        slices=slices,
        weakest={words: weak for words, of in slices.items() if (weak := _weakest(of))},
        least_passed=_least_passed(manifest.behaviour.functions),
        not_shown=[name for name, found in report.indicators.items() if not found.positives],
        parameters=dict(_flat(manifest.model.parameters)),
        facts=dict(_flat(manifest.model.facts)),
    )


def _encoder(parameters: Mapping[str, object]) -> str | None:
    """The pretrained encoder of the model; None for families without one."""
    name = parameters.get("encoder")
    name = name.get("encoder") if isinstance(name, Mapping) else name
    return str(name) if name else None


def _by_length(slices: Mapping[str, SliceFigures]) -> dict[str, SliceFigures]:
    """Lengths from short to long; slices without a number in their name keep their order."""

    def order(name: str) -> tuple[int, bool]:
        number = re.search(r"\d+", name)
        return (int(number[0]) if number else 0, not name.startswith("under"))

    return {name: slices[name] for name in sorted(slices, key=order)}


def _weakest(slices: Mapping[str, SliceFigures]) -> tuple[str, SliceFigures] | None:
    """The slice with the lowest average precision; None where no two differ."""
    ranked = [
        (found.average_precision.value, name)
        for name, found in slices.items()
        if found.average_precision is not None and found.average_precision.value is not None
    ]
    if len({value for value, _ in ranked}) < 2:
        return None
    name = min(ranked)[1]
    return name, slices[name]


def _least_passed(functions: Mapping[str, FunctionRates]) -> list[tuple[str, float]]:
    """The three functions of the behaviour suites with the lowest share passed, if below 1."""
    failed = sorted(
        (found.all.share, name)
        for name, found in functions.items()
        if found.all.share is not None and found.all.passed < found.all.n
    )
    return [(name, share) for share, name in failed[:3]]


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Values with dotted names; those that are None are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value


def _command(text: str) -> Markdown:
    """For a code block: one line, and no fence."""
    return Markdown(" ".join(text.replace("`", "'").split()))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
