"""Matches do not depend on the gender or the nationality of the people in an ad.

Checked on the examples of the rule books and on phrases made from every pattern, so that a new
pattern that names one gender only fails.
"""

from __future__ import annotations

import random
import re
import re._constants as code
import re._parser as parser
from functools import cache

import numpy as np
import pytest

from adrisk.evaluation.fairness.lexicon import load_lexicon
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import match, match_column
from adrisk.rules.patterns import Phrase, Slots, phrases
from adrisk.rules.plain_text import bare
from adrisk.rules.rulebook import BOOKS, _listed, load_rulebook, read_yaml
from adrisk.types import State

EXAMPLES = [
    (language, text)
    for language in LANGUAGES
    for rule in load_rulebook(language).rules
    for text in (*rule.finds, *rule.leaves)
]
NATIONS_DRAWN = 6


def findings(texts: list[str], language: str) -> list[set[tuple[str, str]]]:
    column = match_column(texts, [language] * len(texts))
    return [{(e.indicator, e.state.value) for e in found} for found in column]


def differing(pairs: list[tuple[str, str]], language: str) -> list[tuple[str, str]]:
    before = findings([text for text, _ in pairs], language)
    after = findings([swapped for _, swapped in pairs], language)
    return [pair for pair, one, other in zip(pairs, before, after, strict=True) if one != other]


def of_language(language: str) -> list[str]:
    return [text for code_, text in EXAMPLES if code_ == language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_with_the_other_gender_has_the_same_findings(language: str) -> None:
    swapped = [(text, swap_gender(text, language)) for text in of_language(language)]
    pairs = [(text, other) for text, other in swapped if other is not None]
    assert pairs
    assert differing(pairs, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_with_another_nationality_has_the_same_findings(language: str) -> None:
    pairs = set()
    for text in of_language(language):
        for seed in range(NATIONS_DRAWN):
            if other := swap_nation(text, language, np.random.default_rng(seed)):
                pairs.add((text, other))
    assert pairs
    assert differing(sorted(pairs), language) == []


@cache
def books(language: str) -> list[tuple[str, list[tuple[list[Phrase], list[Phrase]]]]]:
    """Every list of patterns: its place, and of each its phrases without and with both genders."""
    content = read_yaml(BOOKS / f"{language}.yaml")
    plain = Slots(content["slots"])
    both = Slots(content["slots"], **content["genders"])
    listed = {"notices": content["notices"], "doubts": content["doubts"]}
    for indicator, entry in content["indicators"].items():
        for rules in entry.values():
            for name, fields in rules.items():
                if fields.get("text") != "raw":
                    listed[f"{indicator}.{name}"] = fields["pattern"]
                    listed[f"{indicator}.{name}.unless"] = fields.get("unless")
    return [
        (place, [(phrases(p, plain), phrases(p, both)) for p in _listed(patterns)])
        for place, patterns in listed.items()
    ]


@cache
def partners(language: str) -> dict[str, str]:
    """Words for people that are exchanged: those of the lexicon, and those of the rule book.

    The Spanish ella is left out: without its accent, él is the article too. A rule finds él before
    "no" and at the end of a clause only; the tests below hold that.
    """
    content = read_yaml(BOOKS / f"{language}.yaml")
    known = Slots({}, **content["genders"]).counterparts
    pairs = {bare(one): bare(other) for one, other in load_lexicon(language).gender.items()}
    pairs |= {word: others.split("|")[0] for word, others in known.items()}
    return {one: other for one, other in pairs.items() if other.isalnum()}


SEPARATOR = (code.NEGATE, None)  # how the characters between words begin


def spoken(tree: object, draw: random.Random) -> str:
    """A text that a regular expression of the notation may match."""
    said = ""
    for kind, value in tree:  # type: ignore[attr-defined]
        if kind is code.LITERAL:
            said += chr(value)
        elif kind is code.IN:
            said += _character(value, draw)
        elif kind is code.BRANCH:
            said += spoken(draw.choice(value[1]), draw)
        elif kind is code.SUBPATTERN:
            said += spoken(value[3], draw)
        elif kind in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            least, most, inner = value
            times = draw.choice((0, 1)) if most == 1 and not least else least
            if kind is code.POSSESSIVE_REPEAT and not least and inner[0][1][0] == SEPARATOR:
                times = draw.choice((1, 0, 0))  # more would say what nobody says: los mujeres
            said += "".join(spoken(inner, draw) for _ in range(times))
    return re.sub(" +", " ", said)


def _character(listed: list[tuple[object, object]], draw: random.Random) -> str:
    if listed[0][0] is code.NEGATE or listed[0][1] is code.CATEGORY_NOT_WORD:
        return " "
    if listed[0][1] is code.CATEGORY_WORD:
        return "a"
    characters = [chr(v) for kind, v in listed if kind is code.LITERAL]  # type: ignore[arg-type]
    ranges = [v for kind, v in listed if kind is code.RANGE]
    characters += [chr(v) for first, last in ranges for v in range(first, last + 1)]  # type: ignore[misc]
    return " " if " " in characters else draw.choice(characters)


def one_sided(language: str, tries: int) -> list[tuple[str, str, str]]:
    """Texts that a pattern finds, and the same of the other gender that it does not find."""
    pairs, draw = partners(language), random.Random(0)
    word = re.compile("[a-z]+")
    missed, seen = [], set()
    for place, patterns in books(language):
        for alone, both in patterns:
            for phrase in alone:
                tree = parser.parse(phrase.regex, re.ASCII)
                for _ in range(tries):
                    text = spoken(tree, draw).strip()
                    other = word.sub(lambda m: pairs.get(m.group(), m.group()), text)
                    if text == other or text in seen or not phrase.pattern.search(text):
                        continue
                    seen.add(text)
                    if not any(p.pattern.search(other) for p in both):
                        missed.append((place, text, other))
    assert len(seen) > 100
    return missed


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_pattern_finds_it_finds_of_the_other_gender(language: str) -> None:
    assert one_sided(language, tries=60) == []


@pytest.mark.parametrize(
    ("language", "said", "people"),
    [
        ("en", "{} do not go out", ["The ladies", "The gentlemen", "They", "The women", "The men",
         "The workers", "The staff", "The people here"]),
        ("es", "{} no salen", ["Ellas", "Ellos", "Las señoras", "Los señores", "Las mujeres",
         "Los hombres", "Las trabajadoras", "Los trabajadores", "Las personas"]),
        ("es", "{} no sale", ["Ella", "Él", "La señora", "El señor", "El personal"]),
        ("pt", "{} não saem", ["Elas", "Eles", "As senhoras", "Os senhores", "As mulheres",
         "Os homens", "As trabalhadoras", "Os trabalhadores", "As pessoas"]),
        ("fr", "{} ne sortent pas", ["Elles", "Ils", "Les dames", "Les messieurs", "Les femmes",
         "Les hommes", "Les ouvrières", "Les ouvriers", "Les gens"]),
    ],
)  # fmt: skip
def test_whoever_does_not_go_out_is_noticed(language: str, said: str, people: list[str]) -> None:
    missed = [
        one
        for one in people
        if not any(
            e.indicator == "restricted_premises" and e.state is State.PRESENT
            for e in match(said.format(one), language)
        )
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "She does not answer herself", "He does not answer himself"),
        ("en", "He sets her prices", "She sets his prices"),
        ("en", "We keep her diary", "We keep his diary"),
        ("es", "Ella no contesta", "Él no contesta"),
        ("es", "No hables con ella", "No hables con él"),
        ("es", "Las citas las decidimos nosotros, no ella",
         "Las citas las decidimos nosotros, no él"),
        ("pt", "Respondo eu por ela", "Respondo eu por ele"),
        ("fr", "Les horaires c'est nous, pas elle", "Les horaires c'est nous, pas lui"),
        ("fr", "Ne parlez jamais avec elles", "Ne parlez jamais avec eux"),
    ],
)  # fmt: skip
def test_who_speaks_for_a_woman_is_noticed_as_one_who_speaks_for_a_man(
    language: str, one: str, other: str
) -> None:
    found, of_other = findings([one, other], language)
    assert ("third_party_control", "present") in found
    assert found == of_other


