"""The tables of studies: every figure in its cell, signs on differences, foreign words harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adrisk.evaluation.markdown import render
from adrisk.evaluation.results import STUDY_RESULTS, results_page, write_study

COUNTS = {"n": 1200, "positives": 30, "campaigns": 90}


def figure(value: float | None, spread: float | None = 0.1) -> dict[str, Any]:
    if value is None or spread is None:
        return {"value": value, "low": None, "high": None, **COUNTS}
    return {"value": value, "low": value - spread, "high": value + spread, **COUNTS}


def paired(first: float, second: float) -> dict[str, Any]:
    sides = {"first": figure(first), "second": figure(second)}
    return {**sides, "difference": figure(first - second)}


def ranking(first: float, second: float) -> dict[str, Any]:
    names = ("average_precision", *(f"recall_at_{b}" for b in ("0.005", "0.01", "0.02", "0.05")))
    return dict.fromkeys(names, paired(first, second))


def told(study: str, **found: Any) -> list[str]:
    """The rows of the tables for one corpus."""
    corpus = {
        "name": "synthetic", "source": "synthetic:800", "fingerprint": "ab", "target": "risk",
        "split_by": "campaign", "folds": 0, "fitted_on": 400, **COUNTS, **found,
    }  # fmt: skip
    content = {"study": study, "protocol": 1, "resamples": 20, "corpora": [corpus]}
    found = STUDY_RESULTS[study].model_validate(content)
    return render("study.md.j2", name=study, found=found).splitlines()


def test_a_learning_curve_has_a_row_a_point() -> None:
    point = {"family": "ngram", "fitted_on": {"ads": 1264, "campaigns": 9, "risky": 38}}
    rows = told(
        "learning-curve",
        points=[
            {**point, "share": 1 / 16, "orders": 3, "lowest": 0.4, "highest": 0.6,
             "average_precision": figure(0.5)},
            {**point, "share": 1, "orders": 1, "lowest": 0.7, "highest": 0.7,
             "average_precision": figure(0.7, None)},
        ],
    )  # fmt: skip
    assert rows[0] == "## learning-curve"
    assert "| ngram | 1/16 | 1,264 | 38 | 0.500 [0.400, 0.600] | 0.400, 0.600 |" in rows
    assert "| ngram | all | 1,264 | 38 | 0.700 [no interval] |  |" in rows
    assert "up to 400 ads to fit; reported on 1,200 ads in 90 campaigns, 30 of them" in "".join(
        rows
    )


def test_label_noise_shows_indicators_only_where_there_are_any() -> None:
    clean = {"called_risky": 0.03, "risk": figure(0.9)}
    point = {"way": "ad by ad", "wrong": 0.05, "called_risky": 0.077}
    risk = {"risk": figure(0.5), "risk_change": figure(-0.4)}
    noise = {"family": "ngram", "draws": {"risk": 2, "indicators": 0}}
    rows = told("label-noise", **noise, clean=clean, points=[{**point, **risk}])
    assert "| none | 0 % | 3.0 % | 0.900 [0.800, 1.000] | |" in rows
    assert "| ad by ad | 5 % | 7.7 % | 0.500 [0.400, 0.600] | -0.400 [-0.500, -0.300] |" in rows
    both = {**risk, "indicators": figure(0.2), "indicators_change": figure(None)}
    rows = told(
        "label-noise",
        **noise,
        clean={**clean, "indicators": figure(0.3)},
        points=[{**point, **both}],
    )
    assert rows[-1].endswith("| 0.200 [0.100, 0.300] | undefined |")
    assert len({row.count("|") for row in rows if row.startswith("|")}) == 1


def test_transfer_has_a_table_of_risk_and_one_of_indicators() -> None:
    row = {"recipe": "ngram", "language": "pt", "n": 900, "positives": 20, "alone": figure(0.6)}
    row |= {"campaigns": 90, "fitted_on": {"others": 3, "all": 4, "alone": 1}}
    risk = {"risk": ranking(0.5, 0.7)}
    indicators = {"judged": 12, "macro_average_precision": paired(0.25, 0.25)}
    rows = told(
        "transfer",
        recipes={},
        languages=[{**row, **risk}, {**row, **risk, "indicators": indicators}],
    )
    first = "| ngram | pt | 900 | 20 | 0.500 [0.400, 0.600] | 0.700 [0.600, 0.800] | -0.200 "
    assert sum(line.startswith(first) for line in rows) == 2
    assert sum(line.startswith("| ngram | pt | mean of 12 | 0.250 ") for line in rows) == 1
    assert rows[-1].endswith("| +0.000 [-0.100, +0.100] |")


def test_findings_show_both_sides_and_their_difference() -> None:
    found = {**COUNTS, "risk": ranking(0.9, 0.5)}
    rows = told("findings", families={"linear": found})
    assert rows[-1] == (
        "| linear | risk | 0.900 [0.800, 1.000] | 0.500 [0.400, 0.600] | +0.400 [+0.300, +0.500] |"
    )


def test_foreign_words_steer_nothing() -> None:
    rows = told("findings", families={}, source="a|b<i>.csv", target="*scam* [x](y)")
    assert "a\\|b&lt;i&gt;.csv, **\\*scam\\* \\[x\\](y)**" in "".join(rows)


def test_a_study_joins_the_page_and_unknown_files_stay_away(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"study": "of something else"}))
    (tmp_path / "more.json").write_text(json.dumps({"tests": []}))
    content = {"study": "findings", "protocol": 1, "resamples": 20, "corpora": []}
    write_study(tmp_path, "findings", STUDY_RESULTS["findings"].model_validate(content))
    page = (tmp_path / "results.md").read_text()
    assert page == results_page(tmp_path)
    assert page.count("\n## ") == 1
    assert set(STUDY_RESULTS) == {"learning-curve", "label-noise", "transfer", "findings"}
