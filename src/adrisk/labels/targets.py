"""Training targets as arrays, from the label columns of a table.

In: a table of ads. Out: `Targets`. Not stated is not absent: an indicator that the labeller did not
judge is NaN, and is masked wherever targets are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.errors import CorpusError
from adrisk.types import RISK_LEVELS, RISKY, ArrowArray, FloatArray, IntArray

UNKNOWN_RISK = -1

CERTAIN = 0.01
"""Soft labels this near to 0 or 1 are rounded, which halves the work of training with them."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Labels of n ads, for training and evaluation.

    Attributes:
        labels: the indicators, in the order of the columns of `indicators`.
        indicators: shape (n, k); 1 present, 0 absent, between for soft labels, NaN not known.
        risk: shape (n,); 0 to 3, or -1 where not known.
        risk_shares: shape (n, 4), the probability of each level, NaN where risk is not known;
            None if labels are not soft.
        campaigns: shape (n,), equal numbers are one campaign, for families that hold ads back
            while they train; None if unknown.
    """

    labels: tuple[str, ...]
    indicators: FloatArray
    risk: IntArray
    risk_shares: FloatArray | None = None
    campaigns: IntArray | None = None

    def __len__(self) -> int:
        return len(self.risk)

    def take(self, rows: NDArray[np.intp]) -> Targets:
        """The targets of some rows, in that order."""
        shares = None if self.risk_shares is None else self.risk_shares[rows]
        campaigns = None if self.campaigns is None else self.campaigns[rows]
        return Targets(self.labels, self.indicators[rows], self.risk[rows], shares, campaigns)

    def risk_at_least(self, level: int) -> FloatArray:
        """Probability that risk is at least this level, shape (n,); NaN where it is not known."""
        if self.risk_shares is not None:
            return rounded_certain(self.risk_shares[:, level:].sum(axis=1))
        known = np.where(self.risk == UNKNOWN_RISK, np.nan, 1.0)
        return np.asarray(known * (self.risk >= level))

    def where(self, rows: NDArray[np.bool_], other: Targets) -> Targets:
        """These targets with some rows replaced by those of `other`, for the same ads."""
        shares = self._shares()
        shares[rows] = other._shares()[rows]
        return Targets(
            self.labels,
            np.where(rows[:, None], other.columns(self.labels), self.indicators),
            np.where(rows, other.risk, self.risk),
            shares,
            self.campaigns,
        )

    def confidence(self) -> FloatArray:
        """Probability of the likelier answer: shape (n, k + 1), risk last, NaN if unknown."""
        likelier = np.maximum(self.indicators, 1 - self.indicators)
        return np.concatenate([likelier, self._shares().max(axis=1, keepdims=True)], axis=1)

    def _shares(self) -> FloatArray:
        """A copy of the probabilities of the levels; a plain label has probability 1."""
        if self.risk_shares is not None:
            return self.risk_shares.copy()
        known = self.risk != UNKNOWN_RISK
        return np.where(known[:, None], np.eye(len(RISK_LEVELS))[self.risk * known], np.nan)

    def columns(self, labels: Sequence[str]) -> FloatArray:
        """The columns of some indicators, in their order; NaN for an unknown one."""
        result = np.full((len(self), len(labels)), np.nan)
        for column, label in enumerate(labels):
            if label in self.labels:
                result[:, column] = self.indicators[:, self.labels.index(label)]
        return result


def targets_of(ads: pa.Table, labels: Sequence[str]) -> Targets:
    """Targets from the label columns (`adrisk.schema.LABELS`) of a table; absent columns mask.

    Args:
        ads: any table of ads; `indicators`, `indicators_known` and `risk` are read where present.
        labels: the indicators, in the order of columns; others in the table are ignored.
    """
    risk = np.full(len(ads), UNKNOWN_RISK, dtype=np.int64)
    if "risk" in ads.column_names:
        risk = pc.fill_null(ads["risk"], UNKNOWN_RISK).to_numpy().astype(np.int64)
    values = np.full((len(ads), len(labels)), np.nan)
    if "indicators" in ads.column_names:
        present = ads["indicators"].combine_chunks()
        labelled = pc.is_valid(present).to_numpy(zero_copy_only=False)
        judged = labelled[:, None]
        if "indicators_known" in ads.column_names:
            known = ads["indicators_known"].combine_chunks()
            everything = pc.is_null(known).to_numpy(zero_copy_only=False)
            judged = judged & (everything[:, None] | _members(known, labels))
        values[np.broadcast_to(judged, values.shape)] = 0.0
        values[_members(present, labels)] = 1.0
    return Targets(tuple(labels), values, risk)


def _members(lists: ArrowArray, labels: Sequence[str]) -> NDArray[np.bool_]:
    """Shape (n, k): whether list i contains label j; a null list is empty."""
    result = np.zeros((len(lists), len(labels)), dtype=np.bool_)
    rows = pc.list_parent_indices(lists).to_numpy()
    columns = pc.index_in(pc.list_flatten(lists), pa.array(labels, pa.string()))
    known = pc.is_valid(columns).to_numpy(zero_copy_only=False)
    result[rows[known], columns.drop_null().to_numpy()] = True
    return result


def rounded_certain(share: FloatArray) -> FloatArray:
    """Shares with those within `CERTAIN` of 0 or 1 rounded; NaN stays.

    >>> rounded_certain(np.array([0.004, 0.3, 0.996])).tolist()
    [0.0, 0.3, 1.0]
    """
    share = np.where(share < CERTAIN, 0.0, share)
    return np.where(share > 1 - CERTAIN, 1.0, share)


def learnable(targets: Targets, least: int) -> tuple[str, ...]:
    """Indicators with at least `least` rows known present and as many known absent."""
    present = (targets.indicators >= 0.5).sum(axis=0)
    absent = (targets.indicators < 0.5).sum(axis=0)
    return tuple(
        label
        for label, p, a in zip(targets.labels, present, absent, strict=True)
        if p >= least and a >= least
    )


def check_risk(risk: IntArray, purpose: str = "train") -> None:
    """Refuse labels from which risk cannot be learned or evaluated.

    Raises:
        CorpusError: if no risk is known, or all known risks are on one side of `RISKY`.
    """
    known = risk[risk != UNKNOWN_RISK]
    if known.size == 0:
        raise CorpusError(
            f"cannot {purpose}: none of the {len(risk)} ads has a risk label; add a column "
            "`risk` (0 to 3), or use a source that brings labels, such as synthetic:8000"
        )
    if np.unique(known >= RISKY).size < 2:
        side = f"risk {RISKY} or more" if known[0] >= RISKY else f"risk below {RISKY}"
        raise CorpusError(
            f"cannot {purpose}: all {known.size} labelled ads have {side}; ads below and at or "
            f"above risk {RISKY} are needed"
        )
