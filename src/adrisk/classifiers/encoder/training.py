"""Fine-tuning loop, from the first step to restoring the best state.

In: a network, `Examples` for training and for early stopping, `TrainingSettings`. Out: the network,
trained in place: its features standardised, its heads started, then all of it fitted, validated
after each epoch. The rarer class of every head has a larger weight in training; the weight is then
removed from the heads' intercepts, so that margins are log-odds at the prevalence of the data.

Every batch and its randomness follow from the seed and the step number alone, so a resumed
training gives the same result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor

from adrisk.classifiers.base import RISK_HEADS, RISKY_COLUMN, TrainContext
from adrisk.classifiers.encoder.checkpoints import Checkpoint, State
from adrisk.classifiers.encoder.data import (
    Examples,
    batches_by_width,
    pad,
    padded_width,
    sample_per_campaign,
    shuffled_batches,
)
from adrisk.classifiers.encoder.losses import (
    Balance,
    class_balance,
    ridge_on_text,
    start_heads,
    training_loss,
)
from adrisk.classifiers.encoder.network import (
    Network,
    autocast,
    cumulative,
    device,
    trainable_parameters,
)
from adrisk.progress import say, track

_WARM_UP = 0.06  # of the steps
_DECAY = 0.01
_LARGEST_STEP = 1.0
_LOG_EVERY = 10  # steps
_TEXT_RIDGE = 500.0  # on the heads' text weights, relative to the sum of the losses
_STANDARDISE_ADS = 512  # ads used to centre and scale the features
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Numbers of a training; `longest` and `filler` (the padding token) are the tokeniser's."""

    epochs: int
    batch: int
    learning_rate: float
    patience: int
    smoothing: float
    half: bool
    seed: int
    longest: int
    filler: int


def train(
    network: Network,
    training: Examples,
    held_out: Examples,
    settings: TrainingSettings,
    checkpoint: Checkpoint,
    context: TrainContext,
) -> dict[str, float]:
    """Fine-tune the network in place; returns steps, epochs and the held-out loss.

    Args:
        network: with `requires_grad` off for frozen parameters.
        training: ads to fit.
        held_out: ads for early stopping; without any, all epochs are run.
        settings: numbers of the training.
        checkpoint: saves the state, and resumes from one.
        context: receives the metrics.
    """
    balance = class_balance(training)
    start_heads(network, training, balance, settings.smoothing)
    network.to(device())
    standardise(network, training, settings)
    optimiser = _optimiser(network)
    lengths = np.array([len(tokens) for tokens in training.tokens], dtype=np.int64)
    size = len(np.unique(training.campaigns))
    epoch_steps = -(-size // settings.batch)  # windows are whole batches, except the last
    ridge = _TEXT_RIDGE / size
    state = checkpoint.restore(network, optimiser) or State()
    if state.step:
        say(f"resuming the encoder at step {state.step} of {epoch_steps * settings.epochs}")
    saved = time.monotonic()
    with track("train encoder", size * settings.epochs) as advance:
        advance(state.step * settings.batch)
        while state.step < epoch_steps * settings.epochs and state.waited < settings.patience:
            epoch, at = divmod(state.step, epoch_steps)
            rng = np.random.default_rng([settings.seed, epoch])
            chosen = sample_per_campaign(training.campaigns, rng)
            for batch in shuffled_batches(lengths[chosen], settings.batch, rng)[at:]:
                rows = chosen[batch]
                rate = settings.learning_rate * _rate(state.step, epoch_steps * settings.epochs)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                loss = _step(
                    network, training.take(rows), balance, optimiser, settings, state.step, ridge
                )
                state.step += 1
                advance(len(rows), note=f"loss {loss:.3f}")
                if state.step % _LOG_EVERY == 0:
                    context.log_metrics({"loss": loss, "rate": rate}, state.step)
                if time.monotonic() - saved >= context.every_seconds and state.step % epoch_steps:
                    checkpoint.save(network, optimiser, state)
                    saved = time.monotonic()
            if len(held_out):
                validate(network, held_out, balance, settings, state, epoch, context)
            checkpoint.save(network, optimiser, state)
            saved = time.monotonic()
    if state.best:
        _restore(network, state.best)
    _remove_class_weights(network, balance)
    network.to("cpu").eval()
    facts = {"steps": float(state.step), "epochs": state.step / epoch_steps}
    return facts | ({"held_out_loss": state.best_loss} if state.best else {})


def _step(
    network: Network,
    examples: Examples,
    balance: Balance,
    optimiser: torch.optim.Optimizer,
    settings: TrainingSettings,
    step: int,
    ridge: float,
) -> float:
    """One optimiser step on a batch; its loss, without the ridge on the heads."""
    network.train()
    # The encoder's dropout would double the time on a CPU (random numbers, no fused attention) for
    # little gain in a few epochs. The heads keep theirs.
    network.encoder.eval()
    target_device = device()
    width = max(padded_width(len(tokens), settings.longest) for tokens in examples.tokens)
    ids, real = pad(examples.tokens, width, settings.filler)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed * 1_000_003 + step)
        with autocast(settings.half):
            batch = (
                torch.from_numpy(part).to(target_device)
                for part in (ids, real, examples.rule_features)
            )
            logits = network(*batch)
        loss = training_loss(logits, examples, balance, settings.smoothing)
        optimiser.zero_grad(set_to_none=True)
        (loss + ridge * ridge_on_text(network)).backward()
    torch.nn.utils.clip_grad_norm_([p for _, p in trainable_parameters(network)], _LARGEST_STEP)
    optimiser.step()
    return float(loss.detach())


def _optimiser(network: Network) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        [p for _, p in trainable_parameters(network)], lr=0.0, weight_decay=_DECAY
    )


def _rate(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to 0."""
    warm = max(1, int(steps * _WARM_UP))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def _remove_class_weights(network: Network, balance: Balance) -> None:
    """Correct the intercepts to the prevalence of the data (Elkan 2001)."""
    with torch.no_grad():
        network.head.bias.sub_(torch.log(balance.weight).to(network.head.bias.device))
        network.lift.zero_()


def _restore(network: Network, best: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trainable_parameters(network):
            parameter.copy_(best[name])


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
