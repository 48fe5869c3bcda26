"""Fine-tuning: what is learned from, the loss, the loop.

The loss masks what is not known, takes soft labels as they are, and lets the rarer answer of
every head weigh more, by the square root of the imbalance; the same weight is then taken out of
the head's intercept, so that margins remain log-odds at the prevalence of the data. Targets are
moved a little towards the head's own prevalence, which bounds what a wrong label can teach.

Every batch, and all chance within it, follows from the seed and the number of the step alone:
that is what lets a killed training go on to the same result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional

from adrisk.classifiers.base import RISKY_COLUMN, THRESHOLDS, Workshop
from adrisk.classifiers.encoder.batches import by_width, padded, shuffled, width_of
from adrisk.classifiers.encoder.checkpoints import Checkpoint, State
from adrisk.classifiers.encoder.hardware import autocast, device
from adrisk.classifiers.encoder.network import QUESTIONS, Network, cumulative, learned
from adrisk.labels import UNKNOWN_RISK, Targets
from adrisk.progress import say, track
from adrisk.types import RISKY, FloatArray, IntArray

HELD_SHARE = 0.1
"""Of the ads given to `fit`, in whole campaigns, to tell when to stop."""

_MOST_WEIGHT = 10.0
_INDICATORS_WEIGH = 4.0  # their mean loss is about a quarter of the risk's
_WARM_UP = 0.06  # of the steps
_DECAY = 0.01
_LARGEST_STEP = 1.0
_TELL_EVERY = 10  # steps
_RIDGE = 0.5  # on the weights that learning begins with, beside the sum of the losses
_BESIDE = 10.0  # times the ridge: what the rules found tells risk little beside the indicators
_TEXT_RIDGE = 500.0  # as well, on what the heads make of the text
_SOLVER_STEPS = 100
_SEEN_FIRST = 512  # ads by which the features are centred and scaled
_LEAST_SPREAD = 1e-3
_LEAST_TO_HOLD = 4  # held-back ads of either class; with fewer, stopping would be a coin toss


@dataclass(frozen=True, slots=True)
class Examples:
    """n ads to learn from.

    Attributes:
        tokens: of each.
        found: shape (n, columns), what the rules found.
        campaigns: shape (n,), equal numbers are one campaign.
        answers, counts: what `answers_of` gives; NaN where not asked.
    """

    tokens: Sequence[IntArray]
    found: NDArray[np.float32]
    campaigns: IntArray
    answers: FloatArray
    counts: FloatArray

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.intp]) -> Examples:
        """Some of them, in that order."""
        tokens = [self.tokens[row] for row in rows]
        return Examples(
            tokens, self.found[rows], self.campaigns[rows], self.answers[rows], self.counts[rows]
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn; `longest` and `filler` are the tokeniser's."""

    epochs: int
    batch: int
    learning_rate: float
    patience: int
    smoothing: float
    half: bool
    seed: int
    longest: int
    filler: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Of each head: its prevalence, and how much more a present answer weighs."""

    prevalence: Tensor
    weight: Tensor


def answers_of(targets: Targets, labels: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """What the heads are asked and how much each question counts, both of shape (n, 3 + k).

    A risk question is asked only where the one before it is answered yes: risk 1 answers
    "at least 1?" with yes, "at least 2?" with no, and is not asked about 3. With soft labels it
    counts as far as the one before it is likely.
    """
    reached = np.stack([targets.risk_at_least(level) for level in THRESHOLDS], axis=1)
    before = np.concatenate([np.ones((len(targets), 1)), reached[:, :-1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(before > 0, reached / before, np.nan)
    answers = np.concatenate([risk, targets.columns(labels)], axis=1)
    counts = np.concatenate([before, np.ones((len(targets), len(labels)))], axis=1)
    return answers, np.where(np.isnan(answers), 0.0, counts)


def campaigns_of(targets: Targets) -> IntArray:
    """The number of each ad's campaign; every ad is its own where that is not known."""
    return np.arange(len(targets)) if targets.campaigns is None else targets.campaigns


