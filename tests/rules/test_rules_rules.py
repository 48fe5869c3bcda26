import doctest
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adrisk.rules.match as rules
from adrisk.rules import keywords, rulebook
from adrisk.rules import patterns as notation
from adrisk.rules import plain_text as plain
from adrisk.rules import prefilter as screen
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.keywords import keyword_counts
from adrisk.rules.match import match, match_all, match_column
from adrisk.rules.rulebook import EXAMPLES, load_rulebook
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.types import State

RULES = [(language, rule) for language in LANGUAGES for rule in load_rulebook(language).rules]
RULE_IDS = [rule.id for _, rule in RULES]


def found(text, language=None, state=State.PRESENT):
    return {e.indicator for e in match(text, language) if e.state is state}


@pytest.mark.parametrize("module", [rules, rulebook, keywords, notation, plain, screen])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(("language", "rule"), RULES, ids=RULE_IDS)
def test_a_rule_finds_its_examples_and_leaves_the_others(language, rule):
    for text in rule.finds:
        (hits,) = match_all([text], [language])
        assert any(e.found_by == rule.id and e.state is rule.state for e in hits), text
    for text in rule.leaves:
        stated = [e for e in match(text, language) if e.indicator == rule.indicator]
        assert not any(e.state is rule.state for e in stated), text


