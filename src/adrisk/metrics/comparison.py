"""Paired comparison of two models on the same ads.

In: scores of both, labels and campaigns; or the predictions that two evaluations kept. Out: the
figures of each and their difference on the same draws of campaigns, so that shared variation widens
no interval. An interval that contains 0 shows no difference; it is no proof that there is none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrisk.classifiers import storage
from adrisk.errors import CorpusError, ModelError
from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk
from adrisk.layout import BUDGETS
from adrisk.metrics import estimates as metrics
from adrisk.metrics.estimates import Bootstrap, Drawn
from adrisk.metrics.results import Comparison, Paired, PairedIndicators, PairedRanking
from adrisk.types import RISKY, FloatArray, IntArray

PREDICTIONS_FILE = "predictions.safetensors"

LEAST_POSITIVES = 10
"""Indicators with fewer ads present, or absent, are left out of the mean over indicators."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Scores of two models on the same n ads; the first is judged against the second.

    Attributes:
        risk: two of shape (n,), higher is riskier; only their order counts.
        indicators: two of shape (n, k), columns as `labels`.
        labels: the indicators that both models score; may be empty.
        targets: labels of the same ads.
        campaigns: shape (n,), equal numbers are one campaign.
    """

    risk: tuple[FloatArray, FloatArray]
    indicators: tuple[FloatArray, FloatArray]
    labels: tuple[str, ...]
    targets: Targets
    campaigns: IntArray


@dataclass(frozen=True, slots=True)
class Predictions:
    """Risk of n ads by one model, kept with an evaluation so that it can be paired later.

    Attributes:
        ads: shape (n,), hashes of the ids; no text and no contact is kept.
        campaigns: shape (n,), equal numbers are one campaign of the data set.
        labels: shape (n,), risk 0 to 3, -1 where not known.
        risk: shape (n,), probability that risk is 2 or 3.
    """

    ads: NDArray[np.uint64]
    campaigns: IntArray
    labels: IntArray
    risk: FloatArray

    def to_bytes(self) -> bytes:
        """The content of the file."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / PREDICTIONS_FILE
            storage.write_tensors(
                path, ads=self.ads, campaigns=self.campaigns, labels=self.labels, risk=self.risk
            )
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Predictions:
        """The predictions in the content of a file.

        Raises:
            ModelError: if the content is damaged.
        """
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / PREDICTIONS_FILE
            path.write_bytes(content)
            found = storage.read_tensors(
                path,
                ads=(np.uint64, (None,)),
                campaigns=(np.int64, (None,)),
                labels=(np.int64, (None,)),
                risk=(np.float64, (None,)),
            )
        if len({len(column) for column in found.values()}) != 1:
            raise ModelError(
                f"{PREDICTIONS_FILE} of an evaluation is damaged; evaluate the model again"
            )
        return cls(**found)


def pair_of(first: Predictions, second: Predictions) -> Pair:
    """The scores of two models on the ads that both were evaluated on.

    Raises:
        CorpusError: if there is no such ad, or the labels changed between the evaluations.
    """
    _, mine, theirs = np.intersect1d(first.ads, second.ads, return_indices=True)
    if not len(mine):
        raise CorpusError(
            "the two evaluations have no ad in common that neither model learned from"
        )
    labels = first.labels[mine]
    if (labels != second.labels[theirs]).any():
        raise CorpusError("the labels of the ads changed between the two evaluations")
    nothing = np.zeros((len(mine), 0))
    return Pair(
        risk=(first.risk[mine], second.risk[theirs]),
        indicators=(nothing, nothing),
        labels=(),
        targets=Targets((), nothing, labels),
        campaigns=first.campaigns[mine],
    )


