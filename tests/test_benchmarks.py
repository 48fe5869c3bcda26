"""The benchmarks run from end to end; what they measure is not judged here."""

from __future__ import annotations

import json
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
    assert out.startswith("120 ads of ")
    assert re.search(r"^\d+ cores", out, re.MULTILINE)
    ours, theirs = "adrisk, whole way", "scikit-learn, risk only"
    for side in (ours, theirs, "the same on all cores", "the same, each text once"):
        assert re.search(rf"^{side} +120 +[\d,]+ +[\d,]+ +[\d,]+ +[\d,]+$", out, re.MULTILINE)
    for side in (ours, theirs):
        assert re.search(rf"^{side} +[01]\.\d+ \[[01]\.\d+, [01]\.\d+\]$", out, re.MULTILINE)
    for peer in (
        "scikit-learn in one process",
        "scikit-learn on all cores",
        "scikit-learn, each text once",
        "a second of processor time",
    ):
        assert re.search(rf"^{peer}.* \d+\.\d+ times the ads \[\d+\.\d+, \d+\.\d+\]$", out, re.M)
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
    assert "matches found by both: the same" in out
    assert re.search(r"^adrisk, whole way to evidence +120 +[\d,]+$", out, re.MULTILINE)
    assert re.search(r"^every pattern, one by one +60 +[\d,]+$", out, re.MULTILINE)


@pytest.mark.slow
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


@pytest.mark.slow
def test_linking_is_measured_in_a_process_of_its_own_for_each_size(tmp_path: Path) -> None:
    out = told("link.py", "--sizes", 300, "--hard", 200, "--out", tmp_path / "link.json")
    assert re.search(r"^field +300 +\d+ +\d+ +[\d.]+ +[\d.]+ +\d+$", out, re.MULTILINE)
    runs = json.loads((tmp_path / "link.json").read_text(encoding="utf-8"))["runs"]
    assert [(run["kind"], run["ads"]) for run in runs] == [("field", 300), ("hard", 200)]
    assert all(0 < run["campaigns"] <= run["distinct_texts"] <= run["ads"] for run in runs)


@pytest.mark.slow
def test_planted_campaigns_are_judged_beside_three_baselines(tmp_path: Path) -> None:
    place = tmp_path / "campaigns.json"
    out = told("campaigns.py", "--ads", 400, "--resamples", 20, "--out", place)
    assert "synthetic" in out
    corpora = json.loads(place.read_text(encoding="utf-8"))["corpora"]
    for figures in corpora.values():
        f1 = {side: found["f1"]["value"] for side, found in figures["sides"].items()}
        assert set(f1) == {"exact", "minhash", "contacts", "adrisk", "adrisk, 5 nights"}
        assert f1["minhash"] > f1["exact"]
        assert figures["five_nights_against_at_once_pair_f1"] > 0.8


@pytest.mark.slow
def test_the_encoder_is_told_beside_a_pipeline_with_the_same_answers(tmp_path: Path) -> None:
    tiny = make_encoder(tmp_path / "encoder")
    place = tmp_path / "encoder.json"
    few = ("--ads", 60, "--train", 400, "--runs", 1, "--out", place)
    out = told("encoder.py", "--encoder", tiny, *few)
    assert re.search(r"^transformers.pipeline +[\d.]+ ads/s, median$", out, re.MULTILINE)
    assert re.search(r"^adrisk / pipeline +\d+\.\d+ times the ads/s", out, re.MULTILINE)
    found = re.search(r"^largest difference of a probability: (\d\.\d+) over", out, re.MULTILINE)
    assert float(found.group(1)) < 0.01
    results = json.loads(place.read_text(encoding="utf-8"))
    assert results["largest_difference"]["any head"] < 0.01
    assert results["ads"] + results["left_out_as_too_long"] == 60
    assert set(results["ads_a_second"]) == {"transformers.pipeline", "adrisk"}


@pytest.mark.slow
@pytest.mark.parametrize("script", ["encoder.py", "cascade.py"])
def test_a_model_that_is_none_is_refused_in_one_line(script: str, tmp_path: Path) -> None:
    given = [sys.executable, str(BENCHMARKS / script), "--model", str(tmp_path / "nope")]
    done = subprocess.run(given, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{script}: ")
    assert "is not a model" in line


@pytest.mark.slow
def test_the_cascade_is_told_beside_its_encoder_with_a_paired_ratio(tmp_path: Path) -> None:
    tiny = make_encoder(tmp_path / "encoder")
    place = tmp_path / "cascade.json"
    few = ("--ads", 400, "--train", 900, "--epochs", 1, "--out", place)
    out = told("cascade.py", "--encoder", tiny, *few)
    assert re.search(r"cascade / encoder +[\d.]+ \[[\d.]+, [\d.]+\]$", out, re.MULTILINE)
    assert re.search(r"^time by processor +[\d.]+% of the encoder's \[", out, re.MULTILINE)
    assert re.search(r"^reread: [\d.]+% of these ads; ", out, re.MULTILINE)
    results = json.loads(place.read_text(encoding="utf-8"))
    assert set(results["aim_met"]) == {"precision", "time"}
    assert results["average_precision"]["cascade"]["positives"] > 0
