"""Rows that could not become ads: written down with the place, the reason and what to do.

In: `Quarantined` rows, one by one. Out: `quarantine.jsonl`, one JSON object a row, there from the
first moment under a temporary name and moved into place on success and failure alike. It never
holds a word of the ad.
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

from adrisk.errors import CorpusError
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
"""What to do about each reason."""

Reject = Callable[[int, Reason, str, str | None], None]
"""Reports a row that cannot be an ad: line, reason, detail (may be empty), ad_id where known."""


def quarantined(
    source: str, line: int, reason: Reason, detail: str = "", ad_id: str | None = None
) -> Quarantined:
    """The row for a reason, with its action; `detail` says what was found there."""
    action = f"{detail}; {ACTIONS[reason]}" if detail else ACTIONS[reason]
    return Quarantined(source, line, reason.value, action, ad_id)


class Quarantine:
    """Writes quarantine.jsonl; a context manager.

    Attributes:
        count: rows so far.
        by_reason: rows so far, by reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.by_reason: Counter[str] = Counter()
        self._partial = path.with_name(f"{path.name}.partial")
        self._file: IO[str] | None = None

    def add(self, row: Quarantined) -> None:
        """Write one row.

        Raises:
            ValueError: if the quarantine is not open (use it in a with statement).
        """
        if self._file is None:
            raise ValueError(f"quarantine {self.path} is not open; use it in a with statement")
        # ASCII only: ids and paths are hostile input and this file is read at terminals.
        self._file.write(json.dumps(asdict(row), ensure_ascii=True) + "\n")
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
                self._partial.unlink()  # nothing was read, so there is nothing to tell
            else:
                self._partial.replace(self.path)


def no_ads(sources: Sequence[str], quarantine: Quarantine) -> CorpusError:
    """What to raise where no row of some sources became an ad."""
    if quarantine.count:
        return CorpusError(
            f"none of the {quarantine.count:,} rows of {', '.join(sources)} could become an ad; "
            f"{quarantine.path} says why for each"
        )
    return CorpusError(f"{', '.join(sources)} holds no ads; check the path and the file")
