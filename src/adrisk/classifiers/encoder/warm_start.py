"""Where learning begins: at what the rules found, before the text has taught anything.

In: a fresh network and `Examples`. Out: the network's heads, link and wide weights set in place, as
logistic regressions without the text would have them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from adrisk.classifiers.encoder.data import Examples, shares_of
from adrisk.classifiers.encoder.losses import Balance, each_loss
from adrisk.classifiers.encoder.network import QUESTIONS, Network

_RIDGE = 0.5  # on the weights that learning begins with, beside the sum of the losses
_BESIDE = 10.0  # times the ridge: what the rules found tells risk little beside the indicators
_SOLVER_STEPS = 100


def start_heads(network: Network, learn: Examples, balance: Balance, smoothing: float) -> None:
    """Begin where logistic regressions without the text end; the text is learned on top.

    Those of the indicators see what the rules found; those of the risk what the indicators' say,
    and what the rules found beside it.
    """
    odds = torch.log(balance.prevalence / (1 - balance.prevalence)) + torch.log(balance.weight)
    found = torch.from_numpy(learn.found)
    risk, indicators = slice(0, QUESTIONS), slice(QUESTIONS, None)
    shrink = torch.full((found.shape[1],), _RIDGE)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(odds)
        network.lift.copy_(torch.log(balance.weight[indicators]))
        if network.wide is None:
            shown = _labelled(learn, balance)
        else:
            weights, bias = _solved(found, shrink, learn, balance, smoothing, indicators)
            network.wide.weight[indicators].copy_(weights)
            network.head.bias[indicators].copy_(bias)
            shown = torch.sigmoid(found @ weights.T + bias - torch.log(balance.weight[indicators]))
        inputs = torch.cat([shown, found], dim=1)
        shrink = torch.cat([torch.full((shown.shape[1],), _RIDGE), _BESIDE * shrink])
        weights, bias = _solved(inputs, shrink, learn, balance, smoothing, risk)
        network.head.bias[risk].copy_(bias)
        if network.link is not None:
            network.link.weight.copy_(weights[:, : shown.shape[1]])
        if network.wide is not None:
            network.wide.weight[risk].copy_(weights[:, shown.shape[1] :])


def _labelled(learn: Examples, balance: Balance) -> Tensor:
    """The indicators' answers, their prevalence where they are not known, shape (n, k)."""
    answers = torch.from_numpy(learn.answers[:, QUESTIONS:]).float()
    return torch.where(answers.isnan(), balance.prevalence[QUESTIONS:], answers)


def _solved(
    inputs: Tensor,
    shrink: Tensor,
    learn: Examples,
    balance: Balance,
    smoothing: float,
    heads: slice,
) -> tuple[Tensor, Tensor]:
    """Weights (h, d) and intercepts (h,) of logistic regressions on d inputs, a campaign once.

    Args:
        inputs: shape (n, d).
        shrink: shape (d,), the ridge on each input's weights beside the sum of the losses.
        learn: the n ads.
        balance: as the loss needs it.
        smoothing: as the loss needs it.
        heads: which are asked.
    """
    chosen = Balance(balance.prevalence[heads], balance.weight[heads])
    asked = replace(learn, answers=learn.answers[:, heads], counts=learn.counts[:, heads])
    odds = torch.log(chosen.prevalence / (1 - chosen.prevalence)) + torch.log(chosen.weight)
    weights = torch.zeros(len(odds), inputs.shape[1], requires_grad=True)
    bias = odds.clone().requires_grad_()
    if not weights.numel():
        return weights.detach(), bias.detach()
    shares = torch.from_numpy(shares_of(learn.campaigns)).float()
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=_SOLVER_STEPS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        solver.zero_grad()
        each = each_loss(inputs @ weights.T + bias, asked, chosen, smoothing)
        value = (each * shares).sum() + (shrink * weights.square()).sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    return weights.detach(), bias.detach()
