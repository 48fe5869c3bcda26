import doctest
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adrisk.errors import ConfigError, UsageError
from adrisk.rules import entries, taxonomy
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import match
from adrisk.rules.ruleset import load_ruleset
from adrisk.rules.taxonomy import graded_risk, load_taxonomy
from adrisk.types import Kind, Weight

TAXONOMY = load_taxonomy()
STRONG = [i.id for i in TAXONOMY if i.weight is Weight.STRONG and i.kind is Kind.EVIDENCE]
MEDIUM = [i.id for i in TAXONOMY if i.weight is Weight.MEDIUM]
WEAK = [i.id for i in TAXONOMY if i.weight is Weight.WEAK]
COUNTER = [i.id for i in TAXONOMY if i.kind is Kind.COUNTER]


def make_entry(**changes):
    return {
        "id": "own_signal",
        "scope": "text",
        "kind": "e",
        "weight": "weak",
        "source": "our reviewers",
        "title": dict.fromkeys(LANGUAGES, "Own signal"),
        "definition": dict.fromkeys(LANGUAGES, "Something only our platform sees."),
        "contrast": "Anything else.",
        **changes,
    }


def write_file(folder: Path, *entries, **more) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"indicators": list(entries), **more}), encoding="utf-8")
    return path


def make_rule(**changes):
    return {
        "pattern": "bring<2>lunch",
        "finds": ["bring your own lunch", "Bring lunch"],
        "leaves": ["lunch is served", "bring a hat"],
        **changes,
    }


@pytest.mark.parametrize("module", [taxonomy, entries])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_the_taxonomy_has_27_text_and_5_campaign_indicators():
    assert len(TAXONOMY.text_ids) == 27
    assert len(TAXONOMY) == len(TAXONOMY.ids) == 32
    assert TAXONOMY.ids[-5:] == tuple(i.id for i in TAXONOMY if i.scope == "campaign")


def test_an_indicator_explains_itself_in_every_language():
    for indicator in TAXONOMY:
        assert set(indicator.title) == set(indicator.definition) == set(LANGUAGES)
        assert indicator.contrast
        assert TAXONOMY.cited(indicator), indicator.source


def test_an_unknown_id_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'document_retention'"):
        TAXONOMY.get("document_retentoin")


def test_a_platform_adds_its_own_indicators_behind_ours(tmp_path):
    merged = load_taxonomy(write_file(tmp_path, make_entry()))
    assert merged.ids == (*TAXONOMY.ids, "own_signal")
    assert "own_signal" not in load_taxonomy().ids


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "no_contract"}, "the id no_contract is taken"),
        ({"weight": "huge"}, "weight must be one of none, weak, medium, strong, got 'huge'"),
        ({"kind": "z"}, "kind must be one of e, c, x"),
        ({"scope": "page"}, "scope must be one of text, campaign"),
        ({"title": {"en": "Own"}}, "title has no es text; write one"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"id": "own signal"}, "letters, digits and underscores"),
        ({"source": ""}, "source must be a text"),
    ],
)
def test_a_wrong_entry_is_refused_with_file_and_entry(tmp_path, changes, words):
    path = write_file(tmp_path, make_entry(**changes))
    with pytest.raises(ConfigError, match=r"own\.yaml: entry 1") as caught:
        load_taxonomy(path)
    assert words in str(caught.value)


def test_a_missing_key_is_named(tmp_path):
    entry = make_entry()
    del entry["contrast"]
    with pytest.raises(ConfigError, match="the key `contrast` is missing"):
        load_taxonomy(write_file(tmp_path, entry))


@pytest.mark.parametrize("content", ["[1, 2]", "indicators: 3", "a: [", "indicators: [3]"])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "own.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        load_taxonomy(path)


def test_a_missing_file_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_taxonomy(tmp_path / "none.yaml")


@given(st.sets(st.sampled_from(WEAK)))
def test_weak_indicators_alone_are_never_risky(present):
    assert graded_risk(present, TAXONOMY) == (1 if present else 0)


@given(st.sets(st.sampled_from(TAXONOMY.ids)), st.sampled_from(TAXONOMY.ids))
def test_evidence_never_lowers_and_counter_evidence_never_raises_the_risk(present, extra):
    before, after = graded_risk(present, TAXONOMY), graded_risk({*present, extra}, TAXONOMY)
    if extra in COUNTER:
        assert after <= before
    else:
        assert after >= before


@given(st.sets(st.sampled_from(TAXONOMY.ids)), st.sampled_from(STRONG))
def test_counter_evidence_never_cancels_a_strong_indicator(present, strong):
    assert graded_risk({*present, *COUNTER, strong}, TAXONOMY) >= 2


def test_one_medium_is_low_two_are_elevated_and_two_strong_are_high():
    assert graded_risk(MEDIUM[:1], TAXONOMY) == 1
    assert graded_risk(MEDIUM[:2], TAXONOMY) == 2
    assert graded_risk([STRONG[0], *MEDIUM[:2]], TAXONOMY) == 3
    assert graded_risk(STRONG[:2], TAXONOMY) == 3


