"""Policies tried on a scored folder: who changes, and what a threshold costs and finds."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adrisk.api import score
from adrisk.cli import main
from adrisk.errors import UsageError
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.report.policy_comparison import compare_policies, comparison_in_words
from adrisk.report.simulation import simulate, write_simulation
from builders import make_ads, make_texts

OLD = PolicyConfig(name="old", review_at=0.5, urgent_at=0.9, capacity=50, audit_share=0.0)
STRICT = PolicyConfig(name="new", review_at=0.5, urgent_at=0.9, capacity=3, audit_share=0.0)


@pytest.fixture(scope="module")
def folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty scored ads, twelve of them risky."""
    place = tmp_path_factory.mktemp("policies")
    texts, _ = make_texts(80, 12, seed=5)
    pq.write_table(make_ads([t.partition(": ")[2] for t in texts]), place / "ads.parquet")
    model = Model.load(model_folder)
    score(model, [str(place / "ads.parquet")], place / "out", place / "ws", policy=OLD)
    return place / "out"


def levels(folder: Path) -> dict[str, str]:
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    return {flag["ad_id"]: flag["level"] for flag in flags}


def test_a_policy_compared_with_itself_changes_nothing(folder: Path) -> None:
    policy = resolve_policy(OLD, None)
    found = compare_policies(folder, policy, policy)
    assert len(found.changes) == 0
    assert found.old == found.new
    flagged = [level for level in levels(folder).values() if level in ("review", "urgent")]
    assert found.old["review"] + found.old["urgent"] == len(flagged)


def test_who_is_dropped_is_named_with_risk_and_ranks(folder: Path) -> None:
    found = compare_policies(folder, resolve_policy(OLD, None), resolve_policy(STRICT, None))
    flagged = {ad for ad, level in levels(folder).items() if level in ("review", "urgent")}
    rows = found.changes.to_pylist()
    assert {row["change"] for row in rows} == {"dropped"}
    assert {row["ad_id"] for row in rows} < flagged
    assert found.new["queued_campaigns"] == 3
    assert found.campaigns["dropped"] == found.old["queued_campaigns"] - 3
    assert all(row["old_rank"] > 3 and row["new_rank"] is None for row in rows)
    words = comparison_in_words(found, most=2)
    assert f"flagged by the old policy only: {len(rows)} ads" in words
    assert rows[0]["ad_id"] in words
    assert f"and {len(rows) - 2} more; -o FILE.parquet writes all" in words


def test_the_command_compares_two_files_and_writes_the_changes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.yaml").write_text("review_at: 0.5\ncapacity: 50\naudit_share: 0\n")
    (tmp_path / "new.yaml").write_text("review_at: 0.5\ncapacity: 3\naudit_share: 0\n")
    out = tmp_path / "changes.parquet"
    files = [str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]
    assert main(["policy", "compare", *files, str(folder), "-o", str(out)]) == 0
    told = capsys.readouterr().out
    assert "queued campaigns" in told
    assert f"{pq.read_metadata(out).num_rows:,} ads" in told
    (tmp_path / "new.yaml").write_text("recall: 0.8\n")
    assert main(["policy", "compare", *files, str(folder)]) == 2
    assert "put its folder before the other arguments" in capsys.readouterr().err


def test_a_lower_threshold_is_more_work_and_never_less_recall(
    folder: Path, model_folder: Path
) -> None:
    found = simulate(folder, Model.load(model_folder))
    points = sorted(found.points, key=lambda point: point.threshold)
    for lower, higher in pairwise(points):
        assert lower.campaigns >= higher.campaigns
        assert lower.recall >= higher.recall
    assert all(p.low <= p.recall <= p.high for p in points)
    assert points[0].recall == 1.0
    assert points[0].campaigns == found.campaigns


def test_a_simulation_is_a_page_that_loads_nothing_and_numbers_that_agree(
    folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    found = simulate(folder, Model.load(model_folder))
    for name in ("simulate.html", "simulate.svg", "simulate.json"):
        write_simulation(found, tmp_path / name)
    page = (tmp_path / "simulate.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert "src=" not in page
    assert f"{found.positives:,} risky of" in page
    assert page.count('role="img"') == 2
    assert "style=" not in page
    assert (tmp_path / "simulate.svg").read_text().startswith('<svg xmlns="http://www.w3.org/')
    values = json.loads((tmp_path / "simulate.json").read_text())
    assert len(values["points"]) == len(found.points)
    with pytest.raises(UsageError, match=r"\.html, \.svg or \.json"):
        write_simulation(found, tmp_path / "simulate.png")


@pytest.mark.slow
def test_report_and_simulation_load_no_library_that_a_plain_installation_lacks(
    folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    page, simulation = tmp_path / "report.html", tmp_path / "simulate.html"
    simulate = ["policy", "simulate", str(model_folder), str(folder), "-o", str(simulation)]
    code = (
        "import sys\n"
        "from adrisk.cli import main\n"
        "import adrisk.evaluation.curves\n"
        f"assert main(['report', {str(folder)!r}, '-o', {str(page)!r}]) == 0\n"
        f"assert main({simulate!r}) == 0\n"
        "heavy = {'matplotlib', 'networkx', 'PIL', 'torch', 'mlflow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert 'role="img"' in page.read_text("utf-8")
    assert "expected recall" in simulation.read_text("utf-8")
