"""Scoring: ads of a length together, and the encoder's matrices in bfloat16 where that is safe.

Only the multiplications of linear layers are done in bfloat16, where the time goes; everything
between them, and the heads, stays in float32. On the same hardware int8 with a scale a token
would be as fast, and ten times as far from float32.
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
from adrisk.classifiers.base import Margins, enforce_monotone
from adrisk.classifiers.encoder.data import by_width, padded, tokenise
from adrisk.classifiers.encoder.network import QUESTIONS, Network, cumulative, device, has_half
from adrisk.classifiers.rule_features import rule_feature_matrix
from adrisk.text.arrow import text_list
from adrisk.types import FloatArray

TOLERANCE = 1e-2
"""No probability may be further from float32 than this, or bfloat16 is not used."""

_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 65_536}


class HalfLinear(nn.Module):  # type: ignore[misc]
    """A linear layer that multiplies in bfloat16 and answers in its input's precision."""

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


def halved(network: Network) -> Network:
    """A copy whose encoder multiplies in bfloat16."""
    # What is replaced need not be copied first.
    replaced = {
        id(child): HalfLinear(child)
        for module in network.encoder.modules()
        for child in module.children()
        if isinstance(child, nn.Linear)
    }
    return copy.deepcopy(network, dict(replaced))


class Reader:
    """A fitted network that answers texts.

    Args:
        network: in float32. It is moved to the device there is, in place, and asked for no
            gradients from then on; with bfloat16 that happens to a copy, and it stays as it was.
        tokeniser: neither pads nor cuts.
        longest: tokens read of an ad.
        filler: the token that pads.
        names: columns of what the rules found, as the network was made for.
        half: whether bfloat16 was found safe; used where the hardware has it.
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
        self.network = (halved(network) if self.half else network).to(device()).eval()
        self.network.requires_grad_(False)

    def logits(self, texts: TextBatch) -> FloatArray:
        """Shape (n, 3 + k), float64."""
        tokens = tokenise(self.tokeniser, text_list(texts.folded), self.longest)
        features = self.found(texts)
        logits = np.zeros((len(texts), self.network.head.out_features))
        at_once = _TOKENS_AT_ONCE[device().type]
        with torch.inference_mode():
            for width, rows in by_width([len(t) for t in tokens], self.longest, at_once):
                ids, real = padded([tokens[row] for row in rows], width, self.filler)
                batch = (
                    torch.from_numpy(part).to(device()) for part in (ids, real, features[rows])
                )
                logits[rows] = self.network(*batch).double().cpu().numpy()
        return logits

    def found(self, texts: TextBatch) -> NDArray[np.float32]:
        """What the rules found, shape (n, columns)."""
        return features_of(texts, self.names)


def features_of(texts: TextBatch, names: tuple[str, ...]) -> NDArray[np.float32]:
    """What the rules found, shape (n, len(names)); they are not asked where there are no names."""
    if not names:
        return np.zeros((len(texts), 0), dtype=np.float32)
    return rule_feature_matrix(texts, names)


def margins_of(logits: FloatArray) -> Margins:
    """Log-odds from what `Reader.logits` gives."""
    risk = cumulative(torch.from_numpy(logits[:, :QUESTIONS])).numpy()
    return Margins(indicators=logits[:, QUESTIONS:], risk=enforce_monotone(risk))


def furthest(left: FloatArray, right: FloatArray) -> float:
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
