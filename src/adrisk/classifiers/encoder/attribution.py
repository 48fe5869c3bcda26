"""What each character adds, by integrated gradients (Sundararajan, Taly and Yan 2017; captum).

The way goes from an ad of the same length with every word blanked out, in which no rule finds a
thing, to the ad itself. What each token adds along it is spread over the token's characters, and
what each finding adds over the words that the rule found; the rest, what the mere number of words
adds against an empty text, and what the steps of the integral miss, over all characters alike.
So the rows add up to the margin exactly, and the order of the words is the gradients' alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrisk.batch import TextBatch
from adrisk.classifiers.base import RISKY_COLUMN, Margins
from adrisk.classifiers.encoder.data import shortened
from adrisk.classifiers.encoder.inference import Reader
from adrisk.classifiers.encoder.network import QUESTIONS, Network, cumulative, device
from adrisk.classifiers.rule_features import rule_feature_places
from adrisk.errors import MissingExtraError
from adrisk.types import FloatArray

STEPS = 24
"""Points of the integral (Gauss and Legendre's), passed in one batch."""


def explained(margins: Margins) -> FloatArray:
    """The margins that are explained, risk first: shape (n, 1 + k)."""
    return np.concatenate(
        [margins.risk[:, RISKY_COLUMN : RISKY_COLUMN + 1], margins.indicators], axis=1
    )


def integrated(reader: Reader, blank: int, batch: TextBatch, rows: Sequence[int]) -> FloatArray:
    """Integrated gradients by character, before the rest is spread: shape (len(rows), chars)."""
    folded = batch.folded[0].as_py()
    tokens = _read(reader, folded)
    result = np.zeros((len(rows), len(folded)))
    if not tokens.words.any():
        return result
    features = reader.found(batch)
    by_token, by_column = _by_input(reader.network, tokens, features, blank, rows)
    if reader.names:
        result += rule_feature_places(batch, reader.names, by_column.T).T
    for at in np.flatnonzero(tokens.words):
        start, end = tokens.spans[at]
        result[:, start:end] += by_token[:, at, None] / (end - start)
    return result


def spread(result: FloatArray, totals: FloatArray, read: NDArray[np.bool_]) -> FloatArray:
    """Add to each row what it lacks of its total, evenly over the characters that were read."""
    where = read if read.any() else np.ones_like(read)
    if not len(where):
        return result
    lacking = (totals - result.sum(axis=1)) / where.sum()
    return np.asarray(result + where * lacking[:, None])


def read_characters(reader: Reader, folded: str) -> NDArray[np.bool_]:
    """Shape (chars,): whether a token that is read covers the character."""
    tokens = _read(reader, folded)
    read = np.zeros(len(folded), dtype=np.bool_)
    for start, end in tokens.spans[tokens.words]:
        read[start:end] = True
    return read


class _Tokens:
    """One ad's tokens: numbers, characters they cover, and which of them are words."""

    def __init__(self, ids: NDArray[np.int64], spans: NDArray[np.int64], special: Any) -> None:
        self.ids = ids
        self.spans = spans
        self.words = (special == 0) & (spans[:, 1] > spans[:, 0])


def _read(reader: Reader, folded: str) -> _Tokens:
    found = reader.tokeniser.encode(folded)
    columns = (
        np.array(found.ids, dtype=np.int64),
        np.array(found.offsets, dtype=np.int64).reshape(-1, 2),
        np.array(found.special_tokens_mask),
    )
    return _Tokens(*(shortened(column, reader.longest) for column in columns))


def _by_input(
    network: Network,
    tokens: _Tokens,
    found: NDArray[np.float32],
    blank: int,
    rows: Sequence[int],
) -> tuple[FloatArray, FloatArray]:
    """What tokens add, shape (len(rows), tokens), and what the rules' columns add."""
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise MissingExtraError("captum", "encoder", "explaining the encoder's scores") from error
    embed = network.encoder.get_input_embeddings()
    blanked = np.where(tokens.words, blank, tokens.ids)
    with torch.no_grad():
        numbers = torch.from_numpy(np.stack([tokens.ids, blanked])).to(device())
        there, empty = embed(numbers).split(1)
    columns = torch.from_numpy(found).to(device())

    def forward(embeddings: Tensor, columns: Tensor) -> Tensor:
        real = torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)
        logits = network.of_embeddings(embeddings, real, columns)
        risk = cumulative(logits[:, :QUESTIONS])[:, RISKY_COLUMN : RISKY_COLUMN + 1]
        return torch.cat([risk, logits[:, QUESTIONS:].double()], dim=1)

    method = IntegratedGradients(forward)
    by_token, by_column = [], []
    for row in rows:
        words, rules = method.attribute(
            (there, columns),
            (empty, torch.zeros_like(columns)),
            target=int(row),
            n_steps=STEPS,
        )
        by_token.append(words.sum(dim=-1)[0])
        by_column.append(rules[0])
    return _numbers(by_token), _numbers(by_column)


def _numbers(rows: list[Tensor]) -> FloatArray:
    return np.asarray(torch.stack(rows).double().cpu().numpy())