def held_back(targets: Targets, seed: int) -> NDArray[np.bool_]:
    """Which ads are kept from learning to tell when to stop: whole campaigns, a tenth of the ads.

    None where a tenth would have too few ads of either class.
    """
    campaigns = campaigns_of(targets)
    risky = targets.risk >= RISKY
    held = np.zeros(len(targets), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    with_risk = np.isin(campaigns, campaigns[risky])
    for side in (with_risk, ~with_risk):
        room = HELD_SHARE * side.sum()
        names, sizes = np.unique(campaigns[side], return_counts=True)
        order = rng.permutation(len(names))
        chosen = names[order[np.cumsum(sizes[order]) <= room]]
        held |= side & np.isin(campaigns, chosen)
    known = targets.risk != UNKNOWN_RISK
    fewest = min(int((held & risky).sum()), int((held & known & ~risky).sum()))
    return held if fewest >= _LEAST_TO_HOLD else np.zeros_like(held)


def train(
    network: Network,
    learn: Examples,
    held: Examples,
    recipe: Recipe,
    checkpoint: Checkpoint,
    workshop: Workshop,
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
    start_heads(network, learn, balance, recipe)
    network.to(device())
    _standardise(network, learn, recipe)
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
                _judge(network, held, balance, recipe, state, epoch, workshop)
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
    recipe: Recipe,
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
        loss = loss_of(logits, examples, balance, recipe)
        optimiser.zero_grad(set_to_none=True)
        (loss + ridge * _squares(network)).backward()
    torch.nn.utils.clip_grad_norm_([p for _, p in learned(network)], _LARGEST_STEP)
    optimiser.step()
    return float(loss.detach())


def _squares(network: Network) -> Tensor:
    """Of the heads' weights of the text, each head's as much as its loss counts."""
    risk, indicators = network.head.weight.square().sum(dim=1).tensor_split([QUESTIONS])
    return risk.sum() + _INDICATORS_WEIGH * indicators.sum() / max(1, len(indicators))


def loss_of(logits: Tensor, examples: Examples, balance: Balance, recipe: Recipe) -> Tensor:
    """Mean over the ads of the risk questions asked, and mean over all known indicators."""
    each = _each_loss(logits, examples, balance, recipe)
    counts = torch.from_numpy(examples.counts).float().to(logits.device)
    risk = each[:, :QUESTIONS].sum() / counts[:, 0].sum().clamp_min(1)
    indicators = each[:, QUESTIONS:].sum() / counts[:, QUESTIONS:].sum().clamp_min(1)
    return risk + _INDICATORS_WEIGH * indicators


def _each_loss(logits: Tensor, examples: Examples, balance: Balance, recipe: Recipe) -> Tensor:
    """Shape (n, 3 + k), 0 where nothing is known."""
    wanted = torch.from_numpy(examples.answers).nan_to_num(0.0).float().to(logits.device)
    counts = torch.from_numpy(examples.counts).float().to(logits.device)
    prevalence, weight = (part.to(logits.device) for part in (balance.prevalence, balance.weight))
    wanted = wanted * (1 - recipe.smoothing) + recipe.smoothing * prevalence
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), wanted, pos_weight=weight, reduction="none"
    )
    return each * counts


def one_of_each(campaigns: IntArray, rng: np.random.Generator) -> NDArray[np.intp]:
    """One ad of every campaign, drawn anew for every epoch: near-copies teach little more.

    >>> one_of_each(np.array([7, 7, 3]), np.random.default_rng(0)).tolist()
    [2, 0]
    """
    order = rng.permutation(len(campaigns))
    _, first = np.unique(campaigns[order], return_index=True)
    return np.asarray(order[first])


def balance_of(examples: Examples) -> Balance:
    """Of the heads, a campaign counting once."""
    counts = examples.counts * _shares(examples.campaigns)
    present = (np.nan_to_num(examples.answers) * counts).sum(axis=0)
    count = counts.sum(axis=0)
    prevalence = (present + 0.5) / (count + 1.0)
    weight = np.sqrt((1 - prevalence) / prevalence).clip(1 / _MOST_WEIGHT, _MOST_WEIGHT)
    return Balance(torch.from_numpy(prevalence).float(), torch.from_numpy(weight).float())


