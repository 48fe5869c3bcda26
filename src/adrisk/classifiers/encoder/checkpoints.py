"""Checkpoint of a training run: one safetensors file with JSON metadata, replaced atomically."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from adrisk.classifiers.encoder.network import Network, trainable_parameters

_FILE = "state.safetensors"


@dataclass(slots=True)
class State:
    """Progress of a training.

    Attributes:
        step: batches trained on.
        waited: epochs since the loss on the held-out ads last fell.
        best_loss: the lowest loss on the held-out ads.
        best: the trainable parameters at that loss; empty before the first validation.
    """

    step: int = 0
    waited: int = 0
    best_loss: float = float("inf")
    best: dict[str, Tensor] = field(default_factory=dict)


class Checkpoint:
    """Checkpoint folder of one training.

    Args:
        folder: parent folder; None to write nothing.
        key: identifies the data and the settings, so that no other training resumes from it.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self.folder = None if folder is None else folder / key

    def save(self, network: Network, optimiser: torch.optim.Optimizer, state: State) -> None:
        """Write the state; an interrupted write leaves the previous one."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"now.{name}": p.detach() for name, p in trainable_parameters(network)}
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        counts = {"step": state.step, "waited": state.waited, "best_loss": state.best_loss}
        draft = self.folder / f".{_FILE}.draft"
        save_file(
            {name: tensor.cpu().contiguous() for name, tensor in tensors.items()},
            draft,
            metadata={"state": json.dumps(counts)},
        )
        os.replace(draft, self.folder / _FILE)

    def restore(self, network: Network, optimiser: torch.optim.Optimizer) -> State | None:
        """Restore the saved state; None where there is none."""
        saved = self._read()
        if saved is None:
            return None
        tensors, counts = saved
        parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimiser"].items():
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
        with torch.no_grad():
            for name, parameter in trainable_parameters(network):
                parameter.copy_(parts["now"][name])
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        return State(
            int(counts["step"]), int(counts["waited"]), float(counts["best_loss"]), parts["best"]
        )

    def _read(self) -> tuple[dict[str, Tensor], dict[str, float]] | None:
        if self.folder is None or not (self.folder / _FILE).exists():
            return None
        from safetensors import safe_open

        try:
            with safe_open(self.folder / _FILE, "pt") as file:
                counts = json.loads(file.metadata()["state"])
            return load_file(self.folder / _FILE), counts
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None  # a damaged state is ignored: training starts anew

    def delete(self) -> None:
        """Delete the checkpoint."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
