"""Campaign facts: counted exactly, unknown never counted, and each sign at its threshold."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk import schema
from adrisk.linking.cross_ad import load_thresholds
from adrisk.linking.facts import campaign_facts
from adrisk.linking.grouped import AdFacts, Column, busiest, distinct, packed, span
from adrisk.rules.taxonomy import load_taxonomy

START = datetime(2026, 3, 1, tzinfo=UTC)


def make_ad(**facts: object) -> dict[str, object]:
    """An ad of campaign `c` of which nothing is known but what is given."""
    return {
        "campaign": "c", "text": 0, "day": None, "place": None, "language": None,
        "account": None, "category": None, "contacts": (), **facts,
    }  # fmt: skip


def facts_of(*ads: dict[str, object]) -> list[dict[str, object]]:
    """The facts of the campaigns of some ads."""

    def column(name: str, fold: bool = False) -> Column:
        return Column.of(pa.array([ad[name] for ad in ads], pa.string()), fold=fold)

    days = [None if ad["day"] is None else START + timedelta(days=ad["day"]) for ad in ads]  # type: ignore[arg-type]
    shown = [(row, name) for row, ad in enumerate(ads) for name in ad["contacts"]]  # type: ignore[attr-defined]
    known = AdFacts(
        posted=np.array(
            [np.datetime64("NaT") if d is None else d.replace(tzinfo=None) for d in days],
            dtype="datetime64[us]",
        ),
        places=column("place", fold=True),
        languages=column("language"),
        accounts=column("account"),
        categories=column("category", fold=True),
        contact_rows=np.array([row for row, _ in shown], dtype=np.int64),
        contacts=Column.of(pa.array([name for _, name in shown], pa.string())),
    )
    ids = pa.array([ad["campaign"] for ad in ads], pa.string())
    table = campaign_facts(ids, np.array([ad["text"] for ad in ads], dtype=np.int64), known)
    assert table.schema.equals(schema.CAMPAIGN_FACTS)
    return table.to_pylist()


def seen_in(*ads: dict[str, object]) -> dict[str, str]:
    """The signs of one campaign, with their words."""
    (row,) = facts_of(*ads)
    return dict(zip(row["indicators"], row["words"], strict=True))  # type: ignore[call-overload]


def test_a_campaign_is_counted_exactly() -> None:
    (row,) = facts_of(
        make_ad(day=0, place="Riverton", language="en", account="a", category="farm"),
        make_ad(day=2, place=" riverton ", language="en", account="b", category="Farm"),
        make_ad(day=8, place="Lakeside", language="es", account="a", text=1),
    )
    assert (row["ads"], row["texts"], row["dated"], row["accounts"]) == (3, 2, 3, 2)
    assert (row["places"], row["place_names"]) == (2, ["Riverton", "Lakeside"])
    assert (row["languages"], row["sectors"]) == (["en", "es"], ["farm"])
    assert (row["first_posted"], row["last_posted"]) == (START, START + timedelta(days=8))
    assert [part for part, ads in enumerate(row["timeline"]) if ads] == [0, 6, 23]


def test_what_is_unknown_is_never_counted() -> None:
    (row,) = facts_of(*(make_ad() for _ in range(50)))
    assert {name: row[name] for name in ("dated", "places", "accounts", "contacts")} == {
        "dated": 0, "places": 0, "accounts": 0, "contacts": 0,
    }  # fmt: skip
    assert row["first_posted"] is row["last_posted"] is row["timeline"] is None
    assert row["indicators"] == ["near_duplicate_campaign"]
    assert row["words"] == ["50 near-copies of one text, accounts not known"]


def test_no_ads_give_no_campaigns() -> None:
    assert facts_of() == []


def test_a_contact_change_is_a_contact_taken_up_after_the_first() -> None:
    (row,) = facts_of(
        make_ad(day=0, contacts=("phone-1", "mail-1")),  # together: no change
        make_ad(day=3, contacts=("phone-1",)),
        make_ad(day=5, contacts=("phone-2",)),
        make_ad(day=6, contacts=("phone-1",)),  # back again: no change
        make_ad(day=9, contacts=("phone-3",)),
    )
    assert (row["contacts"], row["contact_changes"]) == (4, 2)


def test_contacts_are_named_by_short_pseudonyms_and_tied_to_texts_and_accounts() -> None:
    name = "0123456789abcdef" * 2
    (row,) = facts_of(
        make_ad(contacts=(name,), account="zoe", text=7),
        make_ad(contacts=(name,), account="ann", text=7),
        make_ad(account="zoe", text=9),
    )
    assert row["contact_names"] == [name[:12]]
    assert row["ties"] == [
        {"text": 1, "contact": name[:12], "account": None, "ads": 2},
        {"text": 1, "contact": None, "account": 1, "ads": 1},
        {"text": 1, "contact": None, "account": 2, "ads": 1},
        {"text": 2, "contact": None, "account": 1, "ads": 1},
    ]
    assert "zoe" not in str(row)


def places(count: int, days: float) -> list[dict[str, object]]:
    return [
        make_ad(place=f"p{i}", day=days * i / (count - 1), account=f"a{i % 2}", text=i)
        for i in range(count)
    ]


def test_many_places_in_little_time_show_at_the_threshold_and_not_below() -> None:
    assert seen_in(*places(4, 3)) == {
        "multi_location_velocity": "posted in 4 places within 3 days from 2 accounts"
    }
    assert seen_in(*places(3, 1)) == {}
    assert seen_in(*places(4, 3.1)) == {}


def test_a_commuter_between_two_places_shows_nothing() -> None:
    assert seen_in(*(make_ad(place=f"p{i % 2}", day=i, text=i) for i in range(40))) == {}


def copies(count: int, accounts: int) -> list[dict[str, object]]:
    return [make_ad(account=f"a{i % accounts}") for i in range(count)]


def test_near_copies_show_from_ten_ads_of_two_accounts() -> None:
    assert seen_in(*copies(10, 2)) == {
        "near_duplicate_campaign": "10 near-copies of one text from 2 accounts"
    }
    assert seen_in(*copies(9, 2)) == {}
    assert seen_in(*copies(40, 1)) == {}


def test_one_contact_behind_three_accounts_shows_if_their_texts_differ() -> None:
    def ads(accounts: int, texts: int) -> list[dict[str, object]]:
        return [
            make_ad(account=f"a{i % accounts}", text=i % texts, contacts=("x",)) for i in range(6)
        ]

    assert seen_in(*ads(3, 2)) == {
        "shared_contact_distinct_personas": "one contact in ads of 3 accounts, "
        "in 2 texts that are no copies of each other"
    }
    assert seen_in(*ads(2, 3)) == {}
    assert seen_in(*ads(3, 1)) == {}


@pytest.mark.parametrize(
    ("categories", "words"),
    [
        (("farm", "Wellness"), "one contact in 2 job ads and 2 service ads"),
        (("vagas de emprego", "rooms"), "one contact in 2 job ads and 2 housing ads"),
        (("работа", "аренда"), "one contact in 2 job ads and 2 housing ads"),
        (("for sale", "rooms"), None),
        (("rooms", "wellness"), None),
        (("jobs in massage", "rooms"), None),  # in two sectors at once: in none
    ],
)
def test_one_contact_across_sectors(categories: tuple[str, str], words: str | None) -> None:
    ads = [make_ad(category=c, contacts=("x",), text=i) for i, c in enumerate(categories * 2)]
    assert seen_in(*ads).get("shared_contact_across_sectors") == words
    assert seen_in(*ads[:3]) == {}  # one stray ad is a slip of the pen


def test_a_burst_of_one_contact_is_counted_in_its_busiest_days() -> None:
    slow = [make_ad(day=10 + i, contacts=("x",), text=i) for i in range(30)]
    fast = [make_ad(day=i / 10, contacts=("x",), text=100 + i) for i in range(25)]
    assert seen_in(*slow) == {}
    assert seen_in(*slow, *fast) == {"contact_reuse_burst": "one contact in 25 ads within 3 days"}


def test_signs_of_one_campaign_never_show_in_another() -> None:
    quiet = make_ad(campaign="quiet", place="p0", day=0, contacts=("x",), text=99)
    rows = facts_of(*places(5, 1), quiet)
    assert [row["indicators"] for row in rows] == [["multi_location_velocity"], []]


def test_every_campaign_indicator_of_the_taxonomy_has_a_threshold_and_a_reason() -> None:
    thresholds = load_thresholds()
    wanted = {i.id for i in load_taxonomy() if i.scope == "campaign"}
    assert set(thresholds.numbers) == set(thresholds.reasons) == wanted
    assert all(len(reason) > 40 for reason in thresholds.reasons.values())


SIGHTINGS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 12)))


@given(SIGHTINGS, st.integers(0, 5))
def test_the_busiest_window_is_what_trying_every_window_finds(
    sightings: list[tuple[int, int, int]], days: int
) -> None:
    keys, values, at = (np.array(c, dtype=np.int64) for c in zip(*sightings, strict=True)) if (
        sightings
    ) else (np.zeros(0, dtype=np.int64),) * 3  # fmt: skip
    posted = np.datetime64("2026-01-01", "us") + at * np.timedelta64(86_400_000_000, "us")
    expected = [
        max(
            (
                len({v for k, v, t in sightings if k == key and 0 <= end - t <= days})
                for end in range(13)
            ),
            default=0,
        )
        for key in range(3)
    ]
    assert busiest(keys, values, posted, days, 3).tolist() == expected
    alone = busiest(keys, None, posted, days, 3)
    assert alone.tolist() == busiest(keys, np.arange(len(keys)), posted, days, 3).tolist()


FAR = st.integers(-(2**62), 2**62) | st.integers(0, 3)


@given(st.lists(st.tuples(FAR, FAR, FAR)))
def test_packed_keys_are_in_the_order_of_the_keys_and_equal_where_they_are(
    rows: list[tuple[int, int, int]],
) -> None:
    keys = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    code = packed(*keys).tolist()
    assert [row for _, row in sorted(zip(code, rows, strict=True))] == sorted(rows)
    assert len(set(code)) == len(set(rows))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5))))
def test_a_span_is_from_the_first_moment_to_the_last(rows: list[tuple[int, int]]) -> None:
    keys = np.array([key for key, _ in rows], dtype=np.int64)
    posted = np.array([at for _, at in rows], dtype="datetime64[us]")
    seen = [[at for key, at in rows if key == wanted] for wanted in range(4)]
    first, last = (
        [None if np.isnat(moment) else int(moment.astype(int)) for moment in side]
        for side in span(keys, posted, 4)
    )
    assert first == [min(at, default=None) for at in seen]
    assert last == [max(at, default=None) for at in seen]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3))))
def test_distinct_counts_known_values_once(rows: list[tuple[int, int]]) -> None:
    of = np.array([g for g, _ in rows], dtype=np.int64)
    codes = np.array([c for _, c in rows], dtype=np.int64)
    expected = [len({c for g, c in rows if g == group and c >= 0}) for group in range(4)]
    assert distinct(of, codes, 4).tolist() == expected


@pytest.mark.slow
def test_one_campaign_of_two_hundred_thousand_ads_is_counted_in_seconds() -> None:
    n = 200_000
    rng = np.random.default_rng(0)
    names = [f"v{i}" for i in range(500)]
    some = Column(rng.integers(-1, 500, n), names)
    posted = np.datetime64("2026-01-01", "us") + np.arange(n) * np.timedelta64(10_000_000, "us")
    ads = AdFacts(posted, some, some, some, some, np.arange(n), some)
    began = time.perf_counter()
    table = campaign_facts(pa.repeat("c", n), np.zeros(n, dtype=np.int64), ads)
    assert time.perf_counter() - began < 20
    (row,) = table.to_pylist()
    assert (row["ads"], row["places"], sum(row["timeline"])) == (n, 500, n)
    assert len(row["ties"]) <= 24
