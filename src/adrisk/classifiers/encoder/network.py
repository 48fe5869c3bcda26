"""The network: an encoder, its tokens' mean and maximum, and one linear layer of heads.

Beside it, what the evidence rules found goes to the heads by a layer of its own, the wide part of a
wide and deep network (Cheng et al. 2016). The risk heads hear the indicator heads' probabilities
as well: risky ads are too few to learn from them what every indicator looks like.

The first three heads ask for the ordinal risk as CORN does (Shi, Cao and Raschka 2023): "at least
1?", "at least 2, given 1?", "at least 3, given 2?". Products of such answers cannot cross.
The maximum stands beside the mean because one phrase in a long ad is what an indicator is.

What the machine can do: where tensors live, and whether it multiplies in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from adrisk.classifiers.base import THRESHOLDS


def device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_threads(count: int) -> None:
    """Compute on so many threads, in this process."""
    torch.set_num_threads(count)


def has_half() -> bool:
    """Whether bfloat16 is multiplied by the hardware; emulated it would be slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(half: bool) -> Any:
    """Bfloat16 where it is safe, for the length of a `with`."""
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=half)


QUESTIONS = len(THRESHOLDS)
_FURTHEST = 30.0  # log-odds; beyond, a probability is 0 or 1 even in double precision
_DROPOUT = 0.1


class Network(nn.Module):  # type: ignore[misc]
    """Logits of three conditional risk questions and k indicators.

    Args:
        encoder: gives `last_hidden_state` from `input_ids` or `inputs_embeds`.
        labels: number of indicators.
        found: number of columns of what the rules found; 0 where they are not asked.
    """

    def __init__(self, encoder: Any, labels: int, found: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(_DROPOUT)
        width = 2 * encoder.config.hidden_size
        self.head = nn.Linear(width, QUESTIONS + labels)
        self.wide = nn.Linear(found, QUESTIONS + labels, bias=False) if found else None
        self.link = nn.Linear(labels, QUESTIONS, bias=False) if labels else None
        # By how much training lifts the indicators' log-odds for their rarer answer's sake.
        self.register_buffer("lift", torch.zeros(labels))
        # Texts differ little along the axes of a pretrained encoder beside what all have in
        # common; the heads would learn that first, and slowly.
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def forward(self, ids: Tensor, real: Tensor, found: Tensor) -> Tensor:
        """Shape (n, 3 + k) from token numbers and where they are real, both (n, width).

        `found`, of shape (n, columns), is what the rules found.
        """
        return self._heads(self.pooled(ids, real), found)

    def pooled(self, ids: Tensor, real: Tensor) -> Tensor:
        """Mean and maximum of the tokens, shape (n, 2 d), as the encoder gives them."""
        return _pooled(self.encoder(input_ids=ids, attention_mask=real), real)

    def of_embeddings(self, embeddings: Tensor, real: Tensor, found: Tensor) -> Tensor:
        """The same from embeddings, shape (n, width, d)."""
        read = self.encoder(inputs_embeds=embeddings, attention_mask=real)
        return self._heads(_pooled(read, real), found)

    def _heads(self, pooled: Tensor, found: Tensor) -> Tensor:
        with autocast(False):
            return self._answers(pooled, found)

    def _answers(self, pooled: Tensor, found: Tensor) -> Tensor:
        logits = self.head(self.dropout((pooled - self.centre) * self.scale))
        if self.wide is not None:
            logits = logits + self.wide(found)
        if self.link is None:
            return logits
        risk, indicators = logits[:, :QUESTIONS], logits[:, QUESTIONS:]
        shown = torch.sigmoid(indicators - self.lift)
        if self.training:  # indicators are learned from their own labels alone
            shown = shown.detach()
        return torch.cat([risk + self.link(shown), indicators], dim=1)


def _pooled(read: Any, real: Tensor) -> Tensor:
    hidden = read.last_hidden_state.float()
    there = real[:, :, None].bool()
    total = hidden.masked_fill(~there, 0.0).sum(dim=1)
    mean = total / there.sum(dim=1).clamp_min(1)
    highest = hidden.masked_fill(~there, torch.finfo(hidden.dtype).min).amax(dim=1)
    return torch.cat([mean, highest], dim=1)


def cumulative(conditional: Tensor) -> Tensor:
    """Log-odds of "at least 1, 2, 3" from conditional logits, shape (n, 3): never rising.

    >>> cumulative(torch.tensor([[0.0, 0.0, 40.0]])).exp().round(decimals=3).tolist()
    [[1.0, 0.333, 0.333]]
    """
    bounded = conditional.double().clamp(-_FURTHEST, _FURTHEST)
    log_probability = functional.logsigmoid(bounded).cumsum(dim=1)
    return log_probability - torch.log(-torch.expm1(log_probability))


def layers_of(encoder: Any) -> nn.ModuleList | None:
    """The encoder's stack of layers: its longest list of modules."""
    stacks = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    return max(stacks, key=len, default=None)


def freeze(network: Network, train_layers: int | None) -> None:
    """Leave only the top layers and the heads to be learned; None leaves everything.

    Raises:
        ValueError: if the encoder has no layers to choose from.
    """
    if train_layers is None:
        return
    stack = layers_of(network.encoder)
    if stack is None:
        raise ValueError("this encoder has no list of layers; leave train_layers out")
    network.encoder.requires_grad_(False)
    for layer in list(stack)[max(0, len(stack) - train_layers) :]:
        layer.requires_grad_(True)


def learned(network: Network) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that training changes, by name."""
    return ((name, p) for name, p in network.named_parameters() if p.requires_grad)
