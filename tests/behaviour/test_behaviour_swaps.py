"""A trained model and the shipped cases that exchange a trait: a score may not follow it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.special import logit

from adrisk.behaviour import MARGIN, RISK, TOLERANCE, judge, load_suites
from adrisk.model import Model

SUITES = Path(__file__).parents[2] / "evaluation" / "behaviour"
SWAPS = ("swapped_nationality", "swapped_gender", "swapped_city", "swapped_name")


@pytest.mark.slow
def test_no_exchanged_trait_of_the_suites_moves_the_risk(synthetic_model: Path) -> None:
    cases = [case for case in load_suites(SUITES) if case.function in SWAPS and case.of == RISK]
    assert {case.function for case in cases} == set(SWAPS)
    assert {case.language for case in cases} == {"en", "es", "fr", "pt"}
    moved = {}
    for one in judge(Model.load(synthetic_model), cases):
        assert one.text is not None
        assert one.pair is not None
        # A low risk cannot fall by 0.05, so neither may the odds show that something was seen.
        odds = abs(logit(one.text) - logit(one.pair))
        if abs(one.text - one.pair) > TOLERANCE or odds >= MARGIN:
            moved[f"{one.case.language} {one.case.id}"] = (one.text, one.pair)
    assert moved == {}


@pytest.mark.slow
def test_the_same_model_does_move_where_a_fact_is_exchanged(synthetic_model: Path) -> None:
    stated = [c for c in load_suites(SUITES) if c.expect == "higher" and c.of == RISK]
    outcomes = judge(Model.load(synthetic_model), stated)
    further = [abs(logit(one.text) - logit(one.pair)) >= MARGIN for one in outcomes]
    assert sum(further) > len(further) / 2
