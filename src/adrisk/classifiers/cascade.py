"""Cascade: the fast family scores every ad; near the threshold both scores are combined.

A review budget flags the riskiest share of all ads. Far from its threshold a second score cannot
change which ads are flagged; the ads near it, the band, are scored by the encoder too. Both parts
score the calibration set, which neither was fitted on, and `calibrate_band` chooses:

- the scales: each part's margins become log-odds, the fast one's alone and both parts' together
  (logistic regression, slopes not below 0), so that ads scored once and twice share one ranking;
- the band: as far from the threshold as the encoder moves all but the rarest ads, up or down, and
  at most the share `most_reread` of the calibration ads, the nearest to the threshold first.

Whether an ad is in the band depends on its own text alone, so a batch scores like its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers import storage
from adrisk.classifiers.base import (
    RISK_HEADS,
    RISKY_COLUMN,
    THRESHOLDS,
    Classifier,
    Margins,
    TrainContext,
    check_names,
    contributions_to,
    enforce_monotone,
    parameters_of,
)
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.errors import ConfigError, CorpusError, ModelError
from adrisk.labels.targets import Targets
from adrisk.layout import REVIEW_SHARE
from adrisk.types import FloatArray

RARE = 0.01
"""Share of the ads near the threshold that may move further, up or down, than the band."""

_NEAR = 10.0  # times the review share: the ads whose moves are measured
_LEAST = 5  # present and absent ads; with fewer, a head is the mean of both parts
_RIDGE = 1e-3
_FAST, _ENCODER = "fast", "encoder"
_Part = TypeVar("_Part", NgramClassifier, EncoderClassifier)


class CascadeClassifier:
    """The ngram family for all ads, the encoder for those near the threshold.

    Before `calibrate_band`, every ad is in the band and the encoder's margins are final.

    Args:
        fast: parameters of the ngram family.
        encoder: parameters of the encoder family.
        review_share: share of all ads to be reviewed; it sets the threshold.
        most_reread: largest share of the calibration set in the band, the encoder's cost. It sets
            the band once and is no cap afterwards: other ads may lie in the band more often.
        min_positives: as in both families.
        findings: as in both families.
        seed: of both.
    """

    family: ClassVar[str] = "cascade"
    parts: ClassVar[dict[str, type[Classifier]]] = {
        _FAST: NgramClassifier,
        _ENCODER: EncoderClassifier,
    }
    """Parameters that are themselves parameters of a family; a configuration checks them."""
    libraries: ClassVar[tuple[str, ...]] = EncoderClassifier.libraries
    labels_: tuple[str, ...]

    def __init__(
        self,
        *,
        fast: dict[str, Any] | None = None,
        encoder: dict[str, Any] | None = None,
        review_share: float = REVIEW_SHARE,
        most_reread: float = 0.02,
        min_positives: int = 8,
        findings: bool = True,
        seed: int = 0,
    ) -> None:
        self.fast = fast
        self.encoder = encoder
        self.review_share = review_share
        self.most_reread = most_reread
        self.min_positives = min_positives
        self.findings = findings
        self.seed = seed
        self._facts: dict[str, object] = {}
        self._context = TrainContext()

    def parameters(self) -> dict[str, object]:
        """As given to `__init__`."""
        return parameters_of(self)

    def set_context(self, context: TrainContext) -> Self:
        """Pass the context to the encoder; see `LongTraining`."""
        self._context = context
        return self

    def use_threads(self, count: int) -> None:
        """Set the threads of the encoder; see `Threaded`."""
        self._encoder.use_threads(count)

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Fit both parts; see `Classifier.fit`."""
        if not 0 < self.review_share < 1 or not 0 < self.most_reread <= 1:
            raise ConfigError(
                f"review_share ({self.review_share:g}) and most_reread ({self.most_reread:g}) "
                "must be shares of all ads, above 0; review_share is below 1, most_reread at most 1"
            )
        fast, encoder = self._make_parts()
        self._fast = fast.fit(batch, targets)
        self._encoder = encoder.set_context(self._context).fit(batch, targets)
        return self._set_state(self._fast.labels_, _untuned(RISK_HEADS + len(self._fast.labels_)))

    def _make_parts(self) -> tuple[NgramClassifier, EncoderClassifier]:
        common = {
            "seed": self.seed,
            "min_positives": self.min_positives,
            "findings": self.findings,
        }
        return (
            _make_part(NgramClassifier, _FAST, {**common, **(self.fast or {})}),
            _make_part(EncoderClassifier, _ENCODER, {**common, **(self.encoder or {})}),
        )

    def _set_state(self, labels: Sequence[str], tuning: dict[str, FloatArray]) -> Self:
        self.labels_ = tuple(labels)
        self._tuning = tuning
        return self

    def calibrate_band(self, batch: TextBatch, targets: Targets) -> Self:
        """Choose the scales and the band; see `NeedsTuning`."""
        if len(batch) == 0:
            raise CorpusError("no ads are left to tune the cascade on; train on more campaigns")
        first, second = (
            _columns(self._fast.margins(batch)),
            _columns(self._encoder.margins(batch)),
        )
        truths = _head_targets(targets, self.labels_)
        pairs = list(zip(first.T, second.T, truths.T, strict=True))
        alone = np.array([_fit_scale(one[:, None], truth) for one, _, truth in pairs])
        both = np.array([_fit_scale(np.stack([one, two], 1), truth) for one, two, truth in pairs])
        before = _scaled(first[:, RISKY_COLUMN, None], alone[RISKY_COLUMN])
        risk = np.stack([first[:, RISKY_COLUMN], second[:, RISKY_COLUMN]], axis=1)
        after = _scaled(risk, both[RISKY_COLUMN])
        low, high, why = band(before, after, self.review_share, self.most_reread)
        within = (before >= low) & (before <= high)
        self._facts = {
            "reread_share": float(within.mean()),
            "reread_because": why,
            "reread_from": float(expit(low)),
            "reread_to": float(expit(high)),
            "settled_on_ads": len(batch),
            **{f"encoder_{name}": value for name, value in self._encoder.facts().items()},
        }
        tuning = {"alone": alone, "both": both, "band": np.array([low, high])}
        return self._set_state(self.labels_, tuning)

    def facts(self) -> dict[str, object]:
        """The share in the band and why, and the encoder's facts; see `ReportsFacts`."""
        return dict(self._facts)

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        result, second_pass = self._score_both(batch)
        return Margins(
            result[:, RISK_HEADS:], enforce_monotone(result[:, :RISK_HEADS]), second_pass
        )

    def reread(self, batch: TextBatch) -> NDArray[np.bool_]:
        """Shape (n,): which ads are in the band."""
        return self._in_band(_columns(self._fast.margins(batch)))

    def _in_band(self, first: FloatArray) -> NDArray[np.bool_]:
        low, high = self._tuning["band"]
        before = _scaled(first[:, RISKY_COLUMN, None], self._tuning["alone"][RISKY_COLUMN])
        return np.asarray((before >= low) & (before <= high))

    def _score_both(self, batch: TextBatch) -> tuple[FloatArray, NDArray[np.bool_]]:
        first = _columns(self._fast.margins(batch))
        second_pass = self._in_band(first)
        result = np.stack(
            [
                _scaled(one[:, None], scale)
                for one, scale in zip(first.T, self._tuning["alone"], strict=True)
            ],
            axis=1,
        )
        rows = np.flatnonzero(second_pass)
        if len(rows):
            second = _columns(self._encoder.margins(batch.take(rows)))
            for column, scale in enumerate(self._tuning["both"]):
                pair = np.stack([first[rows, column], second[:, column]], axis=1)
                result[rows, column] = _scaled(pair, scale)
        return result, second_pass

    def contributions(self, batch: TextBatch) -> FloatArray:
        """Both parts' contributions, weighted by their scales; see `Classifier.contributions`."""
        return self.contributions_to(batch, range(1 + len(self.labels_)))

    def contributions_to(self, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
        """Some rows of `contributions`; the encoder is explained only for an ad in the band.

        What no character contributes, such as the difference in shifts where the ad is in the band
        and the empty text is not, is spread evenly over all characters.
        """
        columns = [RISKY_COLUMN if row == 0 else RISK_HEADS + row - 1 for row in rows]
        margins, second_pass = self._score_both(batch)
        baseline, _ = self._score_both(make_batch([""], rules=batch.rules))
        weights = self._tuning["both" if second_pass[0] else "alone"][columns]
        result = weights[:, :1] * contributions_to(self._fast, batch, rows)
        if second_pass[0] and weights[:, 1].any():
            result = result + weights[:, 1:2] * contributions_to(self._encoder, batch, rows)
        if result.shape[1]:
            # `enforce_monotone` never changes the middle risk margin.
            residual = (margins - baseline)[0, columns] - result.sum(axis=1)
            result = result + residual[:, None] / result.shape[1]
        return np.asarray(result)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` (scales and band), and a folder for each part."""
        storage.write_tensors(folder / "weights.safetensors", **self._tuning)
        for name, part in ((_FAST, self._fast), (_ENCODER, self._encoder)):
            (folder / name).mkdir()
            part.save(folder / name)

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read the scales, the band and both parts."""
        model = cls(**parameters)
        columns = RISK_HEADS + len(labels)
        tuning = storage.read_tensors(
            folder / "weights.safetensors",
            alone=(np.float64, (columns, 2)),
            both=(np.float64, (columns, 3)),
            band=(np.float64, (2,)),
        )
        for name in (_FAST, _ENCODER):
            if not (folder / name).is_dir():
                raise ModelError(f"{folder}: the folder {name} is missing; copy the model again")
        fast, encoder = model._make_parts()
        model._fast = NgramClassifier.load(folder / _FAST, fast.parameters(), labels)
        model._encoder = EncoderClassifier.load(folder / _ENCODER, encoder.parameters(), labels)
        return model._set_state(labels, tuning)


def band(
    before: FloatArray, after: FloatArray, review_share: float, most_reread: float
) -> tuple[float, float, str]:
    """The range of first margins scored by the encoder, and the reason for it.

    Args:
        before: shape (n,), log-odds by the fast part alone.
        after: shape (n,), log-odds by both parts.
        review_share: share of the ads flagged.
        most_reread: largest share of the ads in the band.

    Returns:
        The lowest and the highest first margin in the band, and the reason as text.
    """
    count = len(before)
    flagged = max(1, round(review_share * count))
    threshold = float(np.sort(before)[::-1][min(flagged, count) - 1])
    near = np.argsort(-before, kind="stable")[: max(1, min(count, round(_NEAR * flagged)))]
    moved = (after - before)[near]
    up, down = np.quantile(moved, 1 - RARE), np.quantile(moved, RARE)
    low, high = threshold - max(up, 0.0), threshold - min(down, 0.0)
    in_band = int(((before >= low) & (before <= high)).sum())
    most = max(1, int(most_reread * count))
    reason = (
        f"a second reading moves {1 - 2 * RARE:.0%} of the ads near the threshold of a "
        f"{review_share:g} review share by less"
    )
    if in_band <= most:
        return low, high, reason
    distance = np.abs(before - threshold)
    reach = float(np.sort(distance[(before >= low) & (before <= high)])[most - 1])
    return (
        max(low, threshold - reach),
        min(high, threshold + reach),
        f"most_reread ({most_reread:g}) leaves the nearest to the threshold of a {review_share:g} "
        f"review share; {in_band / count:.3f} of the ads could have changed",
    )


def _make_part(kind: Callable[..., _Part], name: str, parameters: Mapping[str, Any]) -> _Part:
    try:
        check_names(name, kind, parameters)
    except ValueError as error:
        raise ConfigError(f"cascade: {error}") from error
    return kind(**parameters)


def _untuned(columns: int) -> dict[str, FloatArray]:
    """Tuning before `calibrate_band`: all ads in the band, the encoder's margins final."""
    return {
        "alone": np.tile([1.0, 0.0], (columns, 1)),
        "both": np.tile([0.0, 1.0, 0.0], (columns, 1)),
        "band": np.array([-1e9, 1e9]),
    }


def _columns(margins: Margins) -> FloatArray:
    return np.concatenate([margins.risk, margins.indicators], axis=1)


def _head_targets(targets: Targets, labels: Sequence[str]) -> FloatArray:
    """Targets of the 3 + k heads, NaN where not known."""
    risk = np.stack([targets.risk_at_least(level) for level in THRESHOLDS], axis=1)
    return np.concatenate([risk, targets.columns(labels)], axis=1)


def _scaled(margins: FloatArray, scale: FloatArray) -> FloatArray:
    """Margins times slopes plus the last number of the scale, the shift."""
    return np.asarray(margins @ scale[:-1] + scale[-1])


def _fit_scale(margins: FloatArray, truth: FloatArray) -> FloatArray:
    """Logistic regression on m margins with slopes of at least 0: m slopes and a shift."""
    parts = margins.shape[1]
    start = np.append(np.full(parts, 1 / parts), 0.0)
    known = ~np.isnan(truth)
    present = int((truth[known] >= 0.5).sum())
    if min(present, int(known.sum()) - present) < _LEAST:
        return start
    features = np.append(margins[known], np.ones((int(known.sum()), 1)), axis=1)
    targets = truth[known]

    def loss(scale: FloatArray) -> tuple[float, FloatArray]:
        logits = features @ scale
        off = scale - start
        value = (np.logaddexp(0, logits) - targets * logits).mean() + _RIDGE * off @ off
        gradient = features.T @ (expit(logits) - targets) / len(targets) + 2 * _RIDGE * off
        return float(value), gradient

    bounds = [(0.0, 20.0)] * parts + [(-60.0, 60.0)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
