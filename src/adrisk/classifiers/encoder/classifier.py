"""The encoder as a classifier family: fit, score, explain, save, load.

A model folder holds `weights.safetensors` (encoder and heads), `tokenizer.json` and
`encoder.json` (the architecture and how texts are read): all that scoring needs, so that loading
asks no hub and no folder for anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers import storage
from adrisk.classifiers.base import Margins, TrainContext
from adrisk.classifiers.encoder.pretrained import DEFAULT, library
from adrisk.classifiers.rule_features import rule_feature_names, training_rule_features
from adrisk.errors import ConfigError, ModelError
from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk, learnable
from adrisk.text.arrow import text_list
from adrisk.types import FloatArray

if TYPE_CHECKING:
    from adrisk.classifiers.encoder.inference import Reader
    from adrisk.classifiers.encoder.network import Network
    from adrisk.classifiers.encoder.settings import TrainingSettings

PRECISIONS = ("auto", "float32")
_LONGEST = 1 << 20
_COMPARED = 128  # ads on which bfloat16 is held against float32 after fitting


class EncoderClassifier:
    """A fine-tuned transformer with heads for the ordinal risk and for each indicator.

    Args:
        encoder: a hub name, a local folder, or `offline` (English, from the extra of that name).
        train_layers: how many of the top layers learn; embeddings and the rest stay as they came.
            None lets everything learn, which wants a GPU.
        epochs: at most; each reads one ad of every campaign.
        batch: ads a step.
        learning_rate: at its highest.
        max_tokens: read of an ad: its first three quarters so many, and its last quarter.
        patience: epochs without a better loss on the held-back campaigns, before it stops.
        smoothing: how far targets are moved towards the prevalence, against wrong labels.
        precision: "auto" for bfloat16 where the hardware has it, else "float32".
        min_positives: an indicator needs as many present and absent ads to get a head.
        findings: whether what the evidence rules found is a feature beside the text.
        seed: of the order of the ads, of dropout and of what is held back.
    """

    family: ClassVar[str] = "encoder"
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    labels_: tuple[str, ...]

    def __init__(
        self,
        *,
        encoder: str = DEFAULT,
        train_layers: int | None = None,
        epochs: int = 4,
        batch: int = 32,
        learning_rate: float = 5e-5,
        max_tokens: int = 256,
        patience: int = 2,
        smoothing: float = 0.02,
        precision: str = "auto",
        min_positives: int = 8,
        findings: bool = True,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.train_layers = train_layers
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.max_tokens = max_tokens
        self.patience = patience
        self.smoothing = smoothing
        self.precision = precision
        self.min_positives = min_positives
        self.findings = findings
        self.seed = seed
        self._workshop = TrainContext()
        self._facts: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}

    def parameters(self) -> dict[str, Any]:
        """As given to `__init__`."""
        return {
            "encoder": self.encoder,
            "train_layers": self.train_layers,
            "epochs": self.epochs,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "max_tokens": self.max_tokens,
            "patience": self.patience,
            "smoothing": self.smoothing,
            "precision": self.precision,
            "min_positives": self.min_positives,
            "findings": self.findings,
            "seed": self.seed,
        }

    def set_context(self, workshop: TrainContext) -> Self:
        """Where checkpoints are kept and who hears the metrics; see `LongTraining`."""
        self._workshop = workshop
        return self

    def use_threads(self, count: int) -> None:
        """Threads of torch; see `Threaded`."""
        from adrisk.classifiers.encoder.network import use_threads

        use_threads(count)

    def fit(self, texts: TextBatch, targets: Targets) -> Self:
        """Fine-tune; a tenth of the campaigns is held back to tell when to stop."""
        self._check()
        check_risk(targets.risk)
        labels = learnable(targets, self.min_positives)
        library()
        from adrisk.classifiers.encoder.checkpoints import Checkpoint
        from adrisk.classifiers.encoder.data import (
            Examples,
            answers_of,
            campaigns_of,
            held_back,
            tokenise,
        )
        from adrisk.classifiers.encoder.network import Network, freeze
        from adrisk.classifiers.encoder.pretrained import load_base, read_tokeniser
        from adrisk.classifiers.encoder.training import train

        base = load_base(self.encoder)
        self._settings = {
            "config": base.config,
            "longest": min(self.max_tokens, base.longest),
            "filler": base.filler,
            "blank": base.blank,
            "half": False,
            "found": list(rule_feature_names(texts.rules.taxonomy)) if self.findings else [],
        }
        self._tokeniser_json = base.tokeniser
        self._tokeniser = read_tokeniser(base.tokeniser, self.encoder)
        known = np.flatnonzero(
            (targets.risk != UNKNOWN_RISK) | ~np.isnan(targets.columns(labels)).all(axis=1)
        )
        texts, targets = texts.take(known), targets.take(known)
        recipe = self._recipe()
        examples = Examples(
            tokenise(self._tokeniser, text_list(texts.folded), recipe.longest),
            self._features(texts, targets),
            campaigns_of(targets),
            *answers_of(targets, labels),
        )
        held = held_back(targets, self.seed)
        network = Network(base.encoder, len(labels), len(self._names()))
        try:
            freeze(network, self.train_layers)
        except ValueError as error:
            raise ConfigError(f"{self.encoder}: {error}") from error
        checkpoint = Checkpoint(self._workshop.checkpoints, self._key(examples))
        learn, told = (examples.take(np.flatnonzero(part)) for part in (~held, held))
        reached = train(network, learn, told, recipe, checkpoint, self._workshop)
        self.labels_ = labels
        self._compare(network, texts)
        self._facts = {**self._facts, **reached, "held_out_ads": int(held.sum())}
        checkpoint.done()
        return self

    def _features(self, texts: TextBatch, targets: Targets) -> NDArray[np.float32]:
        """What the rules found, to learn from."""
        if not self.findings:
            return np.zeros((len(texts), 0), dtype=np.float32)
        return training_rule_features(texts, self._names(), targets, self.seed)

    def _names(self) -> tuple[str, ...]:
        return tuple(self._settings["found"])

    def _check(self) -> None:
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision ({self.precision!r}) must be one of {', '.join(PRECISIONS)}"
            )
        for name, least in (("epochs", 1), ("batch", 1), ("max_tokens", 8), ("patience", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} ({getattr(self, name)}) must be at least {least}")
        if self.train_layers is not None and self.train_layers < 0:
            raise ConfigError(f"train_layers ({self.train_layers}) must not be below 0")
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"smoothing ({self.smoothing:g}) must be from 0 up to 1")

    def _recipe(self) -> TrainingSettings:
        from adrisk.classifiers.encoder.network import has_half
        from adrisk.classifiers.encoder.settings import TrainingSettings

        return TrainingSettings(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            patience=self.patience,
            smoothing=self.smoothing,
            half=self.precision == "auto" and has_half(),
            seed=self.seed,
            longest=self._settings["longest"],
            filler=self._settings["filler"],
        )

    def _key(self, examples: Any) -> str:
        """Names this training: the same ads, answers and parameters give the same."""
        digest = hashlib.sha256(json.dumps(self.parameters(), sort_keys=True).encode())
        for tokens in examples.tokens:
            digest.update(tokens.tobytes() + b"|")
        for numbers in (
            examples.found,
            examples.campaigns,
            examples.answers,
            examples.counts,
        ):
            digest.update(numbers.tobytes())
        return digest.hexdigest()[:24]

    def _compare(self, network: Network, texts: TextBatch) -> None:
        """Hold bfloat16 against float32 on some ads, and keep it only where they agree."""
        from adrisk.classifiers.encoder.inference import TOLERANCE, furthest

        self._network = network
        reader = self._made_reader(half=False)
        self._facts = {"scored_in": "float32"}
        if self.precision == "auto":
            half = self._made_reader(half=True)
            if half.half:
                every = max(1, len(texts) // _COMPARED)
                some = texts.take(np.arange(0, len(texts), every)[:_COMPARED])
                difference = furthest(reader.logits(some), half.logits(some))
                self._facts["bfloat16_difference"] = difference
                if difference <= TOLERANCE:
                    reader, self._settings["half"] = half, True
                    self._facts["scored_in"] = "bfloat16"
        self._reader = reader

    def _made_reader(self, *, half: bool) -> Reader:
        from adrisk.classifiers.encoder.inference import Reader

        longest, filler = self._settings["longest"], self._settings["filler"]
        return Reader(self._network, self._tokeniser, longest, filler, self._names(), half=half)

    def facts(self) -> dict[str, Any]:
        """What fitting came to; see `Recorded`. Empty for a model that was loaded."""
        return dict(self._facts)

    def margins(self, texts: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        from adrisk.classifiers.encoder.inference import margins_of

        return margins_of(self._reader.logits(texts))

    def contributions(self, texts: TextBatch) -> FloatArray:
        """Integrated gradients of every head; see `Classifier.contributions`."""
        return self.contributions_to(texts, range(1 + len(self.labels_)))

    def contributions_to(self, texts: TextBatch, rows: Sequence[int]) -> FloatArray:
        """Integrated gradients of some heads; see `Selective`. A second a head is usual."""
        from adrisk.classifiers.encoder import attribution

        here = attribution.explained(self.margins(texts))
        empty = attribution.explained(self.margins(make_batch([""], rules=texts.rules)))
        found = attribution.integrated(self._reader, self._settings["blank"], texts, rows)
        read = attribution.read_characters(self._reader, texts.folded[0].as_py())
        return attribution.spread(found, (here - empty)[0, list(rows)], read)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors`, `tokenizer.json` and `encoder.json`."""
        storage.write_tensors(
            folder / "weights.safetensors",
            **{name: t.detach().cpu().numpy() for name, t in self._network.state_dict().items()},
        )
        (folder / "tokenizer.json").write_text(self._tokeniser_json, encoding="utf-8")
        (folder / "encoder.json").write_text(
            json.dumps(self._settings, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read the three files and check that they fit each other."""
        library()
        from adrisk.classifiers.encoder.architecture import rebuilt
        from adrisk.classifiers.encoder.network import Network
        from adrisk.classifiers.encoder.pretrained import read_tokeniser

        model = cls(**parameters)
        model.labels_ = tuple(labels)
        model._settings = _read_settings(folder / "encoder.json")
        weights = folder / "weights.safetensors"
        encoder = rebuilt(model._settings["config"], storage.size_of(weights) // 4)
        network = Network(encoder, len(labels), len(model._settings["found"]))
        _fill(network, weights)
        model._tokeniser_json = storage.read_text(folder / "tokenizer.json")
        model._tokeniser = read_tokeniser(model._tokeniser_json, str(folder / "tokenizer.json"))
        model._network = network.eval()
        model._reader = model._made_reader(half=model._settings["half"])
        return model


def _fill(network: Network, path: Path) -> None:
    """Read weights into a network of the same names and shapes."""
    import torch

    wanted = network.state_dict()
    found = storage.read_tensors(
        path, **{name: (np.float32, tuple(tensor.shape)) for name, tensor in wanted.items()}
    )
    network.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})


def _read_settings(path: Path) -> dict[str, Any]:
    wanted = {
        "config": dict,
        "longest": int,
        "filler": int,
        "blank": int,
        "half": bool,
        "found": list,
    }
    found = storage.read_json(path)
    if not isinstance(found, dict) or {k: type(v) for k, v in found.items()} != wanted:
        names = ", ".join(wanted)
        raise ModelError(f"{path}: expected {names}; it is the file of another kind of model")
    words = found["config"].get("vocab_size")
    tokens = isinstance(words, int) and all(0 <= found[n] < words for n in ("filler", "blank"))
    columns = all(isinstance(name, str) for name in found["found"])
    if not tokens or not columns or not 2 <= found["longest"] <= _LONGEST:
        raise ModelError(f"{path}: a number or a column that no encoder has; copy the model again")
    return found
