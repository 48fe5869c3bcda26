"""Templates: what all say stays, what changes is a slot, in any script; nothing is invented."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.linking import grouped as counting
from adrisk.linking import template
from adrisk.linking.template import MAX_TOKENS, Template, template_of, tokens_of
from adrisk.report import terminal


def written(template: Template) -> str:
    """A template on one line, slots in brackets."""
    return "".join(
        "[" + "|".join(v.text.strip() for v in piece.values) + "]" if piece.slot else piece.text
        for piece in template.pieces
    )


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["Cooks wanted in Riverton, 300 a week", "Cooks wanted in New Town, 350 a week"],
            "Cooks wanted in [New Town|Riverton], [300|350]a week",
        ),
        (
            ["招聘厨师，月薪三千元，地点上海", "招聘厨师，月薪五千元，地点北京市"],
            "招聘厨师，月薪[三|五]千元，地点[上海|北京市]",
        ),
        (
            ["مطلوب عمال في المزرعة براتب شهري ٣٠٠", "مطلوب عمال في المصنع براتب شهري ٤٠٠"],
            "مطلوب عمال في [المزرعة|المصنع]براتب شهري [٣٠٠|٤٠٠]",
        ),
        (
            ["Требуются повара в Лесной, оплата 900", "Требуются повара в Речной, оплата 950"],
            "Требуются повара в [Лесной|Речной], оплата [900|950]",
        ),
        (["👩‍🌾 pickers, June 🌍", "👩‍🌾 packers, June 🌍"], "👩‍🌾 [packers|pickers], June 🌍"),
        (
            ["Call •••• now for this job", "CALL •• ••• now for this job"],
            "Call •••• now for this job",
        ),
        (["Réglée avant le départ en mer", "reglee avant le depart en mer"],
         "Réglée avant le départ en mer"),
    ],
)  # fmt: skip
def test_what_changes_is_a_slot_in_any_script(texts: list[str], expected: str) -> None:
    assert written(template_of(texts)) == expected


def test_a_slot_tells_how_many_texts_have_each_value_and_which_have_nothing() -> None:
    texts = [f"Night porter in {town}, room included" for town in ("Hull", "York", "Leeds")]
    template = template_of([*texts, "Night porter in Hull, own room included"])
    slots = [piece.values for piece in template.pieces if piece.slot]
    assert [[(v.text.strip(), v.texts) for v in slot] for slot in slots] == [
        [("Hull", 2), ("Leeds", 1), ("York", 1)],
        [("", 3), ("own", 1)],
    ]


def test_words_shared_by_chance_between_shuffled_sentences_do_not_cut_a_slot() -> None:
    one = "We pay the fare to the coast. Bring the papers to the office on Monday."
    two = "Bring the papers to the office on Monday. We pay the fare to the coast."
    template = template_of(
        [f"Deck hands needed. {one} Ask for Ann.", f"Deck hands needed. {two} Ask for Ann."]
    )
    common = [piece.text for piece in template.pieces if not piece.slot]
    assert common[0].startswith("Deck hands needed")
    assert len(common) <= 3


def test_marks_alone_are_no_difference() -> None:
    template = template_of(
        ["Deck hands, two cabins / call us now", "Deck hands - two cabins, call us now"]
    )
    assert written(template) == "Deck hands, two cabins / call us now"


def test_texts_of_another_template_are_left_out_and_counted() -> None:
    texts = [f"Cooks wanted in {town} now, good pay" for town in ("Hull", "York")]
    template = template_of([*texts, "Sunny room with a view of the river and the hills"])
    assert (template.texts, template.others) == (2, 1)


@pytest.mark.parametrize("texts", [[], [""], ["", " "], ["a"], ["same", "same"]])
def test_nothing_to_compare_is_no_slot(texts: list[str]) -> None:
    assert not any(piece.slot for piece in template_of(texts).pieces)


def test_a_very_long_text_is_read_up_to_a_limit() -> None:
    long = " ".join(f"w{i}" for i in range(5 * MAX_TOKENS))
    template = template_of([long + " a", long + " b"])
    assert sum(len(tokens_of(piece.text)) for piece in template.pieces) == MAX_TOKENS


@given(st.text(max_size=300))
def test_tokens_put_together_are_the_text(text: str) -> None:
    assert "".join(tokens_of(text)) == text.lstrip() or "".join(tokens_of(text)) == text


WORDS = st.lists(
    st.sampled_from(["ann", "bo", "cy", ",", "工", "作", "дом", "•••", "🌾"]), max_size=12
)


@given(st.lists(WORDS, min_size=2, max_size=5))
def test_every_text_can_be_read_off_its_template(lists: list[list[str]]) -> None:
    texts = [" ".join(words) for words in lists]
    template = template_of(texts)
    different = list(dict.fromkeys(texts))
    assert template.texts + template.others in (len(different), 0)
    for slot in (piece.values for piece in template.pieces if piece.slot):
        assert sum(value.texts for value in slot) == template.texts
    common = [t.strip() for p in template.pieces if not p.slot for t in tokens_of(p.text)]
    common = [token for token in common if token != ","]  # marks alone are no difference
    holding = [
        text for text in different if _in_order(common, [t.strip() for t in tokens_of(text)])
    ]
    assert len(holding) >= template.texts


def _in_order(wanted: list[str], tokens: list[str]) -> bool:
    rest = iter("•" if token.startswith("•") else token for token in tokens)
    return all(("•" if word.startswith("•") else word) in rest for word in wanted)


@pytest.mark.parametrize("module", [counting, template, terminal])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
