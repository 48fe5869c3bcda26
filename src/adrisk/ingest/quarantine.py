"""The quarantine file: rows that cannot be ads, with their place, the reason and what to do.

In: `Quarantined` rows, one by one. Out: `quarantine.jsonl`, one JSON object a row, written under a
temporary name and moved into place on success and on failure. It never contains text of an ad.

Several commands may write their outputs to one folder. Each row then names its output, and the rows
of a second output go to a file of its own, `NAME.quarantine.jsonl`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO

from adrisk.documents import parse_json
from adrisk.errors import CorpusError
from adrisk.layout import MANIFEST_FILE, QUARANTINE_FILE, WORK_FOLDER
from adrisk.types import Quarantined


class Reason(StrEnum):
    """Why a row cannot be an ad; the key of `Quarantine.by_reason`."""

    NO_TEXT = "no text"
    TEXT_TOO_LONG = "text too long"
    ENCODING = "broken encoding"
    NUL = "NUL character"
    WRONG_TYPE = "wrong type"
    DUPLICATE_ID = "duplicate ad_id"
    ID_TOO_LONG = "ad_id too long"
    UNKNOWN_RISK = "unknown risk"
    NOT_JSON = "not a JSON object"
    FIELD_COUNT = "wrong number of fields"
    QUOTING = "broken quoting"
    LINE_TOO_LONG = "line too long"


ACTIONS = {
    Reason.NO_TEXT: "nothing to do if the ad was empty; otherwise check the column mapping (--map)",
    Reason.TEXT_TOO_LONG: "check that this is one ad and not several run together",
    Reason.ENCODING: "export the row again as UTF-8",
    Reason.NUL: "remove the NUL characters from the row",
    Reason.WRONG_TYPE: "write the value as a string",
    Reason.DUPLICATE_ID: "give every ad an id of its own, or leave the id out to have one made",
    Reason.ID_TOO_LONG: "check the column mapping (--map ad_id=...), or leave the id out",
    Reason.UNKNOWN_RISK: "write risk as 0, 1, 2 or 3, or leave it empty",
    Reason.NOT_JSON: "write one JSON object on a line",
    Reason.FIELD_COUNT: "quote fields that hold the delimiter or a line break",
    Reason.QUOTING: "double the quotes inside a quoted field, and close it",
    Reason.LINE_TOO_LONG: "check that the file has line breaks and that quotes are closed",
}
"""The user's next step for each reason."""

Reject = Callable[[int, Reason, str, str | None], None]
"""Callback for a rejected row: line, reason, detail (may be empty), ad_id if known."""


def quarantined(
    source: str, line: int, reason: Reason, detail: str = "", ad_id: str | None = None
) -> Quarantined:
    """A quarantined row with the action for its reason; `detail` is the value found."""
    action = f"{detail}; {ACTIONS[reason]}" if detail else ACTIONS[reason]
    return Quarantined(source, line, reason.value, action, ad_id)


class Quarantine:
    """Writer of a quarantine file; a context manager.

    Attributes:
        path: of the file.
        count: rows so far.
        by_reason: rows so far, by reason.
    """

    def __init__(self, path: Path, output: str | None = None) -> None:
        self.path = path
        self._output = {} if output is None else {"output": output}
        self.count = 0
        self.by_reason: Counter[str] = Counter()
        self._partial = path.with_name(f"{path.name}.partial")
        self._file: IO[str] | None = None

    @classmethod
    def beside(cls, out: Path) -> Quarantine:
        """The quarantine of a single output file; it replaces earlier rows of this output only."""
        shared = out.with_name(QUARANTINE_FILE)
        own = out.with_name(f"{out.stem}.{QUARANTINE_FILE}")
        return cls(shared if not own.exists() and _is_free(shared, out.name) else own, out.name)

    def add(self, row: Quarantined) -> None:
        """Write one row.

        Raises:
            ValueError: if the quarantine is not open (use it in a with statement).
        """
        if self._file is None:
            raise ValueError(f"quarantine {self.path} is not open; use it in a with statement")
        # ASCII only: ids and paths are hostile input and this file is read at terminals.
        self._file.write(json.dumps(asdict(row) | self._output, ensure_ascii=True) + "\n")
        self.count += 1
        self.by_reason[row.reason] += 1

    def __enter__(self) -> Quarantine:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._partial.open("w", encoding="ascii", newline="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            if kind is not None and not self.count:
                self._partial.unlink()
            else:
                self._partial.replace(self.path)


def _is_free(shared: Path, output: str) -> bool:
    """Whether the rows in a `quarantine.jsonl`, if any, are of this output."""
    if any(shared.with_name(name).exists() for name in (MANIFEST_FILE, WORK_FOLDER)):
        return False  # it belongs to a scored folder, whose report counts the rows
    try:
        with shared.open(encoding="ascii", errors="replace") as lines:
            first = lines.readline()
        return not first or parse_json(first).get("output") == output
    except FileNotFoundError:
        return True
    except (ValueError, AttributeError):
        return False


def no_ads(sources: Sequence[str], quarantine: Quarantine) -> CorpusError:
    """The error for sources without any ad."""
    if quarantine.count:
        return CorpusError(
            f"none of the {quarantine.count:,} rows of {', '.join(sources)} can be an ad; "
            f"{quarantine.path} has the reason for each"
        )
    return CorpusError(f"{', '.join(sources)} holds no ads; check the path and the file")
