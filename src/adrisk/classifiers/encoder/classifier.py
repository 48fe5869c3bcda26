"""Encoder classifier family: fit, score, explain, save and load a fine-tuned transformer.

A model folder holds `weights.safetensors` (encoder and heads), `tokenizer.json` and `encoder.json`
(architecture and tokenisation): loading needs no hub and no other folder.
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
from adrisk.classifiers.base import Margins, TrainContext, parameters_of
from adrisk.classifiers.encoder.pretrained import DEFAULT, import_transformers
from adrisk.classifiers.rule_features import rule_feature_names, training_rule_features
from adrisk.errors import ConfigError, ModelError
from adrisk.labels.targets import UNKNOWN_RISK, Targets, check_risk, learnable
from adrisk.text.arrow import text_list
from adrisk.types import FloatArray

if TYPE_CHECKING:
    from adrisk.classifiers.encoder.inference import Predictor
    from adrisk.classifiers.encoder.network import Network
    from adrisk.classifiers.encoder.training import TrainingSettings

PRECISIONS = ("auto", "float32")
_LONGEST = 1 << 20
_COMPARED = 128  # ads on which bfloat16 is compared with float32 after fitting


class EncoderClassifier:
    """A fine-tuned transformer with heads for the ordinal risk and for each indicator.

    Args:
        encoder: a hub name, a local folder, or `offline` (English, from the extra of that name).
        train_layers: number of top layers to train; embeddings and the others stay frozen. None
            trains everything, which needs a GPU.
        epochs: at most; each reads one ad of every campaign.
        batch: ads a step.
        learning_rate: maximum, after the warm-up.
        max_tokens: tokens kept of an ad, three quarters from its start, one from its end.
        patience: epochs without a lower loss on the held-out campaigns before training stops.
        smoothing: how far targets are moved towards the prevalence, against wrong labels.
        precision: "auto" for bfloat16 where the hardware has it, else "float32".
        min_positives: an indicator needs as many present and absent ads to get a head.
        findings: whether rule hits are features besides the text.
        seed: of the order of the ads, of dropout and of the held-out campaigns.
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
        self._context = TrainContext()
        self._facts: dict[str, object] = {}
        self._settings: dict[str, Any] = {}

    def parameters(self) -> dict[str, object]:
        """As given to `__init__`."""
        return parameters_of(self)

    def set_context(self, context: TrainContext) -> Self:
        """Set the checkpoint folder and the metrics callback; see `LongTraining`."""
        self._context = context
        return self

    def use_threads(self, count: int) -> None:
        """Set the threads of torch; see `Threaded`."""
        from adrisk.classifiers.encoder.network import use_threads

        use_threads(count)

    def fit(self, texts: TextBatch, targets: Targets) -> Self:
        """Fine-tune; a tenth of the ads is held out for early stopping."""
        self._check()
        check_risk(targets.risk)
        labels = learnable(targets, self.min_positives)
        import_transformers()
        from adrisk.classifiers.encoder.checkpoints import Checkpoint
        from adrisk.classifiers.encoder.data import (
            Examples,
            campaigns_of,
            head_targets,
            held_out_rows,
            tokenise,
        )
        from adrisk.classifiers.encoder.network import Network, freeze
        from adrisk.classifiers.encoder.pretrained import load_pretrained, read_tokeniser
        from adrisk.classifiers.encoder.training import train

        base = load_pretrained(self.encoder)
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
        settings = self._training_settings()
        examples = Examples(
            tokenise(self._tokeniser, text_list(texts.folded), settings.longest),
            self._training_rule_features(texts, targets),
            campaigns_of(targets),
            *head_targets(targets, labels),
        )
        held_out = held_out_rows(targets, self.seed)
        network = Network(base.encoder, len(labels), len(self._rule_columns()))
        try:
            freeze(network, self.train_layers)
        except ValueError as error:
            raise ConfigError(f"{self.encoder}: {error}") from error
        checkpoint = Checkpoint(self._context.checkpoints, self._key(examples))
        training, validation = (
            examples.take(np.flatnonzero(part)) for part in (~held_out, held_out)
        )
        facts = train(network, training, validation, settings, checkpoint, self._context)
        self.labels_ = labels
        self._choose_precision(network, texts)
        self._facts = {**self._facts, **facts, "held_out_ads": int(held_out.sum())}
        checkpoint.delete()
        return self

    def _training_rule_features(self, texts: TextBatch, targets: Targets) -> NDArray[np.float32]:
        """Rule features for training, shape (n, columns)."""
        if not self.findings:
            return np.zeros((len(texts), 0), dtype=np.float32)
        return training_rule_features(texts, self._rule_columns(), targets, self.seed)

    def _rule_columns(self) -> tuple[str, ...]:
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

    def _training_settings(self) -> TrainingSettings:
        from adrisk.classifiers.encoder.network import has_half
        from adrisk.classifiers.encoder.training import TrainingSettings

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
        """Checkpoint key: a hash of the ads, targets and parameters."""
        digest = hashlib.sha256(json.dumps(self.parameters(), sort_keys=True).encode())
        for tokens in examples.tokens:
            digest.update(tokens.tobytes() + b"|")
        for numbers in (
            examples.rule_features,
            examples.campaigns,
            examples.truths,
            examples.weights,
        ):
            digest.update(numbers.tobytes())
        return digest.hexdigest()[:24]

    def _choose_precision(self, network: Network, texts: TextBatch) -> None:
        """Compare bfloat16 with float32 on some ads, and use it only where they agree."""
        from adrisk.classifiers.encoder.inference import TOLERANCE, largest_difference

        self._network = network
        predictor = self._make_predictor(half=False)
        self._facts = {"scored_in": "float32"}
        if self.precision == "auto":
            half = self._make_predictor(half=True)
            if half.half:
                every = max(1, len(texts) // _COMPARED)
                some = texts.take(np.arange(0, len(texts), every)[:_COMPARED])
                difference = largest_difference(predictor.logits(some), half.logits(some))
                self._facts["bfloat16_difference"] = difference
                if difference <= TOLERANCE:
                    predictor, self._settings["half"] = half, True
                    self._facts["scored_in"] = "bfloat16"
        self._predictor = predictor

    def _make_predictor(self, *, half: bool) -> Predictor:
        from adrisk.classifiers.encoder.inference import Predictor

        longest, filler = self._settings["longest"], self._settings["filler"]
        return Predictor(
            self._network, self._tokeniser, longest, filler, self._rule_columns(), half=half
        )

    def facts(self) -> dict[str, object]:
        """Facts of the fitting; see `ReportsFacts`. Empty for a loaded model."""
        return dict(self._facts)

    def margins(self, texts: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        from adrisk.classifiers.encoder.inference import margins_of

        return margins_of(self._predictor.logits(texts))

    def contributions(self, texts: TextBatch) -> FloatArray:
        """Integrated gradients of every head; see `Classifier.contributions`."""
        return self.contributions_to(texts, range(1 + len(self.labels_)))

    def contributions_to(self, texts: TextBatch, rows: Sequence[int]) -> FloatArray:
        """Integrated gradients of some heads, about a second each; see `Selective`."""
        from adrisk.classifiers.encoder import attribution

        margins = attribution.explained_margins(self.margins(texts))
        baseline = attribution.explained_margins(self.margins(make_batch([""], rules=texts.rules)))
        gradients = attribution.integrated_gradients(
            self._predictor, self._settings["blank"], texts, rows
        )
        read = attribution.read_characters(self._predictor, texts.folded[0].as_py())
        return attribution.spread_residual(gradients, (margins - baseline)[0, list(rows)], read)

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
        """Read the files of `save` and check that they fit each other."""
        import_transformers()
        from adrisk.classifiers.encoder.network import Network
        from adrisk.classifiers.encoder.pretrained import build_encoder, read_tokeniser

        model = cls(**parameters)
        model.labels_ = tuple(labels)
        model._settings = _read_settings(folder / "encoder.json")
        weights = folder / "weights.safetensors"
        encoder = build_encoder(model._settings["config"], storage.size_of(weights) // 4)
        network = Network(encoder, len(labels), len(model._settings["found"]))
        _load_weights(network, weights)
        model._tokeniser_json = storage.read_text(folder / "tokenizer.json")
        model._tokeniser = read_tokeniser(model._tokeniser_json, str(folder / "tokenizer.json"))
        model._network = network.eval()
        model._predictor = model._make_predictor(half=model._settings["half"])
        return model


def _load_weights(network: Network, path: Path) -> None:
    """Load a weights file into a network of the same names and shapes."""
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
