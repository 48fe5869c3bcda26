"""Tonight's ads join yesterday's campaigns, and ids stay what they were."""

from __future__ import annotations

import json
import random
import stat
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import ConfigError, UsageError
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.link import link
from adrisk.linking.links import Linked
from adrisk.linking.memory import Memory, remember
from adrisk.linking.run import Signed, Signer
from adrisk.linking.unique_texts import TextNumbers, unique_texts
from adrisk.types import IntArray

NIGHT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Pseudonymiser(bytes(32), "campaigns")
WORDS = [a + b + c for a in ("ba", "ko", "ri", "te") for b in ("n", "rt") for c in ("a", "o", "is")]


def words(count: int, seed: object) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choice(WORDS) + draw.choice(WORDS) for _ in range(count))


def signed_texts(ads: dict[str, str]) -> tuple[IntArray, Signed]:
    found = unique_texts(pa.table({"text": pa.array(list(ads.values()), pa.large_string())}))
    text_of, new = TextNumbers().add(found)
    return text_of, Signer(KEY)((found.texts.take(pa.array(new)), None))


def night(memory: Memory, ads: dict[str, str], day: int = 0) -> Linked:
    text_of, signed = signed_texts(ads)
    return memory.link(
        pa.array(list(ads), pa.string()),
        signed.signatures,
        signed.contacts,
        text_of=text_of,
        now=NIGHT + timedelta(days=day),
    )


def at_once(ads: dict[str, str]) -> Linked:
    text_of, signed = signed_texts(ads)
    return link(
        pa.array(list(ads), pa.string()), signed.signatures, signed.contacts, text_of=text_of
    )


def ids(linked: Linked) -> dict[str, str]:
    columns = (linked.campaigns[name].to_pylist() for name in ("ad_id", "campaign_id"))
    return dict(zip(*columns, strict=True))


def remembered(memory: Memory) -> dict[str, str]:
    columns = memory.campaigns().to_pydict()
    return dict(zip(columns["ad_id"], columns["campaign_id"], strict=True))


def partition(campaigns: dict[str, str]) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for ad, campaign in campaigns.items():
        groups.setdefault(campaign, set()).add(ad)
    return {frozenset(group) for group in groups.values()}


def test_tonights_copy_joins_yesterdays_campaign_under_its_id(tmp_path: Path) -> None:
    template = words(40, "template")
    with remember(tmp_path, "board") as memory:
        first = ids(night(memory, {"z1": template, "z2": template + " now", "y": words(40, 1)}))
    with remember(tmp_path, "board") as memory:
        second = night(memory, {"a": template, "b": words(40, 2)}, day=1)
    assert ids(second)["a"] == first["z1"] == first["z2"]
    assert second.campaigns["campaign_size"].to_pylist() == [3, 1]
    assert second.links.to_pylist()[0]["other_ad_id"] in first


def test_copies_of_ads_only_remembered_are_numbered_behind_the_last_row(tmp_path: Path) -> None:
    one, other = words(40, "one"), words(40, "other")
    with remember(tmp_path, "board") as memory:
        night(memory, {"b1": one, "b2": one, "c": other})
        tonight = {"z": one, "g": other, "m": words(40, "new"), "a": one}
        found = night(memory, tonight, day=1)
    leads = {row["ad_id"]: row["other_ad_id"] for row in found.links.to_pylist()}
    assert leads == {"z": "b1", "a": "b1", "g": "c"}
    assert found.campaigns["ad_id"].to_pylist() == list(tonight)
    behind = [leads[row["ad_id"]] for row in found.links.to_pylist()]
    number = {name: 4 + at for at, name in enumerate(dict.fromkeys(behind))}
    assert found.texts.tolist() == [number["b1"], number["c"], 2, number["b1"]]


def test_a_contact_seen_yesterday_joins_tonights_ad(tmp_path: Path) -> None:
    with remember(tmp_path, "board") as memory:
        first = ids(night(memory, {"y": words(30, 1) + " call 202 555 0143"}))
        second = night(memory, {"t": words(30, 2) + " (202) 555-0143"}, day=1)
    assert ids(second)["t"] == first["y"]
    assert second.links.to_pylist()[0]["kind"] == "shared contact"
    assert second.campaigns["reason"].to_pylist() == ["shared contact"]


