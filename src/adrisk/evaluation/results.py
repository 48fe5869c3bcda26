"""Result files that are kept, one a model and corpus or a study, and the page made of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adrisk.evaluation.evaluation_results import Evaluation, SourceAlerts
from adrisk.evaluation.markdown import render
from adrisk.evaluation.study_results import STUDY_RESULTS, AnyStudy
from adrisk.files import replacing, writable, write_json
from adrisk.metrics.figures import Result, as_result, read_content


def write_results(
    folder: Path, name: str, results: Evaluation, alerts: Mapping[str, SourceAlerts] | None = None
) -> Path:
    """Keep the results of one model under a name, and write `results.md` anew.

    Args:
        folder: usually evaluation/results.
        name: of the file, without ending.
        results: what `evaluate` or `evaluate_recipe` gave; its curves are left out.
        alerts: what `evaluate.alerts` gave for unlabelled corpora.
    """
    report = results.report.model_copy(update={"curves": None})
    kept = results.model_copy(update={"report": report, "alerts": alerts or results.alerts})
    return _write(folder, name, kept)


def write_study(folder: Path, name: str, content: AnyStudy) -> Path:
    """Keep the results of a study, and write `results.md` anew."""
    return _write(folder, name, content)


def _write(folder: Path, name: str, content: Result) -> Path:
    writable(folder)
    path = folder / f"{name}.json"
    write_json(path, content.to_json())
    write_page(folder)
    return path


def write_page(folder: Path) -> Path:
    """Write `results.md` anew from the result files beside it."""
    path = folder / "results.md"
    with replacing(path) as draft:
        draft.write_text(results_page(folder), encoding="utf-8")
    return path


def results_page(folder: Path) -> str:
    """The page for all result files in a folder: models first, then studies, each by name.

    Other JSON files are left out.

    Raises:
        UsageError: if a result file is not what this version writes.
    """
    evaluations, studies = {}, {}
    for path in sorted(folder.glob("*.json")):
        content = read_content(path)
        if not isinstance(content, dict):
            continue
        if "report" in content:
            evaluations[path.stem] = as_result(content, Evaluation, path)
        elif study := STUDY_RESULTS.get(str(content.get("study"))):
            studies[path.stem] = as_result(content, study, path)
    return render("results.md.j2", evaluations=evaluations, studies=studies)


def section(name: str, found: Evaluation) -> str:
    """The tables for one set of results, as Markdown under a heading."""
    return render("evaluation.md.j2", name=name, found=found)


def study_section(name: str, found: AnyStudy) -> str:
    """The tables of one study, as Markdown under a heading."""
    return render("study.md.j2", name=name, found=found)
