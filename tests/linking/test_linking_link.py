from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk import schema
from adrisk.linking.link import CONTACTS, link
from adrisk.linking.minhash import signatures
from adrisk.linking.run import link_texts

LATIN = [a + b for a in ("ba", "ko", "ri", "te", "lu", "mo", "sa", "pe") for b in ("n", "rt", "la")]
CYRILLIC = [
    a + b for a in ("ба", "ко", "ри", "те", "лу", "мо", "са", "пе") for b in ("н", "рт", "ла")
]
CHINESE = [chr(0x4E00 + 37 * i) for i in range(400)]


def make_ads(texts: list[str], ids: list[str] | None = None) -> pa.Table:
    ids = ids or [f"ad{i:04d}" for i in range(len(texts))]
    return pa.table({"ad_id": ids, "text": pa.array(texts, pa.large_string())})


def sentence(words: list[str], count: int, seed: object, gap: str = " ") -> str:
    """Words of one script, two at a time, so that there are many."""
    draw = random.Random(str(seed))
    return gap.join(draw.choice(words) + draw.choice(words) for _ in range(count))


def plant(words: list[str], gap: str, campaigns: int = 40) -> tuple[list[str], list[int]]:
    """Ads of several templates, with a town, a wage and a phone of their own in each."""
    texts, truth = [], []
    for campaign in range(campaigns):
        draw = random.Random(campaign)
        blocks = [sentence(words, 12, (campaign, block), gap) for block in range(4)]
        for _ in range(draw.randint(1, 9)):
            town = sentence(words, 1, draw.random(), gap)
            wage, line = draw.randint(9, 30), draw.randint(100, 199)
            texts.append(
                gap.join([blocks[0], town, blocks[1], f"{wage}", blocks[2], blocks[3]])
                + f" +1 202 555 0{line}"
            )
            truth.append(campaign)
    return texts, truth


def pair_f1(truth: list[int], found: list[str]) -> float:
    def pairs(labels: list[object]) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(labels).values())

    both = pairs(list(zip(truth, found, strict=True)))
    return 2 * both / (pairs(list(truth)) + pairs(list(found)))


def contact_table(pairs: list[tuple[int, str]]) -> pa.Table:
    return pa.table([[row for row, _ in pairs], [name for _, name in pairs]], schema=CONTACTS)


def campaigns_of(table: pa.Table) -> list[str]:
    return table["campaign_id"].to_pylist()


@pytest.mark.parametrize(
    ("words", "gap"),
    [(LATIN, " "), (CYRILLIC, " "), (CHINESE, "")],
    ids=["latin", "cyrillic", "chinese"],
)
def test_planted_campaigns_are_recovered_in_every_script(words: list[str], gap: str) -> None:
    texts, truth = plant(words, gap)
    signed = signatures(pa.array(texts, pa.large_string()))
    table = link(pa.array([f"ad{i}" for i in range(len(texts))]), signed).campaigns
    assert pair_f1(truth, campaigns_of(table)) >= 0.95


def test_boilerplate_alone_makes_no_campaign() -> None:
    boilerplate = sentence(LATIN, 40, "boilerplate")
    texts = [f"{sentence(LATIN, 40, i)} {boilerplate}" for i in range(60)]
    assert set(link_texts(make_ads(texts)).campaigns["reason"].to_pylist()) == {"single"}


def test_the_order_of_the_rows_does_not_matter() -> None:
    texts, _ = plant(LATIN, " ")
    ads = make_ads(texts)
    order = random.Random(1).sample(range(len(texts)), len(texts))
    straight, shuffled = link_texts(ads).campaigns, link_texts(ads.take(pa.array(order))).campaigns
    assert shuffled.equals(straight.take(pa.array(order)).combine_chunks()) or (
        shuffled.to_pylist() == straight.take(pa.array(order)).to_pylist()
    )


def test_rows_keep_their_order_and_the_schema() -> None:
    table = link_texts(make_ads(["one two three", "", "four"], ["z", "y", "x"])).campaigns
    assert table.schema.equals(schema.CAMPAIGNS)
    assert table["ad_id"].to_pylist() == ["z", "y", "x"]
    assert all(len(i) == 16 and i.startswith("c") for i in campaigns_of(table))


def test_no_ads_give_no_rows() -> None:
    table = link_texts(make_ads([])).campaigns
    assert table.schema.equals(schema.CAMPAIGNS)
    assert table.num_rows == 0


def test_ads_without_text_stand_alone() -> None:
    table = link_texts(make_ads(["", " ", "...", "★"])).campaigns
    assert len(set(campaigns_of(table))) == 4
    assert set(table["reason"].to_pylist()) == {"single"}


def test_short_ads_join_only_if_nearly_equal() -> None:
    table = link_texts(
        make_ads(
            [
                "hotel needs cleaners in spring, good team",
                "hotel needs cleaners in spring, GOOD team!",
                "hotel needs cleaners in autumn, good team",
            ]
        )
    ).campaigns
    one, two, three = campaigns_of(table)
    assert one == two != three


def test_a_shared_contact_joins_different_texts() -> None:
    texts = [f"{sentence(LATIN, 30, i)} call 202 555 0143" for i in range(3)]
    texts += [f"{sentence(LATIN, 30, 9)} call two 0 two 555 0144", sentence(LATIN, 30, 10)]
    table = link_texts(make_ads(texts)).campaigns
    assert table["campaign_size"].to_pylist() == [3, 3, 3, 1, 1]
    assert table["reason"].to_pylist() == ["shared contact"] * 3 + ["single"] * 2


