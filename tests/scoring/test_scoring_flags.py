"""Flags of a scored file: what escalates comes first, what cannot be judged is never clear."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import score
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from builders import make_ads, make_texts

UNDER_AGE = "Harvest work in the north. 16 and over welcome, no papers checked, good food for all."
ARABIC = "وظيفة في مطعم مع سكن ونقل مجاني للعاملين"


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """Sixty ads and four that stand apart: under-age, Arabic, three words, only signs."""
    texts, _ = make_texts(60, 20, seed=8)
    texts = [text.partition(": ")[2] for text in texts]  # "Ad 16: night" reads like an age
    ads = make_ads([*texts, UNDER_AGE, ARABIC, "Hotel work available", "!!!!!!"])
    languages = pa.array(["en"] * 61 + ["ar", "en", None], pa.string())
    at = ads.schema.get_field_index("language")
    pq.write_table(ads.set_column(at, ads.schema.field(at), languages), tmp_path / "ads.parquet")
    policy = PolicyConfig(review_at=0.5, urgent_at=0.9, capacity=10, incomplete_share=0.1)
    out = tmp_path / "out"
    score(
        Model.load(model_folder),
        [str(tmp_path / "ads.parquet")],
        out,
        tmp_path / "ws",
        policy=policy,
    )
    return out


@pytest.mark.slow
def test_an_escalated_ad_is_urgent_and_first_with_its_evidence(folder: Path) -> None:
    flag = pq.read_table(folder / "flags.parquet").to_pylist()[60]
    assert (flag["level"], flag["rank"]) == ("urgent", 1)
    assert flag["reasons"][0].startswith("shows what is always looked at first")
    evidence = pq.read_table(folder / "scores")["evidence"][60].as_py()
    assert "minor_recruitment" in {e["indicator"] for e in evidence}


@pytest.mark.slow
def test_ads_that_cannot_be_judged_are_incomplete_with_the_reason_and_counted(folder: Path) -> None:
    flags = pq.read_table(folder / "flags.parquet").to_pylist()[61:]
    assert [flag["level"] for flag in flags] == ["incomplete"] * 3
    assert [flag["reasons"][0] for flag in flags] == [
        "not judged: in language ar; the model learned from en",
        "not judged: too short to judge: fewer than 4 words",
        "not judged: unreadable: mostly signs instead of letters, or one letter over and over",
    ]
    assert sum(flag["rank"] is not None for flag in flags) == 1
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert counts["incomplete"] == 3
    assert counts["incomplete_because"] == {"unreadable": 1, "too_short": 1, "language": 1}
    assert (counts["incomplete_queued"], counts["escalated"]) == (1, 1)
    assert counts["clear"] + counts["review"] + counts["urgent"] + counts["incomplete"] == 64


@pytest.mark.slow
def test_only_ads_that_stand_apart_are_noted_beside_the_scores(folder: Path) -> None:
    noted = pq.read_table(folder / "apart.parquet").to_pylist()
    assert [(row["ad_id"], row["escalate"], row["incomplete"]) for row in noted] == [
        ("ad00060", ["minor_recruitment"], None),
        ("ad00061", [], "language"),
        ("ad00062", [], "too_short"),
        ("ad00063", [], "unreadable"),
    ]
