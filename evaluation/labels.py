"""Gain of joining votes with a label model, measured on clean test labels.

    python evaluation/labels.py [--ads 8000] [--seeds 3 4 5]

For every seed a synthetic corpus is made; its training part has the votes of three simulated
annotators, its test part the true labels. The same classifier is trained on the same ads with
labels made in different ways, and evaluated on the test part: average precision of risk (2 or 3
against less), and the mean over indicators of their average precision. Each way is compared with
the label model on the same draws of test campaigns, so the intervals are paired; over several seeds
the differences are averaged. The labels themselves and the estimates of voter accuracy are also
compared with the truth, which no training uses.

The classifier is that of the `ngram` family with its features and strength; only its heads are
solved together, because all ways share their features and one by one would take an hour.

Writes evaluation/results/labels.json. The ads and their annotators are simulated: the figures show
whether the method works, not its gain on real ads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score

from adrisk.api import Corpus, load_corpus
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.config import LabelsConfig
from adrisk.labels.join import join_votes
from adrisk.labels.targets import Targets, learnable, targets_of
from adrisk.labels.votes import JUDGES, RISK, read_votes, rule_votes
from adrisk.metrics.estimates import Metric, average_precision
from adrisk.metrics.figures import Result
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.text.ngrams import hashed_matrix
from adrisk.training.labels import training_labels
from adrisk.training.train import split_corpus
from adrisk.types import RISKY, FloatArray, IntArray

OUT = Path(__file__).parent / "results" / "labels.json"

LEAST_POSITIVES = 10
"""Indicators with fewer positives in a test part are left out of the mean, for every way."""

RESAMPLES = 500

SOLVER = {"maxiter": 200, "ftol": 1e-5}

REFERENCE = "label model"
PLAIN = "majority of annotators"
WAYS: Mapping[str, LabelsConfig | None] = {
    REFERENCE: LabelsConfig(join="model", rules=True),
    "label model without rules": LabelsConfig(join="model", rules=False),
    PLAIN: LabelsConfig(join="majority", rules=False),
    "majority with rules": LabelsConfig(join="majority", rules=True),
    "rules alone": None,
}


class LabelQuality(Result):
    """Labels of the fit set compared with the truth; `present` and `risky` are true positives."""

    n: int
    present: int | None = None
    risky: int | None = None
    wrong: float
    average_precision: float
    squared_error: float


class LabelsQuality(Result):
    """The same for all indicators together, and for risk."""

    indicators: LabelQuality
    risk: LabelQuality


class Interval(Result):
    """The mean over corpora, with the middle 95 % of the draws."""

    value: float
    low: float
    high: float
    by_corpus: tuple[float, ...]


class WayFigures(Result):
    """Figures of one way of labelling, and what the label model gains over it."""

    risk: Interval
    risk_gain_of_label_model: Interval | None = None
    indicators: Interval
    indicators_gain_of_label_model: Interval | None = None


class Accuracy(Result):
    """Accuracy of a voter as the label model estimates it, and the true one."""

    believed: float
    true: float


class Voter(Result):
    """Accuracy of a voter where the indicator is present and where it is not."""

    sensitivity: Accuracy
    specificity: Accuracy
    votes: int


class TestPart(Result):
    """The test part of one corpus."""

    source: str
    fingerprint: str
    fitted_on: int
    n: int
    risky: int
    campaigns: int
    indicators: int


class LabelResults(Result):
    """The content of `labels.json`; `tests`, `labels` and `voters` have one entry a corpus."""

    what: str
    resamples: int
    tests: tuple[TestPart, ...]
    ways: Mapping[str, WayFigures]
    by_indicator: Mapping[str, Mapping[str, Interval]]
    labels: tuple[Mapping[str, LabelsQuality], ...]
    voters: tuple[Mapping[str, Voter], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Figures of one way of labelling on one corpus.

    The first value of a figure is for all test ads, the others for the draws of test campaigns,
    which are the same for every way, so that differences are paired.

    Attributes:
        figures: of "risk" and "indicators".
        by_indicator: the parts of "indicators".
        labels: agreement of the training labels with the truth.
    """

    figures: Mapping[str, FloatArray]
    by_indicator: Mapping[str, FloatArray]
    labels: LabelsQuality


