"""Fine-tuning: the loop, from the first step to the best state put back.

In: a network, `Examples` to learn from and to stop by, a `TrainingSettings`. Out: the network,
trained in place. The rarer answers weigh more while it learns; the same weight is then taken out of
the heads' intercepts, so that margins remain log-odds at the prevalence of the data.

Every batch, and all chance within it, follows from the seed and the number of the step alone: that
is what lets a killed training go on to the same result.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor

from adrisk.classifiers.base import TrainContext
from adrisk.classifiers.encoder.checkpoints import Checkpoint, State
from adrisk.classifiers.encoder.data import Examples, one_of_each, padded, shuffled, width_of
from adrisk.classifiers.encoder.losses import Balance, balance_of, loss_of, ridge_on_text
from adrisk.classifiers.encoder.network import Network, autocast, device, learned
from adrisk.classifiers.encoder.settings import TrainingSettings
from adrisk.classifiers.encoder.validation import judge, standardise
from adrisk.classifiers.encoder.warm_start import start_heads
from adrisk.progress import say, track

_WARM_UP = 0.06  # of the steps
_DECAY = 0.01
_LARGEST_STEP = 1.0
_TELL_EVERY = 10  # steps
_TEXT_RIDGE = 500.0  # on what the heads make of the text, beside the sum of the losses


def train(
    network: Network,
    learn: Examples,
    held: Examples,
    recipe: TrainingSettings,
    checkpoint: Checkpoint,
    workshop: TrainContext,
) -> dict[str, float]:
    """Fine-tune the network in place; returns what it came to.

    Args:
        network: with its frozen parameters marked.
        learn: ads to learn from.
        held: ads that tell when to stop; none are allowed, and all epochs are then run.
        recipe: how.
        checkpoint: where the state is kept, and read from where there is one.
        workshop: hears the metrics.
    """
    balance = balance_of(learn)
    start_heads(network, learn, balance, recipe.smoothing)
    network.to(device())
    standardise(network, learn, recipe)
    optimiser = _optimiser(network)
    lengths = np.array([len(tokens) for tokens in learn.tokens], dtype=np.int64)
    size = len(np.unique(learn.campaigns))
    an_epoch = -(-size // recipe.batch)  # the windows are whole batches, the last one aside
    ridge = _TEXT_RIDGE / size
    state = checkpoint.restore(network, optimiser) or State()
    if state.step:
        say(f"going on with the encoder at step {state.step} of {an_epoch * recipe.epochs}")
    saved = time.monotonic()
    with track("train encoder", size * recipe.epochs) as advance:
        advance(state.step * recipe.batch)
        while state.step < an_epoch * recipe.epochs and state.waited < recipe.patience:
            epoch, at = divmod(state.step, an_epoch)
            rng = np.random.default_rng([recipe.seed, epoch])
            chosen = one_of_each(learn.campaigns, rng)
            for batch in shuffled(lengths[chosen], recipe.batch, rng)[at:]:
                rows = chosen[batch]
                rate = recipe.learning_rate * _rate(state.step, an_epoch * recipe.epochs)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                loss = _step(
                    network, learn.take(rows), balance, optimiser, recipe, state.step, ridge
                )
                state.step += 1
                advance(len(rows), note=f"loss {loss:.3f}")
                if state.step % _TELL_EVERY == 0:
                    workshop.measured({"loss": loss, "rate": rate}, state.step)
                if time.monotonic() - saved >= workshop.every_seconds and state.step % an_epoch:
                    checkpoint.keep(network, optimiser, state)
                    saved = time.monotonic()
            if len(held):
                judge(network, held, balance, recipe, state, epoch, workshop)
            checkpoint.keep(network, optimiser, state)
            saved = time.monotonic()
    if state.best:
        _put_back(network, state.best)
    _take_out(network, balance)
    network.to("cpu").eval()
    reached = {"steps": float(state.step), "epochs": state.step / an_epoch}
    return reached | ({"held_out_loss": state.best_loss} if state.best else {})


def _step(
    network: Network,
    examples: Examples,
    balance: Balance,
    optimiser: torch.optim.Optimizer,
    recipe: TrainingSettings,
    step: int,
    ridge: float,
) -> float:
    """One batch forward and back; its loss, without the ridge on the heads."""
    network.train()
    # The encoder's own dropout would cost a CPU as much again, in random numbers and in attention
    # that is no longer fused; a few epochs leave it little to prevent. The heads keep theirs.
    network.encoder.eval()
    where = device()
    width = max(width_of(len(tokens), recipe.longest) for tokens in examples.tokens)
    ids, real = padded(examples.tokens, width, recipe.filler)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        with autocast(recipe.half):
            batch = (torch.from_numpy(part).to(where) for part in (ids, real, examples.found))
            logits = network(*batch)
        loss = loss_of(logits, examples, balance, recipe.smoothing)
        optimiser.zero_grad(set_to_none=True)
        (loss + ridge * ridge_on_text(network)).backward()
    torch.nn.utils.clip_grad_norm_([p for _, p in learned(network)], _LARGEST_STEP)
    optimiser.step()
    return float(loss.detach())


def _optimiser(network: Network) -> torch.optim.AdamW:
    return torch.optim.AdamW([p for _, p in learned(network)], lr=0.0, weight_decay=_DECAY)


def _rate(step: int, steps: int) -> float:
    """Up in a straight line, then down to nothing."""
    warm = max(1, int(steps * _WARM_UP))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def _take_out(network: Network, balance: Balance) -> None:
    """Back to log-odds at the prevalence of the data (Elkan 2001)."""
    with torch.no_grad():
        network.head.bias.sub_(torch.log(balance.weight).to(network.head.bias.device))
        network.lift.zero_()


def _put_back(network: Network, best: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in learned(network):
            parameter.copy_(best[name])
