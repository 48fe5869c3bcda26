"""The subject decides the match: an employer who keeps a passport, not a worker who does.

In Spanish and Portuguese the verb and the possessive are the same for "you" and for "he".
"""

from itertools import product

import pytest

from adrisk.rules.match import match

EMPLOYERS = {
    "en": ["The agency", "Your boss", "The employer", "The house", "The manager"],
    "es": ["La agencia", "El patrón", "La empresa", "La casa", "El encargado", "La gerente"],
    "fr": ["L'agence", "Le patron", "L'entreprise", "La maison", "Le responsable"],
    "pt": ["A agência", "O patrão", "A empresa", "A casa", "O encarregado", "A gerente"],
}
WORKERS = {
    "en": ["The worker", "Each worker", "Everyone"],
    "es": ["Usted", "Cada uno", "Cada trabajador", "El trabajador"],
    "fr": ["Chacun", "Chaque salarié", "Chaque personne"],
    "pt": ["Você", "Cada um", "Cada trabalhador", "O trabalhador"],
}
KEEPS = {
    "en": ["keeps", "holds", "retains"],
    "es": ["guarda", "conserva", "lleva", "mantiene", "tiene"],
    "fr": ["garde", "conserve", "tient"],
    "pt": ["guarda", "conserva", "leva", "mantém", "fica com"],
}
PAPERS = {
    "en": ["your passport", "their passport", "the identity card"],
    "es": ["su pasaporte", "su DNI", "sus documentos"],
    "fr": ["son passeport", "ses papiers", "leurs documents"],
    "pt": ["o seu passaporte", "seu passaporte", "os seus documentos"],
}
OTHERS_HARM = {
    "es": {"debt_or_deduction": ["La empresa paga el vuelo, que devuelves con el sueldo"]},
    "fr": {"transport_controlled": ["L'agence achète votre billet"]},
    "pt": {
        "isolation_or_movement_control": [
            f"{who} {keeps} seu {phone}"
            for who, keeps, phone in product(
                EMPLOYERS["pt"], KEEPS["pt"], ["celular", "telemóvel", "telefone"]
            )
        ],
        "transport_controlled": [
            f"{who} {does}"
            for who, does in product(
                EMPLOYERS["pt"], ["organiza a sua viagem", "compra o seu bilhete"]
            )
        ],
    },
}


def states(text, language, indicator="document_retention"):
    return {str(e.state) for e in match(text, language) if e.indicator == indicator}


def said_otherwise(subjects, language, expected):
    made = map(" ".join, product(subjects, KEEPS[language], PAPERS[language]))
    return [text for text in made if states(text, language) != {expected}]


@pytest.mark.parametrize("language", EMPLOYERS)
def test_an_employer_who_keeps_the_papers_is_never_read_as_the_opposite(language):
    assert said_otherwise(EMPLOYERS[language], language, "present") == []


@pytest.mark.parametrize("language", WORKERS)
def test_a_worker_who_keeps_their_own_papers_is_never_read_as_retention(language):
    assert said_otherwise(WORKERS[language], language, "absent") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Tú guardas tu pasaporte", "es"),
        ("Los trabajadores conservan su pasaporte", "es"),
        ("Guarda tu pasaporte en lugar seguro", "es"),
        ("Tu guardas o teu passaporte", "pt"),
        ("Os trabalhadores guardam o seu passaporte", "pt"),
        ("Guarde o seu passaporte em lugar seguro", "pt"),
        ("Vous gardez votre passeport", "fr"),
        ("You keep your passport", "en"),
    ],
)
def test_what_you_keep_yourself_is_no_retention(text, language):
    assert states(text, language) == {"absent"}


@pytest.mark.parametrize(
    ("language", "indicator"), [(lang, name) for lang, of in OTHERS_HARM.items() for name in of]
)
def test_what_another_does_to_you_is_not_read_as_what_you_are_free_to_do(language, indicator):
    texts = OTHERS_HARM[language][indicator]
    assert [text for text in texts if "absent" in states(text, language, indicator)] == []