def main() -> None:
    """Run every way on every seed, print and write the comparison."""
    arguments = _arguments()
    sources = arguments.source or [
        f"synthetic:{arguments.ads}?seed={seed}" for seed in arguments.seeds
    ]
    runs, tests, voters = [], [], []
    for source in sources:
        corpus = load_corpus([source])
        split = split_corpus(corpus, 0)
        test = split["report"]
        print(f"{source}: learning from {len(split['fit']):,} ads, judged on {len(test):,}")
        space = _space(corpus, split["fit"], test)
        run = {}
        for way, config in WAYS.items():
            run[way] = _judge(corpus, split["fit"], test, config, space)
            print(f"  {way}", flush=True)
        runs.append(run)
        truth = _truth(corpus, test)
        tests.append(
            TestPart(
                source=Path(source).name,
                fingerprint=corpus.fingerprint,
                fitted_on=len(split["fit"]),
                n=len(test),
                risky=int((truth.risk >= RISKY).sum()),
                campaigns=len(np.unique(corpus.campaigns[test])),
                indicators=len(run[REFERENCE].by_indicator),
            )
        )
        voters.append(_voters(corpus, split["fit"]))
        results = _results(runs, tests, voters)
        text = json.dumps(results.to_json(), indent=1) + "\n"
        arguments.out.write_text(text, encoding="utf-8")
        _print(results)
    print(f"\nwrote {arguments.out}")


def _results(
    runs: list[dict[str, Judged]], tests: list[TestPart], voters: list[dict[str, Voter]]
) -> LabelResults:
    """All results of the corpora so far."""
    return LabelResults(
        what=(__doc__ or "").splitlines()[0],
        resamples=RESAMPLES,
        tests=tuple(tests),
        ways={way: _compared(runs, way) for way in WAYS},
        by_indicator=_by_indicator(runs),
        labels=tuple({way: run[way].labels for way in WAYS} for run in runs),
        voters=tuple(voters),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=8_000, help="ads of each corpus")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5], help="of the corpora")
    parser.add_argument("--source", action="append", help="judge on this corpus instead")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Space:
    """Features of the `ngram` family, rotated into as many dimensions as there are fit ads.

    Attributes:
        fit: shape (n, n), rows of a root of the ads' inner products.
        test: shape (m, n), the test ads in the same space.
    """

    fit: NDArray[np.float32]
    test: NDArray[np.float32]


def _space(corpus: Corpus, fit: IntArray, test: IntArray) -> Space:
    family = NgramClassifier()
    learned = hashed_matrix(corpus.batch.folded.take(pa.array(fit)), family.bits)
    found_in = np.bincount(learned.indices, minlength=learned.shape[1])
    weight = np.log((1 + len(fit)) / (1 + found_in)) + 1
    scaled = sparse.csr_array(learned.multiply(sparse.csr_array(weight[None, :] ** 2)))
    across = sparse.csr_array(scaled.astype(np.float32).T)
    unseen = hashed_matrix(corpus.batch.folded.take(pa.array(test)), family.bits)
    inner, cross = _products(learned, across), _products(unseen, across)
    root = cholesky(inner + 1e-3 * np.eye(len(fit), dtype=np.float32), lower=True)
    return Space(root, solve_triangular(root, cross.T, lower=True).T)


def _products(rows: sparse.csr_array, across: sparse.csr_array) -> NDArray[np.float32]:
    """Dense products, computed in blocks of rows."""
    parts = [(rows[at : at + 500] @ across).toarray() for at in range(0, rows.shape[0], 500)]
    return np.concatenate(parts).astype(np.float32)


def _learned(space: Space, targets: Targets) -> tuple[tuple[str, ...], FloatArray]:
    """Trainable indicators, and margins of the test ads: risk first, then these."""
    family = NgramClassifier()
    labels = learnable(targets, family.min_positives)
    wanted = np.column_stack([targets.risk_at_least(RISKY), targets.columns(labels)])
    known = ~np.isnan(wanted)
    wanted = np.where(known, wanted, 0.0)
    shape = (space.fit.shape[1] + 1, wanted.shape[1])

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(shape)
        logits = space.fit @ weights[:-1].astype(np.float32) + weights[-1]
        value = (known * (np.logaddexp(0, logits) - wanted * logits)).sum() * family.strength
        residual = family.strength * known * (expit(logits) - wanted)
        slope = np.vstack([space.fit.T @ residual.astype(np.float32), residual.sum(axis=0)])
        slope[:-1] += weights[:-1]
        return float(value + (weights[:-1] ** 2).sum() / 2), slope.ravel()

    best = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=SOLVER)
    weights = best.x.reshape(shape)
    return labels, space.test @ weights[:-1] + weights[-1]


