"""The suite evaluation and the benchmark run from end to end; their figures are not checked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EVALUATION = Path(__file__).parents[2] / "evaluation"


def told(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(EVALUATION / script), *(str(a) for a in arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_speed_is_told_beside_the_matcher_with_ratios() -> None:
    out = told("benchmarks/extract.py", "--ads", 3000, "--runs", 1)
    for side in ("adrisk", "PhoneNumberMatcher"):
        assert re.search(rf"^{side} +[\d,]+ +[\d,]+ +[\d.]+ +[\d.]+% +[\d,]+$", out, re.MULTILINE)
    assert re.search(r"[\d.]+ times the ads/s \[[\d.]+, [\d.]+ lowest and highest pair\]", out)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["held_out", "development"])
def test_precision_and_recall_are_told_by_kind_and_language_with_intervals(part: str) -> None:
    out = told("contacts.py", part)
    assert out.startswith(f"{part}: ")
    for name in ("phone", "wage", "contacts", "the others", "fr", "ru"):
        assert re.search(
            rf"^{name} +\d+ +\d+ +[01]\.\d+ \[[01]\.\d+, [01]\.\d+\]", out, re.MULTILINE
        )
