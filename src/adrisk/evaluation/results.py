"""Result files that are kept: one JSON a model and corpus or a study, and the page made of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adrisk.documents import parse_json
from adrisk.evaluation import markdown
from adrisk.evaluation.study_tables import STUDY_TABLES, study_section
from adrisk.files import replacing, writable, write_json

_HEAD = """# Results

Generated from the JSON files beside it that `adrisk run`, `evaluation/study.py` and
`evaluation/workload.py` write; do not edit. Fairness, faithfulness, labels and the benchmarks leave
files there that this page does not show, and a release has its card in `models/`.
Every figure is `value [low, high]` with a 95 % bootstrap interval over campaigns. How it is
measured, and why: [protocol.md](../protocol.md).

A score on synthetic ads says nothing of the field. A label *employment scam* is not trafficking.
"""


def write_results(
    folder: Path, name: str, results: Mapping[str, Any], alerts: Mapping[str, Any] | None = None
) -> Path:
    """Keep the results of one model under a name, and write `results.md` anew.

    Args:
        folder: usually evaluation/results.
        name: of the file, without ending.
        results: what `evaluate` or `evaluate_recipe` gave; its curves are left out.
        alerts: what `evaluate.alerts` gave for unlabelled corpora.
    """
    writable(folder)
    report = {key: value for key, value in results["report"].items() if key != "curves"}
    kept = {**results, "report": report, **({"alerts": alerts} if alerts else {})}
    path = folder / f"{name}.json"
    write_json(path, kept)
    write_page(folder)
    return path


def write_study(folder: Path, name: str, content: Mapping[str, Any]) -> Path:
    """Keep the results of a study, and write `results.md` anew."""
    writable(folder)
    path = folder / f"{name}.json"
    write_json(path, content)
    write_page(folder)
    return path


def write_page(folder: Path) -> Path:
    """Write `results.md` anew from the result files beside it."""
    path = folder / "results.md"
    with replacing(path) as draft:
        draft.write_text(results_page(folder), encoding="utf-8")
    return path


def results_page(folder: Path) -> str:
    """The page for all result files in a folder: models first, then studies, each by name."""
    models, studies = {}, []
    for path in sorted(folder.glob("*.json")):
        content = parse_json(path.read_text(encoding="utf-8"))
        if "report" in content:
            models[path.stem] = content
        elif content.get("study") in STUDY_TABLES:
            studies.append(study_section(path.stem, content))
    sections = [section(name, content) for name, content in models.items()]
    return "\n".join([_HEAD, *_overview(models), *sections, *studies])


def _overview(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A row for each set of results; nothing where there is only one."""
    if len(models) < 2:
        return []
    lines = [
        "## All models",
        "",
        "| results | positive of | average precision | recall at 1 % | calibration error "
        "| gap to a random split |",
        "|---|---|---|---|---|---|",
    ]
    for name, content in models.items():
        report, risk = content["report"], content["report"]["risk"]
        shown = markdown.plain(name)
        linked = f"[{name}](#{name})" if shown == name else shown
        gap = f"{content['random_split']['gap']:+.3f}" if "random_split" in content else ""
        lines.append(
            f"| {linked} | {report['positives']:,} of {report['n']:,} "
            f"| {markdown.figure(risk['average_precision'])} "
            f"| {markdown.figure(risk['recall_at_0.01'])} "
            f"| {markdown.figure(risk['calibration_error'])} | {gap} |"
        )
    return ["\n".join([*lines, ""])]


def section(name: str, content: Mapping[str, Any]) -> str:
    """The tables for one set of results, as Markdown under a heading."""
    report, data, family = content["report"], content["data"], content["model"]["family"]
    lines = [
        f"## {markdown.plain(name)}",
        "",
        f"Target: **{markdown.plain(data['target'])}**. Family {markdown.code(family)}, "
        f"sources {', '.join(map(markdown.code, data['sources']))}. "
        f"Split by {data['split_by']}. Judged on {report['n']:,} ads in {report['campaigns']:,} "
        f"campaigns, {report['positives']:,} of them positive "
        f"({100 * report['prevalence']:.1f} %).",
        "",
        "| | average precision | recall at 1 % | precision at 1 % | recall at 5 % |",
        "|---|---|---|---|---|",
        _row(f"**{markdown.plain(family)}**", report["risk"]),
        _row(f"{markdown.plain(family)}, by campaign", report["risk_by_campaign"]),
    ]
    for baseline, figures in content.get("baselines", {}).items():
        if "left_out" in figures:
            lines.append(f"| {baseline} | left out: {figures['left_out']} | | | |")
        else:
            lines.append(_row(baseline, figures))
    if "random_split" in content:
        random = content["random_split"]
        lines.append(
            "| same recipe, single ads dealt at random "
            f"| {markdown.figure(random['average_precision'])} | | | |"
        )
        lines += ["", f"Gap to the random split: {random['gap']:+.3f} average precision."]
    risk = report["risk"]
    lines += [
        "",
        f"Calibration error {markdown.figure(risk['calibration_error'])}, "
        f"ordinal error {markdown.figure(risk['ordinal_error'], 2)}.",
    ]
    lines += _campaign_lines(report)
    lines += _alert_lines(risk, content.get("alerts", {}))
    lines += _slice_lines(report["slices"].get("language", {}), "language")
    lines += _indicator_lines(report["indicators"])
    return "\n".join([*lines, ""])