@pytest.mark.parametrize("text", ["She sets her own prices", "He sets his own prices"])
def test_who_sets_their_own_prices_is_not_controlled(text: str) -> None:
    assert ("third_party_control", "present") not in findings([text], "en")[0]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Tell nobody you are leaving"),
        ("en", "You must not say you are going out"),
        ("es", "No digas a nadie que vas sola"),
        ("pt", "Não diga a ninguém que vai sozinha"),
        ("fr", "Ne dites à personne que vous quittez le village"),
    ],
)
def test_to_keep_a_departure_secret_is_no_confinement(language: str, text: str) -> None:
    found = findings([text], language)[0]
    assert ("isolation_or_movement_control", "present") not in found


@pytest.mark.parametrize(
    ("language", "said", "names"),
    [
        ("en", "New in {}", ["Leeds", "El Paso", "San Diego", "Stoke"]),
        ("en", "Crew from {} preferred", ["Ukraine", "El Salvador", "Sri Lanka", "South Korea"]),
        ("es", "Lo lleva {}, llama y ya", ["Pablo", "Luz Dary"]),
        ("pt", "Sauna da casa, pessoal da {}", ["Moldávia", "Guiné-Bissau"]),
        ("fr", "Le billet, c'est {} qui les arrange", ["Marc", "Anne-Marie", "Marie-Ève"]),
        ("fr", "Équipe de {} de préférence", ["Pologne", "Côte d'Ivoire"]),
    ],
)
def test_a_name_of_two_words_is_noticed_as_one_of_one_word(
    language: str, said: str, names: list[str]
) -> None:
    first, *others = findings([said.format(name) for name in names], language)
    assert first
    assert all(other == first for other in others)
