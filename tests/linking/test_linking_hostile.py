"""Input that is made to make linking slow, wrong or fail."""

from __future__ import annotations

import random
import time

import numpy as np
import pyarrow as pa
import pytest

from adrisk.linking.link import CONTACTS, link
from adrisk.linking.links import Linked
from adrisk.linking.minhash import signatures
from adrisk.linking.run import link_texts

WORDS = [a + b + c for a in ("ba", "ko", "ri", "te") for b in ("n", "rt") for c in ("a", "o", "is")]


def words(count: int, seed: object) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choice(WORDS) + draw.choice(WORDS) for _ in range(count))


def ads(texts: list[str]) -> pa.Table:
    ids = [f"ad{i:06d}" for i in range(len(texts))]
    return pa.table({"ad_id": ids, "text": pa.array(texts, pa.large_string())})


def sizes(linked: Linked) -> list[int]:
    return linked.campaigns["campaign_size"].to_pylist()


def phones(first: int, count: int) -> str:
    return " ".join(
        f"+1 {201 + i // 99} 555 01{1 + i % 99:02d}" for i in range(first, first + count)
    )


def test_an_ad_with_a_hundred_phones_joins_nobody_and_that_is_said() -> None:
    texts = [f"{words(30, i)} {phones(3 * i, 1)}" for i in range(30)]
    texts += [f"{words(30, 'twin')} {phones(0, 1)}", f"{words(30, 'directory')} {phones(0, 100)}"]
    linked = link_texts(ads(texts))
    assert sizes(linked) == [2] + [1] * 29 + [2, 1]
    assert set(linked.guarded["reason"].to_pylist()) == {
        "in ads that list many contacts, as a directory does"
    }
    assert any("as a directory does" in note for note in linked.notes)


def test_all_ads_sharing_one_contact_stay_apart_and_the_contact_is_named() -> None:
    linked = link_texts(ads([f"{words(30, i)} 202 555 0143" for i in range(300)]))
    assert set(sizes(linked)) == {1}
    assert linked.guarded.to_pylist() == [
        {
            "contact": linked.guarded["contact"][0].as_py(),
            "ads": 300,
            "groups": 300,
            "reason": "in many unlike ads, as a hotline or a platform's own number is",
        }
    ]
    assert len(linked.guarded["contact"][0].as_py()) == 12
    assert linked.notes[0].startswith("contact ")
    assert "0143" not in "".join(linked.notes)


def test_a_thousand_copies_do_not_make_their_phone_a_hotline() -> None:
    text = f"{words(30, 'copied')} 202 555 0143"
    linked = link_texts(ads([text] * 1000 + [f"{words(30, 'other')} 202 555 0143"]))
    assert set(sizes(linked)) == {1001}
    assert linked.guarded.num_rows == 0


def test_a_footer_below_everybodys_ads_makes_nobody_a_copy() -> None:
    footer = words(60, "footer")
    long = [f"{words(50, i)} {footer}" for i in range(60)]
    short = [f"{words(8, ('short', i))} {footer}" for i in range(60)]
    assert max(sizes(link_texts(ads(long + short)))) <= 2


def test_ads_without_text_stand_alone_however_many_there_are() -> None:
    linked = link_texts(ads(["..."] * 500 + [""] * 500))
    assert set(sizes(linked)) == {1}
    assert linked.links.num_rows == 0


@pytest.mark.slow
def test_an_endless_ad_is_linked_like_any_other() -> None:
    text = words(60_000, "endless")
    assert sizes(link_texts(ads([text, f"{text} more", "short"]))) == [2, 2, 1]


@pytest.mark.slow
def test_a_block_of_200_000_copies_is_one_campaign_with_a_link_for_each() -> None:
    text = f"{words(40, 'block')} 202 555 0143"
    table = ads([text] * 200_000 + [words(40, i) for i in range(100)])
    begun = time.process_time()
    linked = link_texts(table)
    assert time.process_time() - begun < 30
    assert sizes(linked)[:2] == [200_000, 200_000]
    assert linked.links.num_rows == 199_999
    assert set(linked.links["strength"].to_pylist()) == {1.0}


@pytest.mark.slow
def test_a_hundred_contacts_in_each_of_thousands_of_ads_are_not_slow() -> None:
    count = 5_000
    signed = signatures(pa.array([words(12, i) for i in range(count)], pa.large_string()))
    rows = np.repeat(np.arange(count), 100)
    names = pa.array([f"{n % 7_919:032x}" for n in range(len(rows))], pa.string())
    contacts = pa.table([pa.array(rows, pa.int32()), names], schema=CONTACTS)
    begun = time.process_time()
    linked = link(pa.array([f"ad{i}" for i in range(count)]), signed, contacts)
    assert time.process_time() - begun < 20
    assert set(sizes(linked)) == {1}


@pytest.mark.slow
def test_a_web_of_shared_contacts_does_not_become_one_giant() -> None:
    count, draw = 3_000, random.Random(1)
    signed = signatures(pa.array([words(30, i) for i in range(count)], pa.large_string()))
    pairs = sorted({(row, f"{draw.randrange(1_500):032x}") for row in range(count) for _ in "ab"})
    contacts = pa.table([[r for r, _ in pairs], [n for _, n in pairs]], schema=CONTACTS)
    linked = link(pa.array([f"ad{i}" for i in range(count)]), signed, contacts)
    assert max(sizes(linked)) <= 200
    assert "too many unlike ads" in " ".join(linked.notes)