def _campaign_lines(report: Mapping[str, Any]) -> list[str]:
    """The campaign risk and the review workload; nothing for results made before they were."""
    lines: list[str] = []
    if "campaign_risk" in report:
        lines += [
            "",
            "| campaigns as linked, risk of | n | risky | average precision | calibration error |",
            "|---|---|---|---|---|",
        ]
        names = {"campaigns": "all ads, calibrated", "campaigns by highest ad": "the riskiest ad"}
        for name, words in names.items():
            figures = report["campaign_risk"][name]
            figure = figures["average_precision"]
            lines.append(
                f"| {words} | {figure['n']:,} | {figure['positives']:,} "
                f"| {markdown.figure(figure)} "
                f"| {markdown.figure(figures['calibration_error'])} |"
            )
    if "workload" in report:
        share = f"{100 * report['workload']['share_seen']:g} %"
        lines += [
            "",
            f"| shown to a reviewer as | items | opened to see {share} of the risky ads |",
            "|---|---|---|",
        ]
        for name, figure in report["workload"]["items"].items():
            lines.append(f"| {name} | {figure['n']:,} | {markdown.figure(figure, 0)} |")
    return lines


def _alert_lines(risk: Mapping[str, Any], alerts: Mapping[str, Any]) -> list[str]:
    lines = ["", "| alerts per 10,000 ads | n | |", "|---|---|---|"]
    for name, figure in risk.items():
        if name.startswith("alerts_per_10000_at_"):
            share = float(name.removeprefix("alerts_per_10000_at_"))
            lines.append(
                f"| report set by score alone, threshold for a review share of {100 * share:g} % "
                f"| {figure['n']:,} | {markdown.figure(figure, 1)} |"
            )
    for named, figure in alerts.items():
        source = markdown.plain(named)
        lines.append(
            f"| {source}, held to be benign, at the policy's threshold {figure['threshold']:.3f} "
            f"| {figure['n']:,} | {markdown.figure(figure, 1)} |"
        )
        if "incomplete" in figure:
            lines += [
                f"| {source}, of those judged | {figure['judged']['n']:,} "
                f"| {markdown.figure(figure['judged'], 1)} |",
                f"| {source}, not judged and left to people as incomplete "
                f"| {figure['n']:,} | {markdown.figure(figure['incomplete'], 1)} |",
            ]
    told = dict.fromkeys(figure["words"] for figure in alerts.values() if "words" in figure)
    if told:
        lines += ["", f"The policy's threshold: {'; '.join(map(markdown.plain, told))}."]
    return lines


def _slice_lines(slices: Mapping[str, Any], name: str) -> list[str]:
    if len(slices) < 2:
        return []
    lines = ["", f"| {name} | n | positive | average precision |", "|---|---|---|---|"]
    for value, entry in slices.items():
        shown = (
            markdown.figure(entry["average_precision"])
            if "average_precision" in entry
            else "too few"
        )
        lines.append(
            f"| {markdown.plain(value)} | {entry['n']:,} | {entry['positives']:,} | {shown} |"
        )
    return lines


def _indicator_lines(indicators: Mapping[str, Any]) -> list[str]:
    if not indicators:
        return []
    lines = ["", "| indicator | n | present | average precision |", "|---|---|---|---|"]
    for name, entry in indicators.items():
        shown = markdown.figure(entry["average_precision"]) if "average_precision" in entry else "-"
        lines.append(
            f"| {markdown.plain(name)} | {entry['n']:,} | {entry['positives']:,} | {shown} |"
        )
    return lines


def _row(name: str, figures: Mapping[str, Any]) -> str:
    wanted = ("average_precision", "recall_at_0.01", "precision_at_0.01", "recall_at_0.05")
    return f"| {name} | " + " | ".join(markdown.figure(figures[key]) for key in wanted) + " |"
