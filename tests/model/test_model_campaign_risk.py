"""Campaign risk: the clearest ad speaks, copies add nothing, and it is calibrated."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from adrisk.metrics.estimates import calibration_error
from adrisk.model import campaign_risk as pooling_module
from adrisk.model.campaign_risk import MOST_SHRINK, Pooling, campaign_risk, fit_pooling

SHRINKING = Pooling(slope=0.8, shrink=0.2, shift=-0.3, campaigns=100)
ADS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.integers(0, 9)), min_size=1)


def arrays(ads: list[tuple[float, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Risk, campaign and near-copy group of each ad; a group lies in one campaign."""
    risk, campaign, text = (np.array(column) for column in zip(*ads, strict=True))
    return risk, campaign, campaign * 10 + text


@given(ADS, st.data())
def test_copies_of_an_ad_never_change_a_campaign(
    ads: list[tuple[float, int, int]], data: st.DataObject
) -> None:
    copied = ads + [data.draw(st.sampled_from(ads))] * 50
    before = campaign_risk(*arrays(ads), SHRINKING)
    assert campaign_risk(*arrays(copied), SHRINKING) == pytest.approx(before)


@given(ADS, st.data())
def test_a_riskier_ad_never_lowers_its_campaign(
    ads: list[tuple[float, int, int]], data: st.DataObject
) -> None:
    risk, campaign, text = arrays(ads)
    row = data.draw(st.integers(0, len(ads) - 1))
    before = campaign_risk(risk, campaign, text, SHRINKING)
    risk[row] = max(risk[row], data.draw(st.floats(0, 1)))
    assert (campaign_risk(risk, campaign, text, SHRINKING) >= before - 1e-12).all()


def test_one_clear_ad_is_not_outvoted_by_a_thousand_harmless_ones() -> None:
    risk = np.full(1001, 0.01)
    risk[0] = 0.95
    texts = np.arange(1001)
    worst = Pooling(slope=1.0, shrink=MOST_SHRINK, campaigns=100)
    mixed = campaign_risk(risk, np.zeros(1001, dtype=np.int64), texts, worst)
    alone = campaign_risk(np.array([0.5]), np.zeros(1, dtype=np.int64), texts[:1], worst)
    assert mixed[0] > 0.85 > alone[0]


def test_without_learning_a_campaign_has_the_risk_of_its_riskiest_ad() -> None:
    risk = np.array([0.2, 0.7, 0.1], dtype=np.float32)
    found = campaign_risk(risk, np.array([0, 0, 1]), np.array([0, 1, 2]), Pooling())
    assert found == pytest.approx([0.7, 0.1], abs=1e-6)


def test_fitting_finds_the_frequency_that_was_planted() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(-1, 1.5, 6000)
    size = rng.integers(1, 6, 6000)
    risky = rng.random(6000) < expit(0.6 * odds - 0.25 * np.log(size) - 0.5)
    campaigns = np.repeat(np.arange(6000), size)
    # The riskiest text has the planted odds; the others lie below it.
    first = np.concatenate(([True], campaigns[1:] != campaigns[:-1]))
    risk = expit(np.where(first, odds[campaigns], odds[campaigns] - 2))
    truth = risky[campaigns] & first
    half = campaigns < 3000
    texts = np.arange(len(campaigns))
    pooling = fit_pooling(risk[half], campaigns[half], texts[half], truth[half])
    assert pooling.campaigns == 3000
    assert pooling.slope == pytest.approx(0.6, abs=0.08)
    assert pooling.shrink == pytest.approx(0.25, abs=0.12)
    later = slice(3000, None)
    ones = np.ones((1, 3000))
    pooled = campaign_risk(risk, campaigns, texts, pooling)[later]
    highest = campaign_risk(risk, campaigns, texts, Pooling())[later]
    error = calibration_error(risky[later], pooled)(ones)
    assert error < 0.03 < calibration_error(risky[later], highest)(ones)


def test_too_few_risky_campaigns_teach_nothing() -> None:
    rows = np.arange(50)
    risky = rows < 4
    assert fit_pooling(np.where(risky, 0.9, 0.1), rows, rows, risky) == Pooling()


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(pooling_module).failed == 0
