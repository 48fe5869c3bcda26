"""The linear heads: equal seeds give equal weights, wherever the heads are fitted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from adrisk.classifiers import linear_heads as heads
from adrisk.labels.targets import Targets

LABELS = tuple(f"sign{i}" for i in range(5))


def make_task(ads: int = 300, columns: int = 80) -> tuple[sparse.csr_array, Targets]:
    rng = np.random.default_rng(3)
    features = (rng.random((ads, columns)) < 0.2) * rng.random((ads, columns))
    truth = (features @ rng.normal(size=(columns, len(LABELS))) > 0).astype(float)
    risk = np.minimum(3, truth.sum(axis=1)).astype(np.int8)
    return sparse.csr_array(features), Targets(LABELS, truth, risk)


def fit() -> heads.LinearHeads:
    features, targets = make_task()
    return heads.fit_heads(features, targets, LABELS, strength=4.0, seed=0)


@pytest.mark.slow
def test_processes_give_the_very_weights_that_one_process_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = fit()
    monkeypatch.setattr(heads, "_WORTH_PROCESSES", 0)
    several = fit()
    np.testing.assert_array_equal(several.weights, one.weights)
    np.testing.assert_array_equal(several.intercepts, one.intercepts)


def test_equal_seeds_give_equal_weights_and_another_seed_does_not() -> None:
    features, targets = make_task()
    again = fit()
    other = heads.fit_heads(features, targets, LABELS, strength=4.0, seed=1)
    np.testing.assert_array_equal(again.weights, fit().weights)
    assert not np.array_equal(other.weights, again.weights)
