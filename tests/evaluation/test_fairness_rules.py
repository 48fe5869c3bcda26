"""No nation is noticed sooner than another: the rules know as many as the lexicon does."""

from __future__ import annotations

import pytest

from adrisk.evaluation.fairness.lexicon import load_lexicon
from adrisk.rules.match import match
from adrisk.types import State

# The text, and the number of the form that it takes.
DEMANDED = {
    "en": [("Only {} workers", 0), ("Preferably {} staff", 0), ("No {}", 2)],
    "es": [("Solo {} para este puesto", 3), ("Únicamente {}", 2)],
    "pt": [("Só {} para esta vaga", 3), ("Apenas {}", 2)],
    "fr": [("Uniquement des {}", 3), ("Cherche {}", 2)],
}
PRAISED = {
    "en": [("{} ladies, new here", 0), ("{} gentlemen, new here", 0)],
    "es": [("Masajistas {}", 3), ("Masajistas {}", 2), ("Masajista {}", 0)],
    "pt": [("Massagistas {}", 3), ("Massagistas {}", 2), ("Massagista {}", 0)],
    "fr": [("Masseuses {}", 3), ("Masseurs {}", 2), ("Masseur {}", 0)],
}


def unnoticed(language: str, text: str, form: int, indicator: str) -> list[str]:
    """Nations that the rules do not notice in this text."""
    people = load_lexicon(language).people
    return [
        nation
        for nation, forms in people.items()
        if forms[form] is not None
        # "No Chinese" may be about the language; "no Romanians" is not.
        and not (language == "en" and form == 2 and forms[2] == forms[0])
        and not any(
            evidence.indicator == indicator and evidence.state is State.PRESENT
            for evidence in match(text.format(forms[form]), language)
        )
    ]


@pytest.mark.parametrize("language", DEMANDED)
def test_a_nationality_that_is_demanded_is_noticed_whichever_it_is(language: str) -> None:
    for text, form in DEMANDED[language]:
        assert unnoticed(language, text, form, "protected_trait_targeting") == [], text


@pytest.mark.parametrize("language", PRAISED)
def test_a_nationality_that_is_praised_is_noticed_whichever_it_is(language: str) -> None:
    for text, form in PRAISED[language]:
        assert unnoticed(language, text, form, "origin_marketing") == [], text
