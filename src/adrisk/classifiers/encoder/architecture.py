"""Architecture of a saved encoder, checked and built with random weights.

In: the configuration in `encoder.json`, which is untrusted. Out: a torch module. Only architectures
that transformers ships are built, keys that name code or kernels of a hub are refused, and the
module has no more parameters than the weights file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adrisk.classifiers.encoder.pretrained import import_transformers, silenced, without_pooler
from adrisk.errors import ModelError

MOST_LAYERS = 200
MOST_SIZE = 1 << 22
"""Largest size of a dimension, vocabulary included; the largest in use has 256,000 words."""

_FOREIGN = ("auto_map", "custom_pipelines", "quantization_config", "implementation", "kernel")
"""Parts of keys with which transformers fetches or runs foreign code."""


def build_encoder(config: Mapping[str, Any], most_parameters: int) -> Any:
    """An encoder of this architecture with random weights.

    Args:
        config: of a transformers encoder, with its `model_type`.
        most_parameters: capacity of the weights file.

    Raises:
        ModelError: if transformers does not support the architecture, or a size is implausible.
    """
    import torch

    transformers = import_transformers()
    _check(config)
    try:
        kept = {key: value for key, value in config.items() if key != "model_type"}
        with silenced(transformers), torch.random.fork_rng(devices=[]):
            known = transformers.AutoConfig.for_model(config["model_type"], **kept)
            with torch.device("meta"):  # shapes without memory
                shapes = without_pooler(_built(transformers, known))
            _check_size(shapes, most_parameters)
            return without_pooler(_built(transformers, known))
    except ModelError:
        raise
    except Exception as error:  # transformers raises many kinds for a bad configuration
        reason = ascii(str(error).partition("\n")[0][:120])[1:-1]
        raise ModelError(
            f"the encoder's architecture is not one this transformers builds ({reason}); the model "
            "folder is damaged, or needs another version: pip install -U transformers"
        ) from error


def _built(transformers: Any, config: Any) -> Any:
    return transformers.AutoModel.from_config(config, trust_remote_code=False)


def _check_size(shapes: Any, most: int) -> None:
    if sum(parameter.numel() for parameter in shapes.parameters()) > most:
        raise ModelError(
            "the encoder's architecture has more weights than its file holds; the model folder is "
            "incomplete or damaged: copy it again or train anew"
        )


def _check(config: Mapping[str, Any]) -> None:
    for key, value in _entries(config):
        if any(part in key for part in _FOREIGN):
            raise ModelError(
                f"the encoder's configuration names {ascii(key)[:80]}, which could run code that "
                "is not adrisk's; do not use the model"
            )
        most = MOST_LAYERS if "layer" in key else MOST_SIZE
        if isinstance(value, int) and "theta" not in key and abs(value) > most:
            raise ModelError(
                f"the encoder's configuration has an implausible {ascii(key)[:80]}; the model "
                "folder is damaged: copy it again or train anew"
            )


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        yield key, value
        if isinstance(value, Mapping):
            yield from _entries(value)
