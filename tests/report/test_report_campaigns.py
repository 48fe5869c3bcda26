"""Facts written by scoring, and what `adrisk campaigns` makes of a scored folder."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adrisk.cli
from adrisk import schema
from adrisk.api import report, score
from adrisk.errors import MissingExtraError, UsageError
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.report.campaigns import campaign_item, export_campaigns, queue_items
from adrisk.report.terminal import campaign_text, queue_text
from builders import RISKY, make_ads, make_texts

POLICY = PolicyConfig(review_at=0.5, urgent_at=0.9, capacity=20, audit_share=0.0)
TOWNS = ("Riverton", "Lakeside", "Porttown", "Hillford", "Millbrook", "Ashby")


def planted() -> pa.Table:
    """Sixty ads on their own, and one campaign: 12 copies, six towns, four accounts, two days."""
    texts, _ = make_texts(60, 3, seed=8)
    start = datetime(2026, 5, 1, tzinfo=UTC)
    copies = [
        f"Boat crew wanted near {TOWNS[n % 6]} at once, long shifts at sea. {RISKY}. "
        f"Cabin shared, meals on board, write now to +1 202 555 01{43 + n // 6}"
        for n in range(12)
    ]
    ads = make_ads([*texts, *copies])
    columns = {
        "location": [None] * 60 + [TOWNS[n % 6] for n in range(12)],
        "account_id": [None] * 60 + [f"account-{n % 4}" for n in range(12)],
        "category": [None] * 60 + ["sea"] * 12,
        "posted_at": [None] * 60 + [start + timedelta(hours=4 * n) for n in range(12)],
    }
    for name, values in columns.items():
        at = ads.schema.get_field_index(name)
        ads = ads.set_column(
            at, schema.ADS.field(name), pa.array(values, ads.schema.field(at).type)
        )
    return ads


def scored(ads: pa.Table, model_folder: Path, tmp_path: Path) -> Path:
    source = tmp_path / "ads.parquet"
    pq.write_table(ads, source)
    model = Model.load(model_folder)
    return score(model, [str(source)], tmp_path / "out", tmp_path / "ws", policy=POLICY).folder


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    return scored(planted(), model_folder, tmp_path)


def crew(folder: Path) -> dict[str, object]:
    """The facts of the planted campaign."""
    rows = pq.read_table(folder / "campaign_facts.parquet").to_pylist()
    return next(row for row in rows if row["sectors"] == ["sea"])


def test_scoring_writes_one_row_of_facts_a_campaign(folder: Path) -> None:
    table = pq.read_table(folder / "campaign_facts.parquet")
    assert table.schema.equals(schema.CAMPAIGN_FACTS)
    campaigns = pq.read_table(folder / "campaigns.parquet")
    assert campaigns.schema.equals(schema.CAMPAIGNS)
    assert table["campaign_id"].to_pylist() == campaigns["campaign_id"].unique().to_pylist()
    assert sum(table["ads"].to_pylist()) == len(campaigns) == 72
    facts = crew(folder)
    assert (facts["ads"], facts["texts"], facts["places"], facts["accounts"]) == (12, 1, 6, 4)
    assert (facts["contacts"], facts["contact_changes"]) == (2, 1)
    assert facts["indicators"] == ["near_duplicate_campaign", "multi_location_velocity"]


def test_flags_tell_what_shows_across_the_ads(folder: Path) -> None:
    facts = crew(folder)
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    reasons = [f["reasons"] for f in flags if f["campaign_id"] == facts["campaign_id"]]
    assert all("posted in 6 places within 3 days from 4 accounts" in said for said in reasons)


def test_campaigns_are_queued_by_campaign_risk(folder: Path) -> None:
    facts = pq.read_table(folder / "campaign_facts.parquet")
    risk = dict(zip(*(facts[c].to_pylist() for c in ("campaign_id", "risk")), strict=True))
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    ranks = {f["campaign_id"]: f["rank"] for f in flags if f["rank"]}
    urgent = {f["campaign_id"] for f in flags if f["level"] == "urgent"}
    order = sorted(ranks, key=lambda c: ranks[c])
    assert order == sorted(ranks, key=lambda c: (c not in urgent, -risk[c], ranks[c]))
    assert len(order) > 1


def test_the_campaign_is_shown_by_number_id_and_beginning(folder: Path) -> None:
    campaign_id = str(crew(folder)["campaign_id"])
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    (rank,) = {f["rank"] for f in flags if f["campaign_id"] == campaign_id}
    text = campaign_text(campaign_item(folder, campaign_id))
    assert (
        text
        == campaign_text(campaign_item(folder, str(rank)))
        == campaign_text(campaign_item(folder, campaign_id[:9]))
    )
    assert "places     6: " in text
    assert "Boat crew wanted near [1: " in text
    assert "555 01" not in text
    assert f"number {rank} in the queue" in text
    assert campaign_id in queue_text(*queue_items(folder))


def test_a_campaign_outside_the_queue_can_be_shown(folder: Path) -> None:
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    clear = next(f["campaign_id"] for f in flags if f["rank"] is None)
    text = campaign_text(campaign_item(folder, clear))
    assert "not in the queue" in text
    assert "not flagged" in text
    assert "time       not known" in text


@pytest.mark.parametrize("which", ["", "no-such", "99999999999", "c"])
def test_a_campaign_that_is_not_there_is_told(folder: Path, which: str) -> None:
    with pytest.raises(UsageError, match="no campaign|give more of the id"):
        campaign_item(folder, which)


def test_exports_hold_facts_and_pseudonyms_and_neither_text_nor_contact(folder: Path) -> None:
    import networkx

    table, graph = folder / "x.parquet", folder / "x.graphml"
    assert export_campaigns(folder, table) == export_campaigns(folder, graph) > 1
    facts = pq.read_table(table)
    assert facts["rank"].to_pylist() == sorted(facts["rank"].to_pylist())
    assert facts.schema.names[:3] == ["rank", "level", "campaign_id"]
    network = networkx.read_graphml(graph)
    kinds = [kind for _, kind in network.nodes(data="kind")]
    assert {kind: kinds.count(kind) for kind in ("campaign", "contact")}["contact"] >= 2
    assert kinds.count("campaign") == len(facts)
    campaign = network.nodes[f"campaign {crew(folder)['campaign_id']}"]
    assert (campaign["ads"], campaign["places"]) == (12, 6)
    for written in (graph.read_text(), str(facts.to_pylist())):
        for secret in ("Boat crew", "passport", "555", "2025550143", "account-1"):
            assert secret not in written


def test_without_networkx_graphml_names_the_extra_and_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'adrisk\[graph\]'"):
        export_campaigns(folder, folder / "none.graphml")
    assert not list(folder.glob("*none.graphml*"))


def test_one_campaign_can_be_exported(folder: Path) -> None:
    out = folder / "one.parquet"
    assert export_campaigns(folder, out, str(crew(folder)["campaign_id"])) == 1
    assert pq.read_table(out)["campaign_id"].to_pylist() == [crew(folder)["campaign_id"]]


def test_an_ending_that_is_not_known_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet or \.graphml"):
        export_campaigns(folder, folder / "x.csv")
    assert not (folder / "x.csv").exists()


def test_the_command_lists_shows_exports_and_refuses(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adrisk.cli.main(["campaigns", str(folder)]) == 0
    assert "12 near-copies of one text from 4 accounts" in capsys.readouterr().out
    assert adrisk.cli.main(["campaigns", str(folder), "1"]) == 0
    assert "A flag asks a person to look" in capsys.readouterr().out
    out = folder / "x.graphml"
    assert adrisk.cli.main(["campaigns", str(folder), "--export", str(out)]) == 0
    assert out.exists()
    assert adrisk.cli.main(["campaigns", str(folder / "scores")]) == 2
    assert "adrisk score" in capsys.readouterr().err


def test_a_place_that_holds_a_contact_or_steers_a_terminal_is_written_harmlessly(
    model_folder: Path, tmp_path: Path
) -> None:
    ads = planted()
    at = ads.schema.get_field_index("location")
    nasty = ["call +1 202 555 0143 \x1b[2J\u202e" + "x" * 500] * 72
    folder = scored(ads.set_column(at, "location", pa.array(nasty)), model_folder, tmp_path)
    (name,) = crew(folder)["place_names"]  # type: ignore[misc]
    assert "0143" not in name
    assert name.isprintable()
    assert len(name) < 100


def test_ads_without_anything_but_text_are_scored_shown_and_reported(
    model_folder: Path, tmp_path: Path
) -> None:
    texts = ["", " ", "🌾", "عمل في المزرعة " + RISKY, *[f"{RISKY} {n} " * 3 for n in range(5)]]
    ads = make_ads(texts, dated=False).drop_columns(["posted_at", "source"])
    folder = scored(ads, model_folder, tmp_path)
    for row in pq.read_table(folder / "campaign_facts.parquet").to_pylist():
        assert (row["dated"], row["timeline"], row["places"], row["accounts"]) == (0, None, 0, 0)
    assert queue_text(*queue_items(folder))
    assert campaign_text(campaign_item(folder, "1"))
    assert report(folder).stat().st_size < 1_000_000


def test_a_campaign_that_goes_on_from_an_earlier_run_says_what_is_new(
    model_folder: Path, tmp_path: Path
) -> None:
    ads = planted()
    model = Model.load(model_folder)
    for night, part in enumerate((ads.slice(0, 66), ads.slice(66))):
        source, out = tmp_path / f"ads-{night}.parquet", tmp_path / f"out-{night}"
        pq.write_table(part, source)
        score(model, [str(source)], out, tmp_path / "ws", policy=POLICY, remember="nightly")
    facts = crew(tmp_path / "out-1")
    assert facts["campaign_id"] == crew(tmp_path / "out-0")["campaign_id"]
    assert (facts["ads"], facts["texts"]) == (6, 1)
    assert "12 ads, 6 of them in this run" in campaign_text(campaign_item(tmp_path / "out-1", "1"))
    assert "of <b>12</b> ads, 6 of them in this run" in report(tmp_path / "out-1").read_text()


@pytest.mark.slow
def test_a_campaign_of_many_thousand_ads_is_shown_as_quickly_as_a_small_one(
    model_folder: Path, tmp_path: Path
) -> None:
    count = 20_000
    rng = np.random.default_rng(0)
    towns = rng.choice(TOWNS, count)
    texts = [
        f"Boat crew wanted near {town}, {RISKY}, cabin shared, meals on board" for town in towns
    ]
    folder = scored(make_ads(texts), model_folder, tmp_path)
    (row,) = pq.read_table(folder / "campaign_facts.parquet").to_pylist()
    assert (row["ads"], row["dated"]) == (count, count)
    text = campaign_text(campaign_item(folder, "1"))
    assert "20,000 ads" in text
    assert "near [1: " in text
    assert report(folder).stat().st_size < 500_000
