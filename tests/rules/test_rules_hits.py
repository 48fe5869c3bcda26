"""`find_rule_hits` gives the matches of `match` as numbers, in the folded text."""

from __future__ import annotations

import numpy as np
import pytest

from adrisk.batch import make_batch
from adrisk.rules.match import find_rule_hits, match
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.text.normalise import fold, fold_column
from adrisk.types import State

ADS = [
    ("We keep your passport. Take your time.", "en"),
    ("Nothing to see here.", "en"),
    ("Ｗｅ ｈｏｌｄ ｙｏｕｒ p4ssport 🙂 until the debt is paid. No contract.", None),
    ("Retenemos su pasaporte hasta que pague la deuda.", "es"),
    ("", "fr"),
]


def of_ads(raw: list[str], languages: list[str | None]) -> list[set[tuple[str, bool, str]]]:
    """What `find_rule_hits` gives, by ad: the indicator, whether present, the folded words."""
    batch = make_batch(raw, languages)
    findings = find_rule_hits(raw, batch.folded, languages)
    ids, texts = load_taxonomy().text_ids, batch.folded.to_pylist()
    found: list[set[tuple[str, bool, str]]] = [set() for _ in raw]
    for ad, indicator, present, start, end in zip(
        findings.ad, findings.indicator, findings.present, findings.start, findings.end, strict=True
    ):
        found[ad].add((ids[indicator], bool(present), texts[ad][start:end]))
    return found


def test_they_are_those_of_match_in_the_folded_text() -> None:
    raw, languages = [text for text, _ in ADS], [language for _, language in ADS]
    for (text, language), found in zip(ADS, of_ads(raw, languages), strict=True):
        folded = fold(text)
        wanted = {
            (
                e.indicator,
                e.state is State.PRESENT,
                folded.text[folded.find(e.start) : folded.find(e.end - 1) + 1],
            )
            for e in match(text, language)
        }
        assert found == wanted
    assert of_ads(raw, languages)[0] == {
        ("document_retention", True, "we keep your passport"),
        ("urgency_or_secrecy", False, "take your time"),
    }


def test_rows_are_taken_in_any_order_and_more_than_once() -> None:
    batch = make_batch([text for text, _ in ADS], [language for _, language in ADS])
    taken = batch.rule_hits.take(np.array([3, 1, 0, 3]))
    present, absent = batch.rule_hits.states(len(load_taxonomy().text_ids))
    again = taken.states(len(load_taxonomy().text_ids))
    np.testing.assert_array_equal(again[0], present[[3, 1, 0, 3]])
    np.testing.assert_array_equal(again[1], absent[[3, 1, 0, 3]])
    assert present[3].any()
    assert not present[1].any()
    assert (np.diff(taken.ad) >= 0).all()


def test_no_ads_have_no_findings() -> None:
    findings = make_batch([]).rule_hits
    assert findings.ads == 0
    assert findings.states(3)[0].shape == (0, 3)
    assert len(findings.take(np.zeros(0, dtype=np.int64)).ad) == 0


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 texts need as many"):
        find_rule_hits(["a"], fold_column(make_batch(["a"]).raw), [])
