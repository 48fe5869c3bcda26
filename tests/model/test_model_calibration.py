"""Calibration: planted slopes come back, order stays, the risk questions do not cross."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from adrisk.classifiers.base import IMPOSSIBLE, Margins
from adrisk.labels.targets import Targets
from adrisk.model.calibration import METHODS, Calibration, choose, fit_calibration, gain, levels
from adrisk.model.manifest import CalibrationEntry, calibration_entry, calibration_of


def make_margins(count: int, seed: int = 0) -> tuple[Margins, Targets]:
    """Margins that are twice too sure of themselves, and labels drawn from the truth."""
    rng = np.random.default_rng(seed)
    true_logit = rng.normal(-1.0, 1.5, count)
    indicator = (rng.random(count) < expit(true_logit)).astype(float)
    cumulative = true_logit[:, None] + np.array([1.0, 0.0, -1.5])
    draw = rng.random(count)
    risk = (draw[:, None] < expit(cumulative)).sum(axis=1)
    margins = Margins(indicators=2 * true_logit[:, None] + 1, risk=2 * cumulative)
    return margins, Targets(("x",), indicator[:, None], risk.astype(np.int64))


def test_overconfident_margins_are_brought_back_to_the_truth() -> None:
    margins, targets = make_margins(20_000)
    found = fit_calibration(margins, targets, ["x"])
    assert abs(found.slopes[0] - 0.5) < 0.03
    assert abs(found.intercepts[0] + 0.5) < 0.05
    assert np.abs(found.risk_slopes - 0.5).max() < 0.04
    assert found.calibrated == ("x", "risk")
    stated = found.indicators(margins)[:, 0]
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 1.0)):
        inside = (stated >= low) & (stated < high)
        assert abs(stated[inside].mean() - targets.indicators[inside, 0].mean()) < 0.03


@given(st.integers(0, 10_000))
def test_calibration_keeps_the_order_and_never_crosses(seed: int) -> None:
    margins, targets = make_margins(60, seed)
    found = fit_calibration(margins, targets, ["x"])
    risk = found.risk(margins)
    assert (np.diff(risk, axis=1) <= 0).all()
    order = np.argsort(margins.risk[:, 1])
    assert (np.diff(found.risk(margins)[order, 1]) >= 0).all()
    assert (np.diff(found.indicators(margins)[np.argsort(margins.indicators[:, 0]), 0]) >= 0).all()


def test_too_few_positives_leave_a_head_as_it_was() -> None:
    margins, _ = make_margins(100)
    rare = Targets(("x",), np.zeros((100, 1)), np.zeros(100, dtype=np.int64))
    rare.indicators[:2] = 1
    found = fit_calibration(margins, rare, ["x"])
    assert found.calibrated == ()
    np.testing.assert_allclose(found.indicators(margins), expit(margins.indicators))


def test_a_level_never_seen_in_training_stays_impossible() -> None:
    margins, targets = make_margins(500)
    margins.risk[:, 2] = IMPOSSIBLE
    found = fit_calibration(margins, targets, ["x"])
    assert (found.risk(margins)[:, 2] < 1e-3).all()


def test_the_level_is_the_median_of_the_distribution() -> None:
    risk = np.array([[0.4, 0.1, 0.0], [0.9, 0.3, 0.1], [0.9, 0.5, 0.2], [1.0, 0.9, 0.8]])
    assert levels(risk).tolist() == [0, 1, 2, 3]


def make_bent(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, labels and campaigns where no sigmoid fits: far too sure on one side only."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 2, count)
    truth = (rng.random(count) < expit(logit)).astype(float)
    return np.where(logit > 0, 4 * logit, logit), truth, np.arange(count) // 2


@given(st.integers(0, 10_000), st.sampled_from(sorted(METHODS)))
def test_every_curve_rises_and_stays_between_0_and_1(seed: int, method: str) -> None:
    margin, truth, _ = make_bent(60, seed)
    truth[:2] = [0, 1]
    curve = METHODS[method](margin, truth)
    found = curve(np.linspace(-30, 30, 500))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 1
    near = curve(np.linspace(margin.min(), margin.max(), 50))
    assert (np.diff(near) > 0).all()  # no two ads of different margins become equal


def test_the_sigmoid_is_kept_where_it_is_true_and_left_where_it_is_not() -> None:
    rng = np.random.default_rng(1)
    logit = rng.normal(-1, 2, 3000)
    straight = (rng.random(3000) < expit(logit)).astype(float)
    assert choose(2 * logit + 1, straight, np.arange(3000)).method == "sigmoid"
    margin, truth, campaigns = make_bent(3000)
    found = choose(margin, truth, campaigns)
    assert found.method in ("beta", "isotonic")
    assert found.log_loss[found.method] < found.log_loss["sigmoid"]
    assert (found.ads, found.campaigns) == (3000, 1500)


def test_copies_of_a_campaign_do_not_make_a_choice_surer() -> None:
    campaigns = make_bent(200)[2]
    better = np.random.default_rng(0).normal(0.01, 1, 200)
    _, alone = gain(better, campaigns)
    _, copied = gain(np.repeat(better, 50), np.repeat(campaigns, 50))
    assert abs(copied - alone) < 1e-9


def make_languages(count: int) -> tuple[Margins, Targets, list[str]]:
    """Half the ads in a language whose margins are three too high, half in one where they fit."""
    rng = np.random.default_rng(3)
    logit = rng.normal(-1, 1.5, count)
    languages = ["es" if i % 2 else "en" for i in range(count)]
    cumulative = logit[:, None] + np.array([1.0, 0.0, -1.0])
    risk = (rng.random(count)[:, None] < expit(cumulative)).sum(axis=1)
    shift = np.array([3.0 if code == "es" else 0.0 for code in languages])[:, None]
    margins = Margins(indicators=np.zeros((count, 0)), risk=cumulative + shift)
    return margins, Targets((), np.zeros((count, 0)), risk.astype(np.int64)), languages


@cache
def calibrated_by_language() -> Calibration:
    margins, targets, languages = make_languages(2000)
    return fit_calibration(margins, targets, (), np.arange(2000), languages)


@pytest.mark.slow
def test_a_language_gets_its_own_curves_where_that_is_better_and_data_allow() -> None:
    margins, targets, languages = make_languages(2000)
    found = calibrated_by_language()
    assert {"en", "es"} <= set(found.risk_curves)
    assert found.choices["risk:es"].log_loss["common"] > min(
        found.choices["risk:es"].log_loss[name] for name in METHODS
    )
    risk = found.risk(margins, languages)
    assert (np.diff(risk, axis=1) <= 0).all()
    for code in ("en", "es"):
        rows = np.array(languages) == code
        assert abs(risk[rows, 1].mean() - (targets.risk[rows] >= 2).mean()) < 0.03
    few, few_targets, few_languages = make_languages(200)
    assert set(
        fit_calibration(few, few_targets, (), np.arange(200), few_languages).risk_curves
    ) <= {""}


@pytest.mark.slow
def test_an_ad_of_no_known_language_is_read_by_the_common_curves() -> None:
    margins, found = make_languages(2000)[0], calibrated_by_language()
    np.testing.assert_array_equal(found.risk(margins), found.risk(margins, [None] * 2000))


@pytest.mark.slow
def test_curves_and_their_figures_come_back_from_json() -> None:
    margins, _, languages = make_languages(2000)
    found = calibrated_by_language()
    written = calibration_entry(found, 2000).model_dump_json()
    back = calibration_of(CalibrationEntry.model_validate_json(written))
    np.testing.assert_array_equal(back.risk(margins, languages), found.risk(margins, languages))
    assert back.choices == found.choices
