"""Warm start of the heads: logistic regressions on the rule features, without the text.

In: a new network and `Examples`. Out: the network's heads, link and wide weights, set in place.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from adrisk.classifiers.encoder.data import Examples, campaign_weights
from adrisk.classifiers.encoder.losses import Balance, elementwise_loss
from adrisk.classifiers.encoder.network import RISK_HEADS, Network

_RIDGE = 0.5  # on the initial weights, relative to the sum of the losses
_RISK_RIDGE = 10.0  # times the ridge: rule features add little to risk besides the indicators
_SOLVER_STEPS = 100


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
