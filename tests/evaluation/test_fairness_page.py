"""The generated part of the fairness page: foreign names steer nothing."""

from __future__ import annotations

from typing import Any

from adrisk.evaluation.fairness.rates import GroupRates
from adrisk.evaluation.fairness.run import FairnessResult, fairness_page
from adrisk.evaluation.fairness.swap_test import TraitMovement
from adrisk.metrics.figures import Figure

SHARE = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 60, "positives": 15, "campaigns": 30}
LEFT = {**SHARE, "value": 0.1, "low": 0.05, "high": 0.2}


def make_found(group: str) -> dict[str, Any]:
    """The least that has a page: one corpus, one threshold, one group, no swaps."""
    judged = {"judged": 54, "incomplete": LEFT}
    entry = {"n": 60, "campaigns": 30, **judged, "false_positive_rate": SHARE}
    compared = {
        "groups": {group: entry},
        "withheld": {group: {"n": 3, "campaigns": 2}},
        "withheld_groups": 1,
        "withheld_ads": 3,
        "differ": [group],
        "compared": 1,
    }
    at = {
        "threshold": 0.5,
        "flagged": 15,
        "false_positive_rate": SHARE,
        "groups": {"region": compared},
    }
    return {
        "model": {"version": "1", "family": "ngram", "parameters": {}, "fingerprint": "f"},
        "least": {"ads": 50, "campaigns": 20},
        "unseen": {
            "sources": ["synthetic:60"],
            "fingerprint": "e",
            "target": "risk",
            **dict.fromkeys(("ads", "lawful"), 60),
            "risky": 0,
            "campaigns": 30,
            **judged,
            "at": {"0.05": at},
        },
        "lawful": {},
        "swaps": {
            "tolerance": 0.05,
            "threshold": 0.5,
            **{trait: {"swaps": 0} for trait in ("nationality", "gender", "city", "name")},
        },
    }


def make_movement(figure: Figure) -> TraitMovement:
    """Two swaps, all of whose figures are this one."""
    figures = ("over", "over_of_could", "decision_changed", "mean_change", "mean_distance")
    return TraitMovement(
        **dict.fromkeys((*figures, "findings_changed"), figure),
        swaps=2,
        campaigns=1,
        ads=1,
        quantiles={"0.5": 0.1},
        largest=0.2,
        log_odds={"mean": 0.3, "largest": 0.4},
        languages={},
    )


def page(found: dict[str, Any]) -> list[str]:
    return fairness_page(FairnessResult.model_validate(found)).splitlines()


def test_a_group_is_shown_with_its_figures_and_its_star() -> None:
    lines = page(make_found("Leeds"))
    leeds = "| region: Leeds | 60 | 30 | 10.00 [5.00, 20.00] | 54 | 25.00 [10.00, 40.00] |"
    assert f"{leeds}  |  \\* |  |" in lines
    assert "| region: 1 withheld (Leeds) | 3 |  |  |  |  |  |  |  |" in lines
    assert any("54 of the lawful ones are judged" in line for line in lines)


def test_a_group_that_is_not_judged_is_not_shown_as_cleared() -> None:
    found = make_found("ca")
    group = found["unseen"]["at"]["0.05"]["groups"]["region"]["groups"]["ca"]
    group |= {"judged": 0, "incomplete": {**LEFT, "value": 1.0, "low": 0.9, "high": 1.0}}
    del group["false_positive_rate"]
    row = "| region: ca | 60 | 30 | 100.00 [90.00, 100.00] | 0 | too few judged |"
    assert any(line.startswith(row) for line in page(found))


def test_results_from_before_judging_was_measured_still_have_a_page() -> None:
    found = make_found("Leeds")
    for entry in (
        found["unseen"],
        found["unseen"]["at"]["0.05"]["groups"]["region"]["groups"]["Leeds"],
    ):
        del entry["judged"], entry["incomplete"]
    assert "| region: Leeds | 60 | 30 |  |  | 25.00 [10.00, 40.00] |  |  \\* |  |" in page(found)


def test_swaps_of_a_single_campaign_are_shown_without_an_interval() -> None:
    alone = Figure(value=0.01, low=None, high=None, n=2, positives=2, campaigns=1)
    found = make_found("Leeds")
    found["swaps"]["name"] = make_movement(alone).to_json()
    assert "| name | 1 | 2 | 1.00 | 1.00, n 2 | 0.200 | +0.0100 | 1.00 | 0.30, 0.40 | 1.00 |" in (
        page(found)
    )


def test_a_foreign_name_ends_no_cell_and_becomes_no_markup() -> None:
    hostile = "a|b <img src=x> [c](d)"
    found = make_found(hostile)
    found["lawful"] = {hostile: found["unseen"]}
    text = "\n".join(page(found))
    assert "region: a\\|b &lt;img src=x&gt; \\[c\\](d)" in text
    assert "### a\\|b &lt;img src=x&gt; \\[c\\](d), held to be lawful" in text
    assert "<img" not in text


def test_a_difference_needs_an_interval_without_0_to_differ() -> None:
    def rates(low: float | None, high: float | None) -> GroupRates:
        gap = {**SHARE, "low": low, "high": high}
        return GroupRates.model_validate({"n": 60, "campaigns": 30, "difference": gap})

    assert [rates(*ends).differs for ends in ((0.1, 0.4), (-0.4, -0.1))] == [True, True]
    assert [rates(*ends).differs for ends in ((-0.1, 0.4), (None, None))] == [False, False]
    assert (rates(-0.1, 0.4).comparable, rates(None, None).comparable) == (True, False)
