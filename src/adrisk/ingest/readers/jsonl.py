"""Reader of JSON Lines files, one object a line, that rejects single broken lines.

All columns are strings: numbers and truth values as JSON writes them, lists and objects as JSON
text. The columns are the keys of the first thousand lines; keys that first appear later are left
out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from io import BytesIO

import pyarrow as pa

from adrisk.errors import SourceError
from adrisk.ingest.locations import ByteFile
from adrisk.ingest.quarantine import Reason, Reject
from adrisk.ingest.readers import (
    MAX_BATCH_CHARACTERS,
    Rows,
    expected_rows,
    physical_lines,
    string_table,
)

_BOM = b"\xef\xbb\xbf"
_PROBE_LINES = 1000


class JsonlReader:
    """Reader of a JSON Lines file.

    Attributes:
        late_keys: keys outside the schema, with their number of rows.
    """

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self.late_keys: Counter[str] = Counter()
        probe = file.probe()
        if probe.head.removeprefix(_BOM).lstrip()[:1] == b"[":
            raise SourceError(
                f"{file.name}: is a JSON array, which cannot be read as a stream; write one "
                f"object a line (jq -c '.[]' {file.name} > ads.jsonl)"
            )
        keys: dict[str, None] = {}
        rows = used = 0
        for number, line in physical_lines(BytesIO(probe.lines)):
            row = _row(line or b"")
            rows, used = rows + (row is not None), used + len(line or b"")
            if isinstance(row, dict):
                keys.update(dict.fromkeys(map(_valid, row)))
            if number == _PROBE_LINES:
                break
        self._names = list(keys)
        self.schema = pa.schema([(name, pa.large_string()) for name in self._names])
        whole = probe.whole and used >= len(probe.head.removeprefix(_BOM))
        self.expected_rows = expected_rows(file, rows, used, whole=whole)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._file.name

    def batches(
        self, batch_rows: int, must_be_text: Collection[str], reject: Reject
    ) -> Iterator[Rows]:
        """The rows in order."""
        rows: list[dict[str, object]] = []
        lines: list[int] = []
        size = 0
        known = frozenset(self._names)
        with self._file.open() as stream:
            for number, line in physical_lines(stream):
                if line is None:
                    reject(number, Reason.LINE_TOO_LONG, "", None)
                    continue
                row = _row(line)
                if row is None:
                    continue
                if isinstance(row, _Broken):
                    reject(number, row.reason, row.detail, None)
                    continue
                wrong = [name for name in must_be_text if not isinstance(row.get(name, ""), _TEXT)]
                if wrong:
                    kind = type(row[wrong[0]]).__name__
                    reject(number, Reason.WRONG_TYPE, f"{wrong[0]}: found {kind}", None)
                    continue
                if not known.issuperset(row):
                    self.late_keys.update(row.keys() - known)
                rows.append(row)
                lines.append(number)
                size += len(line)
                if len(rows) >= batch_rows or size >= MAX_BATCH_CHARACTERS:
                    yield self._table(rows, lines, reject)
                    rows, lines, size = [], [], 0
        if rows:
            yield self._table(rows, lines, reject)

    def _table(self, rows: list[dict[str, object]], lines: list[int], reject: Reject) -> Rows:
        columns = [[_as_string(row.get(name)) for row in rows] for name in self._names]
        return string_table(self._names, columns, lines, reject)


class _Broken:
    """A line that is not a row, with the reason."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail


_TEXT = (str, type(None))


def _row(line: bytes) -> dict[str, object] | _Broken | None:
    """The object of a line; None for a blank line."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return _Broken(Reason.ENCODING, f"byte {error.start + 1} of the line is not UTF-8")
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return _Broken(Reason.NOT_JSON, f"{error.msg} at column {error.colno}")
    except RecursionError:
        return _Broken(Reason.NOT_JSON, "nested too deeply")
    except ValueError:
        return _Broken(Reason.NOT_JSON, "a number is too long")
    if not isinstance(value, dict):
        return _Broken(Reason.NOT_JSON, f"found {type(value).__name__}")
    return value


def _as_string(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _valid(key: str) -> str:
    """The key as a column name, with lone surrogates replaced."""
    return key.encode("utf-8", "replace").decode()
