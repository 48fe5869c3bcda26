"""The network: an encoder, its tokens' mean and maximum pooled, and one linear layer of heads.

Rule features reach the heads by a linear layer of their own, the wide part of a wide and deep
network (Cheng et al. 2016). The risk heads also receive the indicator heads' probabilities: risky
ads are too few to learn every indicator from them.

The three risk heads are conditional as in CORN (Shi, Cao and Raschka 2023): "at least 1", "at least
2, given 1", "at least 3, given 2". Products of their probabilities cannot increase. The maximum is
pooled besides the mean because an indicator is often one phrase in a long ad.

Also here: the device in use, and whether the hardware multiplies in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from adrisk.classifiers.base import RISK_HEADS


def device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_threads(count: int) -> None:
    """Set the number of torch threads of this process."""
    torch.set_num_threads(count)


def has_half() -> bool:
    """Whether the hardware multiplies bfloat16; emulation is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(half: bool) -> Any:
    """Context manager that enables bfloat16."""
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=half)


_MOST_LOGIT = 30.0  # log-odds; beyond, a probability is 0 or 1 even in double precision
_DROPOUT = 0.1


class Network(nn.Module):  # type: ignore[misc]
    """Logits of three conditional risk heads and k indicators.

    Args:
        encoder: gives `last_hidden_state` from `input_ids` or `inputs_embeds`.
        labels: number of indicators.
        rule_columns: number of rule features; 0 for none.
    """

    def __init__(self, encoder: Any, labels: int, rule_columns: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(_DROPOUT)
        width = 2 * encoder.config.hidden_size
        self.head = nn.Linear(width, RISK_HEADS + labels)
        self.wide = (
            nn.Linear(rule_columns, RISK_HEADS + labels, bias=False) if rule_columns else None
        )
        self.link = nn.Linear(labels, RISK_HEADS, bias=False) if labels else None
        # Increase of the indicators' log-odds by the class weights during training.
        self.register_buffer("lift", torch.zeros(labels))
        # Features of a pretrained encoder share a large common part; without centring and scaling
        # the heads would learn it first, and slowly.
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def forward(self, ids: Tensor, real: Tensor, rule_features: Tensor) -> Tensor:
        """Logits (n, 3 + k) from token ids and padding mask, both (n, width).

        `rule_features` has shape (n, columns).
        """
        return self._heads(self.pooled(ids, real), rule_features)

    def pooled(self, ids: Tensor, real: Tensor) -> Tensor:
        """Mean and maximum of the tokens, shape (n, 2 d), as the encoder gives them."""
        return _pooled(self.encoder(input_ids=ids, attention_mask=real), real)

    def forward_embeddings(self, embeddings: Tensor, real: Tensor, rule_features: Tensor) -> Tensor:
        """Logits from embeddings of shape (n, width, d)."""
        output = self.encoder(inputs_embeds=embeddings, attention_mask=real)
        return self._heads(_pooled(output, real), rule_features)

    def _heads(self, pooled: Tensor, rule_features: Tensor) -> Tensor:
        with autocast(False):
            return self._logits(pooled, rule_features)

    def _logits(self, pooled: Tensor, rule_features: Tensor) -> Tensor:
        logits = self.head(self.dropout((pooled - self.centre) * self.scale))
        if self.wide is not None:
            logits = logits + self.wide(rule_features)
        if self.link is None:
            return logits
        risk, indicators = logits[:, :RISK_HEADS], logits[:, RISK_HEADS:]
        probability = torch.sigmoid(indicators - self.lift)
        if self.training:  # indicators learn from their own labels only
            probability = probability.detach()
        return torch.cat([risk + self.link(probability), indicators], dim=1)


def _pooled(output: Any, real: Tensor) -> Tensor:
    hidden = output.last_hidden_state.float()
    is_token = real[:, :, None].bool()
    total = hidden.masked_fill(~is_token, 0.0).sum(dim=1)
    mean = total / is_token.sum(dim=1).clamp_min(1)
    highest = hidden.masked_fill(~is_token, torch.finfo(hidden.dtype).min).amax(dim=1)
    return torch.cat([mean, highest], dim=1)


def cumulative(conditional: Tensor) -> Tensor:
    """Log-odds of "at least 1, 2, 3" from conditional logits, shape (n, 3), non-increasing.

    >>> cumulative(torch.tensor([[0.0, 0.0, 40.0]])).exp().round(decimals=3).tolist()
    [[1.0, 0.333, 0.333]]
    """
    bounded = conditional.double().clamp(-_MOST_LOGIT, _MOST_LOGIT)
    log_probability = functional.logsigmoid(bounded).cumsum(dim=1)
    return log_probability - torch.log(-torch.expm1(log_probability))


def freeze(network: Network, train_layers: int | None) -> None:
    """Freeze all but the top layers and the heads; None freezes nothing.

    Raises:
        ValueError: if the encoder has no list of layers.
    """
    if train_layers is None:
        return
    modules = network.encoder.modules()
    stacks = [list(module) for module in modules if isinstance(module, nn.ModuleList)]
    if not stacks:
        raise ValueError("this encoder has no list of layers; leave train_layers out")
    network.encoder.requires_grad_(False)
    layers = max(stacks, key=len)
    for layer in layers[max(0, len(layers) - train_layers) :]:
        layer.requires_grad_(True)


def trainable_parameters(network: Network) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and parameters that are trained."""
    return ((name, p) for name, p in network.named_parameters() if p.requires_grad)
