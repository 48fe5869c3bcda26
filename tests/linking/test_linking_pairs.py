"""The figures that linking is judged by, checked by hand and against scikit-learn."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).parents[2] / "evaluation" / "benchmarks"))

from pairs import agree
from planted import planted


def test_pairs_are_counted_as_by_hand() -> None:
    found = agree("aabb", "xxxy", resamples=20)
    assert found.precision.value == pytest.approx(1 / 3)
    assert found.recall.value == pytest.approx(1 / 2)
    assert found.f1.value == pytest.approx(2 / 5)
    assert (found.ads, found.campaigns, found.found) == (4, 2, 2)


@pytest.mark.parametrize("seed", range(4))
def test_the_adjusted_rand_index_is_that_of_scikit_learn(seed: int) -> None:
    draw = random.Random(seed)
    true = [draw.randrange(6) for _ in range(80)]
    found = [t if draw.random() < 0.7 else draw.randrange(6) for t in true]
    got = agree(true, found, resamples=50)
    assert got.rand.value == pytest.approx(adjusted_rand_score(true, found))
    assert got.rand.low <= got.rand.value <= got.rand.high


def test_equal_groups_agree_wholly_in_every_draw() -> None:
    found = agree("aabbbc", "xxyyyz", resamples=50)
    for figure in (found.precision, found.recall, found.f1, found.rand):
        assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_planted_ads_are_equal_for_equal_seeds_and_their_sizes_are_heavy_tailed() -> None:
    ads = planted(2_000, 5)
    assert ads.equals(planted(2_000, 5))
    assert not ads["text"].equals(planted(2_000, 6)["text"])
    sizes = ads["campaign"].value_counts().field("counts").to_pylist()
    assert max(sizes) == 40
    assert sorted(sizes)[len(sizes) // 2] <= 3
    assert len(set(ads["script"].to_pylist())) == 5
