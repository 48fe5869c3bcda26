"""Calibration: planted slopes come back, order stays, the risk questions do not cross."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from adrisk.calibration import fit_calibration, levels
from adrisk.classifiers.base import IMPOSSIBLE, Margins
from adrisk.labels import Targets


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
