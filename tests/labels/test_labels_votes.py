"""Votes read from tables and made by rules; malformed votes are refused with their row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import load_corpus
from adrisk.errors import CorpusError
from adrisk.labels.votes import RISK, merge_ballots, read_votes, rule_votes
from adrisk.schema import VOTES
from builders import make_ads, make_texts

Vote = tuple[str | None, str | None, str | None]
ITEMS = ("vague_role", "no_contract")


def table(*ads: list[Vote] | None) -> pa.Table:
    votes = [
        ad and [dict(zip(("voter", "item", "says"), v, strict=True)) for v in ad] for ad in ads
    ]
    return pa.table({"ad_id": [f"ad{i}" for i in range(len(ads))], "votes": pa.array(votes, VOTES)})


def test_votes_become_one_matrix_an_item_with_gaps_for_abstentions() -> None:
    found = read_votes(
        table(
            [("ann", "vague_role", "present"), ("ben", "vague_role", "unsure"), ("ben", RISK, "3")],
            None,
            [("ben", "vague_role", "not_stated"), ("ann", RISK, "0")],
        ),
        ITEMS,
    )
    assert found["vague_role"].voters == ("ann", "ben")
    assert found["vague_role"].codes.tolist() == [[0, -1], [-1, -1], [-1, 2]]
    assert dict(zip(found[RISK].voters, found[RISK].codes.T.tolist(), strict=True)) == {
        "ben": [3, -1, -1],
        "ann": [-1, -1, 0],
    }
    assert list(found) == ["vague_role", RISK]


def test_a_table_without_votes_has_no_ballots() -> None:
    assert read_votes(pa.table({"ad_id": ["a"]}), ITEMS) == {}
    assert read_votes(table(None, []), ITEMS) == {}


@pytest.mark.parametrize(
    ("vote", "message"),
    [
        (
            ("ann", "vague_role", "maybe"),
            r"row 1 \(ad_id ad1\): the vote of 'ann' on 'vague_role' is 'maybe'; allowed are "
            "present, absent, not_stated, unsure",
        ),
        (("ann", RISK, "4"), "is '4'; allowed are 0, 1, 2, 3, unsure"),
        (("ann", RISK, "present"), "is 'present'; allowed are 0, 1, 2, 3, unsure"),
        (("ann", "vague_role", "2"), "is '2'; allowed are present"),
        (("ann", "vague_role", None), "is None; allowed are present"),
        (("ann", "vague_rol", "present"), "on 'vague_rol': no such item; allowed are risk and"),
        (("ann", None, "present"), "no such item"),
        (("", "vague_role", "present"), "has no voter"),
        ((None, "vague_role", "present"), "has no voter"),
        (("ben", "vague_role", "absent"), "occurs twice"),
    ],
)
def test_a_malformed_vote_is_named(vote: Vote, message: str) -> None:
    first: list[Vote] = [("ann", RISK, "1")]
    with pytest.raises(CorpusError, match=message):
        read_votes(table(first, [("ben", "vague_role", "present"), vote]), ITEMS)


def test_a_column_of_another_form_is_refused() -> None:
    ads = pa.table({"ad_id": ["a"], "votes": ["present"]})
    with pytest.raises(CorpusError, match="the column votes holds string; it must be a list of"):
        read_votes(ads, ITEMS)


def test_a_rule_speaks_where_it_fires_and_is_silent_on_the_other_ads_of_its_language() -> None:
    found = rule_votes(
        ["We keep your passport.", "A kitchen job.", "Un trabajo de cocina.", "You pay no fee."],
        ["en", "en", "es", None],
        ("document_retention", "no_contract"),
    )
    assert list(found) == ["document_retention", RISK]
    votes = found["document_retention"]
    assert all(voter.startswith("rule:en.document_retention.") for voter in votes.voters)
    assert votes.codes[:, 0].tolist() == [0, 2, -1, 2]
    assert found[RISK].voters == ("rule:graded",)
    assert found[RISK].codes[:2, 0].tolist() == [2, 0]


def test_ballots_of_two_groups_of_voters_stand_side_by_side() -> None:
    people = read_votes(
        table([("ann", "vague_role", "present"), ("ann", "no_contract", "absent")]), ITEMS
    )
    others = read_votes(table([("ben", "vague_role", "absent")]), ITEMS)
    both = merge_ballots(people, others)
    assert both["vague_role"].voters == ("ann", "ben")
    assert both["vague_role"].codes.tolist() == [[0, 1]]
    assert both["no_contract"].codes.tolist() == [[1]]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_votes_come_in_from_every_kind_of_file(form: str, tmp_path: Path) -> None:
    votes = [
        [{"voter": "ann", "item": RISK, "says": "2"}, {"voter": "ben", "item": RISK, "says": "0"}],
        None,
    ]
    texts = ["one kitchen job", "one garden job"]
    path = tmp_path / f"ads.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"text": texts, "votes": votes}), path)
    elif form == "jsonl":
        rows = [{"text": t, "votes": v} for t, v in zip(texts, votes, strict=True)]
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        quoted = json.dumps(votes[0]).replace('"', '""')
        path.write_text(f'text,votes\n{texts[0]},"{quoted}"\n{texts[1]},\n')
    corpus = load_corpus([str(path)])
    assert corpus.ads["votes"].to_pylist() == votes
    assert corpus.targets.risk.tolist() == [0, -1]  # of two levels the lower


def test_a_cell_that_is_no_list_of_votes_stops_training_and_not_reading(tmp_path: Path) -> None:
    path = tmp_path / "ads.csv"
    path.write_text("text,votes\none kitchen job,present\n")
    with pytest.raises(CorpusError, match="row 0 .*has no voter"):
        load_corpus([str(path)])


def test_label_columns_stay_where_there_are_no_votes(tmp_path: Path) -> None:
    texts, truth = make_texts(6, 2)
    ads = make_ads(texts, risk=np.where(truth, 3, 0))
    voted = pa.array([[{"voter": "a", "item": RISK, "says": "1"}]] + [None] * 5, VOTES)
    pq.write_table(ads.append_column("votes", voted), tmp_path / "ads.parquet")
    corpus = load_corpus([str(tmp_path / "ads.parquet")])
    np.testing.assert_array_equal(corpus.targets.risk, np.where(truth, 3, 0))
