"""Standardisation of pooled features, and validation for early stopping.

In: the network and `Examples`. Out: the network's centre and scale, set in place; after each epoch
the metrics of the held-out ads, and the `State` with its best loss and its epochs without gain.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor

from adrisk.classifiers.base import RISKY_COLUMN, TrainContext
from adrisk.classifiers.encoder.checkpoints import State
from adrisk.classifiers.encoder.data import Examples, batches_by_width, pad
from adrisk.classifiers.encoder.losses import Balance, training_loss
from adrisk.classifiers.encoder.network import (
    RISK_HEADS,
    Network,
    autocast,
    cumulative,
    device,
    trainable_parameters,
)
from adrisk.classifiers.encoder.settings import TrainingSettings
from adrisk.progress import say

_STANDARDISE_ADS = 512  # ads used to centre and scale the features
_LEAST_SPREAD = 1e-3


def standardise(network: Network, training: Examples, settings: TrainingSettings) -> None:
    """Set the centre and scale of the pooled features from a sample of the training ads."""
    sample = training.take(
        np.random.default_rng(settings.seed).permutation(len(training))[:_STANDARDISE_ADS]
    )
    pooled = _compute(network, sample, settings, lambda ids, real, _: network.pooled(ids, real))
    deviation, centre = torch.std_mean(pooled, dim=0)
    network.centre.copy_(centre)
    network.scale.copy_(1 / deviation.clamp_min(_LEAST_SPREAD))


def validate(
    network: Network,
    held_out: Examples,
    balance: Balance,
    settings: TrainingSettings,
    state: State,
    epoch: int,
    context: TrainContext,
) -> None:
    """Evaluate the held-out ads, log the metrics, and update the best state."""
    logits = _compute(network, held_out, settings, network)
    loss = float(training_loss(logits, held_out, balance, settings.smoothing))
    metrics = {"held_out_loss": loss}
    known = held_out.weights[:, 0] > 0
    truth = np.nan_to_num(held_out.truths[known, : RISKY_COLUMN + 1]).prod(axis=1) >= 0.5
    if 0 < truth.sum() < len(truth):
        risk = cumulative(logits[:, :RISK_HEADS])[:, RISKY_COLUMN].numpy()
        metrics["held_out_average_precision"] = float(average_precision_score(truth, risk[known]))
    line = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items())
    say(f"encoder, epoch {epoch + 1} of {settings.epochs}: {line}")
    context.log_metrics(metrics, state.step)
    if loss < state.best_loss:
        state.best_loss, state.waited = loss, 0
        state.best = {name: p.detach().cpu().clone() for name, p in trainable_parameters(network)}
    else:
        state.waited += 1


def _compute(
    network: Network,
    examples: Examples,
    settings: TrainingSettings,
    compute: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Tensor:
    """Outputs of `compute`, a part of the network, for each ad, on the CPU."""
    network.eval()
    target_device = device()
    outputs: list[Tensor] = []
    order: list[NDArray[np.intp]] = []
    lengths = [len(tokens) for tokens in examples.tokens]
    with torch.no_grad(), autocast(settings.half):
        for width, rows in batches_by_width(
            lengths, settings.longest, settings.batch * settings.longest
        ):
            ids, real = pad([examples.tokens[row] for row in rows], width, settings.filler)
            batch = (
                torch.from_numpy(part).to(target_device)
                for part in (ids, real, examples.rule_features[rows])
            )
            outputs.append(compute(*batch).float().cpu())
            order.append(rows)
    return torch.cat(outputs)[torch.from_numpy(np.argsort(np.concatenate(order)))]