def _judge(
    corpus: Corpus, fit: IntArray, test: IntArray, config: LabelsConfig | None, space: Space
) -> Judged:
    targets = (
        _rules_output(corpus, fit)
        if config is None
        else training_labels(corpus, fit, config).targets
    )
    labels, margins = _learned(space, targets)
    truth, draws = _truth(corpus, test), _draws(corpus.campaigns[test])
    by_indicator = {}
    for column, name in enumerate(truth.labels):
        present = truth.indicators[:, column] >= 0.5
        if present.sum() >= LEAST_POSITIVES:
            score = np.zeros(len(test))  # an indicator that was not learned ranks no ad
            if name in labels:
                score = margins[:, 1 + labels.index(name)]
            by_indicator[name] = _drawn(average_precision(present, score), draws)
    risk = average_precision(truth.risk >= RISKY, margins[:, 0])
    figures = {
        "risk": _drawn(risk, draws),
        # Of a draw without a case of one indicator, the mean of the others.
        "indicators": np.nanmean(np.stack(list(by_indicator.values())), axis=0),
    }
    return Judged(figures, by_indicator, _judge_labels(targets, _truth(corpus, fit)))


def _draws(campaigns: IntArray) -> FloatArray:
    """Weights of the ads, one row per draw of campaigns; the first row is all ones."""
    groups, member = np.unique(campaigns, return_inverse=True)
    even = np.full(len(groups), 1 / len(groups))
    drawn = np.random.default_rng(0).multinomial(len(groups), even, size=RESAMPLES)
    return np.concatenate([np.ones((1, len(member))), drawn[:, member]]).astype(np.float64)


def _drawn(metric: Metric, draws: FloatArray) -> FloatArray:
    return np.concatenate([metric(draws[at : at + 50]) for at in range(0, len(draws), 50)])


def _truth(corpus: Corpus, rows: IntArray) -> Targets:
    """True labels, for evaluation only."""
    ads = corpus.ads.take(pa.array(rows))
    columns = {"indicators": ads["true_indicators"], "risk": ads["true_risk"]}
    return targets_of(pa.table(columns), load_taxonomy().text_ids)


def _rules_output(corpus: Corpus, rows: IntArray) -> Targets:
    """Labels from the evidence rules and the taxonomy alone."""
    ads = corpus.ads.take(pa.array(rows))
    labels = corpus.targets.labels
    found = rule_votes(ads["text"].to_pylist(), ads["language"].to_pylist(), labels)
    values = np.zeros((len(rows), len(labels)))
    for column, name in enumerate(labels):
        if name in found:
            values[:, column] = (found[name].codes == 0).any(axis=1)
    return Targets(labels, values, found[RISK].codes[:, 0].astype(np.int64))


def _judge_labels(labels: Targets, truth: Targets) -> LabelsQuality:
    """Agreement of the training labels with the truth, where there is a label."""
    known = ~np.isnan(labels.indicators)
    given, present = labels.indicators[known], truth.columns(labels.labels)[known] >= 0.5
    risky, at_least = truth.risk >= RISKY, labels.risk_at_least(RISKY)
    labelled = ~np.isnan(at_least)
    indicators, risk = _quality(given, present), _quality(at_least[labelled], risky[labelled])
    return LabelsQuality(
        indicators=indicators.model_copy(update={"present": int(present.sum())}),
        risk=risk.model_copy(update={"risky": int(risky[labelled].sum())}),
    )


def _quality(given: FloatArray, true: NDArray[np.bool_]) -> LabelQuality:
    """Probabilities that labels state, compared with the truth."""
    return LabelQuality(
        n=len(given),
        wrong=round(float(((given >= 0.5) != true).mean()), 5),
        average_precision=round(float(average_precision_score(true, given)), 4),
        squared_error=round(float(((given - true) ** 2).mean()), 5),
    )


