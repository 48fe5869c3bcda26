"""Explaining one text says what scoring says of it: the number, the language, or why none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import adrisk.cli
from adrisk.api import explain_text, score
from adrisk.errors import UsageError
from adrisk.model.calibration import Curve
from adrisk.model.explain import explain
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig

TEXTS = {
    "en": "Farm work with a room. We keep your passport until the fare is paid back.",
    "es": "Trabajo en el campo con cuarto. Guardamos su pasaporte hasta que pague el viaje.",
    "pt": "Trabalho no campo com quarto. Guardamos o seu passaporte até pagar a viagem.",
    "fr": "Travail à la ferme, chambre fournie. Nous gardons votre passeport jusqu'au paiement.",
}
UNJUDGED = {
    "Wir suchen Leute für die Ernte im Sommer, wir behalten den Pass.": "in language de",
    "!!!! ???": "unreadable",
    "Hotel work available": "too short",
}
ESCALATING = "Wir suchen nette Leute für die Küche in Hamburg. Under 18 welcome, kitchen work."


@pytest.fixture
def model(synthetic_model: Path) -> Model:
    return Model.load(synthetic_model)


def with_a_curve_for_each_language(model: Model) -> Model:
    """The model, reading the same margin as more risk the later its language stands in TEXTS."""
    curves = {
        language: (Curve("sigmoid", (0.5, float(shift))),) * 3
        for shift, language in enumerate(TEXTS)
    }
    return replace(model, calibration=replace(model.calibration, risk_curves=curves))


def scored(model: Model, texts: list[str], place: Path) -> list[dict[str, object]]:
    """Scores and flags of texts of which nothing else is known."""
    (place / "ads.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in texts))
    policy = PolicyConfig(review_at=0.5, urgent_at=0.9)
    out = score(model, [str(place / "ads.csv")], place / "out", place, policy=policy).folder
    rows = zip(
        pq.read_table(out / "scores").to_pylist(),
        pq.read_table(out / "flags.parquet").to_pylist(),
        strict=True,
    )
    return [{**ad, "flag": flag["level"], "reasons": flag["reasons"]} for ad, flag in rows]


@pytest.mark.slow
def test_explaining_and_scoring_say_the_same_number_in_every_language(
    model: Model, tmp_path: Path
) -> None:
    model = with_a_curve_for_each_language(model)
    for (language, text), ad in zip(
        TEXTS.items(), scored(model, [*TEXTS.values()], tmp_path), strict=True
    ):
        found = explain_text(model, text)
        assert (found.language, ad["language"], found.not_judged) == (language, language, None)
        assert (found.why.risk, found.why.level) == (pytest.approx(ad["risk"]), ad["level"])
        for label, probability in found.why.indicators.items():
            assert probability == pytest.approx(ad[f"p_{label}"])
        # And the language does matter: without it, the number would be another.
        assert abs(explain(model, text).risk - found.why.risk) > 0.001


@pytest.mark.slow
def test_what_scoring_would_not_judge_is_not_judged_here_for_the_same_reason(
    model: Model, tmp_path: Path
) -> None:
    for (text, reason), ad in zip(
        UNJUDGED.items(), scored(model, [*UNJUDGED], tmp_path), strict=True
    ):
        found = explain_text(model, text)
        assert ad["flag"] == "incomplete"
        assert found.not_judged is not None
        assert found.not_judged.startswith(reason)
        assert f"not judged: {found.not_judged}" in ad["reasons"]  # type: ignore[operator]


@pytest.mark.slow
def test_what_is_always_looked_at_first_is_so_here_in_whatever_language(
    model: Model, tmp_path: Path
) -> None:
    (ad,) = scored(model, [ESCALATING], tmp_path)
    assert (ad["language"], ad["flag"]) == ("de", "urgent")
    found = explain_text(model, ESCALATING)
    assert found.escalated == ("minor_recruitment",)
    assert (found.language, found.not_judged) == ("de", None)
    assert found.why.risk == pytest.approx(ad["risk"])


@pytest.mark.slow
def test_the_command_says_language_and_reason_and_no_risk_where_there_is_none(
    synthetic_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adrisk.cli.main(["explain", str(synthetic_model), TEXTS["pt"]]) == 0
    told = capsys.readouterr().out
    assert told.startswith("risk ")
    assert "\nlanguage pt\n" in told
    for text, reason in UNJUDGED.items():
        assert adrisk.cli.main(["explain", str(synthetic_model), text]) == 0
        told = capsys.readouterr().out
        assert told.startswith(f"not judged: {reason}")
        assert "risk" not in told
        assert "ngram" not in told
        assert text in told


def test_a_text_that_is_no_utf_8_is_refused(model_folder: Path) -> None:
    with pytest.raises(UsageError, match="not valid UTF-8"):
        explain_text(Model.load(model_folder), "we keep your passp\udcffort")
