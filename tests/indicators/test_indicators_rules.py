import doctest

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.indicators import (
    LANGUAGES,
    keywords,
    load_taxonomy,
    match,
    match_column,
    rulebook,
    rules,
)
from adrisk.indicators.keywords import keyword_counts
from adrisk.indicators.rulebook import load_rulebook
from adrisk.types import State

RULES = [(language, rule) for language in LANGUAGES for rule in load_rulebook(language).rules]
RULE_IDS = [rule.id for _, rule in RULES]


def found(text, language=None, state=State.PRESENT):
    return {e.indicator for e in match(text, language) if e.state is state}


@pytest.mark.parametrize("module", [rules, rulebook, keywords])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(("language", "rule"), RULES, ids=RULE_IDS)
def test_a_rule_finds_its_example_and_leaves_the_other(language, rule):
    hits = match(rule.finds, language)
    assert any(e.found_by == rule.id and e.state is rule.state for e in hits)
    assert not any(
        e.indicator == rule.indicator and e.state is rule.state
        for e in match(rule.leaves, language)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_indicator_has_rules_in_every_language(language):
    present = [r.indicator for r in load_rulebook(language).rules if r.state is State.PRESENT]
    assert tuple(dict.fromkeys(present)) == load_taxonomy().text_ids


def test_many_ads_are_matched_as_one_by_one():
    texts = [text for _, rule in RULES for text in (rule.finds, rule.leaves)]
    languages = [language for language, _ in RULES for _ in range(2)]
    languages[::7] = [None] * len(languages[::7])
    together = match_column(texts, languages)
    assert together == [match(*pair) for pair in zip(texts, languages, strict=True)]


def test_no_ads_give_no_evidence_and_uneven_columns_are_refused():
    assert match_column([], []) == []
    with pytest.raises(ValueError, match="1 texts need as many languages, got 0"):
        match_column(["a"], [])


def test_a_span_cuts_the_words_out_of_the_raw_text_although_it_was_obscured():
    raw = "Good job! W\u200be k\u0435ep your ＰＡＳＳＰＯＲＴ in the office"
    (evidence,) = match(raw, "en")
    assert raw[evidence.start : evidence.end] == "W\u200be k\u0435ep your ＰＡＳＳＰＯＲＴ"


@given(st.text(max_size=60), st.sampled_from([rule for _, rule in RULES if not rule.on_raw]))
def test_a_span_always_lies_in_the_raw_text(noise, rule):
    raw = f"{noise}. {rule.finds}"
    for evidence in match(raw):
        assert 0 <= evidence.start < evidence.end <= len(raw)


def test_the_opposite_is_absent_and_not_present():
    text = "No fee at any point, and you keep your passport."
    assert found(text, "en") == {"worker_protection"}
    assert found(text, "en", State.ABSENT) == {"recruitment_fee", "document_retention"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We will never keep your passport", "en"),
        ("Nunca guardamos tu pasaporte", "es"),
        ("Nunca guardamos o seu passaporte", "pt"),
    ],
)
def test_a_negated_statement_is_absent(text, language):
    assert found(text, language) == set()
    assert found(text, language, State.ABSENT) == {"document_retention"}


@pytest.mark.parametrize(
    "notice",
    [
        "If somebody keeps your passport or makes you pay to leave, call us.",
        "Know your rights: nobody may keep your passport. We keep your passport is a crime.",
        "Si alguien se queda con tu pasaporte, llama. Guardamos tu pasaporte no es legal.",
        "Conheça os seus direitos: ninguém sai da quinta é ilegal.",
        "Signes de traite des êtres humains: on garde votre passeport, pas de contrat.",
    ],
)
def test_a_warning_is_not_evidence(notice):
    assert found(notice) == set()


@pytest.mark.parametrize(
    "harmless",
    [
        "Passport photos in five minutes, visa size too",
        "Immigration lawyer, fixed fee for your papers",
        "Fotos de pasaporte en cinco minutos",
        "Avocat en droit des étrangers, forfait pour vos papiers",
        "Room to let, deposit of one month, returned when you leave",
        "Bicycle for sale, good condition, 120 euros",
    ],
)
def test_ordinary_ads_with_the_same_words_are_left_alone(harmless):
    assert found(harmless) == set()


def test_without_a_language_all_four_are_tried():
    text = "We keep your passport. On garde votre passeport."
    assert [e.found_by[:2] for e in match(text)] == ["en", "fr"]
    assert [e.found_by[:2] for e in match(text, "de")] == ["en", "fr"]
    assert [e.found_by[:2] for e in match(text, "fr")] == ["fr"]


def test_accents_may_be_missing():
    assert found("el movil se entrega y se usa los domingos", "es") == {
        "isolation_or_movement_control"
    }


def test_keywords_are_counted_without_understanding():
    texts = pa.array(["you keep your passport, no visa needed", "Fahrrad", None], pa.large_string())
    assert keyword_counts(texts).tolist() == [2, 0, 0]


def test_a_rule_without_an_example_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(rulebook, "_FOLDER", tmp_path)
    (tmp_path / "xx.yaml").write_text(
        "negators: no\nawareness: []\nindicators:\n"
        "  no_contract:\n    present:\n      a: {pattern: x, finds: x}\n",
        encoding="utf-8",
    )
    with pytest.raises(
        rulebook.ConfigError, match=r"xx.no_contract.a: the key `leaves` is missing"
    ):
        load_rulebook("xx")
