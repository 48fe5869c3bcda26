"""Times as they are written in files, as UTC timestamps of the ads schema.

In: a column of timestamps, dates, numbers or strings. Out: timestamps in microseconds, null for
what is missing or not understood, the latter counted. Days that could be the month of another
country (02/05/2024) are not guessed at.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.schema import ADS
from adrisk.sources.values import MISSING, flat, strings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The years 1 to 9999, which is what Python's datetime can show; in days since 1970.
_FIRST_DAY, _END_DAY = -719_162, 2_932_897
_DAYS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_TIME = ADS.field("posted_at").type
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
_COMPACT_DATE = re.compile(r"(?:19|20)\d{6}")


def times(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, int]:
    """Times in UTC, and how many values were not understood (null in the array).

    Understood: timestamps and dates (UTC where they name no zone), ISO 8601, and seconds,
    milliseconds, microseconds or nanoseconds since 1970, told apart by their size, from 1973 on.
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
    found = read.take(coded.indices)
    words = pc.utf8_lower(pc.utf8_trim_whitespace(coded.cast(pa.large_string())))
    given = pc.invert(pc.is_in(words, pa.array([None, *MISSING], pa.large_string())))
    missed = pc.sum(pc.and_(given, pc.is_null(found))).as_py() or 0
    return found.cast(_TIME), int(missed)


def _within_calendar(values: pa.Array) -> pa.Array:
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
    return pc.if_else(inside, values, None)


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
    """Microseconds of a count of seconds, or of smaller units where it is too large for those."""
    count = Decimal(number)
    # Seconds reach from 1973 to the year 5138, milliseconds from 1973 too, and so on. A smaller
    # number is something else: a year, a day, an index.
    for limit, microseconds in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if 10**8 <= abs(count) < limit:
            return _shown(int(count * microseconds))
    return _shown(int(count / 1000)) if 10**17 <= abs(count) < 10**20 else None


def _shown(microseconds: int) -> int | None:
    """The moment, if a calendar can show it."""
    inside = _FIRST_DAY * _DAYS["us"] <= microseconds < _END_DAY * _DAYS["us"]
    return microseconds if inside else None
