"""Two models on the same ads: differences that are known, intervals that cover, no false claims."""

from __future__ import annotations

import numpy as np
import pytest

from adrisk.errors import CorpusError
from adrisk.labels.targets import Targets
from adrisk.metrics import estimates as metrics
from adrisk.metrics.comparison import Pair, compare, difference_in_words, in_words
from adrisk.metrics.figures import Figure
from adrisk.metrics.results import Paired
from adrisk.types import FloatArray

BOOTSTRAP = metrics.Bootstrap(resamples=200)


def make_pair(
    truth: np.ndarray,
    first: FloatArray,
    second: FloatArray,
    *,
    copies: int = 1,
    present: np.ndarray | None = None,
) -> Pair:
    """Every ad in `copies` copies of one campaign; one indicator, scored as risk is, if given."""
    count = len(truth) * copies
    values = np.zeros((count, 0)) if present is None else np.repeat(present, copies)[:, None] * 1.0
    labels = () if present is None else ("exit_penalty",)
    scores = (np.repeat(first, copies), np.repeat(second, copies))
    return Pair(
        risk=scores,
        indicators=tuple(score[:, None][:, : len(labels)] for score in scores),  # type: ignore[arg-type]
        labels=labels,
        targets=Targets(labels, values, np.where(np.repeat(truth, copies), 3, 0)),
        campaigns=np.repeat(np.arange(len(truth)), copies),
    )


def noisy(truth: np.ndarray, noise: float, rng: np.random.Generator) -> FloatArray:
    return truth + noise * rng.normal(size=len(truth))


def test_a_known_difference_is_told_exactly() -> None:
    truth = np.arange(200) < 20
    perfect, reversed_ = -np.arange(200.0), np.arange(200.0)
    found = compare(make_pair(truth, perfect, reversed_), BOOTSTRAP).risk
    worst = np.mean([k / (180 + k) for k in range(1, 21)])  # the positives come last
    assert found.average_precision.first.value == 1.0
    assert found.average_precision.difference.value == pytest.approx(1 - worst, abs=1e-6)
    assert found.recall_at_0_05.first.value == 0.5  # 10 of 200 are reviewed
    assert found.recall_at_0_05.difference.value == 0.5
    assert found.recall_at_0_005.difference.value == 0.05


def test_a_model_differs_from_itself_by_nothing() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.1
    score = noisy(truth, 1, rng)
    found = compare(make_pair(truth, score, score, present=truth), BOOTSTRAP)
    assert found.indicators is not None
    for figures in (*dict(found.risk).values(), found.indicators.macro_average_precision):
        gap = figures.difference
        assert (gap.value, gap.low, gap.high) == (0, 0, 0)
    assert all("no difference shown" in line for line in in_words(found))


def test_the_other_way_round_every_difference_changes_its_sign() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(300) < 0.15
    first, second = noisy(truth, 0.5, rng), noisy(truth, 1, rng)
    there = compare(make_pair(truth, first, second), BOOTSTRAP).risk
    back = compare(make_pair(truth, second, first), BOOTSTRAP).risk
    for name, figures in there:
        gap, other = figures.difference, getattr(back, name).difference
        assert gap.value == -other.value
        assert (gap.low, gap.high) == pytest.approx((-other.high, -other.low))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.8, 0.5])
def test_the_interval_covers_the_true_difference_about_as_often_as_it_says(noise: float) -> None:
    """Campaigns of four equal ads; the truth is that of a crowd of campaigns, drawn once."""
    rng = np.random.default_rng(99)
    crowd = rng.random(400_000) < 0.15
    true = {}
    for name, budget in (("average_precision", None), ("recall_at_0_05", 0.05)):
        sides = [noisy(crowd, level, rng) for level in (noise, 0.8)]
        wanted = [
            metrics.average_precision(crowd, side)
            if budget is None
            else metrics.at_budget(crowd, side, budget).recall
            for side in sides
        ]
        first, second = (float(metric(np.ones((1, len(crowd))))[0]) for metric in wanted)
        true[name] = first - second
    covered = dict.fromkeys(true, 0)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truth = rng.random(250) < 0.15
        pair = make_pair(truth, noisy(truth, noise, rng), noisy(truth, 0.8, rng), copies=4)
        found = compare(pair, BOOTSTRAP).risk
        for name, value in true.items():
            gap = getattr(found, name).difference
            covered[name] += gap.low <= value <= gap.high
    # 95 is what it says; drawing single ads instead of campaigns would cover two in three.
    assert all(86 <= count <= 100 for count in covered.values()), covered


