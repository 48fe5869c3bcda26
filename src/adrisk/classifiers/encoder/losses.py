"""Training loss: masked, class-weighted and smoothed cross-entropy of every head.

In: logits and `Examples`. Out: the loss. Unknown labels are masked, soft labels are used as they
are, the rarer class of every head is weighted by the square root of the imbalance, and targets are
moved a little towards the head's prevalence, which bounds the effect of a wrong label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from adrisk.classifiers.encoder.data import Examples, campaign_weights
from adrisk.classifiers.encoder.network import RISK_HEADS, Network

_MOST_WEIGHT = 10.0
_INDICATOR_WEIGHT = 4.0  # their mean loss is about a quarter of the risk loss


@dataclass(frozen=True, slots=True)
class Balance:
    """Prevalence of each head, and weight of its positive class."""

    prevalence: Tensor
    weight: Tensor


def class_balance(examples: Examples) -> Balance:
    """Prevalence and class weight of the heads, each campaign with weight 1."""
    counts = examples.weights * campaign_weights(examples.campaigns)
    present = (np.nan_to_num(examples.truths) * counts).sum(axis=0)
    count = counts.sum(axis=0)
    prevalence = (present + 0.5) / (count + 1.0)
    weight = np.sqrt((1 - prevalence) / prevalence).clip(1 / _MOST_WEIGHT, _MOST_WEIGHT)
    return Balance(torch.from_numpy(prevalence).float(), torch.from_numpy(weight).float())


def training_loss(logits: Tensor, examples: Examples, balance: Balance, smoothing: float) -> Tensor:
    """Mean risk loss an ad, plus the weighted mean loss of all known indicators."""
    each = elementwise_loss(logits, examples, balance, smoothing)
    counts = torch.from_numpy(examples.weights).float().to(logits.device)
    risk = each[:, :RISK_HEADS].sum() / counts[:, 0].sum().clamp_min(1)
    indicators = each[:, RISK_HEADS:].sum() / counts[:, RISK_HEADS:].sum().clamp_min(1)
    return risk + _INDICATOR_WEIGHT * indicators


def elementwise_loss(
    logits: Tensor, examples: Examples, balance: Balance, smoothing: float
) -> Tensor:
    """Loss of each head and ad, shape (n, 3 + k), 0 where the label is unknown."""
    truth = torch.from_numpy(examples.truths).nan_to_num(0.0).float().to(logits.device)
    counts = torch.from_numpy(examples.weights).float().to(logits.device)
    prevalence, weight = (part.to(logits.device) for part in (balance.prevalence, balance.weight))
    truth = truth * (1 - smoothing) + smoothing * prevalence
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), truth, pos_weight=weight, reduction="none"
    )
    return each * counts


def ridge_on_text(network: Network) -> Tensor:
    """Sum of squared text weights, each head weighted like its loss."""
    risk, indicators = network.head.weight.square().sum(dim=1).tensor_split([RISK_HEADS])
    return risk.sum() + _INDICATOR_WEIGHT * indicators.sum() / max(1, len(indicators))
