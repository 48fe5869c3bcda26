"""What a model reads: the rules are asked once, and only if somebody wants to know."""

from __future__ import annotations

import numpy as np
import pytest

from adrisk import batch as module
from adrisk.batch import make_batch
from adrisk.rules import match as rules

ADS = ["We keep your passport.", "Paid every Friday, written contract.", "Kitchen help wanted."]


def test_the_rules_are_asked_once_for_all_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    matches = module.RuleMatches
    monkeypatch.setattr(
        module, "RuleMatches", lambda raw, *more: (asked.append(len(raw)), matches(raw, *more))[1]
    )
    whole = make_batch(ADS, ["en"] * 3)
    first, second = whole.take([0, 2]), whole.take([1])
    assert asked == []
    alone = make_batch([ADS[1]], ["en"]).rule_hits
    np.testing.assert_array_equal(second.rule_hits.indicator, alone.indicator)
    assert set(first.rule_hits.ad.tolist()) == {0}
    assert whole.rule_hits.ads == 3
    assert asked == [1, 3]


def test_evidence_and_hits_of_a_batch_take_one_rule_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    match_language = rules.match_language
    monkeypatch.setattr(
        rules,
        "match_language",
        lambda raw, *more: (asked.append(len(raw)), match_language(raw, *more))[1],
    )
    batch = make_batch(ADS, ["en"] * 3)
    found = batch.rule_matches.evidence(np.array([True, False, True]))
    hits = batch.rule_hits
    assert asked == [3]
    assert found == [rules.match(ADS[0], "en"), [], []]
    assert len(hits.ad) > len(found[0])  # the second ad's are among the columns alone


def test_contacts_are_looked_for_once_for_all_that_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    find = module.masked_column
    monkeypatch.setattr(
        module, "masked_column", lambda raw, *more: (asked.append(len(raw)), find(raw, *more))[1]
    )
    whole = make_batch([*ADS, "Call 202-555-0143."], ["en"] * 4)
    taken = whole.take([3, 0])
    assert asked == []
    assert taken.folded.to_pylist() == ["call [phone]     .", ADS[0].lower()]
    assert [len(found) for found in taken.contacts] == [1, 0]
    assert whole.unmasked[3].as_py() == "call 202-555-0143."
    assert whole.folded[3].as_py() == "call [phone]     ."
    assert asked == [4]


def test_taken_rows_are_those_rows() -> None:
    taken = make_batch(ADS, ["en", "fr", None]).take([2, 0])
    assert taken.raw.to_pylist() == [ADS[2], ADS[0]]
    assert taken.folded.to_pylist() == [ADS[2].lower(), ADS[0].lower()]
    assert list(taken.languages) == [None, "en"]
    assert not taken.truncated.any()
