import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.rules.pattern_pieces import GAP, LAST_GAP
from adrisk.rules.patterns import NotationError, Slots, phrases
from adrisk.rules.plain_text import AD_SEPARATOR, plain
from adrisk.rules.prefilter import Prefilter

SLOTS = {"papers": "passports?|id cards?", "we": "we|our {papers}"}


def finds(notation, text):
    return [p.pattern.search(text) is not None for p in phrases(notation, SLOTS)]


@pytest.mark.parametrize(
    ("notation", "text", "hit"),
    [
        ("we keep", "so we, keep it", True),
        ("we keep", "we never keep", False),
        ("we<1>keep", "we never keep", True),
        ("we<1>keep", "we will never keep", False),
        ("we (will )?keep", "we keep", True),
        ("we (will )?keep", "we will keep", True),
        ("(very )*good", "very very good", True),
        ("{papers} kept", "id cards kept", True),
        ("deduct* now", "deductions now", True),
        ("deduct now", "deductions now", False),
        ("e-mail", "email", True),
        ("e-mail", "e-mail", True),
        ("don't go", "don't go", True),
        ("pay <sum>", "pay $1,200", True),
        ("pay <sum>", "pay 80 euros", True),
        ("pay <sum>", "pay 12 times", False),
        ("visas? [0-9]", "visa 5", True),
        ("después", "despues", True),
        ("main d'œuvre", "main d'ouvre", True),
        ("<begin>keep it", "keep it safe", True),
        ("<begin>keep it", "they keep it safe", False),
        ("<begin>keep it", "they come, keep it", False),
        ("ask for [a-z]*<end>", "ask for mary", True),
        ("ask for [a-z]*<end>", "ask for mary and tom", False),
        ("ask for [a-z]*<end>", "ask for anne-marie", True),
        ("new in [a-z]* today", "new in el paso today", True),
        ("new in [a-z]* today", "new in old paso today", False),
    ],
)
def test_the_signs_of_the_notation_mean_what_the_module_says(notation, text, hit):
    assert finds(notation, text) == [hit]


def test_outermost_alternatives_are_phrases_of_their_own():
    assert finds("cat|dog", "dog") == [False, True]


@pytest.mark.parametrize("notation", ["(a", "a)", "{nobody}", "<10>", "[", "a||b", "[a^]"])
def test_a_pattern_that_cannot_be_read_is_refused(notation):
    with pytest.raises(NotationError):
        phrases(notation, SLOTS)


NOTATIONS = [
    "{we} keep<2>{papers}", "(sign|hand)(s|ed)? (it )?(over|off)", "re(pay|turn)* <sum>",
    "(no|without( a)?) (written )?contract", "visas? (is|are)( not)? (sure|certain)", "pay-slips?",
]  # fmt: skip
LINES = (
    "we our passport passports id card cards keep kept sign signed hands it over off repay returns",
    "return 300 euros no without a written contract visa visas is are not sure certain pay slip",
    "payslips very long",
)
WORDS = [word for line in LINES for word in line.split()]


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.sampled_from(NOTATIONS))
def test_the_screen_never_hides_a_match(words, notation):
    text = " ".join(words)
    for phrase in phrases(notation, SLOTS):
        if phrase.pattern.search(text):
            assert list(Prefilter([phrase]).candidates([text])) == [[0]]


SIGNS = [*WORDS, " ", " ", ", ", ". ", "-", "'", "$", "%", "_", "\x01"]
ANY_GAP = r"(?:[^a-z0-9_%$]++|(?<![a-z0-9_%$])|\Z)"


@given(
    st.lists(st.sampled_from(SIGNS), max_size=16),
    st.sampled_from(
        [*NOTATIONS, "sign it<2>", "keep (very )?<end>", "no (written)?", "don't keep"]
    ),
)
def test_a_gap_is_the_same_wherever_a_pattern_has_it(pieces, notation):
    text = "".join(pieces)
    for phrase in phrases(notation, SLOTS):
        spelt_out = phrase.regex.replace(LAST_GAP, GAP).replace(GAP, ANY_GAP)
        expected = [m.span() for m in re.finditer(spelt_out, text, re.ASCII)]
        assert [m.span() for m in phrase.pattern.finditer(text)] == expected


def test_only_a_gap_that_may_be_the_last_asks_for_the_end_of_the_text():
    (phrase,) = phrases("(the )?{papers} kept<1>", SLOTS)
    before, _, behind = phrase.regex.partition("kept")
    assert LAST_GAP not in before
    assert behind.count(LAST_GAP) == 2


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_plain_text_keeps_every_character_at_its_place(texts):
    folded = [text.replace(AD_SEPARATOR, " ").lower() for text in texts]
    made = plain(folded)
    assert len(made.text) == len(AD_SEPARATOR.join(folded))
    assert made.text.isascii()
    assert [made.text[s - 1] for s in made.starts[1:]] == [AD_SEPARATOR] * (len(texts) - 1)


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        ("p4ssport", "passport"),
        ("14h, 24/7, h2a and b2b", "14h, 24/7, h2a and b2b"),
        ("info@example.org pays", "info@example.org pays"),
        ("p@ssport", "passport"),
        ("straße, señor", "strase, senor"),
        ("паспорт", "_______"),
    ],
)
def test_only_digits_and_signs_inside_words_are_read_as_letters(folded, expected):
    assert plain([folded]).text == expected


def test_a_word_pulled_apart_is_one_word_and_its_span_is_the_whole_of_it():
    made = plain(["our p.a.s.s.p.o.r.t here"])
    assert made.text.startswith("our passport")
    assert made.snap(4, 12) == (4, 19)
    assert made.snap(0, 3) == (0, 3)


def test_a_pattern_about_one_gender_is_also_about_the_other() -> None:
    slots = Slots({"served": "lady|she"}, {"she": "he", "her": "his|him", "lady": "gentleman"})

    def found(notation: str, text: str) -> bool:
        return any(p.pattern.search(text) for p in phrases(notation, slots))

    assert found("the {served} stays", "the gentleman stays")
    assert found("he sets her prices", "she sets his prices")
    assert not found("he sets her prices", "she sets her prices")
    assert len(phrases("we (keep|hold) papers", slots)) == 1


def test_a_slot_that_names_both_genders_is_not_read_twice() -> None:
    slots = Slots({"anyone": "lady|gentleman"}, {"lady": "gentleman"})
    assert len(phrases("the {anyone} stays", slots)) == 1


def test_what_agrees_with_a_person_may_stand_beside_a_thing_as_well() -> None:
    slots = Slots({}, {"señora": "señor"}, {"la": "el"})
    texts = ["la casa de la senora", "la casa de el senor"]
    both = phrases("la casa de la señora", slots)
    assert all(any(p.pattern.search(text) for p in both) for text in texts)