def test_the_reason_says_why_this_ad_is_in_the_campaign() -> None:
    template = sentence(LATIN, 40, "template")
    texts = [
        template,
        template,
        f"{template} 202 555 0143",
        f"{sentence(LATIN, 40, 1)} 202 555 0143",
    ]
    table = link_texts(make_ads(texts)).campaigns
    assert table["campaign_size"].to_pylist() == [4] * 4
    assert table["reason"].to_pylist() == [
        "near-copy",
        "near-copy",
        "near-copy and shared contact",
        "shared contact",
    ]


def test_a_support_number_in_everybodys_ads_joins_nobody() -> None:
    texts = [f"{sentence(LATIN, 40, i)} questions: 202 555 0143" for i in range(60)]
    assert set(link_texts(make_ads(texts)).campaigns["reason"].to_pylist()) == {"single"}


def test_one_authors_many_rewordings_join_through_the_contact() -> None:
    core = sentence(LATIN, 40, "core")
    texts = [f"{core} {sentence(LATIN, 25, i)}" for i in range(40)]
    contacts = [(i, "key") for i in range(40)]
    ids = pa.array([f"ad{i}" for i in range(40)])
    table = link(
        ids, signatures(pa.array(texts, pa.large_string())), contact_table(contacts)
    ).campaigns
    assert max(table["campaign_size"].to_pylist()) >= 38


def test_contacts_do_not_chain_strangers_into_one_giant() -> None:
    count = 600
    texts = pa.array([sentence(LATIN, 30, i) for i in range(count)], pa.large_string())
    contacts = [(row, f"key{(row + step) // 10}") for row in range(count) for step in (0, 5)]
    table = link(
        pa.array([f"ad{i}" for i in range(count)]), signatures(texts), contact_table(contacts)
    ).campaigns
    assert max(table["campaign_size"].to_pylist()) <= 200


def test_a_chain_of_copies_does_not_become_one_campaign() -> None:
    words = [f"w{i}" for i in range(460)]
    texts = [" ".join(words[at : at + 60]) for at in range(0, 400, 4)]
    sizes = link_texts(make_ads(texts)).campaigns["campaign_size"].to_pylist()
    assert 2 <= max(sizes) <= 25


@pytest.mark.slow
def test_a_block_of_equal_and_of_nearly_equal_texts_is_not_quadratic() -> None:
    template = sentence(LATIN, 60, "template").split()
    edited = []
    for i in range(20_000):
        words = list(template)
        words[i % 60] = f"town{i}"
        edited.append(" ".join(words))
    texts = pa.array([" ".join(template)] * 30_000 + edited, pa.large_string())
    signed = signatures(texts)
    started = time.perf_counter()
    table = link(pa.array([f"ad{i}" for i in range(len(texts))]), signed).campaigns
    assert time.perf_counter() - started < 10
    assert len(set(campaigns_of(table))) == 1


def test_a_memory_map_links_like_an_array(tmp_path: Path) -> None:
    texts, _ = plant(LATIN, " ", 10)
    signed = signatures(pa.array(texts, pa.large_string()))
    signed.tofile(tmp_path / "signatures")
    mapped = np.memmap(tmp_path / "signatures", np.uint32, "r", shape=signed.shape)
    ids = pa.chunked_array([[f"ad{i}" for i in range(len(texts))]])
    assert link(ids, mapped) == link(ids, signed)


@pytest.mark.parametrize("similarity", [0.0, 1.1])
def test_a_similarity_out_of_range_is_refused(similarity: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        link(pa.array(["a"]), signatures(pa.array(["x"])), similarity=similarity)


def test_signatures_and_contacts_must_fit_the_ids() -> None:
    signed = signatures(pa.array(["x", "y"]))
    with pytest.raises(ValueError, match="for each of 1 ads one of 2 signatures"):
        link(pa.array(["a"]), signed)
    with pytest.raises(ValueError, match="rows 0 to 2, but there are 2"):
        link(pa.array(["a", "b"]), signed, contact_table([(0, "k"), (2, "k")]))


TEMPLATES = [sentence(LATIN, 20, i) for i in range(3)]
ADS = st.lists(
    st.one_of(
        st.sampled_from([*TEMPLATES, "", "short ad", TEMPLATES[0] + " more"]), st.text(max_size=20)
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(
    ADS, st.lists(st.tuples(st.integers(0, 11), st.sampled_from("kmn")), max_size=8), st.randoms()
)
def test_every_ad_gets_one_campaign_whose_size_agrees(
    texts: list[str], pairs: list[tuple[int, str]], draw: random.Random
) -> None:
    contacts = [(row, key) for row, key in pairs if row < len(texts)]
    signed = signatures(pa.array(texts, pa.large_string()))
    ids = [f"ad{i}" for i in range(len(texts))]
    table = link(pa.array(ids, pa.string()), signed, contact_table(contacts)).campaigns
    sizes = Counter(campaigns_of(table))
    assert table["ad_id"].to_pylist() == ids
    for row in table.to_pylist():
        assert row["campaign_size"] == sizes[row["campaign_id"]]
        assert (row["reason"] == "single") == (row["campaign_size"] == 1)

    order = draw.sample(range(len(texts)), len(texts))
    place = {old: new for new, old in enumerate(order)}
    again = link(
        pa.array([ids[i] for i in order], pa.string()),
        signed[order],
        contact_table([(place[row], key) for row, key in reversed(contacts)]),
    ).campaigns
    assert sorted(map(str, again.to_pylist())) == sorted(map(str, table.to_pylist()))
