import doctest
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adrisk.errors import ConfigError, UsageError
from adrisk.indicators import LANGUAGES, graded_risk, load_taxonomy, taxonomy
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


def write_file(folder: Path, *entries) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"indicators": list(entries)}), encoding="utf-8")
    return path


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(taxonomy).failed == 0


def test_the_taxonomy_has_27_text_and_5_campaign_indicators():
    assert len(TAXONOMY.text_ids) == 27
    assert len(TAXONOMY) == len(TAXONOMY.ids) == 32
    assert TAXONOMY.ids[-5:] == tuple(i.id for i in TAXONOMY if i.scope == "campaign")


def test_an_indicator_explains_itself_in_every_language():
    for indicator in TAXONOMY:
        assert set(indicator.title) == set(indicator.definition) == set(LANGUAGES)
        assert indicator.contrast
        assert indicator.source


def test_an_unknown_id_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean document_retention"):
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
