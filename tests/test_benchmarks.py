"""The benchmarks run from end to end; what they measure is not judged here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from builders import make_corpus_file

BENCHMARKS = Path(__file__).parents[1] / "evaluation" / "benchmarks"


def told(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *(str(a) for a in arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_speed_memory_and_precision_of_both_sides_are_told_with_their_intervals(
    tmp_path: Path,
) -> None:
    ads = make_corpus_file(tmp_path / "ads.parquet", count=120, positives=30)
    out = told("score.py", "--parquet", ads, "--train", 500, "--runs", 1)
    assert re.search(r"^\d+ cores", out)
    for side in ("adrisk, whole way", "scikit-learn, risk only"):
        assert re.search(rf"^{side} +120 +[\d,]+ +[\d,]+ +[\d,]+$", out, re.MULTILINE)
        assert re.search(rf"^{side} +[01]\.\d+ \[[01]\.\d+, [01]\.\d+\]$", out, re.MULTILINE)
    assert re.search(r"times the ads/s \[\d+\.\d+, \d+\.\d+ lowest and highest pair\]", out)
    assert "120 labelled ads, 30 risky" in out


@pytest.mark.slow
def test_peak_memory_is_told_for_few_ads_and_for_several_times_as_many() -> None:
    out = told("memory.py", "--ads", 60, "--times", 3, "--train", 500)
    counts = [line.split()[0] for line in out.splitlines()[1:3]]
    assert counts == ["60", "180"]
    assert re.search(r"^\d+\.\d+ times the memory for 3 times the ads$", out, re.MULTILINE)


@pytest.mark.slow
def test_the_rules_find_the_same_places_as_every_pattern_one_by_one() -> None:
    out = told("match.py", "--ads", 120, "--naive", 60, "--runs", 1)
    assert "places found by both: the same" in out
    assert re.search(r"^adrisk, whole way to evidence +120 +[\d,]+$", out, re.MULTILINE)
    assert re.search(r"^every pattern, one by one +60 +[\d,]+$", out, re.MULTILINE)


def test_the_speed_and_memory_of_the_generator_are_told_for_two_sizes() -> None:
    out = told("generate.py", "--ads", 4_000)
    assert re.search(r"^ +400 +[\d,]+ +[\d,]+ +[\d,]+$", out, re.MULTILINE)
    assert re.search(r"^ +4,000 +[\d,]+ +[\d,]+ +[\d,]+$", out, re.MULTILINE)


@pytest.mark.slow
def test_the_probes_of_the_synthetic_corpus_are_told_and_written(tmp_path: Path) -> None:
    out = told("probes.py", "--ads", 2_000, "--out", tmp_path / "probes.json")
    for name in ("keyword count", "metadata only, tree", "nearest training template", "rules"):
        assert re.search(rf"^[01]\.\d+ \[[01]\.\d+, [01]\.\d+\]  {name}$", out, re.MULTILINE)
    assert re.search(r"^[+-]\d\.\d+  gap to the random split$", out, re.MULTILINE)
    assert '"verdict"' in (tmp_path / "probes.json").read_text(encoding="utf-8")
