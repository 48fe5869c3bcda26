"""The tables of studies: short Markdown sections made from the JSON that a study leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adrisk.evaluation.markdown import figure, plain

Lines = Iterator[str]


def study_section(name: str, content: Mapping[str, Any]) -> str:
    """The tables of one study, as Markdown under a heading."""
    lines = [f"## {plain(name)}", "", _ABOUT[content["study"]]]
    for corpus in content["corpora"]:
        lines += ["", _ground(corpus), "", *STUDY_TABLES[content["study"]](corpus)]
    return "\n".join([*lines, ""])


def _ground(corpus: Mapping[str, Any]) -> str:
    split = f"{corpus['folds']} folds by campaign" if corpus["folds"] else corpus["split_by"]
    return (
        f"{plain(corpus['source'])}, **{plain(corpus['target'])}**, split by {plain(split)}: up to "
        f"{corpus['fitted_on']:,} ads to fit; reported on {corpus['n']:,} ads in "
        f"{corpus['campaigns']:,} campaigns, {corpus['positives']:,} of them positive."
    )


def _learning_curve(corpus: Mapping[str, Any]) -> Lines:
    yield "| family | share of fit campaigns | ads | risky | average precision | orders from, to |"
    yield "|---|---|---|---|---|---|"
    for point in corpus["points"]:
        learned = point["fitted_on"]
        spread = f"{point['lowest']:.3f}, {point['highest']:.3f}" if point["orders"] > 1 else ""
        yield (
            f"| {plain(point['family'])} | {_fraction(point['share'])} | {learned['ads']:,} "
            f"| {learned['risky']:,} | {figure(point['average_precision'])} | {spread} |"
        )


def _label_noise(corpus: Mapping[str, Any]) -> Lines:
    clean = corpus["clean"]
    measures = [name for name in ("risk", "indicators") if name in clean]
    heads = " | ".join(f"{_MEASURES[name]} | change" for name in measures)
    yield f"| labels wrong | | called risky | {heads} |"
    yield "|---" * (3 + 2 * len(measures)) + "|"
    figures = " | ".join(f"{figure(clean[name])} | " for name in measures)
    yield f"| none | 0 % | {100 * clean['called_risky']:.1f} % | {figures}|"
    for point in corpus["points"]:
        cells = [
            cell
            for name in measures
            for cell in (
                figure(point[name]),
                _change(point[f"{name}_change"]),
            )
        ]
        yield (
            f"| {point['way']} | {100 * point['wrong']:g} % "
            f"| {100 * point['called_risky']:.1f} % | {' | '.join(cells)} |"
        )


def _transfer(corpus: Mapping[str, Any]) -> Lines:
    yield (
        "| recipe | judged on | n | risky | taught the others | taught all | difference "
        "| taught it alone |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in corpus["languages"]:
        figures = row["risk"]["average_precision"]
        yield (
            f"| {_taught(row)} | {row['n']:,} | {row['positives']:,} "
            f"| {_both(figures)} | {figure(row['alone'])} |"
        )
    rows = [row for row in corpus["languages"] if "indicators" in row]
    if rows:
        yield ""
        yield "| recipe | judged on | indicators | taught the others | taught all | difference |"
        yield "|---|---|---|---|---|---|"
    for row in rows:
        figures = row["indicators"]["macro_average_precision"]
        yield (f"| {_taught(row)} | mean of {row['indicators']['judged']} | {_both(figures)} |")


def _taught(row: Mapping[str, Any]) -> str:
    return f"{plain(row['recipe'])} | {plain(row['language'])}"


def _findings(corpus: Mapping[str, Any]) -> Lines:
    yield "| family | average precision of | with findings | text alone | difference |"
    yield "|---|---|---|---|---|"
    for family, found in corpus["families"].items():
        yield f"| {plain(family)} | risk | {_both(found['risk']['average_precision'])} |"
        if "indicators" in found:
            count = len(found["indicators"]["by_indicator"])
            figures = found["indicators"]["macro_average_precision"]
            yield f"| {plain(family)} | {count} indicators, mean | {_both(figures)} |"


def _change(gap: Mapping[str, Any]) -> str:
    """A difference with its interval, signs said."""
    if gap["value"] is None:
        return "undefined"
    if gap["low"] is None:
        return f"{gap['value']:+.3f} [no interval]"
    return f"{gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]"


def _both(figures: Mapping[str, Any]) -> str:
    """Both sides and their difference, as three cells."""
    first, second = (figure(figures[side]) for side in ("first", "second"))
    return f"{first} | {second} | {_change(figures['difference'])}"


def _fraction(share: float) -> str:
    return "all" if share == 1 else f"1/{1 / share:g}"


_MEASURES = {"risk": "risk", "indicators": "indicators, mean"}

_ABOUT = {
    "learning-curve": (
        "What more labelled campaigns would bring. Average precision of risk by the share of the "
        "fit campaigns learned from, a mean over random orders of the campaigns."
    ),
    "label-noise": (
        "What wrong labels of the fit set cost; report labels stay right. Average precision, and "
        "its change against right labels on the same draws. Ad by ad: every label by itself. By "
        "campaign: on all ads of a campaign or on none. Three voters: each wrong so often, joined "
        "by the label model."
    ),
    "transfer": (
        "What a model says of a language it was not taught. Average precision of risk on the "
        "report ads of one language, for a model taught the other languages, one taught all, and "
        "one taught that language alone; the difference is the first less the second, on the same "
        "ads."
    ),
    "findings": (
        "What the evidence rules' findings add as features beside the text: each family fitted "
        "with them and without, on the same ads."
    ),
}

STUDY_TABLES: Mapping[str, Callable[[Mapping[str, Any]], Lines]] = {
    "learning-curve": _learning_curve,
    "label-noise": _label_noise,
    "transfer": _transfer,
    "findings": _findings,
}
"""Study -> the lines of its tables for one corpus."""