def test_where_two_campaigns_become_one_the_older_id_survives_and_that_is_said(
    tmp_path: Path,
) -> None:
    with remember(tmp_path, "board") as memory:
        old = ids(night(memory, {"b": words(30, 1) + " 202 555 0143"}))["b"]
        new = ids(night(memory, {"a": words(30, 2) + " 202 555 0144"}, day=1))["a"]
        both = {"c": words(30, 3) + " 202 555 0143 or 202 555 0144"}
        joined = night(memory, both, day=2)
    assert old != new
    assert ids(joined) == {"c": old}
    assert joined.merged == ((new, old),)
    assert f"campaign {new} is now part of the older {old}" in joined.notes


def test_the_same_night_twice_counts_nothing_twice_and_keeps_the_ids(tmp_path: Path) -> None:
    ads = {f"ad{i}": words(30, i // 3) for i in range(9)}
    with remember(tmp_path, "board") as memory:
        first, second = night(memory, ads), night(memory, ads)
    assert second.campaigns.equals(first.campaigns)


def test_an_ad_that_was_rewritten_stays_in_its_campaign(tmp_path: Path) -> None:
    template = words(40, "template")
    with remember(tmp_path, "board") as memory:
        first = ids(night(memory, {"a": template, "b": template}))
        second = night(memory, {"b": words(40, "another")}, day=1)
    assert ids(second)["b"] == first["a"]
    assert second.campaigns["reason"].to_pylist() == ["joined earlier"]
    assert second.links["kind"].to_pylist() == ["joined earlier"]


def test_ads_that_were_not_seen_for_long_are_forgotten(tmp_path: Path) -> None:
    template = words(40, "template")
    with remember(tmp_path, "board", days=30) as memory:
        night(memory, {"a": template})
        night(memory, {"b": words(40, 1)}, day=29)
        late = night(memory, {"c": template}, day=31)
        later = night(memory, {"d": words(40, 1)}, day=50)
    assert late.campaigns["campaign_size"].to_pylist() == [1]
    assert later.campaigns["campaign_size"].to_pylist() == [2]


def test_what_was_joined_stays_joined_when_the_ad_that_joined_it_is_forgotten(
    tmp_path: Path,
) -> None:
    one, other = words(30, 1) + " 202 555 0143", words(30, 2) + " 202 555 0144"
    with remember(tmp_path, "board", days=30) as memory:
        night(memory, {"bridge": words(30, 3) + " 202 555 0143 or 202 555 0144"})
        night(memory, {"one": one, "other": other}, day=20)
        night(memory, {"third": other}, day=40)
        found = remembered(memory)
    assert set(found) == {"one", "other", "third"}
    assert len(set(found.values())) == 1


def test_a_campaign_joined_by_what_turns_out_to_be_everybodys_is_parted_and_that_is_said(
    tmp_path: Path,
) -> None:
    hotline = " questions: 202 555 0100"
    with remember(tmp_path, "board") as memory:
        first = ids(night(memory, {f"a{i}": words(30, i) + hotline for i in range(3)}))
        more = {f"b{i}": words(30, 10 + i) + hotline for i in range(60)}
        second = night(memory, more, day=1)
        found = remembered(memory)
    assert len(set(first.values())) == 1
    assert len(set(found.values())) == 63
    (old,) = set(first.values())
    assert sum(campaign == old for campaign in found.values()) == 1
    assert {was for was, _ in second.parted} == {old}
    assert any(
        f"campaign {old} was joined by a shared contact or boilerplate" in n for n in second.notes
    )


def test_one_name_knows_nothing_of_another(tmp_path: Path) -> None:
    with remember(tmp_path, "one") as memory:
        night(memory, {"a": words(40, 1)})
    with remember(tmp_path, "two") as memory:
        assert night(memory, {"b": words(40, 1)}).campaigns["campaign_size"].to_pylist() == [1]


def test_what_is_kept_holds_no_text_and_no_contact_and_is_its_owners_alone(
    tmp_path: Path,
) -> None:
    with remember(tmp_path, "board") as memory:
        night(memory, {"a": "Zimmermädchen gesucht 202 555 0143 someone@example.org"})
    folder = tmp_path / "campaigns" / "board"
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for plain in (b"Zimmer", b"zimmer", b"5550143", b"example.org", b"someone"):
        assert plain not in kept
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        remember(tmp_path, "board"),
        pytest.raises(UsageError, match="another run is at work"),
        remember(tmp_path, "board"),
    ):
        pass


def test_a_killed_write_leaves_what_was_remembered_before(tmp_path: Path) -> None:
    with remember(tmp_path, "board") as memory:
        first = ids(night(memory, {"a": words(40, 1)}))
    (tmp_path / "campaigns" / "board" / "0123456789abcdef").mkdir()  # begun, never pointed to
    with remember(tmp_path, "board") as memory:
        assert ids(night(memory, {"b": words(40, 1)}))["b"] == first["a"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "pointer"])
