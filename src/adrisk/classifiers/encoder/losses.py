"""The loss: every question's cross-entropy, masked, weighed and smoothed.

In: logits and `Examples`. Out: the loss. It masks what is not known, takes soft labels as they are,
and lets the rarer answer of every head weigh more, by the square root of the imbalance. Targets are
moved a little towards the head's own prevalence, which bounds what a wrong label can teach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from adrisk.classifiers.encoder.data import Examples, shares_of
from adrisk.classifiers.encoder.network import QUESTIONS, Network

_MOST_WEIGHT = 10.0
_INDICATORS_WEIGH = 4.0  # their mean loss is about a quarter of the risk's


@dataclass(frozen=True, slots=True)
class Balance:
    """Of each head: its prevalence, and how much more a present answer weighs."""

    prevalence: Tensor
    weight: Tensor


def balance_of(examples: Examples) -> Balance:
    """Of the heads, a campaign counting once."""
    counts = examples.counts * shares_of(examples.campaigns)
    present = (np.nan_to_num(examples.answers) * counts).sum(axis=0)
    count = counts.sum(axis=0)
    prevalence = (present + 0.5) / (count + 1.0)
    weight = np.sqrt((1 - prevalence) / prevalence).clip(1 / _MOST_WEIGHT, _MOST_WEIGHT)
    return Balance(torch.from_numpy(prevalence).float(), torch.from_numpy(weight).float())


def loss_of(logits: Tensor, examples: Examples, balance: Balance, smoothing: float) -> Tensor:
    """Mean over the ads of the risk questions asked, and mean over all known indicators."""
    each = each_loss(logits, examples, balance, smoothing)
    counts = torch.from_numpy(examples.counts).float().to(logits.device)
    risk = each[:, :QUESTIONS].sum() / counts[:, 0].sum().clamp_min(1)
    indicators = each[:, QUESTIONS:].sum() / counts[:, QUESTIONS:].sum().clamp_min(1)
    return risk + _INDICATORS_WEIGH * indicators


def each_loss(logits: Tensor, examples: Examples, balance: Balance, smoothing: float) -> Tensor:
    """Shape (n, 3 + k), 0 where nothing is known."""
    wanted = torch.from_numpy(examples.answers).nan_to_num(0.0).float().to(logits.device)
    counts = torch.from_numpy(examples.counts).float().to(logits.device)
    prevalence, weight = (part.to(logits.device) for part in (balance.prevalence, balance.weight))
    wanted = wanted * (1 - smoothing) + smoothing * prevalence
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), wanted, pos_weight=weight, reduction="none"
    )
    return each * counts


def ridge_on_text(network: Network) -> Tensor:
    """Squares of the heads' weights of the text, each head's as much as its loss counts."""
    risk, indicators = network.head.weight.square().sum(dim=1).tensor_split([QUESTIONS])
    return risk.sum() + _INDICATORS_WEIGH * indicators.sum() / max(1, len(indicators))
