"""Character contributions by integrated gradients (Sundararajan, Taly and Yan 2017; captum).

The path runs from a baseline ad, of the same length with every word replaced by the blank token
and no rule features, to the ad. A token's contribution is spread over its characters and a rule
feature's over its matched words. The residual (the margin of the baseline against an empty text,
and the error of the integral) is spread evenly, so the rows sum to the margin of the ad minus that
of an empty text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrisk.batch import TextBatch
from adrisk.classifiers.base import RISK_HEADS, RISKY_COLUMN, Margins
from adrisk.classifiers.encoder.data import head_and_tail
from adrisk.classifiers.encoder.inference import Predictor
from adrisk.classifiers.encoder.network import Network, cumulative, device
from adrisk.classifiers.rule_features import rule_feature_places
from adrisk.errors import MissingExtraError
from adrisk.types import FloatArray

STEPS = 24
"""Points of the Gauss-Legendre integral, computed in one batch."""


def explained_margins(margins: Margins) -> FloatArray:
    """Margins of risk 2+ and the indicators: shape (n, 1 + k)."""
    return np.concatenate(
        [margins.risk[:, RISKY_COLUMN : RISKY_COLUMN + 1], margins.indicators], axis=1
    )


def integrated_gradients(
    predictor: Predictor, blank: int, batch: TextBatch, rows: Sequence[int]
) -> FloatArray:
    """Integrated gradients by character, without the residual: shape (len(rows), chars)."""
    folded = batch.folded[0].as_py()
    tokens = _tokenise(predictor, folded)
    result = np.zeros((len(rows), len(folded)))
    if not tokens.words.any():
        return result
    features = predictor.rule_features(batch)
    by_token, by_column = _attribute(predictor.network, tokens, features, blank, rows)
    if predictor.names:
        result += rule_feature_places(batch, predictor.names, by_column.T).T
    for at in np.flatnonzero(tokens.words):
        start, end = tokens.spans[at]
        result[:, start:end] += by_token[:, at, None] / (end - start)
    return result


def spread_residual(result: FloatArray, totals: FloatArray, read: NDArray[np.bool_]) -> FloatArray:
    """Rows brought to their totals by adding the residual evenly over the characters read."""
    target = read if read.any() else np.ones_like(read)
    if not len(target):
        return result
    residual = (totals - result.sum(axis=1)) / target.sum()
    return np.asarray(result + target * residual[:, None])


def read_characters(predictor: Predictor, folded: str) -> NDArray[np.bool_]:
    """Shape (chars,): whether a kept token covers the character."""
    tokens = _tokenise(predictor, folded)
    read = np.zeros(len(folded), dtype=np.bool_)
    for start, end in tokens.spans[tokens.words]:
        read[start:end] = True
    return read


class _Tokens:
    """One ad's tokens: ids, character spans, and which of them are words."""

    def __init__(self, ids: NDArray[np.int64], spans: NDArray[np.int64], special: Any) -> None:
        self.ids = ids
        self.spans = spans
        self.words = (special == 0) & (spans[:, 1] > spans[:, 0])


def _tokenise(predictor: Predictor, folded: str) -> _Tokens:
    encoding = predictor.tokeniser.encode(folded)
    columns = (
        np.array(encoding.ids, dtype=np.int64),
        np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
        np.array(encoding.special_tokens_mask),
    )
    return _Tokens(*(head_and_tail(column, predictor.longest) for column in columns))


def _attribute(
    network: Network,
    tokens: _Tokens,
    rule_features: NDArray[np.float32],
    blank: int,
    rows: Sequence[int],
) -> tuple[FloatArray, FloatArray]:
    """Contributions of tokens, shape (len(rows), tokens), and of rule columns."""
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise MissingExtraError("captum", "encoder", "explaining the encoder's scores") from error
    embed = network.encoder.get_input_embeddings()
    blanked = np.where(tokens.words, blank, tokens.ids)
    with torch.no_grad():
        numbers = torch.from_numpy(np.stack([tokens.ids, blanked])).to(device())
        embedded, baseline = embed(numbers).split(1)
    columns = torch.from_numpy(rule_features).to(device())

    def forward(embeddings: Tensor, columns: Tensor) -> Tensor:
        real = torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)
        logits = network.forward_embeddings(embeddings, real, columns)
        risk = cumulative(logits[:, :RISK_HEADS])[:, RISKY_COLUMN : RISKY_COLUMN + 1]
        return torch.cat([risk, logits[:, RISK_HEADS:].double()], dim=1)

    method = IntegratedGradients(forward)
    by_token, by_column = [], []
    for row in rows:
        words, rules = method.attribute(
            (embedded, columns),
            (baseline, torch.zeros_like(columns)),
            target=int(row),
            n_steps=STEPS,
        )
        by_token.append(words.sum(dim=-1)[0])
        by_column.append(rules[0])
    return _to_numpy(by_token), _to_numpy(by_column)


def _to_numpy(rows: list[Tensor]) -> FloatArray:
    return np.asarray(torch.stack(rows).double().cpu().numpy())
