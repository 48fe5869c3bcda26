"""The benchmarks run from end to end; what they measure is not judged here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from builders import make_corpus_file, make_encoder

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
def test_the_encoder_is_told_beside_a_pipeline_with_the_same_answers(tmp_path: Path) -> None:
    tiny = make_encoder(tmp_path / "encoder")
    out = told("encoder.py", "--encoder", tiny, "--ads", 60, "--train", 400, "--runs", 1)
    assert re.search(r"^transformers.pipeline +[\d.]+ ads/s, median$", out, re.MULTILINE)
    assert re.search(r"^adrisk / pipeline +\d+\.\d+ times the ads/s", out, re.MULTILINE)
    found = re.search(r"^largest difference of a probability: (\d\.\d+) over", out, re.MULTILINE)
    assert float(found.group(1)) < 0.01


@pytest.mark.slow
def test_the_cascade_is_told_beside_its_encoder_with_a_paired_ratio(tmp_path: Path) -> None:
    tiny = make_encoder(tmp_path / "encoder")
    out = told("cascade.py", "--encoder", tiny, "--ads", 400, "--train", 900, "--epochs", 1)
    assert re.search(r"cascade / encoder, paired +\d\.\d+ \[\d\.\d+, \d\.\d+\]$", out, re.MULTILINE)
    assert re.search(r"[\d.]+% of the encoder's \[", out)
    assert re.search(r"^reread: [\d.]+% of these ads; ", out, re.MULTILINE)