def test_damage_is_told_with_what_to_do(tmp_path: Path, damage: str) -> None:
    with remember(tmp_path, "board") as memory:
        night(memory, {"a": words(40, 1)})
        folder = tmp_path / "campaigns" / "board"
        current = folder / "current.json"
        texts = folder / json.loads(current.read_text())["version"] / "texts.parquet"
        if damage == "missing":
            texts.unlink()
        elif damage == "truncated":
            texts.write_bytes(texts.read_bytes()[:100])
        else:
            current.write_text("{}")
        with pytest.raises(ConfigError, match="restore the folder from a backup, or remove it"):
            night(memory, {"b": words(40, 2)})


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name campaigns"), remember(tmp_path, name):
        pass


PIECES = st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(["", "0143", "0144"]))


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.lists(PIECES, max_size=14), st.integers(0, 14), st.integers(0, 14))
def test_nights_one_by_one_give_the_campaigns_of_all_at_once(
    pieces: list[tuple[int, int, str]], one: int, two: int
) -> None:
    """As long as no contact is everybody's: what was joined once stays joined."""
    ads = {
        f"ad{i:02d}": f"{words(40, template)} {words(1, edit)} " + (line and f"202 555 {line}")
        for i, (template, edit, line) in enumerate(pieces)
    }
    cuts = [0, *sorted((min(one, len(ads)), min(two, len(ads)))), len(ads)]
    with TemporaryDirectory() as scratch, remember(Path(scratch), "board") as memory:
        for day, (first, last) in enumerate(pairwise(cuts)):
            night(memory, dict(list(ads.items())[first:last]), day)
        together = remembered(memory)
    assert partition(together) == partition(ids(at_once(ads)))


@pytest.mark.slow
def test_planted_campaigns_are_found_night_by_night_as_at_once(tmp_path: Path) -> None:
    draw = random.Random(1)
    ads = {}
    for campaign in range(120):
        blocks = [words(14, (campaign, block)) for block in range(4)]
        for copy in range(min(60, int(draw.paretovariate(1.1)))):
            edited = draw.sample(blocks, 4) if draw.random() < 0.3 else blocks
            text = f"{edited[0]} {words(1, draw.random())} {edited[1]} {edited[2]} {edited[3]}"
            if draw.random() < 0.5:
                text += f" 202 555 0{100 + campaign % 99}"
            ads[f"ad{campaign}-{copy}"] = text
    order = draw.sample(list(ads), len(ads))
    with remember(tmp_path, "board") as memory:
        for day in range(5):
            before = remembered(memory)
            gone = dict(night(memory, {ad: ads[ad] for ad in order[day::5]}, day).merged)
            found = remembered(memory)
            # An ad's campaign changes its id only by becoming part of an older one, as was said.
            assert all(found[ad] == gone.get(old, old) for ad, old in before.items())
    whole = ids(at_once(ads))

    def pairs(labels: list[object]) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(labels).values())

    both = pairs([(found[ad], whole[ad]) for ad in ads])
    assert 2 * both / (pairs(list(found.values())) + pairs(list(whole.values()))) > 0.99
    assert np.unique(list(whole.values())).size < len(ads)
