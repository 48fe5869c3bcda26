"""Architecture of a saved encoder: checked, then built with weights still random.

In: the configuration in `encoder.json`. It comes with the model folder, so it is not trusted: only
an architecture that transformers ships is built, nothing that names code or kernels of a hub is
passed on, and no more parameters are made than the weights file has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adrisk.classifiers.encoder.pretrained import library, silent, without_pooler
from adrisk.errors import ModelError

MOST_LAYERS = 200
MOST_SIZE = 1 << 22
"""Of any dimension, the vocabulary's too: the largest in use has 256,000 words."""

_FOREIGN = ("auto_map", "custom_pipelines", "quantization_config", "implementation", "kernel")
"""Parts of keys with which transformers fetches or runs what is not its own."""


def rebuilt(config: Mapping[str, Any], most_parameters: int) -> Any:
    """An encoder of this architecture, its weights still random.

    Args:
        config: of a transformers encoder, with its `model_type`.
        most_parameters: as many as the weights file may hold.

    Raises:
        ModelError: if this transformers does not know the architecture, or it is not plausible.
    """
    import torch

    transformers = library()
    _check(config)
    try:
        kept = {key: value for key, value in config.items() if key != "model_type"}
        with silent(transformers), torch.random.fork_rng(devices=[]):
            known = transformers.AutoConfig.for_model(config["model_type"], **kept)
            with torch.device("meta"):  # shapes alone, which take no memory
                shapes = without_pooler(_built(transformers, known))
            _check_size(shapes, most_parameters)
            return without_pooler(_built(transformers, known))
    except ModelError:
        raise
    except Exception as error:  # whatever transformers makes of a configuration it cannot use
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
