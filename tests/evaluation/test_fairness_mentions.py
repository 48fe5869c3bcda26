"""Words of nationality are found as words, and only where they are words of nationality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.evaluation.fairness.lexicon import LANGUAGES, find_nations, load_lexicon
from adrisk.synthetic.phrase_bank import load_bank


def nations(text: str, language: str | None = "en") -> list[str]:
    return [mention.sense.nation for mention in find_nations(text, language)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Only workers from the Philippines, Romanians preferred", ["PH", "RO"]),
        ("en", "POLISH CREW WANTED", ["PL"]),
        ("en", "New masseuse from Thailand", ["TH"]),
        ("en", "African staff", [""]),
        ("es", "Solo trabajadores de Rumanía, peruanas no", ["RO", "PE"]),
        ("es", "Cocinera ARGENTINA en Argentina", ["AR", "AR"]),
        ("pt", "Só gente do Nepal, brasileiros também", ["NP", "BR"]),
        ("fr", "Ouvriers polonais ou de Côte d'Ivoire", ["PL", "CI"]),
    ],
)
def test_a_mention_is_found(language: str, text: str, expected: list[str]) -> None:
    assert nations(text, language) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Polish the floor on Fridays"),
        ("en", "You polish silver and sell nail polish, shoe Polish too"),
        ("en", "POLISH AND WAX CARS"),
        ("en", "Farm in New Mexico, by Indian River, near the Gulf of Mexico"),
        ("en", "We also speak Polish, Romanian speakers help"),
        ("en", "Set out the china plates and pick chile peppers"),
        ("en", "Write to @romanian or romania.example.org or brazil@example.org"),
        ("en", "Romanianish and preBrazil are no words"),
        ("es", "Viene bien hablar rumano o árabe con el equipo"),
        ("es", "Pantalones chinos y un cubo de chile"),
        ("pt", "Falamos romeno; peru assado ao domingo"),
        ("fr", "On parle aussi polonais, notions de roumain"),
        ("de", "Polnische Köche"),
    ],
)
def test_a_lookalike_is_not(language: str, text: str) -> None:
    assert nations(text, language) == []


def test_a_language_that_is_not_known_has_no_mentions() -> None:
    assert nations("Romanian crew", None) == []


@given(text=st.text(max_size=60), language=st.sampled_from(LANGUAGES))
def test_mentions_are_in_order_and_cut_words_of_the_lexicon(text: str, language: str) -> None:
    text = f"{text} Romania {text}"
    found = find_nations(text, language)
    assert [m.start for m in found] == sorted(m.start for m in found)
    for mention in found:
        assert text[mention.start : mention.end].lower() in load_lexicon(language).senses


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_origin_of_the_synthetic_corpus_is_found(language: str) -> None:
    for region in load_bank(language).regions:
        for words in region.slots["from"]:
            assert len(nations(f"Gente {words}", language)) == 1, words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_of_a_lookalike_is_about_a_word_of_the_lexicon(language: str) -> None:
    lexicon = load_lexicon(language)
    assert set(lexicon.lookalikes) <= set(lexicon.senses)


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_of_a_language_have_the_same_number_of_forms(language: str) -> None:
    assert len({len(forms) for forms in load_lexicon(language).people.values()}) == 1