def test_every_rule_has_two_examples_for_and_against():
    assert all(min(len(r.finds), len(r.leaves)) >= EXAMPLES for _, r in RULES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_indicator_has_rules_in_every_language(language):
    present = [r.indicator for r in load_rulebook(language).rules if r.state is State.PRESENT]
    assert tuple(dict.fromkeys(present)) == load_taxonomy().text_ids


YOUTH = re.compile(
    r"\b(?:girls?|boys?|young at heart|young (?:lad(?:y|ies)|wom[ae]n)|teen\w*|schoolgirls?"
    r"|chic[ao]s?|muchach[ao]s?|señoritas?|jovencit\w*|joven|jóvenes"
    r"|menin[ao]s?|garot[ao]s?|rapariga\w*|rapaz(?:es)?|moç[ao]s?|novinh\w*|senhoritas?"
    r"|jovem|jovens|filles?|fillettes?|garçons?|jeunes?|demoiselles?"
    r"|hot(?!-line)|sexy|passionate|calientes?|apasionad\w*|quentes?|apaixonad\w*|chaude?s?|passionné\w*)\b",
    re.IGNORECASE,
)


def written(value):
    """Every text of a rules file: patterns, slots, examples."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in written(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in written(inner)]
    return [str(value)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_rule_speaks_of_youth_or_heat_except_those_against_the_work_of_minors(language):
    content = rulebook.read_yaml(rulebook.BOOKS / f"{language}.yaml")
    content["indicators"].pop("minor_recruitment")
    said = [text for text in written(content) if YOUTH.search(text)]
    assert not [YOUTH.findall(text) for text in said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pattern_compiles(language):
    book = load_rulebook(language)
    for phrase in (*(p for r in book.rules for p in r.phrases), *book.disclaimers, *book.hedges):
        assert phrase.pattern.search("\n") is None


def test_many_ads_are_matched_as_one_by_one():
    texts = [text for _, rule in RULES for text in (rule.finds[0], rule.leaves[0])]
    languages = [language for language, _ in RULES for _ in range(2)]
    languages[::7] = [None] * len(languages[::7])
    together = match_column(texts, languages)
    for text, language, evidence in list(zip(texts, languages, together, strict=True))[::5]:
        assert evidence == match(text, language)


def test_no_ads_give_no_evidence_and_uneven_columns_are_refused():
    assert match_column([], []) == []
    with pytest.raises(ValueError, match="1 texts need as many languages, got 0"):
        match_column(["a"], [])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("Hi! W\u200be k\u0435ep your ＩＤＳ", "W\u200be k\u0435ep your ＩＤＳ"),
        ("Good job! We ke3p your p4ssp0rt here", "We ke3p your p4ssp0rt"),
        ("Good job! We keep your p.a.s.s.p.o.r.t here", "We keep your p.a.s.s.p.o.r.t"),
        ("Good job! We k e e p your p a s s p o r t", "We k e e p your p a s s p o r t"),
        ("Good job! We keep your p\u0336a\u0336s\u0336s\u0336p\u0336o\u0336r\u0336t\u0336",
         "We keep your p\u0336a\u0336s\u0336s\u0336p\u0336o\u0336r\u0336t\u0336"),
        ("Good job! We kéep your pässport", "We kéep your pässport"),
    ],
)  # fmt: skip
def test_a_span_cuts_the_words_out_of_the_raw_text_although_they_were_obscured(raw, words):
    (evidence,) = match(raw, "en")
    assert evidence.indicator == "document_retention"
    assert raw[evidence.start : evidence.end] == words


@given(
    st.text(max_size=60),
    st.sampled_from([rule for _, rule in RULES if not rule.raw_patterns]),
    st.booleans(),
)
def test_a_span_always_lies_in_the_raw_text(noise, rule, first):
    raw = f"{rule.finds[0]} {noise}" if first else f"{noise}. {rule.finds[0]}"
    for evidence in match(raw):
        assert 0 <= evidence.start < evidence.end <= len(raw)


def test_the_opposite_is_absent_and_not_present():
    text = "No fee at any point, and you keep your passport."
    assert found(text, "en") == {"worker_protection"}
    assert found(text, "en", State.ABSENT) == {"recruitment_fee", "document_retention"}


@pytest.mark.parametrize(
    ("text", "language", "indicator"),
    [
        ("We will never keep your passport", "en", "document_retention"),
        ("Nunca guardamos tu pasaporte", "es", "document_retention"),
        ("Nunca guardamos o seu passaporte", "pt", "document_retention"),
        ("On ne garde jamais votre passeport", "fr", "document_retention"),
        ("la agencia paga el visado", "es", "debt_or_deduction"),
        ("you keep your passport", "en", "document_retention"),
        ("no fee at any point", "en", "recruitment_fee"),
        ("Vous ne payez rien pour ce poste", "fr", "recruitment_fee"),
        ("O voo é por nossa conta", "pt", "debt_or_deduction"),
    ],
)
def test_what_is_denied_or_turned_round_is_absent(text, language, indicator):
    assert indicator in found(text, language, State.ABSENT)
    assert indicator not in found(text, language)


def test_a_denial_reaches_to_the_end_of_its_clause_only():
    assert "document_retention" in found("No experience needed, we keep your passport", "en")
    assert "document_retention" in found("Not a farm. We keep your passport", "en")


def test_a_denied_denial_says_nothing():
    text = "Please do not apply through the form on this site"
    assert "off_platform_contact" not in found(text, "en", State.ABSENT)


@pytest.mark.parametrize(
    "notice",
    [
        "If somebody keeps your passport or makes you pay to leave, call us.",
        "Know your rights: nobody may keep your passport. We keep your passport is a crime.",
        "Free helpline. They say: we keep your passport, you work off the debt, tell nobody.",
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
        "Immigration lawyer, fixed fee for your papers, visa guaranteed or money back",
        "Fotos de pasaporte en cinco minutos",
        "Abogados de extranjería, trámites desde 90 €",
        "Avocat en droit des étrangers, forfait pour vos papiers",
        "Tradução juramentada de documentos, 30 € a página",
        "Room to let, deposit of one month, returned when you leave",
        "Bicycle for sale, good condition, 120 euros",
        "Rotation of 28 days on and 28 off, cabin on board, 12 hour watches",
        "Our reception takes the bookings for all four therapists",
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


RULE = "{pattern: a word, finds: [a word, the word], leaves: [b, c]}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{pattern: word, finds: [x, y]}", "the key `leaves` is missing"),
        ("{pattern: word, finds: [x], leaves: [y, z]}", "give 2 examples or more"),
        ("{pattern: '(word', finds: [x, y], leaves: [y, z]}", "'(' without ')' in '(word'"),
        ("{pattern: '{we} word', finds: [x, y], leaves: [y, z]}", "there is no slot 'we'"),
        ("{pattern: 'word<x>', finds: [x, y], leaves: [y, z]}", "<x> is neither"),
        ("{pattern: 'word|', finds: [x, y], leaves: [y, z]}", "an alternative of 'word|' is empty"),
        ("{pattern: '(word)?', finds: [x, y], leaves: [y, z]}", "must contain a word"),
        ("{pattern: word, find: [x]}", "unknown key 'find'"),
        ("{pattern: '[', text: raw, finds: [x, y], leaves: [y, z]}", "does not compile"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_and_rule(tmp_path, monkeypatch, rule, words):
    monkeypatch.setattr(rulebook, "BOOKS", tmp_path)
    (tmp_path / "xx.yaml").write_text(
        "negators: no\nnotices: []\ndoubts: []\nindicators:\n"
        f"  no_contract:\n    present:\n      a: {rule}\n",
        encoding="utf-8",
    )
    with pytest.raises(rulebook.ConfigError, match=r"xx\.yaml: rule xx\.no_contract\.a") as caught:
        load_rulebook("xx")
    assert words in str(caught.value)
