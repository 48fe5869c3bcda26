"""Looking at ads without learning from them: to scale what the heads see, and to tell when to stop.

In: the network and `Examples`. Out: the network's centre and scale, set in place; the `State`,
which knows after each epoch whether waiting still pays.
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
from adrisk.classifiers.encoder.data import Examples, by_width, padded
from adrisk.classifiers.encoder.losses import Balance, loss_of
from adrisk.classifiers.encoder.network import (
    QUESTIONS,
    Network,
    autocast,
    cumulative,
    device,
    learned,
)
from adrisk.classifiers.encoder.settings import TrainingSettings
from adrisk.progress import say

_SEEN_FIRST = 512  # ads by which the features are centred and scaled
_LEAST_SPREAD = 1e-3


def standardise(network: Network, learn: Examples, recipe: TrainingSettings) -> None:
    """Centre and scale what the heads see by some of the ads, as the encoder reads them now."""
    some = learn.take(np.random.default_rng(recipe.seed).permutation(len(learn))[:_SEEN_FIRST])
    pooled = _read(network, some, recipe, lambda ids, real, _: network.pooled(ids, real))
    spread, centre = torch.std_mean(pooled, dim=0)
    network.centre.copy_(centre)
    network.scale.copy_(1 / spread.clamp_min(_LEAST_SPREAD))


def judge(
    network: Network,
    held: Examples,
    balance: Balance,
    recipe: TrainingSettings,
    state: State,
    epoch: int,
    workshop: TrainContext,
) -> None:
    """Look at the ads held back; note whether waiting still pays."""
    logits = _read(network, held, recipe, network)
    loss = float(loss_of(logits, held, balance, recipe.smoothing))
    metrics = {"held_out_loss": loss}
    asked = held.counts[:, 0] > 0
    truth = np.nan_to_num(held.answers[asked, : RISKY_COLUMN + 1]).prod(axis=1) >= 0.5
    if 0 < truth.sum() < len(truth):
        risk = cumulative(logits[:, :QUESTIONS])[:, RISKY_COLUMN].numpy()
        metrics["held_out_average_precision"] = float(average_precision_score(truth, risk[asked]))
    told = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items())
    say(f"encoder, epoch {epoch + 1} of {recipe.epochs}: {told}")
    workshop.measured(metrics, state.step)
    if loss < state.best_loss:
        state.best_loss, state.waited = loss, 0
        state.best = {name: p.detach().cpu().clone() for name, p in learned(network)}
    else:
        state.waited += 1


def _read(
    network: Network,
    examples: Examples,
    recipe: TrainingSettings,
    read: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Tensor:
    """What `read`, a part of the network, gives of each ad, on the CPU."""
    network.eval()
    where = device()
    found: list[Tensor] = []
    order: list[NDArray[np.intp]] = []
    lengths = [len(tokens) for tokens in examples.tokens]
    with torch.no_grad(), autocast(recipe.half):
        for width, rows in by_width(lengths, recipe.longest, recipe.batch * recipe.longest):
            ids, real = padded([examples.tokens[row] for row in rows], width, recipe.filler)
            batch = (torch.from_numpy(part).to(where) for part in (ids, real, examples.found[rows]))
            found.append(read(*batch).float().cpu())
            order.append(rows)
    return torch.cat(found)[torch.from_numpy(np.argsort(np.concatenate(order)))]