def test_what_both_find_hard_does_not_widen_the_interval_of_the_difference() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(400) < 0.1
    shared = noisy(truth, 1, rng)
    found = compare(make_pair(truth, shared, noisy(shared, 0.1, rng)), BOOTSTRAP).risk
    width = {side: figure.high - figure.low for side, figure in found.average_precision}
    assert width["difference"] < 0.5 * min(width["first"], width["second"])


def test_ads_of_unknown_risk_or_indicator_do_not_count() -> None:
    truth = np.arange(100) < 20
    score = -np.arange(100.0)
    pair = make_pair(truth, score, score, present=truth)
    pair.targets.risk[90:] = -1
    pair.targets.indicators[15:25] = np.nan
    found = compare(pair, BOOTSTRAP)
    assert (found.n, found.positives, found.campaigns) == (90, 20, 90)
    assert found.indicators is not None
    assert found.indicators.by_indicator["exit_penalty"].first.positives == 15


def test_an_indicator_with_few_cases_is_left_out_of_the_mean() -> None:
    truth = np.arange(100) < 20
    pair = make_pair(truth, -np.arange(100.0), np.arange(100.0), present=np.arange(100) < 9)
    assert compare(pair, BOOTSTRAP).indicators is None


def test_the_mean_over_indicators_is_that_of_their_average_precisions() -> None:
    rng = np.random.default_rng(4)
    values = (rng.random((200, 3)) < 0.2).astype(float)
    sides = tuple(values + rng.normal(size=values.shape) * noise for noise in (0.4, 2.0))
    labels = ("exit_penalty", "no_contract", "vague_role")
    targets = Targets(labels, values, np.where(values[:, 0] > 0, 3, 0))
    pair = Pair((sides[0][:, 0], sides[1][:, 0]), sides, labels, targets, np.arange(200))  # type: ignore[arg-type]
    found = compare(pair, BOOTSTRAP).indicators
    assert found is not None
    gaps = [figures.difference.value for figures in found.by_indicator.values()]
    mean = found.macro_average_precision.difference
    assert mean.value == pytest.approx(np.mean(gaps), abs=1e-6)
    assert mean.low > 0


def test_words_claim_only_what_the_interval_shows() -> None:
    def told(low: float | None, value: float, high: float | None) -> str:
        counts = {"n": 9, "positives": 3, "campaigns": 4}
        side = Figure(value=0.5, low=0.4, high=0.6, **counts)
        gap = Figure(value=value, low=low, high=high, **counts)
        return difference_in_words(Paired(first=side, second=side, difference=gap))

    assert told(0.1, 0.2, 0.3).startswith("0.500 against 0.500: better by +0.200")
    assert "worse by -0.200 [-0.300, -0.100]" in told(-0.3, -0.2, -0.1)
    assert "no difference shown (+0.100 [-0.100, +0.300])" in told(-0.1, 0.1, 0.3)
    assert "too few campaigns for an interval" in told(None, 0.1, None)


def test_each_line_names_its_figure() -> None:
    truth = np.arange(200) < 20
    lines = in_words(compare(make_pair(truth, -np.arange(200.0), np.arange(200.0)), BOOTSTRAP))
    assert [line.split("  ")[0] for line in lines] == [
        "average precision",
        "recall at 0.5 %",
        "recall at 1 %",
        "recall at 2 %",
        "recall at 5 %",
    ]


def test_labels_of_one_class_cannot_be_compared_on() -> None:
    pair = make_pair(np.zeros(30, dtype=bool), np.arange(30.0), np.arange(30.0))
    with pytest.raises(CorpusError, match="cannot compare: all 30 labelled ads have risk below 2"):
        compare(pair, BOOTSTRAP)


def test_only_metrics_of_the_same_ads_are_paired() -> None:
    def drawn(count: int) -> metrics.Drawn:
        metric = metrics.alerts_per_10000(np.arange(count) * 1.0, 5)
        return metrics.Bootstrap(20).draw(metric, np.arange(count), 0)

    with pytest.raises(ValueError, match="same draws"):
        drawn(10) - drawn(11)
