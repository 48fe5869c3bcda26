"""The cascade: the fast family scores every ad, the encoder rereads those it could decide anew.

A review budget flags the riskiest share of all ads. Far below its threshold no second reading
brings an ad into the queue, and far above none takes it out; between lies the band that is reread.
On the calibration set, which neither part was fitted on, both read every ad once, and there
`settle` chooses:

- the scale: each part's margins become log-odds, the fast one's alone and both parts' together
  (logistic regression, slopes not below 0), so that ads read once and twice rank in one order;
- the band: as far from the threshold as a second reading moves all but the rarest ads, up or down,
  and never more of these ads than `most_reread`, the nearest to the threshold first.

Whether an ad is reread follows from its own text alone, so a batch scores like its parts.
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
    RISKY_COLUMN,
    THRESHOLDS,
    Classifier,
    Margins,
    TrainContext,
    check_names,
    contributions_to,
    enforce_monotone,
)
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.errors import ConfigError, CorpusError, ModelError
from adrisk.labels.targets import Targets
from adrisk.layout import REVIEW_SHARE
from adrisk.types import FloatArray

QUESTIONS = len(THRESHOLDS)

RARE = 0.01
"""So many of the ads near the threshold may move further, up or down, than the band reaches."""

_NEAR = 10.0  # times the review share: the ads whose moves are looked at
_LEAST = 5  # present and absent ads; with fewer, a head is the mean of both parts
_RIDGE = 1e-3
_FAST, _ENCODER = "fast", "encoder"
_Part = TypeVar("_Part", NgramClassifier, EncoderClassifier)


class CascadeClassifier:
    """The ngram family for all ads, the encoder for those near the threshold.

    Before it is settled, every ad is reread and the encoder alone answers.

    Args:
        fast: parameters of the ngram family.
        encoder: parameters of the encoder family.
        review_share: of all ads, how many will be reviewed: where the threshold lies.
        most_reread: of the calibration set, how many ads the encoder may reread; what the cascade
            costs beside the rules and the fast family, which read all. It sets the band once and
            is no cap afterwards: of ads unlike that set more, or fewer, may lie in the band.
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
        self._facts: dict[str, Any] = {}
        self._workshop = TrainContext()

    def parameters(self) -> dict[str, Any]:
        """As given to `__init__`."""
        return {
            "fast": self.fast,
            "encoder": self.encoder,
            "review_share": self.review_share,
            "most_reread": self.most_reread,
            "min_positives": self.min_positives,
            "findings": self.findings,
            "seed": self.seed,
        }

    def set_context(self, workshop: TrainContext) -> Self:
        """Handed on to the encoder; see `LongTraining`."""
        self._workshop = workshop
        return self

    def use_threads(self, count: int) -> None:
        """Handed on to the encoder; see `Threaded`."""
        self._encoder.use_threads(count)

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Fit both parts; see `Classifier.fit`."""
        if not 0 < self.review_share < 1 or not 0 < self.most_reread <= 1:
            raise ConfigError(
                f"review_share ({self.review_share:g}) and most_reread ({self.most_reread:g}) "
                "must be shares of all ads, above 0 and at most 1"
            )
        fast, encoder = self._made()
        self._fast = fast.fit(batch, targets)
        self._encoder = encoder.set_context(self._workshop).fit(batch, targets)
        return self._with(self._fast.labels_, _unsettled(QUESTIONS + len(self._fast.labels_)))

    def _made(self) -> tuple[NgramClassifier, EncoderClassifier]:
        common = {
            "seed": self.seed,
            "min_positives": self.min_positives,
            "findings": self.findings,
        }
        return (
            _part(NgramClassifier, _FAST, {**common, **(self.fast or {})}),
            _part(EncoderClassifier, _ENCODER, {**common, **(self.encoder or {})}),
        )

    def _with(self, labels: Sequence[str], chosen: dict[str, FloatArray]) -> Self:
        self.labels_ = tuple(labels)
        self._chosen = chosen
        return self

    def calibrate_band(self, batch: TextBatch, targets: Targets) -> Self:
        """Choose the scales and the band; see `Settled`."""
        if len(batch) == 0:
            raise CorpusError("no ads are left to settle the cascade on; bring more campaigns")
        first, second = (
            _columns(self._fast.margins(batch)),
            _columns(self._encoder.margins(batch)),
        )
        asked = _answers(targets, self.labels_)
        pairs = list(zip(first.T, second.T, asked.T, strict=True))
        alone = np.array([_scaled(one[:, None], truth) for one, _, truth in pairs])
        both = np.array([_scaled(np.stack([one, two], 1), truth) for one, two, truth in pairs])
        before = _apply(first[:, RISKY_COLUMN, None], alone[RISKY_COLUMN])
        risk = np.stack([first[:, RISKY_COLUMN], second[:, RISKY_COLUMN]], axis=1)
        after = _apply(risk, both[RISKY_COLUMN])
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
        chosen = {"alone": alone, "both": both, "band": np.array([low, high])}
        return self._with(self.labels_, chosen)

    def facts(self) -> dict[str, Any]:
        """The share reread and why, and the encoder's own facts; see `Recorded`."""
        return dict(self._facts)

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        result, again = self._read(batch)
        return Margins(result[:, QUESTIONS:], enforce_monotone(result[:, :QUESTIONS]), again)

    def reread(self, batch: TextBatch) -> NDArray[np.bool_]:
        """Shape (n,): which ads the encoder reads again."""
        return self._within(_columns(self._fast.margins(batch)))

    def _within(self, first: FloatArray) -> NDArray[np.bool_]:
        low, high = self._chosen["band"]
        before = _apply(first[:, RISKY_COLUMN, None], self._chosen["alone"][RISKY_COLUMN])
        return np.asarray((before >= low) & (before <= high))

    def _read(self, batch: TextBatch) -> tuple[FloatArray, NDArray[np.bool_]]:
        first = _columns(self._fast.margins(batch))
        again = self._within(first)
        result = np.stack(
            [
                _apply(one[:, None], scale)
                for one, scale in zip(first.T, self._chosen["alone"], strict=True)
            ],
            axis=1,
        )
        rows = np.flatnonzero(again)
        if len(rows):
            second = _columns(self._encoder.margins(batch.take(rows)))
            for column, scale in enumerate(self._chosen["both"]):
                pair = np.stack([first[rows, column], second[:, column]], axis=1)
                result[rows, column] = _apply(pair, scale)
        return result, again

    def contributions(self, batch: TextBatch) -> FloatArray:
        """What both parts say, by the weight each has; see `Classifier.contributions`."""
        return self.contributions_to(batch, range(1 + len(self.labels_)))

    def contributions_to(self, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
        """Some rows of `contributions`; the encoder is asked only of an ad it reread.

        What the parts' weights add that no character does, as where an ad was reread and the empty
        text is not, is spread over all characters alike.
        """
        columns = [RISKY_COLUMN if row == 0 else QUESTIONS + row - 1 for row in rows]
        here, again = self._read(batch)
        empty, _ = self._read(make_batch([""], rules=batch.rules))
        weights = self._chosen["both" if again[0] else "alone"][columns]
        found = weights[:, :1] * contributions_to(self._fast, batch, rows)
        if again[0] and weights[:, 1].any():
            found = found + weights[:, 1:2] * contributions_to(self._encoder, batch, rows)
        if found.shape[1]:
            # The middle question is never moved by keeping the three from crossing.
            lacking = (here - empty)[0, columns] - found.sum(axis=1)
            found = found + lacking[:, None] / found.shape[1]
        return np.asarray(found)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` (scales and band), and a folder for each part."""
        storage.write_tensors(folder / "weights.safetensors", **self._chosen)
        for name, part in ((_FAST, self._fast), (_ENCODER, self._encoder)):
            (folder / name).mkdir()
            part.save(folder / name)

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read the scales, the band and both parts."""
        model = cls(**parameters)
        columns = QUESTIONS + len(labels)
        chosen = storage.read_tensors(
            folder / "weights.safetensors",
            alone=(np.float64, (columns, 2)),
            both=(np.float64, (columns, 3)),
            band=(np.float64, (2,)),
        )
        for name in (_FAST, _ENCODER):
            if not (folder / name).is_dir():
                raise ModelError(f"{folder}: the folder {name} is missing; copy the model again")
        fast, encoder = model._made()
        model._fast = NgramClassifier.load(folder / _FAST, fast.parameters(), labels)
        model._encoder = EncoderClassifier.load(folder / _ENCODER, encoder.parameters(), labels)
        return model._with(labels, chosen)


def band(
    before: FloatArray, after: FloatArray, review_share: float, most_reread: float
) -> tuple[float, float, str]:
    """Between which first margins an ad is read again, and why there.

    Args:
        before: shape (n,), log-odds after the first reading.
        after: shape (n,), log-odds after both.
        review_share: of the ads, how many are flagged.
        most_reread: of the ads, how many may be reread.

    Returns:
        The lowest and the highest first margin that is reread, and the reason in words.
    """
    count = len(before)
    flagged = max(1, round(review_share * count))
    threshold = float(np.sort(before)[::-1][min(flagged, count) - 1])
    near = np.argsort(-before, kind="stable")[: max(1, min(count, round(_NEAR * flagged)))]
    moved = (after - before)[near]
    up, down = np.quantile(moved, 1 - RARE), np.quantile(moved, RARE)
    low, high = threshold - max(up, 0.0), threshold - min(down, 0.0)
    wanted = int(((before >= low) & (before <= high)).sum())
    room = max(1, int(most_reread * count))
    told = (
        f"a second reading moves {1 - 2 * RARE:.0%} of the ads near the threshold of a "
        f"{review_share:g} review share by less"
    )
    if wanted <= room:
        return low, high, told
    distance = np.abs(before - threshold)
    reach = float(np.sort(distance[(before >= low) & (before <= high)])[room - 1])
    return (
        max(low, threshold - reach),
        min(high, threshold + reach),
        f"most_reread ({most_reread:g}) leaves the nearest to the threshold of a {review_share:g} "
        f"review share; {wanted / count:.3f} of the ads could have changed",
    )


def _part(kind: Callable[..., _Part], name: str, parameters: Mapping[str, Any]) -> _Part:
    try:
        check_names(name, kind, parameters)
    except ValueError as error:
        raise ConfigError(f"cascade: {error}") from error
    return kind(**parameters)


def _unsettled(columns: int) -> dict[str, FloatArray]:
    """Everything is reread, and the encoder's word counts."""
    return {
        "alone": np.tile([1.0, 0.0], (columns, 1)),
        "both": np.tile([0.0, 1.0, 0.0], (columns, 1)),
        "band": np.array([-1e9, 1e9]),
    }


def _columns(margins: Margins) -> FloatArray:
    return np.concatenate([margins.risk, margins.indicators], axis=1)


def _answers(targets: Targets, labels: Sequence[str]) -> FloatArray:
    """What the 3 + k heads should say, NaN where not known."""
    risk = np.stack([targets.risk_at_least(level) for level in THRESHOLDS], axis=1)
    return np.concatenate([risk, targets.columns(labels)], axis=1)


def _apply(margins: FloatArray, scale: FloatArray) -> FloatArray:
    """Slopes and, last, the shift."""
    return np.asarray(margins @ scale[:-1] + scale[-1])


def _scaled(margins: FloatArray, truth: FloatArray) -> FloatArray:
    """Logistic regression of the truth on m margins, no slope below 0: m slopes and a shift."""
    parts = margins.shape[1]
    start = np.append(np.full(parts, 1 / parts), 0.0)
    known = ~np.isnan(truth)
    present = int((truth[known] >= 0.5).sum())
    if min(present, int(known.sum()) - present) < _LEAST:
        return start
    features = np.append(margins[known], np.ones((int(known.sum()), 1)), axis=1)
    wanted = truth[known]

    def loss(scale: FloatArray) -> tuple[float, FloatArray]:
        logits = features @ scale
        off = scale - start
        value = (np.logaddexp(0, logits) - wanted * logits).mean() + _RIDGE * off @ off
        gradient = features.T @ (expit(logits) - wanted) / len(wanted) + 2 * _RIDGE * off
        return float(value), gradient

    bounds = [(0.0, 20.0)] * parts + [(-60.0, 60.0)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
