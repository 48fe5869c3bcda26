"""Encoder inference: batches of equal width, linear layers in bfloat16 where that is safe.

Only the matrix products of linear layers use bfloat16; everything else, and the heads, stays in
float32. On the same hardware int8 with a scale a token would be as fast, with ten times the error.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from adrisk.batch import TextBatch
from adrisk.classifiers.base import RISK_HEADS, Margins, enforce_monotone
from adrisk.classifiers.encoder.data import batches_by_width, pad, tokenise
from adrisk.classifiers.encoder.network import Network, cumulative, device, has_half
from adrisk.classifiers.rule_features import rule_feature_matrix
from adrisk.text.arrow import text_list
from adrisk.types import FloatArray

TOLERANCE = 1e-2
"""Largest accepted difference of a probability from float32; beyond it bfloat16 is not used."""

_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 65_536}


class HalfLinear(nn.Module):  # type: ignore[misc]
    """Linear layer with bfloat16 products and outputs in its input's precision."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().bfloat16(), requires_grad=False)
        bias = linear.bias
        self.bias = (
            None if bias is None else nn.Parameter(bias.detach().bfloat16(), requires_grad=False)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """As `nn.Linear`."""
        return functional.linear(inputs.bfloat16(), self.weight, self.bias).to(inputs.dtype)


def half_precision_copy(network: Network) -> Network:
    """A copy of the network with bfloat16 products in the encoder."""
    replaced = {
        id(child): HalfLinear(child)
        for module in network.encoder.modules()
        for child in module.children()
        if isinstance(child, nn.Linear)
    }
    return copy.deepcopy(network, dict(replaced))


class Predictor:
    """A fitted network with its tokeniser: logits of a batch of texts.

    Args:
        network: in float32. Without bfloat16 it is moved to the device in place and its gradients
            are switched off; with bfloat16 a copy is used.
        tokeniser: neither pads nor cuts.
        longest: tokens kept of an ad.
        filler: the padding token.
        names: columns of the rule features, in the order of the network.
        half: whether bfloat16 is safe; used where the hardware supports it.
    """

    def __init__(
        self,
        network: Network,
        tokeniser: Any,
        longest: int,
        filler: int,
        names: tuple[str, ...],
        *,
        half: bool,
    ) -> None:
        self.tokeniser = tokeniser
        self.longest = longest
        self.filler = filler
        self.names = names
        self.half = half and has_half()
        self.network = (half_precision_copy(network) if self.half else network).to(device()).eval()
        self.network.requires_grad_(False)

    def logits(self, texts: TextBatch) -> FloatArray:
        """Logits of all heads, shape (n, 3 + k), float64."""
        tokens = tokenise(self.tokeniser, text_list(texts.folded), self.longest)
        features = self.rule_features(texts)
        logits = np.zeros((len(texts), self.network.head.out_features))
        at_once = _TOKENS_AT_ONCE[device().type]
        with torch.inference_mode():
            for width, rows in batches_by_width([len(t) for t in tokens], self.longest, at_once):
                ids, real = pad([tokens[row] for row in rows], width, self.filler)
                batch = (
                    torch.from_numpy(part).to(device()) for part in (ids, real, features[rows])
                )
                logits[rows] = self.network(*batch).double().cpu().numpy()
        return logits

    def rule_features(self, texts: TextBatch) -> NDArray[np.float32]:
        """Rule features, shape (n, columns); rules are not run where there are no columns."""
        if not self.names:
            return np.zeros((len(texts), 0), dtype=np.float32)
        return rule_feature_matrix(texts, self.names)


def margins_of(logits: FloatArray) -> Margins:
    """Log-odds from the logits of `Predictor.logits`."""
    risk = cumulative(torch.from_numpy(logits[:, :RISK_HEADS])).numpy()
    return Margins(indicators=logits[:, RISK_HEADS:], risk=enforce_monotone(risk))


def largest_difference(left: FloatArray, right: FloatArray) -> float:
    """The largest difference of two networks' probabilities, from their logits."""
    if not len(left):
        return 0.0
    one, other = margins_of(left), margins_of(right)
    return max(
        float(np.abs(_probability(a) - _probability(b)).max(initial=0.0))
        for a, b in ((one.risk, other.risk), (one.indicators, other.indicators))
    )


def _probability(margins: FloatArray) -> FloatArray:
    return np.asarray(torch.from_numpy(margins).sigmoid().numpy())
