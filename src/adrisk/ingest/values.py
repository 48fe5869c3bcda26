"""Conversion of column values to the types of the ads schema.

In: a column of any type: text, risk levels, lists of indicators or votes, times. Out: an array of
the schema's type, with null for missing values. Values that are not understood are null, and are
counted or marked, never guessed; so ambiguous dates (02/05/2024) stay null.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.documents import parse_json
from adrisk.errors import SourceError
from adrisk.schema import ADS, LABELS
from adrisk.text.arrow import string_buffers
from adrisk.types import RISK_LEVELS, ArrowArray, ArrowValues

MISSING = ("", "nan", "nat", "null", "none")
"""Spellings of a missing number or time, in lower case."""

_LISTS = ("indicators", "indicators_known")
_TEXTS = ("text", "title", "body")
_VOTE = ("voter", "item", "says")


def check_type(canonical: str, column: str, kind: pa.DataType, name: str) -> None:
    """Refuse a column with a type that does not fit its canonical name.

    Raises:
        SourceError: naming the column, its type and what to do.
    """
    texts = _texts(kind)
    if canonical in _TEXTS:
        fits, needed = texts, "strings"
    elif canonical in _LISTS:
        fits, needed = texts or (_list(kind) and _texts(_value_type(kind))), "lists of strings"
    elif canonical == "votes":
        votes = _list(kind) and pa.types.is_struct(_value_type(kind))
        fits, needed = texts or votes, "lists of structs with voter, item and says"
    elif canonical == "risk":
        fits, needed = texts or _number(kind), "the numbers 0 to 3"
    elif canonical == "posted_at":
        fits = texts or _number(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        needed = "times"
    else:
        fits, needed = writable(kind), "plain values"
    if not fits:
        raise SourceError(
            f"{name}: column {column!r} holds {kind}, and {canonical} needs {needed}; "
            f"convert it, or name another column: --map {canonical}=COLUMN"
        )


def _value_type(lists: pa.DataType) -> pa.DataType:
    return cast("pa.ListType[pa.DataType]", lists).value_type


def writable(kind: pa.DataType) -> bool:
    """Whether values of a type can be written as strings."""
    try:
        strings(pa.nulls(0, cast("None", kind)))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return False
    return True


def strings(column: ArrowValues) -> tuple[ArrowArray, NDArray[np.bool_]]:
    """The column as large_string, and which values are not valid UTF-8 (null in the array)."""
    values = flat(column)
    broken = np.zeros(len(values), dtype=np.bool_)
    kind = values.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _string(kind):
        try:
            values = values.cast(pa.large_string())
            values.validate(full=True)
        except pa.ArrowInvalid:
            raw = values.cast(pa.large_binary()).to_pylist()
            broken = np.array([value is not None and not _is_utf8(value) for value in raw])
            kept = [None if bad else value for value, bad in zip(raw, broken, strict=True)]
            values = pa.array(kept, pa.large_binary()).cast(pa.large_string())
        return values, broken
    return values.cast(pa.string()).cast(pa.large_string()), broken


def text_parts(column: ArrowValues) -> ArrowArray:
    """A column of text as large_string; bytes that are not UTF-8 stay and are rejected later."""
    values = flat(column)
    if pa.types.is_null(values.type):
        return values.cast(pa.large_string())
    binary = values.cast(pa.large_binary())
    return pa.Array.from_buffers(
        pa.large_string(), len(binary), binary.buffers(), -1, binary.offset
    )


def join_lines(columns: Sequence[ArrowValues]) -> ArrowArray:
    """The texts of the columns joined by line breaks, without null and empty ones.

    >>> join_lines([pa.array(["Cook", None]), pa.array(["Evenings", "Vans"])]).to_pylist()
    ['Cook\\nEvenings', 'Vans']
    """
    # Arrow's own skipping of nulls loses the rows where all are null (pyarrow 25.0.1), and bytes
    # that are not UTF-8 must not stop the joining.
    empty = pa.scalar(b"", pa.large_binary())
    joined, *rest = [
        pc.fill_null(text_parts(column).cast(pa.large_binary()), b"") for column in columns
    ]
    for part in rest:
        both = pc.and_(_has_bytes(joined), _has_bytes(part))
        line_end = pc.if_else(both, pa.scalar(b"\n", pa.large_binary()), empty)
        joined = pc.binary_join_element_wise(joined, line_end, part, empty)
    return text_parts(joined)


def spliced(*parts: ArrowArray | str) -> ArrowArray:
    """The concatenation of the parts as large_string; null where a part is null."""
    as_large = [
        pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts
    ]
    joined: ArrowArray = pc.binary_join_element_wise(*as_large, pa.scalar("", pa.large_string()))
    return joined


def prefixed(prefix: str, column: ArrowValues) -> ArrowArray:
    """`prefix-value` for every value that is not null."""
    return spliced(f"{prefix}-", strings(column)[0])


def risks(column: ArrowValues) -> tuple[ArrowArray, NDArray[np.bool_]]:
    """Risk levels, and which values are invalid (null in the array)."""
    coded = strings(column)[0].dictionary_encode()
    levels = [_risk(value) for value in coded.dictionary.to_pylist()]
    unknown = np.array([level == -1 for level in levels] + [False])
    read = pa.array([None if level == -1 else level for level in levels], LABELS.field("risk").type)
    codes = coded.indices.fill_null(len(levels)).to_numpy()
    return read.take(coded.indices), unknown[codes]


def indicator_lists(column: ArrowValues) -> ArrowArray:
    """Lists of indicators, from lists or from strings such as `a;b` or `["a", "b"]`.

    Null and an empty cell give null: unknown. `[]` means that none is present.
    """
    values = flat(column)
    if not _texts(values.type):
        return values.cast(LABELS.field("indicators").type)
    coded = strings(values)[0].dictionary_encode()
    lists = [_names(value) for value in coded.dictionary.to_pylist()]
    read: ArrowArray = pa.array(lists, LABELS.field("indicators").type)
    return read.take(coded.indices)


def vote_lists(column: ArrowValues) -> ArrowArray:
    """Lists of votes, from lists of structs or from strings in JSON.

    Null and an empty cell give null. A malformed cell or vote becomes a vote without a voter: the
    ad is accepted, and training refuses the vote with its row.
    """
    values = flat(column)
    kind = LABELS.field("votes").type
    if not _texts(values.type):
        return values.cast(kind)
    read: ArrowArray = pa.array([_votes(value) for value in strings(values)[0].to_pylist()], kind)
    return read


def flat(column: ArrowValues) -> ArrowArray:
    """One array, without dictionary encoding or string views."""
    values: ArrowArray
    if not isinstance(column, pa.ChunkedArray):
        values = column
    else:  # combining copies even a single chunk
        values = column.chunks[0] if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    elif pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_binary())
    return values


def begins_plainly(values: ArrowArray) -> NDArray[np.bool_]:
    """Which strings begin with a visible ASCII character, so that they are not blank.

    A fast check of the first byte; other strings (null, empty, blank, an accent) need a full one.

    >>> begins_plainly(pa.array(["cook", "", " cook", "\u200b", "\u00e0 la carte", None])).tolist()
    [True, False, False, False, False, False]
    """
    bounds, content = string_buffers(values)
    if not len(content):
        return np.zeros(len(values), dtype=np.bool_)
    first = content.take(bounds[:-1], mode="clip")
    plain: NDArray[np.bool_] = (first > ord(" ")) & (first < 0x7F) & (bounds[1:] > bounds[:-1])
    if values.null_count:
        plain &= values.is_valid().to_numpy(zero_copy_only=False)
    return plain


def _has_bytes(values: ArrowArray) -> ArrowArray:
    has_bytes: ArrowArray = pc.greater(pc.binary_length(values), 0)
    return has_bytes


def _risk(value: str | None) -> int | None:
    """The risk level; None if missing, -1 if invalid."""
    text = (value or "").strip()
    if text.lower() in MISSING:
        return None
    try:
        number = float(text)
    except ValueError:
        return -1
    return int(number) if number in RISK_LEVELS else -1


def _names(value: str | None) -> list[str] | None:
    text = (value or "").strip()
    if not text or text == "null":
        return None
    if text.startswith("["):
        try:
            listed = parse_json(text)
        except ValueError:
            listed = text.strip("[]").replace("'", "").replace(",", ";").split(";")
        return [str(name).strip() for name in listed if str(name).strip()]
    return [name.strip() for name in text.split(";") if name.strip()]


def _votes(value: str | None) -> list[dict[str, str | None]] | None:
    text = (value or "").strip()
    if text.lower() in MISSING:
        return None
    try:
        listed = parse_json(text)
    except ValueError:
        listed = None
    votes = listed if isinstance(listed, list) else [None]
    return [
        {name: None if vote.get(name) is None else str(vote[name]) for name in _VOTE}
        if isinstance(vote, dict)
        else dict.fromkeys(_VOTE)
        for vote in votes
    ]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(kind: pa.DataType) -> bool:
    """Whether a type is of strings, of bytes that may be strings, or null."""
    if pa.types.is_dictionary(kind):
        return _texts(_value_type(kind))
    return bool(
        _string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_null(kind)
    )


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The years 1 to 9999, which is what Python's datetime can show; in days since 1970.
_FIRST_DAY, _END_DAY = -719_162, 2_932_897
_DAYS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_TIME = ADS.field("posted_at").type
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
_COMPACT_DATE = re.compile(r"(?:19|20)\d{6}")


def times(column: ArrowValues) -> tuple[ArrowArray, int]:
    """Times in UTC, and how many values were not understood (null in the array).

    Understood: timestamps and dates (UTC by default), ISO 8601, and seconds, milliseconds,
    microseconds or nanoseconds since 1970, distinguished by their size, from 1973 on.
    """
    values = flat(column)
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        shown = _within_calendar(values)
        # With or without a zone, the number behind a timestamp counts from 1970 in UTC.
        plain = shown.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False)
        return plain.cast(pa.int64()).cast(_TIME), shown.null_count - values.null_count
    # Dates repeat, so each distinct value is read once.
    coded = strings(values)[0].dictionary_encode()
    read = pa.array([_microseconds(value) for value in coded.dictionary.to_pylist()], pa.int64())
    moments = read.take(coded.indices)
    written = pc.utf8_lower(pc.utf8_trim_whitespace(coded.cast(pa.large_string())))
    given = pc.invert(pc.is_in(written, pa.array([None, *MISSING], pa.large_string())))
    missed = pc.sum(pc.and_(given, pc.is_null(moments))).as_py() or 0
    return moments.cast(_TIME), int(missed)


def _within_calendar(values: ArrowArray) -> ArrowArray:
    """Timestamps or dates, null where they are outside the years 1 to 9999."""
    kind = values.type
    if pa.types.is_date(kind):
        per_day = 1 if pa.types.is_date32(kind) else _DAYS["ms"]
        counts = values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    else:
        per_day, counts = _DAYS[kind.unit], values.cast(pa.int64())
    counts = counts.cast(pa.int64())
    # Nanoseconds do not reach that far, and neither do their bounds.
    first, last = (max(-(2**63), min(2**63 - 1, day * per_day)) for day in (_FIRST_DAY, _END_DAY))
    inside = pc.and_(pc.greater_equal(counts, first), pc.less(counts, last))
    kept: ArrowArray = pc.if_else(inside, values, None)
    return kept


def _microseconds(value: str | None) -> int | None:
    """Microseconds since 1970 of a written time."""
    text = (value or "").strip()
    if _NUMBER.fullmatch(text) and not _COMPACT_DATE.fullmatch(text):
        return _since_1970(text)
    try:
        parsed = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return _shown((zoned - _EPOCH) // _MICROSECOND)


def _since_1970(number: str) -> int | None:
    """Microseconds of a count of seconds, or of smaller units if it is too large for seconds."""
    count = Decimal(number)
    # Seconds reach from 1973 to the year 5138, likewise smaller units. A smaller number is
    # something else: a year, a day, an index.
    for limit, microseconds in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if 10**8 <= abs(count) < limit:
            return _shown(int(count * microseconds))
    return _shown(int(count / 1000)) if 10**17 <= abs(count) < 10**20 else None


def _shown(microseconds: int) -> int | None:
    """The moment if it is in the years 1 to 9999, else None."""
    inside = _FIRST_DAY * _DAYS["us"] <= microseconds < _END_DAY * _DAYS["us"]
    return microseconds if inside else None