def compare(pair: Pair, bootstrap: Bootstrap) -> Comparison:
    """Both models' figures, and the first less the second.

    Average precision and recall at every review budget of risk, over the ads whose risk is known;
    and, where labels are given, the mean over indicators of their average precision.

    Raises:
        CorpusError: if no ad has a risk label, or all have the same side of the line.
    """
    check_risk(pair.targets.risk, "compare")
    known = np.flatnonzero(pair.targets.risk != UNKNOWN_RISK)
    truth = pair.targets.risk[known] >= RISKY
    first, second = (
        _ranking(truth, score[known], pair.campaigns[known], bootstrap) for score in pair.risk
    )
    found = Comparison(
        n=len(known),
        positives=int(truth.sum()),
        campaigns=len(np.unique(pair.campaigns[known])),
        risk=PairedRanking.model_validate(
            {name: paired(first[name], second[name]) for name in first}
        ),
    )
    sides = [
        by_indicator(pair.targets, pair.labels, scores, pair.campaigns, bootstrap)
        for scores in pair.indicators
    ]
    if not sides[0]:
        return found
    indicators = PairedIndicators(
        macro_average_precision=paired(*(macro(side, pair.targets) for side in sides)),
        by_indicator={name: paired(sides[0][name], sides[1][name]) for name in sides[0]},
    )
    return found.model_copy(update={"indicators": indicators})


def paired(first: Drawn, second: Drawn) -> Paired:
    """Both figures and their difference."""
    return Paired(
        first=first.estimate().figure(),
        second=second.estimate().figure(),
        difference=(first - second).estimate().figure(),
    )


def by_indicator(
    targets: Targets,
    labels: tuple[str, ...],
    scores: FloatArray,
    campaigns: IntArray,
    bootstrap: Bootstrap,
) -> dict[str, Drawn]:
    """Average precision of every indicator with `LEAST_POSITIVES` ads present and absent.

    Args:
        targets: of n ads; where an indicator is not known, the ad does not count for it.
        labels: columns of `scores`.
        scores: shape (n, k).
        campaigns: shape (n,).
        bootstrap: of the intervals, with the same draws for all indicators.
    """
    found = {}
    for column, truth in enumerate(targets.columns(labels).T):
        known = np.flatnonzero(~np.isnan(truth))
        present = truth[known] >= 0.5
        if min(present.sum(), (~present).sum()) >= LEAST_POSITIVES:
            metric = metrics.average_precision(present, scores[known, column])
            found[labels[column]] = bootstrap.draw(
                metrics.among(metric, known), campaigns, int(present.sum())
            )
    return found


def macro(indicators: Mapping[str, Drawn], targets: Targets) -> Drawn:
    """The mean over indicators; in a draw where some are undefined, over the others.

    Its positives are the ads with any of the indicators.
    """
    present = targets.columns(tuple(indicators)) >= 0.5
    return metrics.mean_of(list(indicators.values()), int(present.any(axis=1).sum()))


def in_words(found: Comparison) -> list[str]:
    """The differences, a line each; none is claimed whose interval contains 0."""
    risk = found.risk
    rows = [
        ("average precision", risk.average_precision),
        ("recall at 0.5 %", risk.recall_at_0_005),
        ("recall at 1 %", risk.recall_at_0_01),
        ("recall at 2 %", risk.recall_at_0_02),
        ("recall at 5 %", risk.recall_at_0_05),
    ]
    if found.indicators is not None:
        count = len(found.indicators.by_indicator)
        mean = found.indicators.macro_average_precision
        rows.append((f"average precision, mean of {count} indicators", mean))
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {difference_in_words(figures)}" for name, figures in rows]


def difference_in_words(figures: Paired) -> str:
    """One figure of both models, and their difference."""
    first, second, gap = figures.first.value, figures.second.value, figures.difference
    if first is None or second is None or gap.value is None:
        return "undefined"
    both = f"{first:.3f} against {second:.3f}"
    if gap.low is None or gap.high is None:
        return f"{both}: differs by {gap.value:+.3f}, too few campaigns for an interval"
    interval = f"[{gap.low:+.3f}, {gap.high:+.3f}]"
    if gap.low <= 0 <= gap.high:
        return f"{both}: no difference shown ({gap.value:+.3f} {interval})"
    return f"{both}: {'better' if gap.low > 0 else 'worse'} by {gap.value:+.3f} {interval}"


def _ranking(
    truth: NDArray[np.bool_], score: FloatArray, campaigns: IntArray, bootstrap: Bootstrap
) -> dict[str, Drawn]:
    wanted = {"average_precision": metrics.average_precision(truth, score)}
    wanted |= {
        f"recall_at_{budget:g}": metrics.at_budget(truth, score, budget).recall
        for budget in BUDGETS
    }
    positives = int(truth.sum())
    return {name: bootstrap.draw(metric, campaigns, positives) for name, metric in wanted.items()}