def _shares(campaigns: IntArray) -> FloatArray:
    """How often each ad is read in an epoch on average, shape (n, 1)."""
    _, member, sizes = np.unique(campaigns, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[member][:, None])


def start_heads(network: Network, learn: Examples, balance: Balance, recipe: Recipe) -> None:
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
            weights, bias = _solved(found, shrink, learn, balance, recipe, indicators)
            network.wide.weight[indicators].copy_(weights)
            network.head.bias[indicators].copy_(bias)
            shown = torch.sigmoid(found @ weights.T + bias - torch.log(balance.weight[indicators]))
        inputs = torch.cat([shown, found], dim=1)
        shrink = torch.cat([torch.full((shown.shape[1],), _RIDGE), _BESIDE * shrink])
        weights, bias = _solved(inputs, shrink, learn, balance, recipe, risk)
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
    recipe: Recipe,
    heads: slice,
) -> tuple[Tensor, Tensor]:
    """Weights (h, d) and intercepts (h,) of logistic regressions on d inputs, a campaign once.

    Args:
        inputs: shape (n, d).
        shrink: shape (d,), the ridge on each input's weights beside the sum of the losses.
        learn: the n ads.
        balance: as the loss needs it.
        recipe: as the loss needs it.
        heads: which are asked.
    """
    chosen = Balance(balance.prevalence[heads], balance.weight[heads])
    asked = replace(learn, answers=learn.answers[:, heads], counts=learn.counts[:, heads])
    odds = torch.log(chosen.prevalence / (1 - chosen.prevalence)) + torch.log(chosen.weight)
    weights = torch.zeros(len(odds), inputs.shape[1], requires_grad=True)
    bias = odds.clone().requires_grad_()
    if not weights.numel():
        return weights.detach(), bias.detach()
    shares = torch.from_numpy(_shares(learn.campaigns)).float()
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=_SOLVER_STEPS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        solver.zero_grad()
        each = _each_loss(inputs @ weights.T + bias, asked, chosen, recipe)
        value = (each * shares).sum() + (shrink * weights.square()).sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    return weights.detach(), bias.detach()


def _standardise(network: Network, learn: Examples, recipe: Recipe) -> None:
    """Centre and scale what the heads see by some of the ads, as the encoder reads them now."""
    some = learn.take(np.random.default_rng(recipe.seed).permutation(len(learn))[:_SEEN_FIRST])
    pooled = _read(network, some, recipe, lambda ids, real, _: network.pooled(ids, real))
    spread, centre = torch.std_mean(pooled, dim=0)
    network.centre.copy_(centre)
    network.scale.copy_(1 / spread.clamp_min(_LEAST_SPREAD))


def _take_out(network: Network, balance: Balance) -> None:
    """Back to log-odds at the prevalence of the data (Elkan 2001)."""
    with torch.no_grad():
        network.head.bias.sub_(torch.log(balance.weight).to(network.head.bias.device))
        network.lift.zero_()


def _optimiser(network: Network) -> torch.optim.AdamW:
    return torch.optim.AdamW([p for _, p in learned(network)], lr=0.0, weight_decay=_DECAY)


def _rate(step: int, steps: int) -> float:
    """Up in a straight line, then down to nothing."""
    warm = max(1, int(steps * _WARM_UP))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def _judge(
    network: Network,
    held: Examples,
    balance: Balance,
    recipe: Recipe,
    state: State,
    epoch: int,
    workshop: Workshop,
) -> None:
    """Look at the ads held back; note whether waiting still pays."""
    logits = _read(network, held, recipe, network)
    loss = float(loss_of(logits, held, balance, recipe))
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
    recipe: Recipe,
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


def _put_back(network: Network, best: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in learned(network):
            parameter.copy_(best[name])
