"""The generated part of the fairness page: foreign names steer nothing."""

from __future__ import annotations

from typing import Any

from adrisk.evaluation.fairness.page import fairness_lines
from adrisk.evaluation.fairness.rates import SWAPS

SHARE = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 60}


def make_found(group: str) -> dict[str, Any]:
    """The least that has a page: one corpus, one threshold, one group, no swaps."""
    left = {"value": 0.1, "low": 0.05, "high": 0.2, "n": 60}
    judged = {"judged": 54, "incomplete": left}
    entry = {"n": 60, "campaigns": 30, **judged, "false_positive_rate": SHARE}
    compared = {
        "groups": {group: entry},
        "differ": [group],
        "compared": 1,
        "withheld": {group: {"n": 3, "campaigns": 2}},
        "withheld_groups": 1,
        "withheld_ads": 3,
    }
    at = {"flagged": 15, "false_positive_rate": SHARE, "groups": {"region": compared}}
    corpus = {"ads": 60, "campaigns": 30, "lawful": 60, **judged, "at": {"0.05": at}}
    swaps: dict[str, Any] = {"tolerance": 0.05, **{kind: {"swaps": 0} for kind in SWAPS}}
    return {
        "model": {"family": "ngram"},
        "unseen": {**corpus, "sources": ["synthetic:60"], "target": "risk"},
        "lawful": {},
        "swaps": swaps,
    }


def test_a_group_is_shown_with_its_figures_and_its_star() -> None:
    lines = fairness_lines(make_found("Leeds"))
    leeds = "| region: Leeds | 60 | 30 | 10.00 [5.00, 20.00] | 54 | 25.00 [10.00, 40.00] |"
    assert f"{leeds}  |  \\* |  |" in lines
    assert "| region: 1 withheld (Leeds) | 3 |  |  |  |  |  |  |  |" in lines
    assert any("54 of the lawful ones are judged" in line for line in lines)


def test_a_group_that_is_not_judged_is_not_shown_as_cleared() -> None:
    found = make_found("ca")
    group = found["unseen"]["at"]["0.05"]["groups"]["region"]["groups"]["ca"]
    group |= {"judged": 0, "incomplete": {"value": 1.0, "low": 0.9, "high": 1.0, "n": 60}}
    del group["false_positive_rate"]
    row = "| region: ca | 60 | 30 | 100.00 [90.00, 100.00] | 0 | too few judged |"
    assert any(line.startswith(row) for line in fairness_lines(found))


def test_results_from_before_judging_was_measured_still_have_a_page() -> None:
    found = make_found("Leeds")
    for entry in (
        found["unseen"],
        found["unseen"]["at"]["0.05"]["groups"]["region"]["groups"]["Leeds"],
    ):
        del entry["judged"], entry["incomplete"]
    lines = fairness_lines(found)
    assert "| region: Leeds | 60 | 30 |  |  | 25.00 [10.00, 40.00] |  |  \\* |  |" in lines


def test_a_foreign_name_ends_no_cell_and_becomes_no_markup() -> None:
    page = "\n".join(fairness_lines(make_found("a|b <img src=x> [c](d)")))
    assert "region: a\\|b &lt;img src=x&gt; \\[c\\](d)" in page
    assert "<img" not in page