def _voters(corpus: Corpus, rows: IntArray) -> dict[str, Voter]:
    """Estimated and true accuracy of every annotator."""
    ads = corpus.ads.take(pa.array(rows))
    ballots = read_votes(ads, corpus.targets.labels)
    joined = join_votes(ballots, corpus.targets.labels, len(ads))
    truth = _truth(corpus, rows)
    believed: dict[str, list[list[float]]] = {}
    for name, item in joined.items.items():
        if name == RISK:
            continue
        present = truth.indicators[:, truth.labels.index(name)] >= 0.5
        for voter, counts in item.votes().items():
            if voter == JUDGES:
                continue
            votes = item.ballots.codes[:, item.ballots.voters.index(voter)]
            voted = votes >= 0
            row = [counts[0, 0], counts[0].sum(), counts[1:, 1:].sum(), counts[1:].sum()]
            row += [(votes[present] == 0).sum(), (voted & present).sum()]
            row += [(votes[~present] > 0).sum(), (voted & ~present).sum()]
            believed.setdefault(voter, []).append([float(value) for value in row])
    found = {}
    for voter, rows_ in believed.items():
        s = np.sum(rows_, axis=0)
        found[voter] = Voter(
            sensitivity=Accuracy(believed=round(s[0] / s[1], 4), true=round(s[4] / s[5], 4)),
            specificity=Accuracy(believed=round(s[2] / s[3], 4), true=round(s[6] / s[7], 4)),
            votes=int(s[5] + s[7]),
        )
    return found


def _compared(runs: list[dict[str, Judged]], way: str) -> WayFigures:
    """Figures of one way, and the gain of the label model."""

    def gain(measure: str) -> Interval | None:
        pairs = [(run[REFERENCE].figures[measure], run[way].figures[measure]) for run in runs]
        return None if way == REFERENCE else _interval([model - mine for model, mine in pairs])

    return WayFigures(
        risk=_interval([run[way].figures["risk"] for run in runs]),
        risk_gain_of_label_model=gain("risk"),
        indicators=_interval([run[way].figures["indicators"] for run in runs]),
        indicators_gain_of_label_model=gain("indicators"),
    )


def _by_indicator(runs: list[dict[str, Judged]]) -> dict[str, dict[str, Interval]]:
    """Label model and majority vote compared, by indicator."""
    found = {}
    for name in load_taxonomy().text_ids:
        pairs = [
            (run[REFERENCE].by_indicator[name], run[PLAIN].by_indicator[name])
            for run in runs
            if name in run[REFERENCE].by_indicator
        ]
        if pairs:
            found[name] = {
                REFERENCE: _interval([model for model, _ in pairs]),
                "gain_over_majority": _interval([model - plain for model, plain in pairs]),
            }
    return found


def _interval(figures: Sequence[FloatArray]) -> Interval:
    mean = np.mean(figures, axis=0)
    low, high = np.nanquantile(mean[1:], [0.025, 0.975])
    return Interval(
        value=round(float(mean[0]), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
        by_corpus=tuple(round(float(figure[0]), 4) for figure in figures),
    )


def _print(results: LabelResults) -> None:
    print(f"\n{'':28} {'risk AP':>22} {'indicators, mean AP':>22}")
    for way, figures in results.ways.items():
        print(f"{way:28} {_words(figures.risk):>22} {_words(figures.indicators):>22}")
    print("\nthe label model is better by (paired)")
    for way, figures in results.ways.items():
        risk, indicators = (
            figures.risk_gain_of_label_model,
            figures.indicators_gain_of_label_model,
        )
        if risk is not None and indicators is not None:
            print(f"{'than ' + way:28} {_words(risk):>22} {_words(indicators):>22}")
    for labels in results.labels:
        print("\nthe labels themselves against the truth: average precision (share wrong)")
        for way, judged in labels.items():
            cells = (
                f"{one.average_precision:.3f} ({one.wrong:.4f})"
                for one in (judged.risk, judged.indicators)
            )
            print(f"{way:28} {' '.join(f'{cell:>22}' for cell in cells)}")
    for voters in results.voters:
        print("\nvoters: sensitivity and specificity, believed (true)")
        for voter, found in voters.items():
            rates = (
                f"{one.believed:.3f} ({one.true:.3f})"
                for one in (found.sensitivity, found.specificity)
            )
            print(f"{voter:28} {' '.join(f'{words:>22}' for words in rates)}")


def _words(figure: Interval) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


if __name__ == "__main__":
    main()
