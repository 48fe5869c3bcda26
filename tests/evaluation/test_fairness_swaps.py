"""A swap changes one trait, keeps the grammar, and leaves everything else as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.evaluation.fairness.lexicon import LANGUAGES, find_nations, load_lexicon
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation, swapper


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("language", "text", "before"),
    [
        ("en", "Only workers from the Philippines", "from the "),
        ("es", "Solo gente de Rumanía", "de "),
        ("pt", "Turma da Ucrânia", "da "),
        ("pt", "Turma do Nepal", "do "),
        ("fr", "Gens d'Italie", "d'"),
        ("fr", "Gens du Brésil", "du "),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_country_becomes_one_with_the_same_article(
    language: str, text: str, before: str, seed: int
) -> None:
    article = find_nations(text, language)[0].sense.grammar
    swapped = swap_nation(text, language, rng(seed))
    assert swapped is not None
    assert swapped != text
    assert before in swapped
    assert find_nations(swapped, language)[0].sense.grammar == article


@pytest.mark.parametrize("seed", range(8))
def test_all_mentions_of_a_nation_move_together_and_keep_their_form(seed: int) -> None:
    swapped = swap_nation("Señora de Rumanía, solo rumanas", "es", rng(seed))
    assert swapped is not None
    country, people = find_nations(swapped, "es")
    assert country.sense.nation == people.sense.nation != "RO"
    assert 3 in people.sense.grammar  # feminine plural


def test_a_word_of_two_forms_is_replaced_by_one_of_the_same_two() -> None:
    for seed in range(20):
        swapped = swap_nation("ouvriers polonais", "fr", rng(seed))
        assert swapped is not None
        assert find_nations(swapped, "fr")[0].sense.grammar == (0, 2)


def test_an_article_before_a_vowel_stays_right() -> None:
    for seed in range(20):
        swapped = swap_nation("Wanted: an Italian cook", "en", rng(seed))
        assert swapped is not None
        assert swapped.split()[2][0] in "AEIO"


def test_capitals_are_kept() -> None:
    swapped = swap_nation("ROMANIAN CREW", "en", rng())
    assert swapped is not None
    assert swapped.isupper()


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Ladies only. WAITRESS wanted", "Gentlemen only. WAITER wanted"),
        ("en", "A man and a woman", "A woman and a man"),
        ("en", "The ladies' choir", None),
        ("es", "Cuidadora para la noche", "Cuidador para la noche"),
        ("es", "Se busca una camarera simpática", None),
        ("pt", "Só mulheres", "Só homens"),
        ("fr", "Serveuse en salle", "Serveur en salle"),
        ("fr", "Une serveuse expérimentée", None),
        ("de", "Kellnerin gesucht", None),
    ],
)
def test_gender_is_exchanged_only_where_nothing_has_to_agree(
    language: str, text: str, expected: str | None
) -> None:
    assert swap_gender(text, language) == expected


def test_a_city_becomes_another_everywhere_in_the_ad() -> None:
    swap = swapper(["Leeds", "Hull", "Wagga Wagga"], "en")
    assert swap("Leeds: cook in LEEDS, not in leeds or Leedsway; Hull next", rng()) in (
        "Wagga Wagga: cook in WAGGA WAGGA, not in leeds or Leedsway; Hull next",
        "Leeds: cook in LEEDS, not in leeds or Leedsway; Wagga Wagga next",
    )
    assert swap("A cook", rng()) is None


def test_french_cities_keep_what_stands_before_them() -> None:
    swap = swapper(["Nantes", "Orléans", "Angers"], "fr")
    assert swap("près d'Orléans", rng()) == "près d'Angers"
    assert swap("près de Nantes", rng()) is None


@given(text=st.text(max_size=80), language=st.sampled_from(LANGUAGES), seed=st.integers(0, 9))
def test_a_swapped_text_is_another_text_or_none(text: str, language: str, seed: int) -> None:
    lexicon = load_lexicon(language)
    text = f"{text} {next(iter(lexicon.people.values()))[1]} {text}"
    for swapped in (swap_nation(text, language, rng(seed)), swap_gender(text, language)):
        assert swapped is None or swapped != text
