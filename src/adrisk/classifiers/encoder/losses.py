"""Training loss of the heads, and their warm start by logistic regressions with the same loss.

In: `Examples`, and logits or a new network. Out: the loss, or the network's heads, link and wide
weights, set in place. The loss is a cross-entropy: unknown labels are masked, soft labels are used
as they are, the rarer class of every head is weighted by the square root of the imbalance, and
targets are moved a little towards the head's prevalence, which bounds the effect of a wrong label.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from adrisk.classifiers.base import RISK_HEADS
from adrisk.classifiers.encoder.data import Examples, campaign_weights
from adrisk.classifiers.encoder.network import Network

_MOST_WEIGHT = 10.0
_INDICATOR_WEIGHT = 4.0  # their mean loss is about a quarter of the risk loss
_RIDGE = 0.5  # on the initial weights, relative to the sum of the losses
_RISK_RIDGE = 10.0  # times the ridge: rule features add little to risk besides the indicators
_SOLVER_STEPS = 100


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


def start_heads(network: Network, training: Examples, balance: Balance, smoothing: float) -> None:
    """Set the heads to logistic regressions without the text; training adds the text.

    The indicator heads use the rule features; the risk heads the indicators' probabilities and the
    rule features.
    """
    odds = torch.log(balance.prevalence / (1 - balance.prevalence)) + torch.log(balance.weight)
    rule_features = torch.from_numpy(training.rule_features)
    risk, indicators = slice(0, RISK_HEADS), slice(RISK_HEADS, None)
    ridge = torch.full((rule_features.shape[1],), _RIDGE)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(odds)
        network.lift.copy_(torch.log(balance.weight[indicators]))
        if network.wide is None:
            probability = _indicator_targets(training, balance)
        else:
            weights, bias = _fit_logistic(
                rule_features, ridge, training, balance, smoothing, indicators
            )
            network.wide.weight[indicators].copy_(weights)
            network.head.bias[indicators].copy_(bias)
            probability = torch.sigmoid(
                rule_features @ weights.T + bias - torch.log(balance.weight[indicators])
            )
        inputs = torch.cat([probability, rule_features], dim=1)
        ridge = torch.cat([torch.full((probability.shape[1],), _RIDGE), _RISK_RIDGE * ridge])
        weights, bias = _fit_logistic(inputs, ridge, training, balance, smoothing, risk)
        network.head.bias[risk].copy_(bias)
        if network.link is not None:
            network.link.weight.copy_(weights[:, : probability.shape[1]])
        if network.wide is not None:
            network.wide.weight[risk].copy_(weights[:, probability.shape[1] :])


def _indicator_targets(training: Examples, balance: Balance) -> Tensor:
    """Indicator targets, the prevalence where not known, shape (n, k)."""
    truths = torch.from_numpy(training.truths[:, RISK_HEADS:]).float()
    return torch.where(truths.isnan(), balance.prevalence[RISK_HEADS:], truths)


def _fit_logistic(
    inputs: Tensor,
    ridge: Tensor,
    training: Examples,
    balance: Balance,
    smoothing: float,
    heads: slice,
) -> tuple[Tensor, Tensor]:
    """Weights (h, d) and intercepts (h,) of logistic regressions, each campaign with weight 1.

    Args:
        inputs: shape (n, d).
        ridge: shape (d,), on each input's weights, relative to the sum of the losses.
        training: the n ads.
        balance: class balance of all heads.
        smoothing: of the targets.
        heads: the heads to fit.
    """
    chosen = Balance(balance.prevalence[heads], balance.weight[heads])
    subset = replace(training, truths=training.truths[:, heads], weights=training.weights[:, heads])
    odds = torch.log(chosen.prevalence / (1 - chosen.prevalence)) + torch.log(chosen.weight)
    weights = torch.zeros(len(odds), inputs.shape[1], requires_grad=True)
    bias = odds.clone().requires_grad_()
    if not weights.numel():
        return weights.detach(), bias.detach()
    shares = torch.from_numpy(campaign_weights(training.campaigns)).float()
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=_SOLVER_STEPS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        solver.zero_grad()
        each = elementwise_loss(inputs @ weights.T + bias, subset, chosen, smoothing)
        value = (each * shares).sum() + (ridge * weights.square()).sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    return weights.detach(), bias.detach()
