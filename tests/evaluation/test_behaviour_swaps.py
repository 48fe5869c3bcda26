"""A trained model and the shipped cases that exchange a trait: a score may not follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adrisk.evaluation.behaviour.judging import TOLERANCE, judge
from adrisk.evaluation.behaviour.suites import RISK, load_suites
from adrisk.model.model import Model
from adrisk.synthetic.generate import generate
from adrisk.types import RISKY

SUITES = Path(__file__).parents[2] / "evaluation" / "behaviour"
SWAPS = ("swapped_nationality", "swapped_gender", "swapped_city", "swapped_name")


@pytest.mark.slow
def test_no_exchanged_trait_of_the_suites_moves_the_risk(synthetic_model: Path) -> None:
    cases = [case for case in load_suites(SUITES) if case.function in SWAPS and case.of == RISK]
    assert {case.function for case in cases} == set(SWAPS)
    assert {case.language for case in cases} == {"en", "es", "fr", "pt"}
    moved = {
        f"{one.case.language} {one.case.id}": one.difference
        for one in judge(Model.load(synthetic_model), cases)
        if one.difference is None or abs(one.difference) > TOLERANCE
    }
    assert moved == {}


@pytest.mark.slow
def test_the_same_model_does_move_with_what_ads_say(synthetic_model: Path) -> None:
    (ads,) = generate(600, seed=5, prevalence=0.3)
    risk = Model.load(synthetic_model).score(ads).risk
    risky = ads["risk"].to_numpy() >= RISKY
    assert risk[risky].mean() > 4 * risk[~risky].mean()