def test_an_escalating_indicator_is_high_whatever_stands_beside_it():
    assert graded_risk(["minor_recruitment", "worker_protection"], TAXONOMY) == 3


def test_the_file_says_how_weights_become_risk_and_the_words_tell_it():
    words = TAXONOMY.risk.in_words()
    assert words[0] == "risk 3: at least 1 of kind x"
    assert "risk 2: at least 2 medium" in words
    assert words[-1].startswith("counter-evidence (kind c) lowers the risk by 1, but never below 3")


STEP = {"risk": 2, "at_least": {"medium": 1}}
RISK = {"levels": [STEP], "counter_evidence": {"by": 1, "not_below": []}}


def test_a_platform_may_combine_weights_in_its_own_way(tmp_path):
    strict = load_taxonomy(write_file(tmp_path, risk=RISK))
    assert graded_risk(MEDIUM[:1], strict) == 2
    assert graded_risk([*MEDIUM[:1], *COUNTER], strict) == 1
    assert graded_risk(WEAK, strict) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levels": 3}, "risk.levels must be a list"),
        ({"levels": [{"risk": 4, "at_least": {"weak": 1}}]}, "entry 1: risk must be 0 to 3, got 4"),
        ({"levels": [{"risk": 1, "at_least": {"week": 1}}]}, "there is no 'week'"),
        ({"levels": [{"risk": 1, "at_least": {"weak": 0}}]}, "at_least.weak must be 1 or more"),
        ({"levels": [{"risk": 1, "at_least": {}}]}, "at_least must be counts"),
        ({"levels": [STEP, {**STEP, "risk": 3}]}, "must begin with the highest risk"),
        ({"counter_evidence": {"by": 9, "not_below": []}}, "by must be 0 to 3, got 9"),
        ({"counter_evidence": {"by": 1}}, "must have the keys by, not_below"),
        ({"colour": 1}, "must have the keys levels, counter_evidence"),
    ],
)
def test_a_wrong_way_of_combining_is_refused(tmp_path, changes, words):
    path = write_file(tmp_path, risk={**RISK, **changes})
    with pytest.raises(ConfigError, match=r"own\.yaml") as caught:
        load_taxonomy(path)
    assert words in str(caught.value)


def test_a_platform_adds_rules_for_its_own_indicators_and_for_ours(tmp_path):
    rules = {
        "en": {"own_signal": {"present": {"lunch": make_rule()}}},
        "any": {"no_contract": {"present": {"hat": make_rule(pattern="hat trick")}}},
    }
    ours = load_ruleset(write_file(tmp_path, make_entry(), rules=rules))
    found = match("Bring lunch", "en", ours)
    assert [e.found_by for e in found] == ["platform.en.own_signal.lunch"]
    assert match("Bring lunch", "fr", ours) == []
    assert [e.indicator for e in match("Un hat trick", "fr", ours)] == ["no_contract"]


def test_a_restricted_list_escalates_whatever_stands_beside_it(tmp_path):
    (tmp_path / "list.txt").write_text("# ours\nblue teapot*\n\U0001f9c3\n", encoding="utf-8")
    entry = make_entry(kind="x")
    path = write_file(tmp_path, entry, restricted={"own_signal": "list.txt"})
    ours = load_ruleset(path)
    for text in ("No blue  teapots! Know your rights", "blue te4p0t", "cheers \U0001f9c3"):
        (evidence,) = [e for e in match(text, "pt", ours) if e.indicator == "own_signal"]
        assert evidence.found_by == "platform.restricted.own_signal"
        assert evidence.state == "present"
        assert graded_risk({"own_signal", *COUNTER}, ours.taxonomy) == 3
    assert match("green teapot", "pt", ours) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"rule": {}}, "unknown key 'rule' (did you mean 'rules'"),
        ({"rules": {"de": {}}}, "rules are by language, en, es, pt, fr or any, got 'de'"),
        ({"rules": {"en": {"no_contrct": {}}}}, "did you mean 'no_contract'?"),
        ({"rules": [1]}, "expected names with values below them"),
        ({"restricted": {"no_contract": "list.txt"}}, "belongs to an indicator of kind x"),
        ({"restricted": {"minor_recruitment": "none.txt"}}, "cannot be read"),
        ({"restricted": {"minor_recruitment": "empty.txt"}}, "holds no phrases"),
        ({"restricted": {"minor_recruitment": ["a"]}}, "expected the path of a text file"),
        ({"risk": {}}, "risk must have the keys"),
    ],
)
def test_a_wrong_platform_file_is_refused_and_says_why(tmp_path, content, words):
    (tmp_path / "list.txt").write_text("blue teapot\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises((ConfigError, UsageError)) as caught:
        load_taxonomy(path)
    assert words in str(caught.value)
