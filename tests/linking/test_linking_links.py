"""Every link can be asked why."""

from __future__ import annotations

import random
from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk import schema
from adrisk.extract.contacts import find_contacts
from adrisk.linking.links import Linked
from adrisk.linking.run import link_texts

WORDS = [a + b + c for a in ("ba", "ko", "ri", "te") for b in ("n", "rt") for c in ("a", "o", "is")]


def words(count: int, seed: object) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choice(WORDS) + draw.choice(WORDS) for _ in range(count))


def linked(texts: dict[str, str]) -> Linked:
    return link_texts(
        pa.table({"ad_id": list(texts), "text": pa.array(list(texts.values()), pa.large_string())})
    )


def test_a_near_copy_is_linked_to_its_groups_typical_ad_with_their_similarity() -> None:
    template = words(40, "template")
    found = linked({"a": template, "b": template, "c": f"{template} now"})
    assert found.links.schema.equals(schema.LINKS)
    campaign = found.campaigns["campaign_id"][0].as_py()
    links = found.links.to_pylist()
    assert [(row["ad_id"], row["other_ad_id"]) for row in links] == [("b", "a"), ("c", "a")]
    assert {row["campaign_id"] for row in links} == {campaign}
    assert {row["kind"] for row in links} == {"near-copy"}
    assert links[0]["strength"] == 1.0
    assert 0.8 < links[1]["strength"] < 1.0
    assert {row["contact"] for row in links} == {None}


def test_a_shared_contact_is_named_by_its_pseudonym_and_both_ads_show_it() -> None:
    one, other = words(30, 1), words(30, 2)
    texts = {
        "a": one,
        "b": f"{one} 202 555 0143",
        "c": f"{other} call (202) 555-0143",
        "d": other,
    }
    (bridge,) = [r for r in linked(texts).links.to_pylist() if r["kind"] == "shared contact"]
    assert {bridge["ad_id"], bridge["other_ad_id"]} == {"b", "c"}
    assert bridge["strength"] is None
    assert len(bridge["contact"]) == 12
    assert "555" not in texts["a"]


def test_the_group_of_every_ad_is_the_row_its_near_copy_link_leads_to() -> None:
    template, other = words(40, "template"), words(40, "other")
    ads = {"d": template, "b": f"{template} now", "a": other, "c": template, "e": "!", "f": other}
    found = linked(ads)
    rows = list(ads)
    leads = {row["ad_id"]: row["other_ad_id"] for row in found.links.to_pylist()}
    assert len(leads) == 3
    assert found.texts.tolist() == [rows.index(leads.get(ad, ad)) for ad in rows]


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_ads_with_the_same_text_without_a_word_are_not_linked(ids: tuple[str, str]) -> None:
    found = linked(dict.fromkeys(ids, "!"))
    assert found.links.num_rows == 0
    assert found.texts.tolist() == [0, 1]
    assert found.campaigns["reason"].to_pylist() == ["single", "single"]


def test_an_ad_alone_has_no_link() -> None:
    assert linked({"a": words(30, 1), "b": words(30, 2)}).links.num_rows == 0


PIECES = st.tuples(
    st.integers(0, 4), st.integers(0, 2), st.lists(st.integers(100, 105), max_size=3)
)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(PIECES, max_size=12))
def test_links_reach_every_ad_of_a_campaign_and_never_another_campaigns(
    pieces: list[tuple[int, int, list[int]]],
) -> None:
    texts = {
        f"ad{i}": f"{words(30, a)} {words(b, 'end')} " + " or ".join(f"202 555 0{n}" for n in lines)
        for i, (a, b, lines) in enumerate(pieces)
    }
    found = linked(texts)
    campaign = dict(
        zip(*(found.campaigns[c].to_pylist() for c in ("ad_id", "campaign_id")), strict=True)
    )
    reached: dict[str, set[str]] = {ad: {ad} for ad in texts}
    for row in found.links.to_pylist():
        ad, other = row["ad_id"], row["other_ad_id"]
        assert campaign[ad] == campaign[other] == row["campaign_id"]
        if row["kind"] == "shared contact":
            shown = [{c.value for c in find_contacts(texts[x])} for x in (ad, other)]
            assert shown[0] & shown[1]
        joined = reached[ad] | reached[other]
        for one in joined:
            reached[one] = joined
    groups = defaultdict(set)
    for ad, name in campaign.items():
        groups[name].add(ad)
    assert all(reached[ad] == groups[campaign[ad]] for ad in texts)
    assert found.links.num_rows == len(texts) - len(groups)


@pytest.mark.parametrize("order", [1, 2])
def test_links_do_not_depend_on_the_order_of_the_rows(order: int) -> None:
    texts = {f"ad{i}": f"{words(30, i // 4)} {words(1, i)}" for i in range(24)}
    names = random.Random(order).sample(list(texts), len(texts))
    shuffled = linked({name: texts[name] for name in names})
    assert shuffled.links.equals(linked(texts).links)
