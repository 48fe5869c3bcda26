"""Explanations: spans are exactly the words meant, through obfuscation, and faithful."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.batch import MAX_CHARS, make_batch
from adrisk.model.explain import RISK, evidence_of, explain
from adrisk.model.model import Model
from builders import FILLER, RISKY


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Model:
    return Model.load(model_folder)


def test_the_planted_phrase_is_marked_word_for_word(model: Model) -> None:
    text = f"Hotel team, bus season. {RISKY.title()}! Uniform given."
    found = [e for e in explain(model, text).evidence if e.indicator == RISK]
    marked = " ".join(text[e.start : e.end] for e in found).lower()
    assert "passport" in marked or "debt" in marked
    assert "uniform" not in marked
    assert found == sorted(found, key=lambda e: -e.strength)
    assert all(e.found_by == "ngram" and e.strength > 0 for e in found)


def test_obfuscated_words_are_marked_where_they_stand(model: Model) -> None:
    raw = RISKY.replace("passport", "ｐａｓｓ\u200bport")
    found = explain(model, raw).evidence
    assert any("ｐａｓｓ\u200bport" in raw[e.start : e.end] for e in found)


@given(text=st.text(max_size=120))
@settings(max_examples=40)
def test_spans_lie_in_the_text(model: Model, text: str) -> None:
    for e in evidence_of(model, make_batch([text]), dict.fromkeys(model.labels, 0.9)):
        assert 0 <= e.start < e.end <= len(text)
        assert text[e.start : e.end].strip()


def test_only_likely_indicators_get_spans(model: Model) -> None:
    label = model.labels[0]
    names = {
        e.indicator for e in evidence_of(model, make_batch([RISKY]), {label: 0.4}) if e.strength
    }
    assert label not in names
    names = {
        e.indicator for e in evidence_of(model, make_batch([RISKY]), {label: 0.6}) if e.strength
    }
    assert label in names


def test_deleting_the_marked_words_lowers_the_score_more_than_deleting_others(
    model: Model,
) -> None:
    text = " ".join(FILLER) + ". " + RISKY
    why = explain(model, text)
    strongest = next(e for e in why.evidence if e.indicator == RISK)
    without = text[: strongest.start] + text[strongest.end :]
    length = strongest.end - strongest.start
    elsewhere = text[length:]
    assert explain(model, without).risk < explain(model, elsewhere).risk


def test_a_very_long_text_is_explained_within_what_was_read(model: Model) -> None:
    text = "season " * 5000 + RISKY
    assert all(e.end <= MAX_CHARS for e in explain(model, text).evidence)


def test_an_empty_text_has_no_evidence(model: Model) -> None:
    assert explain(model, "").evidence == ()
